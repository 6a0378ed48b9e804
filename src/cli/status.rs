use clap::Args;
use serde_json::Value;

use super::client::{AdminAddress, word};
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
        let reply = match self.admin.look(terminal, "/v1/state") {
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
        for scope in reply.list("/scopes") {
            terminal.say(format_args!("  {} {}", word(scope, "scope"), word(scope, "posture")));
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
        for sweep in reply.list("/sweeps") {
            let (name, scope, status) = (word(sweep, "name"), word(sweep, "scope"), word(sweep, "status"));
            let count = sweep.get("resting").and_then(Value::as_u64).filter(|count| *count > 0);
            let count = count.map(|count| format!(" {count}")).unwrap_or_default();
            terminal.say(format_args!("  orders of {scope} at their venue ({name}): {status}{count}"));
        }
        for release in reply.list("/releases") {
            terminal.say(format_args!(
                "  release {} proposed by {} waits for a second person",
                word(release, "id"),
                word(release, "by")
            ));
        }
        terminal.say(format_args!("stored {}, journal ok {}", reply.text("/stored"), reply.text("/journal/ok")));
        Exit::Fine
    }
}
