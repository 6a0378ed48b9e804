use std::path::PathBuf;

use clap::Subcommand;
use sekisho_policy::{Policy, Role, RoutePolicy};

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
    /// Prints the JSON Schema, for editors.
    Schema,
    /// Prints the embedded default, to start a policy of one's own from.
    Default,
}

impl PolicyCommand {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let mut load = |file| run::load(&Setting { policy: file, data: None }, terminal);
        match self {
            Self::Check { file } => match load(file) {
                Ok((policy, _)) => {
                    terminal.say(format_args!(
                        "ok: {} routes, {} upstreams",
                        policy.routes.len(),
                        policy.upstreams.len()
                    ));
                    Exit::Fine
                }
                Err(exit) => exit,
            },
            Self::Hash { file } => match load(file) {
                Ok((policy, _)) => {
                    terminal.say(policy.hash());
                    Exit::Fine
                }
                Err(exit) => exit,
            },
            Self::Roles { file } => match load(file) {
                Ok((policy, _)) => {
                    terminal.say(policy.matrix);
                    policy.routes.iter().for_each(|route| terminal.say(row(route)));
                    Exit::Fine
                }
                Err(exit) => exit,
            },
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
