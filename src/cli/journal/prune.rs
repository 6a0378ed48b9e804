//! `sekisho journal prune`: deleting evidence before its time, by two people.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::client::{Asking, Question, Reply};
use crate::cli::{Exit, Terminal};

/// Deletes the beginning of the journal before its time. What is over its time goes by itself, with `retention.prune`.
#[derive(Debug, Subcommand)]
pub(crate) enum Prune {
    /// The first person says up to where, and why; prints a code for the second.
    Propose(Propose),
    /// Another person agrees, and it is deleted.
    Confirm(Confirm),
}

/// What is to go.
#[derive(Debug, Args)]
pub(crate) struct Propose {
    /// The entries before this one are to go; only whole segments do.
    #[arg(long, value_name = "SEQ")]
    before: u64,
    /// Why; it goes into the journal.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    asking: Asking,
}

/// What is agreed to.
#[derive(Debug, Args)]
pub(crate) struct Confirm {
    /// The proposal.
    id: String,
    /// The code that the first person passed on.
    code: String,
    #[command(flatten)]
    asking: Asking,
}

impl Prune {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let (asking, path, body) = match self {
            Self::Propose(Propose { before, reason, asking }) => {
                (asking, "/v1/journal/prune/propose", json!({ "before": before, "reason": reason }))
            }
            Self::Confirm(Confirm { id, code, asking }) => {
                (asking, "/v1/consents/confirm", json!({ "id": id, "code": code }))
            }
        };
        asking.tell(terminal, Question::post(path, body), told)
    }
}

fn told(terminal: &mut Terminal<'_>, reply: &Reply) {
    let to = reply.text("/to");
    let (id, code) = (reply.text("/request/id"), reply.text("/code"));
    if code.is_empty() {
        return terminal.say(format_args!("the entries before {to} are deleted; their hashes stay"));
    }
    terminal.say(format_args!("the entries before {to} would go for good. A second person confirms with"));
    terminal.say(format_args!("  sekisho journal prune confirm {id} {code}"));
}
