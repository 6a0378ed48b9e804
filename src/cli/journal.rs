//! `sekisho journal`: verify the journal, and read it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use sekisho_journal::{
    CHECKPOINT, Checkpoint, EventType, Report, SEGMENTS, Store as _, Verdict, VerifierKey, contract, segment_first,
    segment_path, verify, walk,
};
use serde_json::Value;

use super::Exit;
use crate::evidence::{FileStore, HeldStore, VERIFIER_KEY};

/// Look at the evidence: is it what was signed, and what does it say?
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Check that no entry was edited, removed, reordered, inserted or cut off.
    ///
    /// Reads every entry, every tile and the signed checkpoint, and prints one line: PASS, FAIL with the first bad entry,
    /// or UNKNOWN if it could not be read. Needs no running sidecar, and may be run beside one.
    ///
    /// Whoever can rewrite the journal's directory can also put another key beside it. So give an auditor the key
    /// (--key) and from time to time a copy of the checkpoint (--pinned) over another way, and let them keep both.
    #[command(after_help = VERIFY_HELP)]
    Verify(VerifyArgs),
    /// Print entries, the oldest first.
    ///
    /// Prints what lies there without checking it; run `verify` for that.
    #[command(after_help = SHOW_HELP)]
    Show(ShowArgs),
    /// Print the JSON Schema (2020-12) of a kind of evidence, or the names of all kinds.
    Contract {
        /// Such as `audit_event`.
        name: Option<String>,
    },
}

/// What to verify, and against what.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The data directory, or the journal directory itself.
    #[arg(value_name = "DIR", required_unless_present = "data")]
    dir: Option<PathBuf>,
    /// The data directory; the same as DIR.
    #[arg(long, value_name = "DIR", env = "SEKISHO_DATA", conflicts_with = "dir")]
    data: Option<PathBuf>,
    /// The verifier key (`name+hexid+base64`), or a file that holds it [default: keys/journal.vkey in the data directory].
    #[arg(long, value_name = "VKEY|FILE")]
    key: Option<String>,
    /// A checkpoint seen earlier and kept elsewhere: the journal must be a continuation of it.
    #[arg(long, value_name = "NOTEFILE")]
    pinned: Option<PathBuf>,
    /// Print the whole report as JSON.
    #[arg(long)]
    json: bool,
}

/// What to print.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The data directory, or the journal directory itself.
    #[arg(long, value_name = "DIR", env = "SEKISHO_DATA")]
    data: PathBuf,
    /// The first entry to print.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    from: u64,
    /// How many entries to print at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
    /// Only entries of this type, such as `state.tightened`.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Option<EventType>,
    /// Print each entry as it was signed: one line of canonical JSON.
    #[arg(long)]
    json: bool,
}

