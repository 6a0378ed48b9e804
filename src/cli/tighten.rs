use clap::{Args, ValueEnum};
use sekisho_safety::Scope;
use serde_json::json;

use super::client::{AdminAddress, Credential};
use super::{Exit, Terminal};

/// Tightens a scope. It holds when this returns, and no order let through before can still begin.
#[derive(Debug, Args)]
pub(super) struct Tighten {
    /// To what.
    #[arg(value_enum, ignore_case = true)]
    to: To,
    /// Where: fleet, account:NAME, venue:NAME, strategy:NAME or instrument:NAME.
    #[arg(long, default_value = "fleet")]
    scope: Scope,
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

#[derive(Clone, Copy, Debug, ValueEnum)]
enum To {
    #[value(name = "CLOSE_ONLY")]
    CloseOnly,
    #[value(name = "BLOCK")]
    Block,
    #[value(name = "SAFE")]
    Safe,
    #[value(name = "EMERGENCY_STOP")]
    EmergencyStop,
}

impl Tighten {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let mut body = match self.to {
            To::CloseOnly => json!({ "switch": "CLOSE_ONLY" }),
            To::Block => json!({ "switch": "BLOCK" }),
            To::Safe => json!({ "mode": "SAFE" }),
            To::EmergencyStop => json!({ "mode": "EMERGENCY_STOP" }),
        };
        if let Some(fields) = body.as_object_mut() {
            fields.insert("scope".to_owned(), json!(self.scope));
            fields.insert("reason".to_owned(), json!(self.reason));
        }
        let reply = match self.admin.call(terminal, "/v1/tighten", Some((&self.credential, body))) {
            Ok(reply) => reply,
            Err(exit) => return exit,
        };
        match reply.status {
            200 | 202 => {
                if self.json {
                    terminal.say(format_args!("{:#}", reply.body));
                } else {
                    terminal.say(format_args!(
                        "{}: {} {} {}{}",
                        reply.text("/scope"),
                        reply.text("/after/switch"),
                        reply.text("/after/mode"),
                        reply.text("/after/health"),
                        if reply.text("/changed") == "true" { "" } else { " (it was already)" }
                    ));
                }
                if reply.status == 200 {
                    return Exit::Fine;
                }
                let held = format_args!(
                    "it is in force, but stored: {}, earlier orders settled: {}",
                    reply.text("/durable"),
                    reply.text("/settled")
                )
                .to_string();
                terminal.fail(Exit::Found, held)
            }
            _ => reply.refused(terminal),
        }
    }
}
