//! `sekisho journal query` and `tail`.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use sekisho_journal::contract::AuditEvent;

use super::filter::{Filter, sealed};
use super::{Stop, Unseal, file_store};
use crate::cli::Exit;

/// What to print.
#[derive(Debug, Args)]
pub(crate) struct Query {
    /// The data directory, or the journal directory itself.
    #[arg(long, value_name = "DIR", env = "SEKISHO_DATA")]
    data: PathBuf,
    #[command(flatten)]
    unseal: Unseal,
    #[command(flatten)]
    filter: Filter,
    /// How many entries to print at most.
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: u64,
    /// Print each entry as it was signed: one line of canonical JSON.
    #[arg(long)]
    json: bool,
}

impl Query {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, Stop> {
        let store = file_store(&self.data, &self.unseal)?;
        let mut left = self.limit;
        self.filter.each(&store, |line, entry| {
            if left == 0 {
                return Ok(false);
            }
            left -= 1;
            print(line, entry, self.json, out)?;
            Ok(left > 0)
        })?;
        Ok(Exit::Fine)
    }
}

/// What to follow.
#[derive(Debug, Args)]
pub(crate) struct Tail {
    /// The data directory, or the journal directory itself.
    #[arg(long, value_name = "DIR", env = "SEKISHO_DATA")]
    data: PathBuf,
    #[command(flatten)]
    unseal: Unseal,
    #[command(flatten)]
    filter: Filter,
    /// How many of the last entries to begin with.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: u64,
    /// Go on as more entries are sealed, until interrupted.
    #[arg(short, long)]
    follow: bool,
    /// Print each entry as it was signed: one line of canonical JSON.
    #[arg(long)]
    json: bool,
}

impl Tail {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Exit, Stop> {
        let store = file_store(&self.data, &self.unseal)?;
        let mut filter = self.filter.clone();
        let mut size = sealed(&store)?;
        filter.from = filter.from.max(size.saturating_sub(self.lines));
        loop {
            filter.each(&store, |line, entry| {
                print(line, entry, self.json, out)?;
                Ok(true)
            })?;
            if !self.follow {
                return Ok(Exit::Fine);
            }
            out.flush()?;
            filter.from = filter.from.max(size);
            while sealed(&store)? == size {
                std::thread::sleep(PAUSE);
            }
            size = sealed(&store)?;
        }
    }
}

/// Prints an entry for people, or as it was signed.
fn print(line: &[u8], entry: &AuditEvent, json: bool, out: &mut dyn Write) -> Result<(), Stop> {
    if json {
        out.write_all(line)?;
        out.write_all(b"\n")?;
        return Ok(());
    }
    let count = entry.count.map_or_else(String::new, |count| format!(" x{count}"));
    let user = entry.user.as_deref().unwrap_or("-");
    let (severity, kind, result) = (entry.severity.name(), entry.event_type.name(), entry.result.name());
    let fields = [entry.timestamp.as_str(), severity, kind, entry.action.as_str(), result, user];
    let fields = fields.map(printable);
    writeln!(out, "{:>8} {}{count}", entry.seq, fields.join(" "))?;
    Ok(())
}

/// An entry may hold what moves a terminal's cursor, or turns its text around.
pub(in crate::cli) fn printable(text: &str) -> String {
    let harmless = |c: char| {
        !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if harmless(c) { c.to_string() } else { c.escape_unicode().to_string() }).collect()
}

pub(super) const HELP: &str = "\
Examples:
  sekisho journal query --data /var/lib/sekisho --type state.tightened --since 2026-01-31
  sekisho journal query --data /var/lib/sekisho --actor ann --severity high --json
  sekisho journal query --data /var/lib/sekisho --incident INC-1 --limit 1000";

/// How often a newer checkpoint is looked for.
const PAUSE: Duration = Duration::from_millis(200);
