//! `sekisho journal`: verify the journal, read it, prove what it says.

mod verify;

mod remote;

mod filter;

pub(super) mod query;

mod proof;

mod export;

mod siem;

mod hand_over;

mod prune;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use sekisho_journal::{CHECKPOINT, Checkpoint, KeyChain, NoteError, SEGMENTS, VerifierKey, contract};

pub(super) use verify::settled;

use super::unseal::Unseal;
use super::{Exit, Terminal};
use crate::evidence::FileStore;

/// Look at the evidence: is it what was signed, and what does it say?
#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Check that no entry was edited, removed, reordered, inserted or cut off.
    ///
    /// Reads every entry, every tile and the signed checkpoint, and prints one line: PASS, FAIL with the first bad entry,
    /// or UNKNOWN if it could not be read. Needs no running sidecar, and may be run beside one; or reads from a running
    /// one over HTTP.
    ///
    /// Whoever can rewrite the journal's directory can also put another key beside it. So give an auditor the key
    /// (--key) and from time to time a copy of the checkpoint (--pinned) over another way, and let them keep both.
    #[command(after_help = verify::HELP)]
    Verify(verify::Verify),
    /// Print entries that a filter lets through, the oldest first.
    ///
    /// Prints what lies there without checking it; run `verify` for that.
    #[command(visible_alias = "show", after_help = query::HELP)]
    Query(query::Query),
    /// Print the last entries, and go on as more are sealed.
    Tail(query::Tail),
    /// Prove that one entry is in the journal: a .tlog-proof that needs nothing but the key to be checked.
    #[command(after_help = proof::HELP)]
    Prove(proof::Prove),
    /// Check a .tlog-proof, and print the entry it proves.
    CheckProof(proof::CheckProof),
    /// Write entries for another system: NDJSON, ECS, OCSF, or a static tlog-tiles directory.
    Export(export::Export),
    /// Have the running sidecar go over to a new signing key, by a statement that the old one and the new one sign.
    HandOver(hand_over::HandOver),
    /// Have the running sidecar delete the beginning of the journal before its time, by two people.
    #[command(subcommand)]
    Prune(prune::Prune),
    /// Print the JSON Schema (2020-12) of a kind of evidence, or the names of all kinds.
    Contract {
        /// Such as `audit_event`.
        name: Option<String>,
    },
}

/// Runs the command; results go to `out`, what stood in the way to `err`.
pub(crate) fn run(command: JournalCommand, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let done = match command {
        JournalCommand::Verify(args) => args.run(out, err),
        JournalCommand::Query(args) => args.run(out),
        JournalCommand::Tail(args) => args.run(out),
        JournalCommand::Prove(args) => args.run(out),
        JournalCommand::CheckProof(args) => args.run(out),
        JournalCommand::Export(args) => args.run(out),
        JournalCommand::HandOver(args) => Ok(args.run(&mut Terminal { out, err })),
        JournalCommand::Prune(args) => Ok(args.run(&mut Terminal { out, err })),
        JournalCommand::Contract { name } => run_contract(name.as_deref(), out),
    };
    done.unwrap_or_else(|Stop { exit, why }| {
        // If not even this can be written there is nobody to tell.
        drop(writeln!(err, "sekisho journal: {why}"));
        exit
    })
}

struct Stop {
    exit: Exit,
    why: String,
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        environment(format!("cannot write the output: {error}"))
    }
}

fn environment(why: String) -> Stop {
    Stop { exit: Exit::Environment, why }
}

fn usage(why: String) -> Stop {
    Stop { exit: Exit::Usage, why }
}

fn run_contract(name: Option<&str>, out: &mut dyn Write) -> Result<Exit, Stop> {
    let schemas = contract::schemas();
    let Some(name) = name else {
        schemas.iter().try_for_each(|(name, _)| writeln!(out, "{name}"))?;
        return Ok(Exit::Fine);
    };
    let Some((_, schema)) = schemas.iter().find(|(known, _)| *known == name) else {
        return Err(Stop {
            exit: Exit::Usage,
            why: format!("there is no contract `{name}`; leave the name out to see all"),
        });
    };
    out.write_all(schema.as_bytes())?;
    Ok(Exit::Fine)
}

/// The files of the journal in a data directory, with what opens sealed ones.
fn file_store(dir: &Path, unseal: &Unseal) -> Result<FileStore, Stop> {
    let vault = unseal.vault().map_err(|(exit, why)| Stop { exit, why })?;
    Ok(FileStore::new(&journal_dir(dir)?).with_vault(vault))
}

/// The journal in a data directory, or the directory itself if it is one.
fn journal_dir(dir: &Path) -> Result<PathBuf, Stop> {
    let inner = dir.join("journal");
    let is_journal = |dir: &Path| dir.join(CHECKPOINT).is_file() || dir.join(SEGMENTS).is_dir();
    if is_journal(&inner) {
        Ok(inner)
    } else if is_journal(dir) {
        Ok(dir.to_owned())
    } else {
        Err(environment(format!("there is no journal in `{}`", dir.display())))
    }
}

fn data_dir(dir: &Path) -> PathBuf {
    if dir.join("journal").is_dir() { dir.to_owned() } else { dir.join("..") }
}

fn given_key(text: &str) -> Result<VerifierKey, Stop> {
    match text.parse() {
        Ok(key) => Ok(key),
        Err(_) if Path::new(text).exists() => key_file(Path::new(text)),
        Err(error) => Err(Stop { exit: Exit::Usage, why: format!("--key is no file, and {error}") }),
    }
}

fn key_file(path: &Path) -> Result<VerifierKey, Stop> {
    let text = fs::read_to_string(path).map_err(|error| environment(format!("`{}`: {error}", path.display())))?;
    text.parse().map_err(|error| environment(format!("`{}`: {error}", path.display())))
}

/// A signed note, opened with the keys.
fn opened(note: &str, keys: &KeyChain, what: &str) -> Result<Checkpoint, Stop> {
    keys.open(note).map_err(|error: NoteError| usage(format!("{what}: {error}")))
}

#[cfg(test)]
mod tests;
