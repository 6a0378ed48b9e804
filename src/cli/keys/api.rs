//! API keys of a running sidecar.

use clap::Args;
use serde_json::{Value, json};

use super::super::client::{Asking, Question, Reply, word};
use super::super::{Exit, Terminal};

/// Makes a key.
#[derive(Debug, Args)]
pub(in crate::cli) struct Create {
    /// Names the key: letters, digits, `.` and `-`, at most 64. Ids are not used again.
    id: String,
    /// admin, operator, viewer or service.
    #[arg(long, default_value = "service")]
    role: String,
    /// Whose key it is. Default its id.
    #[arg(long)]
    person: Option<String>,
    /// A scope it may act in, as venue:NAME; may be repeated. Default everywhere.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A network it may be used from, as 10.0.0.0/8; may be repeated. Default anywhere.
    #[arg(long = "allow", value_name = "NETWORK")]
    allow: Vec<String>,
    /// Days after which it is no longer good. Default never.
    #[arg(long, value_name = "DAYS")]
    expires: Option<u64>,
    #[command(flatten)]
    asking: Asking,
}

/// Lists keys.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    #[command(flatten)]
    asking: Asking,
}

/// Gives a key another secret.
#[derive(Debug, Args)]
pub(in crate::cli) struct Rotate {
    /// The key's id.
    id: String,
    /// Hours that the old secret stays good. Default `identity.overlap` of the policy.
    #[arg(long, value_name = "HOURS")]
    overlap: Option<u64>,
    #[command(flatten)]
    asking: Asking,
}

/// Lets somebody in no more.
#[derive(Debug, Args)]
pub(in crate::cli) struct Revoke {
    /// A key's id, or person:NAME, session:ID or token:JTI.
    subject: String,
    /// Why; it goes into the journal.
    #[arg(long)]
    reason: String,
    /// Hours that it holds. Default for ever.
    #[arg(long, value_name = "HOURS")]
    hours: Option<u64>,
    #[command(flatten)]
    asking: Asking,
}

impl Create {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        let life = self.expires.map(|days| days.saturating_mul(24 * HOUR));
        let body = json!({
            "id": self.id, "role": self.role, "person": self.person, "scopes": self.scopes, "allow": self.allow, "life_s": life,
        });
        self.asking.tell(terminal, Question::post("/v1/keys", body), shown)
    }
}

impl Rotate {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        let body = json!({ "overlap_s": self.overlap.map(|hours| hours.saturating_mul(HOUR)) });
        self.asking.tell(terminal, Question::post(&format!("/v1/keys/{}/rotate", self.id), body), shown)
    }
}

impl Revoke {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        let (kind, id) = self.subject.split_once(':').unwrap_or(("credential", &self.subject));
        let time = self.hours.map(|hours| hours.saturating_mul(HOUR));
        let body = json!({ "kind": kind, "id": id, "reason": self.reason, "time_s": time });
        let question = Question::post("/v1/revocations", body);
        let told = self.asking.say(terminal, question, |terminal, reply| {
            if reply.status != 202 {
                terminal.say(format_args!("{kind} {id} is revoked"));
            }
        });
        match told {
            Ok(reply) if reply.status == 202 => {
                terminal.fail(Exit::Environment, "revoked, but the disk did not take it: a restart would forget it")
            }
            Ok(_) => Exit::Fine,
            Err(exit) => exit,
        }
    }
}

impl List {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        let told = self.asking.say(terminal, Question::get("/v1/keys"), |terminal, reply| {
            reply.list("/keys").iter().for_each(|key| terminal.say(line(key)));
        });
        let over =
            |reply: &Reply| reply.list("/keys").iter().any(|key| key.get("over_age") == Some(&Value::Bool(true)));
        match told {
            Ok(reply) if over(&reply) => Exit::Found,
            Ok(_) => Exit::Fine,
            Err(exit) => exit,
        }
    }
}

fn line(key: &Value) -> String {
    let field = |name: &str| word(key, name);
    let over = if field("over_age") == "true" { "  OVER AGE" } else { "" };
    let overlap = if field("overlap_until_s") == "-" { "" } else { "  old secret still good" };
    format!(
        "{:<24} {:<9} {:<8} {:<7} {} days old, person {}{overlap}{over}",
        field("id"),
        field("role"),
        field("state"),
        field("from"),
        field("age_days"),
        field("person")
    )
}

fn shown(terminal: &mut Terminal<'_>, reply: &Reply) {
    terminal.say(format_args!("key (shown once): {}", reply.text("/key")));
}

const HOUR: u64 = 60 * 60;
