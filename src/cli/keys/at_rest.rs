//! The keys of sealed files: made, looked at, wrapped anew.

use std::path::PathBuf;

use clap::Args;
use sekisho_seal::MasterKey;
use serde_json::json;
use zeroize::Zeroizing;

use super::super::{Exit, Setting, Terminal, run};
use super::write_new;
use crate::compile;
use crate::evidence::seal::{Age, KeyAges};

/// Makes a master key and writes it to a file that only its owner may read.
#[derive(Debug, Args)]
pub(in crate::cli) struct Master {
    /// Where to; nothing may be there yet.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

impl Master {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        let path = std::path::absolute(&self.output).unwrap_or_else(|_| self.output.clone());
        let mut bytes = Zeroizing::new([0; 32]);
        if let Err(error) = getrandom::fill(&mut *bytes) {
            return terminal.fail(Exit::Environment, format_args!("random bytes: {error}"));
        }
        let key = MasterKey::new(bytes);
        let line = Zeroizing::new([key.danger_text().as_bytes(), b"\n"].concat());
        if let Err(error) = write_new(&path, &line) {
            return terminal.fail(Exit::Environment, format_args!("cannot write `{}`: {error}", path.display()));
        }
        terminal.say(format_args!("master key {} in {}", key.name(), path.display()));
        terminal.say("keep a copy elsewhere: what is sealed under it opens with nothing else");
        terminal.say("for the policy:");
        terminal.say("at_rest:");
        terminal.say(format_args!("  master_key: file:{}", path.display()));
        Exit::Fine
    }
}

/// Shows the keys of sealed files, by id, and how old they are. Exit code 1 if one is over the age of the policy.
#[derive(Debug, Args)]
pub(in crate::cli) struct Ages {
    #[command(flatten)]
    setting: Setting,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Ages {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        let (policy, data) = match run::load(&self.setting, terminal) {
            Ok(loaded) => loaded,
            Err(exit) => return exit,
        };
        let ages = match KeyAges::of(&data) {
            Ok(ages) => ages,
            Err(error) => return terminal.fail(Exit::Environment, error),
        };
        let over = ages.over(compile::wanted_ages(&policy));
        if self.json {
            let over: Vec<&str> = over.iter().map(|age| age.what.as_str()).collect();
            terminal.say(json!({ "masters": ages.masters, "data_keys": ages.data_keys, "over_age": over }));
        } else {
            for age in &ages.masters {
                terminal.say(format_args!("master {}  in use for {} days", age.what, age.age_days));
            }
            for Age { what, key, age_days, wrapped_days, master } in &ages.data_keys {
                terminal.say(format_args!(
                    "data   {key}  {what}  made {age_days} days ago, wrapped {wrapped_days} days ago by {master}"
                ));
            }
            for age in &over {
                terminal.say(format_args!("OVER AGE  {}", age.what));
            }
        }
        if over.is_empty() { Exit::Fine } else { Exit::Found }
    }
}

/// Brings the keys of all sealed files under the master key of the policy; the files themselves are not touched.
///
/// May run beside a sidecar that was started with the same policy. When it is done, the old master keys open nothing any more
/// and can go from the policy.
#[derive(Debug, Args)]
pub(in crate::cli) struct Rewrap {
    #[command(flatten)]
    setting: Setting,
}

impl Rewrap {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        let (policy, data) = match run::load(&self.setting, terminal) {
            Ok(loaded) => loaded,
            Err(exit) => return exit,
        };
        let vault = match compile::vault(&policy) {
            Ok(Some(vault)) => vault,
            Ok(None) => return terminal.fail(Exit::Usage, "the policy names no at_rest.master_key"),
            Err(error) => return terminal.fail(Exit::Environment, error),
        };
        match vault.rewrap(&data) {
            Ok(done) => {
                terminal.say(format_args!("{} keys wrapped anew, {} already were", done.rewrapped, done.current));
                Exit::Fine
            }
            Err(error) => terminal.fail(Exit::Environment, error),
        }
    }
}
