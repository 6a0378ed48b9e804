use clap::{Args, Subcommand};
use sekisho_safety::{Health, Level, Mode, Scope, Switch};
use serde_json::{Value, json};

use super::client::{Asking, Question, Reply, hand_on};
use super::{Exit, Terminal};

/// Loosens one stage: BLOCK to CLOSE_ONLY to ALLOW, EMERGENCY_STOP to SAFE to NORMAL.
#[derive(Debug, Subcommand)]
pub(super) enum Release {
    /// First person: secures the evidence and prints a challenge and its code.
    Propose(Propose),
    /// Shows what the next stage would change, and what stands in its way.
    Plan(Plan),
    /// Second person: answers the challenge with the code the first one passed on.
    Confirm(Confirm),
}

#[derive(Debug, Args)]
pub(super) struct Propose {
    /// Where: fleet, account:NAME, venue:NAME, strategy:NAME or instrument:NAME.
    #[arg(long, default_value = "fleet")]
    scope: Scope,
    /// Why it is safe; it goes into the journal.
    #[arg(long)]
    reason: String,
    /// The kill-switch afterwards (ALLOW, CLOSE_ONLY, BLOCK); without --switch and --mode it is the next stage.
    #[arg(long)]
    switch: Option<Switch>,
    /// The mode afterwards (NORMAL, SAFE, EMERGENCY_STOP).
    #[arg(long)]
    mode: Option<Mode>,
    /// Does not wait for gates and the stay of this stage; holds for so many seconds, at most as policy says.
    #[arg(long, value_name = "SECONDS")]
    emergency: Option<u64>,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Args)]
pub(super) struct Plan {
    /// Where: fleet, account:NAME, venue:NAME, strategy:NAME or instrument:NAME.
    #[arg(long, default_value = "fleet")]
    scope: Scope,
    #[command(flatten)]
    asking: Asking,
}

#[derive(Debug, Args)]
pub(super) struct Confirm {
    /// The challenge.
    id: String,
    /// Its code.
    code: String,
    #[command(flatten)]
    asking: Asking,
}

impl Release {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        match self {
            Self::Propose(propose) => propose.run(terminal),
            Self::Plan(plan) => plan.run(terminal),
            Self::Confirm(confirm) => confirm.run(terminal),
        }
    }
}

impl Propose {
    fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let named = self.switch.is_some() || self.mode.is_some();
        let target = named.then(|| Level {
            switch: self.switch.unwrap_or(Switch::Allow),
            mode: self.mode.unwrap_or(Mode::Normal),
            health: Health::Ok,
        });
        let body =
            json!({ "scope": self.scope, "reason": self.reason, "target": target, "emergency_s": self.emergency });
        self.asking.tell(terminal, Question::post("/v1/release/propose", body), |terminal, reply| {
            let (from, to) = (reply.text("/challenge/from/switch"), reply.text("/challenge/target/switch"));
            let (from_mode, to_mode) = (reply.text("/challenge/from/mode"), reply.text("/challenge/target/mode"));
            terminal.say(format_args!("{}: {from} {from_mode} to {to} {to_mode}", reply.text("/challenge/scope")));
            terminal.say(format_args!("evidence {}", reply.text("/challenge/evidence")));
            hand_on(terminal, reply, "release", &reply.text("/challenge/id"));
        })
    }
}

impl Plan {
    fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let body = json!({ "scope": self.scope });
        match self.asking.say(terminal, Question::post("/v1/release/plan", body), show) {
            Ok(reply) if could_be_proposed(&reply) => Exit::Fine,
            Ok(_not_yet) => Exit::Found,
            Err(exit) => exit,
        }
    }
}

fn show(terminal: &mut Terminal<'_>, reply: &Reply) {
    let level = |of: &Value, name: &str| {
        let words = ["switch", "mode", "health"].map(|word| text(of.get(name).and_then(|level| level.get(word))));
        words.join(" ")
    };
    let (from, to) = (level(&reply.body, "from"), level(&reply.body, "target"));
    terminal.say(format_args!("{}: {from} to {to}", reply.text("/scope")));
    for source in reply.list("/sources") {
        let (name, from, to) = (text(source.get("source")), level(source, "from"), level(source, "to"));
        terminal.say(format_args!("  {name}: {from} to {to} ({})", text(source.get("reason"))));
    }
    for one in reply.list("/preconditions") {
        terminal.say(format_args!("  {} {}", if is_met(one) { "ok  " } else { "FAIL" }, text(one.get("why"))));
    }
}

fn could_be_proposed(reply: &Reply) -> bool {
    reply.body.get("refused").is_none_or(Value::is_null) && reply.list("/preconditions").iter().all(is_met)
}

fn is_met(precondition: &Value) -> bool {
    precondition.get("met") == Some(&Value::Bool(true))
}

fn text(value: Option<&Value>) -> String {
    value.map_or_else(String::new, |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

impl Confirm {
    fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let body = json!({ "id": self.id, "code": self.code });
        self.asking.tell(terminal, Question::post("/v1/release/confirm", body), |terminal, reply| {
            let (switch, mode) = (reply.text("/after/switch"), reply.text("/after/mode"));
            terminal.say(format_args!("{}: {switch} {mode} (epoch {})", reply.text("/scope"), reply.text("/epoch")));
        })
    }
}
