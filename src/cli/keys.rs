mod api;

pub(super) mod at_rest;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use sekisho_policy::SecretSource;

use super::{Exit, Terminal};
use crate::identity::new_key::{new_key, random_text};
use crate::identity::resolve;

/// Makes API keys, and looks after the keys of sealed files.
#[derive(Debug, Subcommand)]
pub(super) enum KeysCommand {
    /// Makes an API key in a running sidecar, and prints it once. Needs the role admin.
    ///
    /// It is good at once and survives a restart. Nobody can propose or confirm a release with it: whoever had it made has seen
    /// its secret, and would be two people. Those keys stand in the policy; `new` makes them.
    Create(api::Create),
    /// Lists the API keys of a running sidecar, those of its policy too, and how old they are. Exit code 1 if one is over age.
    List(api::List),
    /// Gives an API key another secret, and prints it once; the old one stays good for a while. Needs the role admin.
    Rotate(api::Rotate),
    /// Lets an API key, a person, a session or a token in no more, on open connections too. Needs the role admin.
    Revoke(api::Revoke),
    /// Makes a master key for files at rest.
    Master(at_rest::Master),
    /// Shows the keys of sealed files and their ages.
    Ages(at_rest::Ages),
    /// Wraps the keys of sealed files with the master key of the policy.
    Rewrap(at_rest::Rewrap),
    /// Makes an API key without a sidecar: prints it, and the lines for `identity.keys` in policy.
    New {
        /// Names the key: letters, digits, `.` and `-`, at most 64.
        id: String,
        /// admin, operator, viewer or service.
        #[arg(long, default_value = "service")]
        role: String,
        /// Whose key it is; two keys of one person are one person when a release asks for two.
        #[arg(long)]
        person: Option<String>,
        /// File that holds the pepper; it is made if it is not there.
        #[arg(long, value_name = "FILE")]
        pepper: PathBuf,
    },
}

impl KeysCommand {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let (id, role, person, pepper) = match self {
            Self::Create(create) => return create.run(terminal),
            Self::List(list) => return list.run(terminal),
            Self::Rotate(rotate) => return rotate.run(terminal),
            Self::Revoke(revoke) => return revoke.run(terminal),
            Self::Master(master) => return master.run(terminal),
            Self::Ages(ages) => return ages.run(terminal),
            Self::Rewrap(rewrap) => return rewrap.run(terminal),
            Self::New { id, role, person, pepper } => (id, role, person, pepper),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if id.is_empty() || id.len() > 64 || !id.chars().all(plain) {
            return terminal.fail(Exit::Usage, "id: expected 1 to 64 letters, digits, `.` and `-`");
        }
        if !matches!(role.as_str(), "admin" | "operator" | "viewer" | "service") {
            return terminal.fail(Exit::Usage, "--role: expected admin, operator, viewer or service");
        }
        // Policy takes absolute paths only: a sidecar is seldom started where its keys were made.
        let pepper = std::path::absolute(&pepper).unwrap_or(pepper);
        match make(&id, &pepper) {
            Ok(made) => {
                terminal.say(format_args!("key (shown once): {}", made.key.as_str()));
                terminal.say("for the policy:");
                terminal.say("identity:");
                terminal.say(format_args!("  pepper: file:{}", pepper.display()));
                terminal.say("  keys:");
                terminal.say(format_args!("    - id: {id}"));
                terminal.say(format_args!("      role: {role}"));
                if let Some(person) = person {
                    terminal.say(format_args!("      person: {person}"));
                }
                terminal.say(format_args!("      hash: {}", made.hash));
                Exit::Fine
            }
            Err(why) => terminal.fail(Exit::Environment, why),
        }
    }
}

fn make(id: &str, pepper: &Path) -> Result<crate::identity::new_key::NewKey, String> {
    if !pepper.exists() {
        let fresh = random_text(64).map_err(|error| format!("random bytes: {error}"))?;
        write_new(pepper, fresh.as_bytes()).map_err(|error| format!("cannot write `{}`: {error}", pepper.display()))?;
    }
    let pepper = resolve("pepper", &SecretSource::File(pepper.to_owned())).map_err(|error| error.to_string())?;
    new_key(id, &pepper).map_err(|error| format!("random bytes: {error}"))
}

/// Writes a file that only its owner reads, and that was not there.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
