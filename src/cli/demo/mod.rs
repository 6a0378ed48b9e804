//! `sekisho demo`: a real sidecar between real sockets, told line by line.

mod scenes;

mod stage;

mod upstream;

use clap::Args;

use super::{Exit, Terminal, run};
use stage::Stage;

/// Shows the whole thing at work on loopback, then stays up until Ctrl-C.
///
/// Secrets, keys and orders are made up at the start; everything is kept in a temporary directory.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Ends after the last scene instead of staying up.
    #[arg(long)]
    once: bool,
}

impl Demo {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let runtime = match run::runtime() {
            Ok(runtime) => runtime,
            Err(error) => return terminal.fail(Exit::Environment, format_args!("cannot start threads: {error}")),
        };
        runtime.block_on(async {
            let stage = match Stage::build().await {
                Ok(stage) => stage,
                Err(why) => return terminal.fail(Exit::Environment, why),
            };
            let played = stage.play(terminal).await;
            if let Err(why) = &played {
                terminal.fail(Exit::Found, why);
            }
            if !self.once && played.is_ok() {
                stage.stay(terminal).await;
            }
            stage.strike().await;
            if played.is_ok() { Exit::Fine } else { Exit::Found }
        })
    }
}
