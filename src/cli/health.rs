use clap::Args;

use super::client::AdminAddress;
use super::{Exit, Terminal};

/// Asks a running sidecar whether it is ready, check by check: for a container's HEALTHCHECK and for scripts.
///
/// Ready means that the state was verified and is stored, and that the journal writes; in BLOCK a sidecar is ready.
/// Exit codes: 0 ready, 1 not ready, 3 no answer.
#[derive(Debug, Args)]
pub(super) struct Health {
    /// Address of the health port.
    #[arg(long, env = "SEKISHO_HEALTH", value_name = "HOST:PORT", default_value = "127.0.0.1:9912")]
    health: String,
    /// Only whether the process answers.
    #[arg(long)]
    live: bool,
}

impl Health {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        let path = if self.live { "/livez" } else { "/readyz?verbose" };
        let port = AdminAddress { admin: self.health.clone() };
        match port.look(terminal, path) {
            Ok(reply) => {
                terminal.say(reply.body.as_str().unwrap_or_default().trim_end());
                if reply.status == 200 { Exit::Fine } else { Exit::Found }
            }
            Err(exit) => exit,
        }
    }
}
