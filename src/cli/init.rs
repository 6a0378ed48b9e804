//! `sekisho init`: everything a first start needs, in one directory.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use sekisho_policy::{Policy, SecretSource};
use zeroize::Zeroizing;

use super::keys::write_new;
use super::{Exit, Terminal};
use crate::identity::new_key::{new_key, random_text};
use crate::identity::resolve;

/// Makes a policy, its pepper and a key for each person, ready for `sekisho run`.
///
/// A release takes two people, so at least two have to be named. Nothing that is there is changed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Init {
    /// Directory to make everything in; it may exist, and may hold no `sekisho.yaml` yet.
    dir: PathBuf,
    /// Who may tighten and release (role operator). Twice at least.
    #[arg(long = "person", value_name = "NAME", required = true)]
    people: Vec<String>,
    /// A policy to start from, without keys of its own; without it the embedded default.
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    /// Is content when `sekisho.yaml` is there already: for containers, which do this at every start.
    #[arg(long)]
    if_missing: bool,
}

const EXAMPLES: &str = "\
Example:
  sekisho init sekisho --person ann --person bob
  sekisho check --policy sekisho/sekisho.yaml
  sekisho run --policy sekisho/sekisho.yaml

What it makes: sekisho.yaml, pepper, keys/NAME.key for each person (mode 0600: hand each to its owner and remove it here).

Exit codes: 0 made, or there already with --if-missing; 2 the names or the template cannot be used; 3 something cannot be written.";

/// Why nothing was made.
enum Failed {
    Usage(String),
    Environment(String),
}

impl Init {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        match self.make(terminal) {
            Ok(()) => Exit::Fine,
            Err(Failed::Usage(why)) => terminal.fail(Exit::Usage, why),
            Err(Failed::Environment(why)) => terminal.fail(Exit::Environment, why),
        }
    }

    fn make(&self, terminal: &mut Terminal<'_>) -> Result<(), Failed> {
        // Policy takes absolute paths only: a sidecar is seldom started where this was.
        let dir = std::path::absolute(&self.dir).map_err(|error| cannot("find", &self.dir, &error))?;
        let policy = dir.join("sekisho.yaml");
        if policy.exists() {
            if self.if_missing {
                terminal.say(format_args!("`{}` is there already: nothing was changed", policy.display()));
                return Ok(());
            }
            let why = "is there already and was not changed: name another directory, or remove it";
            return Err(Failed::Environment(format!("`{}` {why}", policy.display())));
        }
        self.check_people()?;
        let template = self.template(&dir)?;
        let keys = dir.join("keys");
        std::fs::create_dir_all(&keys).map_err(|error| cannot("make", &keys, &error))?;
        let pepper = pepper(&dir)?;
        let identity = self.identity(&dir, &pepper)?;
        let text = template.replacen(PLACE, &identity, 1);
        Policy::parse("the policy with its keys", &text).map_err(|errors| Failed::Usage(errors.to_string()))?;
        // Last: with the policy there, everything it names is there as well.
        write_new(&policy, text.as_bytes()).map_err(|error| cannot("write", &policy, &error))?;
        terminal.say(format_args!("policy: {}", policy.display()));
        for person in &self.people {
            terminal.say(format_args!("key of {person}: {}", key_file(&dir, person).display()));
        }
        terminal.say("Hand each key to its owner and remove it here. Then:");
        terminal.say(format_args!("  sekisho check --policy {}", policy.display()));
        terminal.say(format_args!("  sekisho run --policy {}", policy.display()));
        Ok(())
    }

    fn check_people(&self) -> Result<(), Failed> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        for (index, person) in self.people.iter().enumerate() {
            if person.is_empty() || person.len() > 64 || !person.chars().all(plain) {
                let expected = "expected 1 to 64 letters, digits, `.` and `-`";
                return Err(Failed::Usage(format!("--person {person}: {expected}")));
            }
            let twice = self.people.iter().take(index).any(|other| other.eq_ignore_ascii_case(person));
            if twice {
                return Err(Failed::Usage(format!("--person {person}: named twice")));
            }
        }
        if self.people.len() < 2 {
            return Err(Failed::Usage("--person: two people at least, or nobody can release anything".to_owned()));
        }
        Ok(())
    }

    fn template(&self, dir: &Path) -> Result<String, Failed> {
        let text = match &self.template {
            Some(path) => std::fs::read_to_string(path).map_err(|error| cannot("read", path, &error))?,
            None => Policy::embedded().replacen("\ndata_dir: data\n", &format!("\ndata_dir: {}\n", quoted(dir)), 1),
        };
        if text.matches(PLACE).count() == 1 {
            return Ok(text);
        }
        let expected = "expected the two lines `identity:` and `  keys: []`, which the keys take the place of";
        Err(Failed::Usage(format!("--template: {expected}")))
    }

    fn identity(&self, dir: &Path, pepper: &[u8]) -> Result<String, Failed> {
        let mut text =
            format!("\nidentity:\n  pepper: {}\n  keys:\n", scalar(&format!("file:{}", pepper_file(dir).display())));
        for person in &self.people {
            let made =
                new_key(person, pepper).map_err(|error| Failed::Environment(format!("random bytes: {error}")))?;
            let file = key_file(dir, person);
            write_new(&file, made.key.as_bytes()).map_err(|error| cannot("write", &file, &error))?;
            text.push_str(&format!("    - {{id: {person}, person: {person}, role: operator, hash: {}}}\n", made.hash));
        }
        Ok(text)
    }
}

fn pepper(dir: &Path) -> Result<Zeroizing<Vec<u8>>, Failed> {
    let file = pepper_file(dir);
    let fresh = random_text(64).map_err(|error| Failed::Environment(format!("random bytes: {error}")))?;
    match write_new(&file, fresh.as_bytes()) {
        Ok(()) => {}
        // Of an attempt that did not come to its end.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(cannot("write", &file, &error)),
    }
    resolve("pepper", &SecretSource::File(file)).map_err(|error| Failed::Environment(error.to_string()))
}

fn pepper_file(dir: &Path) -> PathBuf {
    dir.join("pepper")
}

fn key_file(dir: &Path, person: &str) -> PathBuf {
    dir.join("keys").join(format!("{person}.key"))
}

fn quoted(dir: &Path) -> String {
    scalar(&dir.join("data").display().to_string())
}

/// A string of YAML that means `text`, whatever is in it: JSON's strings are YAML's.
fn scalar(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Failed {
    Failed::Environment(format!("cannot {what} `{}`: {error}", path.display()))
}

/// What the keys take the place of in a template.
const PLACE: &str = "\nidentity:\n  keys: []\n";
