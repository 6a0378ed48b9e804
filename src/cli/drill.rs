use clap::Args;
use serde_json::{Value, json};

use super::client::{Asking, Question, word};
use super::{Exit, Terminal};
use crate::control::failmodes;

/// Has a running sidecar try whether its controls bite: a made-up secret and a made-up order, with nothing behind the filters.
#[derive(Debug, Args)]
pub(super) struct Drill {
    #[command(flatten)]
    asking: Asking,
}

/// Says why something was decided.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// The decision: the `sekisho-decision` header of an answer.
    decision: String,
    #[command(flatten)]
    asking: Asking,
}

/// Says what happens when a part fails, and which test injects it.
#[derive(Debug, Args)]
pub(super) struct FailModes {
    /// As JSON.
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// As a page in Markdown.
    #[arg(long)]
    markdown: bool,
}

impl Drill {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let asked =
            self.asking.ask(terminal, Question::post("/v1/drill", json!({})), &[200, 409], |terminal, reply| {
                for check in reply.list("/checks") {
                    let bit = check.get("bit") == Some(&Value::Bool(true));
                    let [route, control, seen] = ["route", "control", "seen"].map(|name| word(check, name));
                    terminal.say(format_args!("{} {route}: {control} ({seen})", if bit { "ok  " } else { "FAIL" }));
                }
            });
        match asked {
            Ok(reply) if reply.status == 200 => Exit::Fine,
            Ok(_failed) => terminal.fail(Exit::Found, "a control did not bite"),
            Err(exit) => exit,
        }
    }
}

impl Explain {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let path = format!("/v1/decisions/{}", self.decision);
        self.asking.tell(terminal, Question::get(&path), |terminal, reply| {
            terminal.say(format_args!("{}: {}", reply.text("/decision"), reply.text("/rule/code")));
            for record in reply.list("/records") {
                let [seq, action, result] = ["seq", "action", "result"].map(|name| word(record, name));
                terminal.say(format_args!("  journal:{seq} {action} {result}"));
                for (side, name) in [("in ", "inputs"), ("out", "outputs")] {
                    let fields = record.get(name).and_then(Value::as_object).into_iter().flatten();
                    fields.for_each(|(field, value)| terminal.say(format_args!("    {side} {field}: {value}")));
                }
            }
            if reply.body.pointer("/rule/runbook").is_some_and(Value::is_string) {
                terminal.say(format_args!("  see {}", reply.text("/rule/runbook")));
            }
            if let Some(state) = reply.body.get("state").filter(|state| !state.is_null()) {
                let after = state.pointer("/outputs/after").and_then(Value::as_str).unwrap_or_default();
                let scope = state.pointer("/inputs/scope").and_then(Value::as_str).unwrap_or_default();
                let epoch = state.pointer("/outputs/epoch").and_then(Value::as_str).unwrap_or_default();
                terminal.say(format_args!("  state {scope} {after} epoch {epoch} (journal:{})", word(state, "seq")));
            }
            terminal.say(format_args!("  policy {}", reply.text("/policy_hash")));
        })
    }
}

impl FailModes {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        if self.json {
            terminal.say(format_args!("{:#}", json!({ "failmodes": failmodes::ALL })));
        } else if self.markdown {
            terminal.say(failmodes::page().trim_end());
        } else {
            for mode in failmodes::ALL {
                terminal.say(format_args!("{}: {}: {} [{}]", mode.component, mode.failure, mode.behaviour, mode.state));
            }
        }
        Exit::Fine
    }
}
