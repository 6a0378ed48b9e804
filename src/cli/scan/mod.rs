//! `sekisho scan`: the scanner on files, directories and stdin.

mod file;

mod lines;

mod report;

mod walk;

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use sekisho_codec::coding::Budget;
use sekisho_scan::Ruleset;

use super::{Exit, Setting, Terminal, run};
use crate::compile;
use report::Report;

/// Searches files, directories and stdin for secrets. Ends with 1 when something was found.
#[derive(Debug, Args)]
pub(super) struct Scan {
    /// Files and directories; `-` is stdin. Directories are searched whole, symbolic links are not followed.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// How findings are told.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Writes the content with every finding masked: of one file or stdin to stdout, of more to --output.
    #[arg(long)]
    redact: bool,
    /// Where redacted files go, under the names they have below the paths that were given.
    #[arg(long, value_name = "DIR", requires = "redact")]
    output: Option<PathBuf>,
    /// Shows no progress.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    setting: Setting,
}

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
        let (policy, _) = match run::load(&self.setting, terminal) {
            Ok(loaded) => loaded,
            Err(exit) => return exit,
        };
        let rules = match compile::ruleset(&policy) {
            Ok(rules) => Arc::new(rules),
            Err(error) => return terminal.fail(Exit::Environment, error),
        };
        let files = match walk::files(&self.paths) {
            Ok(files) => files,
            Err(why) => return terminal.fail(Exit::Environment, why),
        };
        let to_stdout = self.redact && self.output.is_none();
        if to_stdout && files.len() > 1 {
            return terminal.fail(Exit::Usage, "--redact: more than one file needs --output DIR");
        }
        if let Some(twice) = self.output.as_ref().and_then(|_| walk::same_place(&files)) {
            let why = format!("--output: more than one file would be written to `{}`", twice.display());
            return terminal.fail(Exit::Usage, why);
        }
        let reader = file::Reader { rules: Arc::clone(&rules), budget: Budget::TRUSTED };
        let progress = self.progress(files.len());
        let mut report = Report::default();
        for entry in &files {
            let outcome = self.one(&reader, entry, terminal);
            match outcome {
                Ok(findings) => report.add(&entry.shown, findings),
                Err(error) => report.fail(&entry.shown, &error),
            }
            progress.inc(1);
        }
        progress.finish_and_clear();
        self.tell(&report, &rules, to_stdout, terminal)
    }

    fn one(
        &self,
        reader: &file::Reader,
        entry: &walk::Entry,
        terminal: &mut Terminal<'_>,
    ) -> io::Result<Vec<file::Found>> {
        match (&self.output, self.redact) {
            (_, false) => reader.read(entry, &mut io::sink()),
            (None, true) => reader.read(entry, &mut BufWriter::new(&mut *terminal.out)),
            (Some(dir), true) => write_beside(reader, entry, dir),
        }
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
        // What could not be read is not clean.
        match (report.failed.is_empty(), report.found.is_empty()) {
            (false, _) => Exit::Environment,
            (true, false) => Exit::Found,
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

/// Writes a redacted copy: whole, or not at all.
fn write_beside(reader: &file::Reader, entry: &walk::Entry, dir: &Path) -> io::Result<Vec<file::Found>> {
    let to = dir.join(&entry.below);
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent)?;
    }
    let new = to.with_added_extension("sekisho-new");
    let written = write(reader, entry, &new).and_then(|found| std::fs::rename(&new, to).map(|()| found));
    if written.is_err() {
        // What could not be written whole was no use; that it cannot be removed either is not what went wrong.
        let _gone = std::fs::remove_file(new);
    }
    written
}

fn write(reader: &file::Reader, entry: &walk::Entry, to: &Path) -> io::Result<Vec<file::Found>> {
    let mut out = BufWriter::new(std::fs::File::create(to)?);
    let found = reader.read(entry, &mut out)?;
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(found)
}
