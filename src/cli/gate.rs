use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::client::{Asking, Question, word};
use super::{Exit, Terminal};

/// Shows gates, and says how one is.
#[derive(Debug, Subcommand)]
pub(super) enum Gate {
    /// Shows how each is, and how long that holds.
    List(Asking),
    /// Says how one is.
    Report(Report),
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
    asking: Asking,
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
            Self::List(asking) => asking.tell(terminal, Question::get("/v1/gates"), |terminal, reply| {
                for gate in reply.list("/gates") {
                    let [name, status, scope, by] = ["name", "status", "scope", "by"].map(|field| word(gate, field));
                    let left = gate.get("left_ms").and_then(Value::as_u64).unwrap_or_default() / 1000;
                    terminal.say(format_args!("{name} {status} {scope} for {left} s by {by}"));
                }
            }),
            Self::Report(report) => report.run(terminal),
        }
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
        self.asking.tell(terminal, Question::put(&path, body), |terminal, reply| {
            terminal.say(format_args!("{}: {}", reply.text("/name"), reply.text("/status")));
        })
    }
}
