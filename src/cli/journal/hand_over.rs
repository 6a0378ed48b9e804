//! `sekisho journal hand-over`.

use clap::Args;
use serde_json::json;

use crate::cli::client::{Asking, Question};
use crate::cli::{Exit, Terminal};

/// Why, and which sidecar.
#[derive(Debug, Args)]
pub(crate) struct HandOver {
    /// Why; it goes into the journal.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    asking: Asking,
}

impl HandOver {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let body = json!({ "reason": self.reason });
        self.asking.tell(terminal, Question::post("/v1/journal/hand-over", body), |terminal, reply| {
            terminal.say(format_args!("entry {} records it; the key from there on:", reply.text("/seq")));
            terminal.say(reply.text("/key"));
            terminal.say("who has an earlier key can go on with it; give new auditors this one");
        })
    }
}
