//! Judges the scanner by two sets made from a seed: texts with secrets of every kind, and logs without one.
//!
//! The sets were written from the public formats of credentials and from what logs of trading services look like, by somebody who had
//! not read the detectors; they should stay so. `make evaluate` runs all of it; the tests here run a short form and hold its floors.
#![forbid(unsafe_code)]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a tool for developers that may stop where it cannot go on"
)]

mod rng;

mod checks;

mod case;

mod escape;

mod places;

mod kinds;

mod measure;

mod quiet;

mod alarms;

mod real;

mod report;

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use sekisho_scan::Ruleset;

const USAGE: &str =
    "usage: evaluate [--seed N] [--rounds N] [--quiet-mb N] [--examples N] [--group WORD] [--real DIR]...
  --seed N      another set of values (1)
  --rounds N    cases for each kind and place; 0 leaves them out (6)
  --quiet-mb N  megabytes of logs without secrets, all families together; 0 leaves them out (60)
  --examples N  how many of what went wrong are shown, by group and by detector (3)
  --group WORD  only kinds whose name has the word
  --real DIR    texts of this machine, at most 40 MB below each DIR";

struct Options {
    seed: u64,
    rounds: u64,
    quiet: usize,
    examples: usize,
    group: String,
    real: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let out = &mut io::stdout().lock();
    let done = match options(std::env::args().skip(1)) {
        Some(options) => run(&options, out),
        None => writeln!(out, "{USAGE}").and(Err(io::ErrorKind::InvalidInput.into())),
    };
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

fn options(mut words: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options { seed: 1, rounds: 6, quiet: 60, examples: 3, group: String::new(), real: Vec::new() };
    while let Some(word) = words.next() {
        let value = words.next()?;
        match word.as_str() {
            "--seed" => options.seed = value.parse().ok()?,
            "--rounds" => options.rounds = value.parse().ok()?,
            "--quiet-mb" => options.quiet = value.parse().ok()?,
            "--examples" => options.examples = value.parse().ok()?,
            "--group" => options.group = value,
            "--real" => options.real.push(value.into()),
            _ => return None,
        }
    }
    Some(options)
}

fn run(options: &Options, out: &mut dyn Write) -> io::Result<()> {
    let rules = rules();
    if options.rounds > 0 {
        let kinds = kinds::all().filter(|kind| kind.group.contains(&options.group));
        let coverage = measure::coverage(&rules, kinds, options.seed, options.rounds);
        report::coverage(out, &coverage, options.examples)?;
    }
    if options.quiet > 0 {
        let each = options.quiet * 1_000_000 / quiet::all().count();
        let (mut bytes, mut lines) = (0, 0);
        for (shelf, families) in quiet::SHELVES {
            let alarms = alarms::generated(&rules, families, options.seed, each);
            (bytes, lines) = (bytes + alarms.bytes, lines + alarms.lines);
            report::alarms(out, shelf, &alarms, options.examples)?;
        }
        let rate = measure::ratio(lines, bytes) * 1e6;
        writeln!(out, "\nall logs without secrets: {rate:.2} changed lines per MB ({lines} in {bytes} bytes)")?;
    }
    for (root, alarms) in real::alarms(&rules, &options.real, 40_000_000) {
        report::alarms(out, &root.display().to_string(), &alarms, options.examples)?;
    }
    Ok(())
}

/// What ships, with nothing turned on or off.
fn rules() -> Arc<Ruleset> {
    Arc::new(Ruleset::builder().embedded().unwrap().build().unwrap())
}
