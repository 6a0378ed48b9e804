//! `sekisho journal verify`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use sekisho_journal::tile::Reader;
use sekisho_journal::{
    CHECKPOINT, Checkpoint, KEYS, KeyChain, Report, SEGMENTS, Store as _, Verdict, VerifierKey, root_of, segment_first,
    verify, walk,
};

use super::remote::{RemoteStore, fetch};
use super::{Stop, data_dir, environment, given_key, journal_dir, key_file, opened, usage};
use crate::cli::Exit;
use crate::cli::unseal::Unseal;
use crate::evidence::{FileStore, HeldStore, VERIFIER_KEY};

/// What to verify, and against what.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The data directory, the journal directory itself, or `http://HOST:PORT` of an admin API.
    #[arg(value_name = "DIR|URL", required_unless_present = "data")]
    dir: Option<PathBuf>,
    /// The data directory; the same as DIR.
    #[arg(long, value_name = "DIR", env = "SEKISHO_DATA", conflicts_with = "dir")]
    data: Option<PathBuf>,
    /// The verifier key (`name+hexid+base64`), or a file that holds it [default: keys/journal.vkey in the data directory].
    #[arg(long, value_name = "VKEY|FILE")]
    key: Option<String>,
    /// A checkpoint seen earlier and kept elsewhere, a file or the URL of a peer's copy: the journal must be a
    /// continuation of it.
    #[arg(long, value_name = "NOTE|URL")]
    pinned: Option<String>,
    #[command(flatten)]
    unseal: Unseal,
    /// Print the whole report as JSON.
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(&self, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Stop> {
        let given = self.dir.as_ref().or(self.data.as_ref());
        let dir = given.ok_or_else(|| usage("no directory is given".to_owned()))?;
        let url = dir.to_str().filter(|text| text.starts_with("http://"));
        let report = match url {
            Some(url) => self.over_http(url)?,
            None => self.on_files(dir, err)?,
        };
        if self.json {
            let json = serde_json::to_string(&report).map_err(|error| environment(error.to_string()))?;
            writeln!(out, "{json}")?;
        } else {
            writeln!(out, "{report}")?;
        }
        Ok(match report.verdict {
            Verdict::Pass => Exit::Fine,
            Verdict::Fail => Exit::Found,
            Verdict::Unknown => Exit::Environment,
        })
    }

    fn on_files(&self, dir: &Path, err: &mut dyn Write) -> Result<Report, Stop> {
        let vault = self.unseal.vault().map_err(|(exit, why)| Stop { exit, why })?;
        let locked = vault.is_none();
        let store = FileStore::new(&journal_dir(dir)?).with_vault(vault);
        let key = match &self.key {
            Some(text) => given_key(text)?,
            None => {
                writeln!(
                    err,
                    "note: the key is taken from {VERIFIER_KEY}, beside the journal; give --key to trust it less"
                )?;
                key_file(&data_dir(dir).join(VERIFIER_KEY))?
            }
        };
        let keys = KeyChain::stored(&store, &key);
        let pinned = self.pinned(keys.as_ref().unwrap_or(&KeyChain::of(&key)))?;
        let mut report = settled(&store, &key, pinned.as_ref());
        if report.verdict == Verdict::Unknown && locked {
            report.trouble = unlooked(&store, &key).or(report.trouble);
        }
        Ok(report)
    }

    fn over_http(&self, url: &str) -> Result<Report, Stop> {
        let key = self.key.as_deref().ok_or_else(|| usage("over HTTP the key has to be given: --key".to_owned()))?;
        let key = given_key(key)?;
        let store = RemoteStore::open(url).map_err(environment)?;
        let keys = KeyChain::stored(&store, &key);
        let pinned = self.pinned(keys.as_ref().unwrap_or(&KeyChain::of(&key)))?;
        Ok(verify(&store, &key, pinned.as_ref()))
    }

    fn pinned(&self, keys: &KeyChain) -> Result<Option<Checkpoint>, Stop> {
        let Some(given) = &self.pinned else { return Ok(None) };
        let note = if given.starts_with("http://") {
            let note = fetch(given).map_err(environment)?;
            note.ok_or_else(|| environment(format!("`{given}`: there is no checkpoint")))?
        } else {
            std::fs::read(given).map_err(|error| environment(format!("`{given}`: {error}")))?
        };
        let note = String::from_utf8_lossy(&note);
        opened(&note, keys, &format!("the pinned checkpoint `{given}`")).map(Some)
    }
}

