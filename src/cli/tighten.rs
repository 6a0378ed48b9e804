use clap::{Args, ValueEnum};
use sekisho_safety::Scope;
use serde_json::json;

use super::client::{Asking, Question};
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
    #[command(flatten)]
    asking: Asking,
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
        let told = self.asking.say(terminal, Question::post("/v1/tighten", body), |terminal, reply| {
            let already = if reply.text("/changed") == "true" { "" } else { " (it was already)" };
            let level = ["switch", "mode", "health"].map(|word| reply.text(&format!("/after/{word}"))).join(" ");
            terminal.say(format_args!("{}: {level}{already}", reply.text("/scope")));
        });
        match told {
            Ok(reply) if reply.status == 200 => Exit::Fine,
            Ok(reply) => {
                let (durable, settled) = (reply.text("/durable"), reply.text("/settled"));
                let held = format_args!("it is in force, but stored: {durable}, earlier orders settled: {settled}");
                terminal.fail(Exit::Found, held)
            }
            Err(exit) => exit,
        }
    }
}
