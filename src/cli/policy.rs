use std::path::PathBuf;

use clap::Subcommand;
use sekisho_policy::{Means, Policy, Role, RoutePolicy};
use serde_json::json;

use super::client::{Asking, Question, Reply, hand_on, word};
use super::{Exit, Setting, Terminal, run};

/// Checks, hashes and describes policies.
#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Reads a policy and says everything that is wrong with it, with line and column.
    Check {
        /// Policy file (YAML); without it the embedded default.
        file: Option<PathBuf>,
    },
    /// Prints the hash that the journal and the state name a policy by.
    Hash {
        /// Policy file (YAML); without it the embedded default.
        file: Option<PathBuf>,
    },
    /// Prints which role may do what: by operation, and by route.
    Roles {
        /// Policy file (YAML); without it the embedded default.
        file: Option<PathBuf>,
    },
    /// Says what a policy changes against another, and whether it protects less. Exit code 1 if it does.
    Diff {
        /// What is compared with (YAML).
        before: PathBuf,
        /// What is compared (YAML).
        after: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Has a running sidecar put its policy file in force, if that protects nowhere less. Needs the role admin.
    Reload(Asking),
    /// First person: asks to put a policy file in force that protects less. Needs the role admin.
    Propose {
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
    /// Prints the JSON Schema, for editors.
    Schema,
    /// Prints the embedded default, to start a policy of one's own from.
    Default,
}

impl PolicyCommand {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        match self {
            Self::Check { file } => with(file, terminal, |policy, terminal| {
                let (routes, upstreams) = (policy.routes.len(), policy.upstreams.len());
                terminal.say(format_args!("ok: {routes} routes, {upstreams} upstreams"));
            }),
            Self::Hash { file } => with(file, terminal, |policy, terminal| terminal.say(policy.hash())),
            Self::Diff { before, after, json } => diff(before, after, json, terminal).unwrap_or_else(|exit| exit),
            Self::Reload(asking) => asking.tell(terminal, Question::post("/v1/policy/reload", json!({})), in_force),
            Self::Propose { reason, asking } => {
                let question = Question::post("/v1/policy/propose", json!({ "reason": reason }));
                asking.tell(terminal, question, |terminal, reply| {
                    told(terminal, reply);
                    hand_on(terminal, reply, "policy", &reply.text("/request/id"));
                })
            }
            Self::Confirm { id, code, asking } => {
                let body = json!({ "id": id, "code": code });
                asking.tell(terminal, Question::post("/v1/consents/confirm", body), in_force)
            }
            Self::Roles { file } => with(file, terminal, |policy, terminal| {
                terminal.say(policy.matrix);
                policy.routes.iter().for_each(|route| terminal.say(row(route)));
            }),
            Self::Schema => {
                terminal.say(Policy::json_schema());
                Exit::Fine
            }
            Self::Default => {
                terminal.say(Policy::embedded().trim_end());
                Exit::Fine
            }
        }
    }
}

/// A route, in the columns of the matrix.
fn row(route: &RoutePolicy) -> String {
    let may = |role: Role| match &route.roles {
        None => "anybody",
        Some(roles) if roles.contains(&role) => "yes",
        Some(_) => "-",
    };
    let columns: String = Role::ALL.into_iter().map(|role| format!("{:<9}", may(role))).collect();
    format!("{:<19}{columns}", format!("route {}", route.name)).trim_end().to_owned()
}

fn with(file: Option<PathBuf>, terminal: &mut Terminal<'_>, say: impl FnOnce(&Policy, &mut Terminal<'_>)) -> Exit {
    match run::load(&Setting { policy: file, data: None }, terminal) {
        Ok((policy, _)) => {
            say(&policy, terminal);
            Exit::Fine
        }
        Err(exit) => exit,
    }
}

fn diff(before: PathBuf, after: PathBuf, json: bool, terminal: &mut Terminal<'_>) -> Result<Exit, Exit> {
    let mut load = |file| run::load(&Setting { policy: Some(file), data: None }, terminal).map(|(policy, _)| policy);
    let found = load(before)?.diff(&load(after)?);
    if json {
        terminal.say(format_args!("{:#}", json!({ "differences": found })));
    } else if found.is_empty() {
        terminal.say("no difference");
    }
    for difference in found.iter().filter(|_| !json) {
        terminal.say(difference);
    }
    Ok(if found.iter().any(|one| one.means == Means::Looser) { Exit::Found } else { Exit::Fine })
}

fn in_force(terminal: &mut Terminal<'_>, reply: &Reply) {
    told(terminal, reply);
    terminal.say(format_args!("{} is in force", reply.text("/after")));
}

fn told(terminal: &mut Terminal<'_>, reply: &Reply) {
    for one in reply.list("/differences") {
        terminal.say(format_args!("{:<7} {}: {}", word(one, "means"), word(one, "path"), word(one, "what")));
    }
}
