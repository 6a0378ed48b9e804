use clap::Args;
use serde_json::Value;

use super::client::AdminAddress;
use super::{Exit, Terminal};

/// Shows what is in force, by scope and source.
#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    admin: AdminAddress,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let reply = match self.admin.call(terminal, "/v1/state", None) {
            Ok(reply) => reply,
            Err(exit) => return exit,
        };
        if reply.status != 200 {
            return reply.refused(terminal);
        }
        if self.json {
            terminal.say(format_args!("{:#}", reply.body));
            return Exit::Fine;
        }
        terminal.say(format_args!(
            "{} (scope {}, epoch {})",
            reply.text("/posture"),
            reply.text("/scope"),
            reply.text("/epoch")
        ));
        let list = |pointer: &str| reply.body.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        for scope in list("/scopes") {
            terminal.say(format_args!("  {} {}", word(&scope, "scope"), word(&scope, "posture")));
            for source in scope.get("sources").and_then(Value::as_array).into_iter().flatten() {
                let level = source.get("level").cloned().unwrap_or_default();
                terminal.say(format_args!(
                    "    {} {} {} by {} ({}): {}",
                    word(&level, "switch"),
                    word(&level, "mode"),
                    word(&level, "health"),
                    word(source, "actor"),
                    word(source, "source"),
                    word(source, "reason"),
                ));
            }
        }
        for release in list("/releases") {
            terminal.say(format_args!(
                "  release {} proposed by {} waits for a second person",
                word(&release, "id"),
                word(&release, "by")
            ));
        }
        terminal.say(format_args!("stored {}, journal ok {}", reply.text("/stored"), reply.text("/journal/ok")));
        Exit::Fine
    }
}

fn word(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "-".to_owned(),
    }
}