/// What could not be looked into for want of a key, and what could.
fn unlooked(store: &FileStore, key: &VerifierKey) -> Option<String> {
    let sealed = store.sealed_segments().ok()?;
    let first = sealed.first()?;
    let note = store.read(CHECKPOINT).ok()??;
    let checkpoint = KeyChain::stored(store, key).ok()?.open(str::from_utf8(&note).ok()?).ok()?;
    let hashes = match root_of(&Reader::new(store, checkpoint.size), checkpoint.size) {
        Ok(root) if root == checkpoint.root => "its hashes are those that were signed",
        Ok(_) => "its hashes are NOT those that were signed",
        Err(_) => "its hashes cannot be read either",
    };
    Some(format!(
        "{} sealed segments were not looked into, the first at entry {first}: give --policy or --master-key; {hashes}",
        sealed.len()
    ))
}

/// Beside a running sidecar the journal grows while it is read. So it is read as it was at its newest checkpoint, and
/// what lies behind that one must get sealed within a moment.
pub(in crate::cli) fn settled(store: &FileStore, key: &VerifierKey, pinned: Option<&Checkpoint>) -> Report {
    // Before the checkpoint, which may not be older than they are.
    let statements = store.read(KEYS).ok().flatten();
    let keys = KeyChain::read(&String::from_utf8_lossy(statements.as_deref().unwrap_or_default()), key);
    let note = store.read(CHECKPOINT).ok().flatten().unwrap_or_default();
    let opened = str::from_utf8(&note).ok().zip(keys.ok()).and_then(|(note, keys)| keys.open(note).ok());
    let Some(checkpoint) = opened else {
        return verify(store, key, pinned);
    };
    let held = HeldStore::new(store, note.clone(), checkpoint.size).with_keys(statements);
    let mut walked = walk(&held, key, pinned);
    let tail = std::mem::take(&mut walked.tail);
    let report = walked.into_report();
    let grows = !tail.bytes.is_empty() || has_later_segment(store, checkpoint.size);
    if report.verdict != Verdict::Pass || !grows || is_sealed_soon(store, &note) {
        return report;
    }
    verify(store, key, pinned)
}

fn has_later_segment(store: &FileStore, size: u64) -> bool {
    let names = store.list(SEGMENTS).unwrap_or_default();
    names.iter().filter_map(|name| segment_first(name)).any(|first| first > size)
}

/// Whether a newer checkpoint than `note` appears.
fn is_sealed_soon(store: &FileStore, note: &[u8]) -> bool {
    for _ in 0..LOOKS {
        if matches!(store.read(CHECKPOINT), Ok(Some(newer)) if newer != note) {
            return true;
        }
        std::thread::sleep(PAUSE);
    }
    false
}

pub(super) const HELP: &str = "\
Examples:
  sekisho journal verify /var/lib/sekisho
  sekisho journal verify /var/lib/sekisho --key auditor.vkey --pinned last-month.note
  sekisho journal verify http://127.0.0.1:9911 --key auditor.vkey
  cp /var/lib/sekisho/journal/checkpoint last-month.note    # what to keep elsewhere

Exit status: 0 PASS, 1 FAIL, 2 wrong use, 3 could not be read (UNKNOWN is no pass).";

/// How often a newer checkpoint is looked for.
const LOOKS: usize = 10;

/// How long to wait between looks.
const PAUSE: Duration = Duration::from_millis(200);
