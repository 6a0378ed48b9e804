//! `sekisho journal hand-over`.

use clap::Args;
use serde_json::json;

use crate::cli::client::{AdminAddress, Credential};
use crate::cli::{Exit, Terminal};

/// Why, and which sidecar.
#[derive(Debug, Args)]
pub(crate) struct HandOver {
    /// Why; it goes into the journal.
    #[arg(long)]
    reason: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    credential: Credential,
    #[command(flatten)]
    admin: AdminAddress,
}

impl HandOver {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let body = json!({ "reason": self.reason });
        match self.admin.call(terminal, "/v1/journal/hand-over", Some((&self.credential, body))) {
            Ok(reply) if reply.status == 200 => {
                if self.json {
                    terminal.say(&reply.body);
                    return Exit::Fine;
                }
                terminal.say(format_args!("entry {} records it; the key from there on:", reply.text("/seq")));
                terminal.say(reply.text("/key"));
                terminal.say("who has an earlier key can go on with it; give new auditors this one");
                Exit::Fine
            }
            Ok(reply) => reply.refused(terminal),
            Err(exit) => exit,
        }
    }
}
