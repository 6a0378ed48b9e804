use clap::Subcommand;
use sekisho_safety::{Measure, Name};
use serde_json::json;

use super::client::{Asking, Question, hand_on, word};
use super::{Exit, Terminal};

/// Revokes people, keys and secrets, puts routes, upstreams or the service in quarantine, closes listeners.
#[derive(Debug, Subcommand)]
pub(super) enum Contain {
    /// Contains something at once: person:NAME, key:ID, known:NAME, route:NAME, upstream:NAME, service, listener:ingress or
    /// listener:egress.
    Apply {
        /// What.
        measure: Measure,
        /// Why; it goes into the journal.
        #[arg(long)]
        reason: String,
        /// The incident that it is for.
        #[arg(long, value_name = "ID")]
        incident: Option<Name>,
        /// Of a secret: has its hook ask for a new value too.
        #[arg(long)]
        rotate: bool,
        #[command(flatten)]
        asking: Asking,
    },
    /// Lists what is contained.
    List(Asking),
    /// First person: asks to end one.
    Lift {
        /// Which.
        id: Name,
        /// Why; it goes into the journal.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        asking: Asking,
    },
    /// Second person: agrees, with the code that the first one passed on.
    Confirm {
        /// The request.
        id: String,
        /// Its code.
        code: String,
        #[command(flatten)]
        asking: Asking,
    },
}

impl Contain {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        match self {
            Self::Apply { measure, reason, incident, rotate, asking } => {
                let body = json!({ "measure": measure, "reason": reason, "incident": incident, "rotate": rotate });
                let told = asking.say(terminal, Question::post("/v1/containments", body), |terminal, reply| {
                    let already = if reply.text("/already") == "true" { " (it was already)" } else { "" };
                    let (id, measure) = (reply.text("/containment/id"), reply.text("/containment/measure"));
                    terminal.say(format_args!("{id} {measure}{already}"));
                });
                match told {
                    Ok(reply) if reply.status == 202 => {
                        terminal.fail(Exit::Found, "it is in force, but it is not stored: look at the disk")
                    }
                    Ok(_applied) => Exit::Fine,
                    Err(exit) => exit,
                }
            }
            Self::List(asking) => asking.tell(terminal, Question::get("/v1/containments"), |terminal, reply| {
                for one in reply.list("/containments") {
                    let [id, measure, by, reason] = ["id", "measure", "by", "reason"].map(|name| word(one, name));
                    terminal.say(format_args!("{id} {measure} by {by}: {reason}"));
                }
            }),
            Self::Lift { id, reason, asking } => {
                let path = format!("/v1/containments/{id}/lift");
                asking.tell(terminal, Question::post(&path, json!({ "reason": reason })), |terminal, reply| {
                    terminal.say(format_args!("{}", reply.text("/request/subject")));
                    hand_on(terminal, reply, "contain", &reply.text("/request/id"));
                })
            }
            Self::Confirm { id, code, asking } => {
                let body = json!({ "id": id, "code": code });
                asking.tell(terminal, Question::post("/v1/consents/confirm", body), |terminal, reply| {
                    let (id, measure) = (reply.text("/lifted/id"), reply.text("/lifted/measure"));
                    terminal.say(format_args!("{id} {measure} is lifted"));
                })
            }
        }
    }
}