/// Runs the command; results go to `out`, what stood in the way to `err`.
pub fn run(command: JournalCommand, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
    let done = match command {
        JournalCommand::Verify(args) => run_verify(&args, out, err),
        JournalCommand::Show(args) => run_show(&args, out),
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

fn run_verify(args: &VerifyArgs, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, Stop> {
    let given = args.dir.as_ref().or(args.data.as_ref());
    let dir = given.ok_or_else(|| Stop { exit: Exit::Usage, why: "no directory is given".to_owned() })?;
    let store = FileStore::new(&journal_dir(dir)?);
    let key = match &args.key {
        Some(text) => given_key(text)?,
        None => {
            writeln!(
                err,
                "note: the key is taken from {VERIFIER_KEY}, beside the journal; give --key to trust it less"
            )?;
            key_file(&data_dir(dir).join(VERIFIER_KEY))?
        }
    };
    let pinned = args.pinned.as_deref().map(|path| pinned(path, &key)).transpose()?;
    let report = settled(&store, &key, pinned.as_ref());
    if args.json {
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

/// Beside a running sidecar the journal grows while it is read. So it is read as it was at its newest checkpoint, and
/// what lies behind that one must get sealed within a moment.
fn settled(store: &FileStore, key: &VerifierKey, pinned: Option<&Checkpoint>) -> Report {
    let note = store.read(CHECKPOINT).ok().flatten().unwrap_or_default();
    let opened = str::from_utf8(&note).ok().and_then(|note| Checkpoint::open(note, key).ok());
    let Some(checkpoint) = opened else {
        return verify(store, key, pinned);
    };
    let held = HeldStore::new(store, note.clone(), checkpoint.size);
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

fn run_show(args: &ShowArgs, out: &mut dyn Write) -> Result<Exit, Stop> {
    let store = FileStore::new(&journal_dir(&args.data)?);
    let names = store.list(SEGMENTS).map_err(environment)?;
    let mut segments: Vec<u64> = names.iter().filter_map(|name| segment_first(name)).collect();
    segments.sort_unstable();
    // The segment that holds `from` is the last one that does not begin behind it.
    let start = segments.partition_point(|first| *first <= args.from).saturating_sub(1);
    let mut left = args.limit;
    for first in segments.into_iter().skip(start) {
        let bytes = store.read(&segment_path(first)).map_err(environment)?.unwrap_or_default();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            if left == 0 {
                return Ok(Exit::Fine);
            }
            left -= u64::from(show_line(line, args, out)?);
        }
    }
    Ok(Exit::Fine)
}

/// Prints a line if it is asked for; whether it was.
fn show_line(line: &[u8], args: &ShowArgs, out: &mut dyn Write) -> Result<bool, Stop> {
    let entry: Value = serde_json::from_slice(line).unwrap_or(Value::Null);
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or("-");
    let seq = entry.get("seq").and_then(Value::as_u64);
    let wanted = args.event_type.is_none_or(|wanted| text("event_type") == wanted.name());
    if !wanted || seq.is_some_and(|seq| seq < args.from) {
        return Ok(false);
    }
    if args.json {
        out.write_all(line)?;
        out.write_all(b"\n")?;
        return Ok(true);
    }
    let seq = seq.map_or_else(|| "?".to_owned(), |seq| seq.to_string());
    let count = entry.get("count").and_then(Value::as_u64);
    let count = count.map_or_else(String::new, |count| format!(" x{count}"));
    let names = ["timestamp", "severity", "event_type", "action", "result", "user"];
    let fields: Vec<String> = names.iter().map(|name| printable(text(name))).collect();
    writeln!(out, "{seq:>8} {}{count}", fields.join(" "))?;
    Ok(true)
}

/// An entry may hold what moves a terminal's cursor, or turns its text around.
fn printable(text: &str) -> String {
    let harmless = |c: char| {
        !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if harmless(c) { c.to_string() } else { c.escape_unicode().to_string() }).collect()
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

fn pinned(path: &Path, key: &VerifierKey) -> Result<Checkpoint, Stop> {
    let note = fs::read_to_string(path).map_err(|error| environment(format!("`{}`: {error}", path.display())))?;
    Checkpoint::open(&note, key).map_err(|error| Stop {
        exit: Exit::Usage,
        why: format!("the pinned checkpoint `{}`: {error}", path.display()),
    })
}

const VERIFY_HELP: &str = "\
Examples:
  sekisho journal verify /var/lib/sekisho
  sekisho journal verify /var/lib/sekisho --key auditor.vkey --pinned last-month.note
  cp /var/lib/sekisho/journal/checkpoint last-month.note    # what to keep elsewhere

Exit status: 0 PASS, 1 FAIL, 2 wrong use, 3 could not be read (UNKNOWN is no pass).";

const SHOW_HELP: &str = "\
Examples:
  sekisho journal show --data /var/lib/sekisho --type state.tightened
  sekisho journal show --data /var/lib/sekisho --from 1200 --limit 10 --json";

/// How often a newer checkpoint is looked for.
const LOOKS: usize = 10;

/// How long to wait between looks.
const PAUSE: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests;
