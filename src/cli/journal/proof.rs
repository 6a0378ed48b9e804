//! `sekisho journal prove` and `check-proof`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use sekisho_journal::tile::Reader;
use sekisho_journal::{CHECKPOINT, KeyChain, Store as _, TlogProof, lines};

use super::filter::sealed;
use super::{Stop, Unseal, environment, file_store, given_key, usage};
use crate::cli::Exit;
use crate::evidence::HeldStore;

/// What to prove.
#[derive(Debug, Args)]
pub(crate) struct Prove {
    /// The number of the entry.
    #[arg(value_name = "SEQ")]
    seq: u64,
    /// The data directory, or the journal directory itself.
    #[arg(long, value_name = "DIR", env = "SEKISHO_DATA")]
    data: PathBuf,
    #[command(flatten)]
    unseal: Unseal,
    /// Write the proof here rather than to the terminal.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Prove {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, Stop> {
        let files = file_store(&self.data, &self.unseal)?;
        let size = sealed(&files)?;
        let note = files.read(CHECKPOINT).map_err(environment)?.unwrap_or_default();
        let store = HeldStore::new(&files, note.clone(), size);
        if self.seq >= size {
            return Err(usage(format!("the journal has {size} entries; entry {} is not among them", self.seq)));
        }
        let unreadable = |error: sekisho_journal::ProofError| environment(error.to_string());
        let entry = lines(&store, self.seq, self.seq + 1).map_err(unreadable)?.pop().unwrap_or_default();
        let note = String::from_utf8_lossy(&note).into_owned();
        let proof = TlogProof::make(&Reader::new(&store, size), (self.seq, entry), (size, note)).map_err(unreadable)?;
        match &self.out {
            Some(path) => fs::write(path, proof.text())
                .map_err(|error| environment(format!("cannot write `{}`: {error}", path.display())))?,
            None => out.write_all(proof.text().as_bytes())?,
        }
        Ok(Exit::Fine)
    }
}

/// What to check.
#[derive(Debug, Args)]
pub(crate) struct CheckProof {
    /// The `.tlog-proof`.
    #[arg(value_name = "FILE")]
    proof: PathBuf,
    /// The verifier key (`name+hexid+base64`), or a file that holds it.
    #[arg(long, value_name = "VKEY|FILE")]
    key: String,
    /// The file `keys` of the journal, if its key was handed over since: the statements that lead from --key to the one that signed.
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
    /// The entry, if it does not travel with the proof: one line of canonical JSON.
    #[arg(long, value_name = "FILE")]
    entry: Option<PathBuf>,
}

impl CheckProof {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, Stop> {
        let unreadable = |path: &PathBuf| {
            let path = path.display().to_string();
            move |error: std::io::Error| environment(format!("`{path}`: {error}"))
        };
        let text = fs::read_to_string(&self.proof).map_err(unreadable(&self.proof))?;
        let key = given_key(&self.key)?;
        let failed = |why: &dyn std::fmt::Display| Stop { exit: Exit::Found, why: format!("FAIL: {why}") };
        let proof = TlogProof::parse(&text).map_err(|error| failed(&error))?;
        let entry = match &self.entry {
            Some(path) => {
                let mut entry = fs::read(path).map_err(unreadable(path))?;
                entry.pop_if(|last| *last == b'\n');
                entry
            }
            None => proof.entry.clone().ok_or_else(|| usage("the proof holds no entry: give --entry".to_owned()))?,
        };
        let keys = match &self.keys {
            Some(path) => KeyChain::read(&fs::read_to_string(path).map_err(unreadable(path))?, &key)
                .map_err(|error| failed(&error))?,
            None => KeyChain::of(&key),
        };
        let checkpoint = proof.check(&entry, &keys).map_err(|error| failed(&error))?;
        out.write_all(&entry)?;
        writeln!(out, "\nPASS {}: entry {} of {}", checkpoint.origin, proof.index, checkpoint.size)?;
        Ok(Exit::Fine)
    }
}

pub(super) const HELP: &str = "\
Example:
  sekisho journal prove 17 --data /var/lib/sekisho --out entry17.tlog-proof
  sekisho journal check-proof entry17.tlog-proof --key auditor.vkey";
