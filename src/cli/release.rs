use clap::{Args, Subcommand};
use sekisho_safety::{Health, Level, Mode, Scope, Switch};
use serde_json::json;

use super::client::{AdminAddress, Credential};
use super::{Exit, Terminal};

/// Loosens one stage: BLOCK to CLOSE_ONLY to ALLOW, EMERGENCY_STOP to SAFE to NORMAL.
#[derive(Debug, Subcommand)]
pub(super) enum Release {
    /// First person: secures the evidence and prints a challenge and its code.
    Propose(Propose),
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
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    credential: Credential,
    #[command(flatten)]
    admin: AdminAddress,
}

#[derive(Debug, Args)]
pub(super) struct Confirm {
    /// The challenge.
    id: String,
    /// Its code.
    code: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    credential: Credential,
    #[command(flatten)]
    admin: AdminAddress,
}

impl Release {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        match self {
            Self::Propose(propose) => propose.run(terminal),
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
        let body = json!({ "scope": self.scope, "reason": self.reason, "target": target });
        let reply = match self.admin.call(terminal, "/v1/release/propose", Some((&self.credential, body))) {
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
        let (from, to) = (reply.text("/challenge/from/switch"), reply.text("/challenge/target/switch"));
        let (from_mode, to_mode) = (reply.text("/challenge/from/mode"), reply.text("/challenge/target/mode"));
        terminal.say(format_args!("{}: {from} {from_mode} to {to} {to_mode}", reply.text("/challenge/scope")));
        terminal.say(format_args!("evidence {}", reply.text("/challenge/evidence")));
        terminal.say(format_args!("A second person confirms within {} s:", reply.text("/expires_in_s")));
        terminal.say(format_args!("  sekisho release confirm {} {}", reply.text("/challenge/id"), reply.text("/code")));
        Exit::Fine
    }
}

impl Confirm {
    fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let body = json!({ "id": self.id, "code": self.code });
        let reply = match self.admin.call(terminal, "/v1/release/confirm", Some((&self.credential, body))) {
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
        let (switch, mode) = (reply.text("/after/switch"), reply.text("/after/mode"));
        terminal.say(format_args!("{}: {switch} {mode} (epoch {})", reply.text("/scope"), reply.text("/epoch")));
        Exit::Fine
    }
}
