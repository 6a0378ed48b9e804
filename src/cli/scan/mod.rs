//! `sekisho scan`: the scanner on files, directories and stdin.

mod baseline;

mod file;

mod ignore;

mod lines;

mod report;

mod walk;

mod write;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use sekisho_codec::coding::Budget;
use sekisho_policy::{ActionName, Detectors};
use sekisho_scan::Ruleset;

use super::{Exit, Setting, Terminal, run};
use crate::compile;
use baseline::Baseline;
use report::Report;

/// Searches files, directories and stdin for secrets. Ends with 1 when something was found.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Scan {
    /// Files and directories; `-` is stdin. Directories are searched whole, symbolic links are not followed.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// How findings are told.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Writes the content with every finding masked: of one file or stdin to stdout, of more to --output or --in-place.
    #[arg(long)]
    redact: bool,
    /// Puts the redacted file in place of the one searched, whole or not at all, with its mode and, where allowed, its owner.
    #[arg(long, requires = "redact", conflicts_with = "output")]
    in_place: bool,
    /// Where redacted files go, under the names they have below the paths that were given.
    #[arg(long, visible_alias = "out", value_name = "DIR", requires = "redact")]
    output: Option<PathBuf>,
    /// Findings that are known: these do not count. Known secrets always do.
    #[arg(long, value_name = "FILE", conflicts_with = "write_baseline")]
    baseline: Option<PathBuf>,
    /// Writes what was found as a baseline, and ends with 0.
    #[arg(long, value_name = "FILE")]
    write_baseline: Option<PathBuf>,
    /// Searches what `.sekishoignore` files leave out too.
    #[arg(long)]
    no_ignore: bool,
    /// Shows no progress, and no sum at the end.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    setting: Setting,
}

const EXAMPLES: &str = "\
Examples:
  sekisho scan logs/                                  ends with 1 when something is found
  sekisho scan --format sarif src/ > found.sarif      for code hosts
  sekisho scan --redact - < app.log > clean.log       as it streams
  sekisho scan --redact --out clean/ logs/            copies, under the same names
  sekisho scan --redact --in-place logs/
  sekisho scan --write-baseline known.json src/       and later: --baseline known.json

A file .sekishoignore leaves out what is below its directory, in the language of git's .gitignore. What is named on the command line is
searched whatever it says.

gzip, zstd and framed snappy are told by how a file begins; brotli (.br), zlib (.zz, .zlib, .deflate) and snappy (.snappy) by its
name. What cannot be read is told on stderr and does not stop the search.

Exit codes: 1 something was found; 3 nothing was found, and something could not be read; 0 clean; 2 usage or policy error.";

/// How findings are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// One line each: path, line, column, detector.
    Text,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
}

