use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::client::{AdminAddress, Credential};
use super::{Exit, Terminal};

/// Shows gates, and says how one is.
#[derive(Debug, Subcommand)]
pub(super) enum Gate {
    /// Shows how each is, and how long that holds.
    List(List),
    /// Says how one is.
    Report(Report),
}

#[derive(Debug, Args)]
pub(super) struct List {
    /// As JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    admin: AdminAddress,
}

#[derive(Debug, Args)]
pub(super) struct Report {
    /// Which.
    name: String,
    /// How it is.
    #[arg(value_enum, ignore_case = true)]
    status: Status,
    /// For how many milliseconds that holds; never longer than policy's TTL.
    #[arg(long)]
    ttl_ms: Option<u64>,
    /// Where that can be looked up.
    #[arg(long)]
    evidence: Option<String>,
    #[command(flatten)]
    credential: Credential,
    #[command(flatten)]
    admin: AdminAddress,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    #[value(name = "PASS")]
    Pass,
    #[value(name = "FAIL")]
    Fail,
    #[value(name = "UNKNOWN")]
    Unknown,
}

impl Gate {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        match self {
            Self::List(list) => list.run(terminal),
            Self::Report(report) => report.run(terminal),
        }
    }
}

impl List {
    fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let reply = match self.admin.call(terminal, "/v1/gates", None) {
            Ok(reply) if reply.status == 200 => reply,
            Ok(reply) => return reply.refused(terminal),
            Err(exit) => return exit,
        };
        if self.json {
            terminal.say(format_args!("{:#}", reply.body));
            return Exit::Fine;
        }
        for gate in reply.body.get("gates").and_then(Value::as_array).into_iter().flatten() {
            let text = |name: &str| gate.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
            let left = gate.get("left_ms").and_then(Value::as_u64).unwrap_or_default() / 1000;
            terminal.say(format_args!(
                "{} {} {} for {left} s by {}",
                text("name"),
                text("status"),
                text("scope"),
                text("by")
            ));
        }
        Exit::Fine
    }
}

impl Report {
    fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let status = match self.status {
            Status::Pass => "PASS",
            Status::Fail => "FAIL",
            Status::Unknown => "UNKNOWN",
        };
        let body = json!({ "status": status, "ttl_ms": self.ttl_ms, "evidence": self.evidence });
        let path = format!("/v1/gates/{}", self.name);
        match self.admin.put(terminal, &path, (&self.credential, body)) {
            Ok(reply) if reply.status == 200 => {
                terminal.say(format_args!("{}: {}", reply.text("/name"), reply.text("/status")));
                Exit::Fine
            }
            Ok(reply) => reply.refused(terminal),
            Err(exit) => exit,
        }
    }
}