impl Scan {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let mut policy = match run::load(&self.setting, terminal) {
            Ok((policy, _)) => policy,
            Err(exit) => return exit,
        };
        unblocked(&mut policy.detectors);
        let rules = match compile::ruleset(&policy) {
            Ok(rules) => Arc::new(rules),
            Err(error) => return terminal.fail(Exit::Environment, error),
        };
        let baseline = match self.baseline.as_deref().map(|path| (path, Baseline::read(path))) {
            Some((path, Err(error))) => return terminal.fail(Exit::Usage, format!("{}: {error}", path.display())),
            Some((_, Ok(baseline))) => Some(baseline),
            None => None,
        };
        let files = walk::files(&self.paths, !self.no_ignore);
        let to_stdout = self.redact && self.output.is_none() && !self.in_place;
        if to_stdout && files.entries.len() > 1 {
            return terminal.fail(Exit::Usage, "--redact: more than one file needs --output DIR or --in-place");
        }
        if let Some(twice) = self.output.as_ref().and_then(|_| walk::same_place(&files.entries)) {
            let why = format!("--output: more than one file would be written to `{}`", twice.display());
            return terminal.fail(Exit::Usage, why);
        }
        let reader = file::Reader { rules: Arc::clone(&rules), budget: Budget::TRUSTED };
        let progress = self.progress(files.entries.len());
        let mut report = Report { failed: files.failed, left_out: files.left_out, ..Report::default() };
        let entries: Vec<_> = files.entries.into_iter().collect();
        let outcomes = if to_stdout {
            let mut out = BufWriter::new(&mut *terminal.out);
            entries.iter().map(|entry| reader.read(entry, &mut out)).collect()
        } else {
            self.all(&reader, &entries, &progress)
        };
        for (entry, outcome) in entries.iter().zip(outcomes) {
            match outcome {
                Ok(findings) => report.add(&entry.shown, findings),
                Err(error) => report.fail(&entry.shown, &error),
            }
        }
        progress.finish_and_clear();
        if let Some(baseline) = baseline {
            baseline.pass_over(&mut report);
        }
        if let Some(path) = &self.write_baseline {
            return self.keep(path, &report, terminal);
        }
        self.tell(&report, &rules, to_stdout, terminal)
    }

    /// Searches as many files at a time as there are processors; the outcomes are in the order of `entries`.
    fn all(&self, reader: &file::Reader, entries: &[walk::Entry], progress: &ProgressBar) -> Vec<Outcome> {
        let next = AtomicUsize::new(0);
        let (done, outcomes) = mpsc::channel();
        let work = |done: &mpsc::Sender<(usize, Outcome)>| {
            while let Some((at, entry)) = take(&next, entries) {
                // The other end is there until all are done.
                let _heard = done.send((at, self.one(reader, entry)));
                progress.inc(1);
            }
        };
        let threads = std::thread::available_parallelism().map_or(1, Into::into).min(entries.len());
        std::thread::scope(|scope| {
            for _ in 1..threads {
                let done = done.clone();
                // With fewer threads it takes longer.
                let _started = std::thread::Builder::new().spawn_scoped(scope, move || work(&done));
            }
            work(&done);
        });
        drop(done);
        let mut outcomes: Vec<_> = outcomes.into_iter().collect();
        outcomes.sort_by_key(|(at, _)| *at);
        outcomes.into_iter().map(|(_, outcome)| outcome).collect()
    }

    fn one(&self, reader: &file::Reader, entry: &walk::Entry) -> Outcome {
        match &self.output {
            Some(dir) => write::beside(reader, entry, dir),
            None if self.in_place => write::in_place(reader, entry),
            None => reader.read(entry, &mut io::sink()),
        }
    }

    /// Writes the baseline; a known secret cannot be in it.
    fn keep(&self, path: &Path, report: &Report, terminal: &mut Terminal<'_>) -> Exit {
        if let Err(error) = Baseline::of(report).write(path) {
            return terminal.fail(Exit::Environment, format!("{}: {error}", path.display()));
        }
        for (path, why) in &report.failed {
            terminal.fail(Exit::Environment, format_args!("{path}: {why}"));
        }
        if !self.quiet {
            terminal.fail(Exit::Fine, report.sum());
        }
        if report.failed.is_empty() { Exit::Fine } else { Exit::Environment }
    }

    fn tell(&self, report: &Report, rules: &Ruleset, to_stdout: bool, terminal: &mut Terminal<'_>) -> Exit {
        let out: &mut dyn Write = if to_stdout { &mut *terminal.err } else { &mut *terminal.out };
        let told = match self.format {
            Format::Text => report.text(out),
            Format::Json => report.json(out),
            Format::Sarif => report.sarif(rules, out),
        };
        for (path, why) in &report.failed {
            terminal.fail(Exit::Environment, format_args!("{path}: {why}"));
        }
        if let Err(error) = told {
            return terminal.fail(Exit::Environment, format_args!("cannot write the report: {error}"));
        }
        if !self.quiet {
            terminal.fail(Exit::Fine, report.sum());
        }
        // What could not be read is not clean.
        match (report.is_clean(), report.failed.is_empty()) {
            (false, _) => Exit::Found,
            (true, false) => Exit::Environment,
            (true, true) => Exit::Fine,
        }
    }

    fn progress(&self, files: usize) -> ProgressBar {
        if self.quiet || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(files as u64);
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len} files, {elapsed}");
        bar.with_style(style.unwrap_or_else(|_bad| ProgressStyle::default_bar()))
    }
}

type Outcome = io::Result<file::All>;

fn take<'a, T>(next: &AtomicUsize, all: &'a [T]) -> Option<(usize, &'a T)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    all.get(at).map(|one| (at, one))
}

/// A file is no message that could be refused: where policy blocks, a mask takes the place.
fn unblocked(detectors: &mut Detectors) {
    let actions = detectors.actions.values_mut().chain([&mut detectors.default_action]);
    actions.filter(|action| **action == ActionName::Block).for_each(|action| *action = ActionName::Mask);
}
