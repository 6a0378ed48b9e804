//! The numbers, for people.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crate::alarms::Alarms;
use crate::measure::{Count, Coverage, Fate, Leak};

/// Shares by group and by place, the worst first, with examples of what got away.
pub(crate) fn coverage(out: &mut dyn Write, coverage: &Coverage, examples: usize) -> io::Result<()> {
    let secrets: usize = coverage.groups.values().map(|count| count.whole + count.part + count.missed).sum();
    let groups = coverage.groups.len();
    writeln!(out, "wholly covered: {:.1} %, mean over {groups} groups ({secrets} secrets)", coverage.mean())?;
    writeln!(out, "\n{:>6} {:>6} {:>5} {:>6}  group", "%", "whole", "part", "missed")?;
    table(out, &coverage.groups)?;
    writeln!(out, "\n{:>6} {:>6} {:>5} {:>6}  place", "%", "whole", "part", "missed")?;
    table(out, &coverage.places)?;
    for (group, count) in by_share(&coverage.groups) {
        let leaks: Vec<&Leak> = coverage.leaks.iter().filter(|leak| leak.group == *group).collect();
        if !leaks.is_empty() && examples > 0 {
            writeln!(out, "\n== {group}: {:.1} %", count.share())?;
        }
        // Those that begin alike are of one sort: one of each.
        let mut seen = BTreeSet::new();
        let sorts = leaks
            .into_iter()
            .filter(|leak| seen.insert((leak.place, middle(leak).chars().take(12).collect::<String>())));
        for leak in sorts.take(examples) {
            leaked(out, leak)?;
        }
    }
    Ok(())
}

fn leaked(out: &mut dyn Write, leak: &Leak) -> io::Result<()> {
    let fate = if leak.fate == Fate::Part { "part" } else { "missed" };
    writeln!(out, "  {fate:6} {}: {}", leak.place, middle(leak).chars().take(300).collect::<String>())
}

/// The first and the last line are around every case.
fn middle(leak: &Leak) -> String {
    let lines: Vec<&str> = leak.text.lines().collect();
    lines.get(1..lines.len().saturating_sub(1)).unwrap_or(&lines).join("⏎")
}

fn by_share<'a>(counts: &'a BTreeMap<&'static str, Count>) -> Vec<(&'a &'static str, &'a Count)> {
    let mut rows: Vec<_> = counts.iter().collect();
    rows.sort_by(|(_, one), (_, two)| one.share().total_cmp(&two.share()));
    rows
}

fn table(out: &mut dyn Write, counts: &BTreeMap<&'static str, Count>) -> io::Result<()> {
    for (name, count) in by_share(counts) {
        writeln!(out, "{:6.1} {:6} {:5} {:6}  {name}", count.share(), count.whole, count.part, count.missed)?;
    }
    Ok(())
}

/// Changed lines by detector, the worst first, with examples.
pub(crate) fn alarms(out: &mut dyn Write, title: &str, alarms: &Alarms, examples: usize) -> io::Result<()> {
    let (lines, bytes) = (alarms.lines, alarms.bytes);
    writeln!(out, "\n{title}: {:.2} changed lines per MB ({lines} in {bytes} bytes)", alarms.per_megabyte())?;
    let mut detectors: Vec<_> = alarms.detectors.iter().collect();
    detectors.sort_by_key(|(_, blame)| std::cmp::Reverse(blame.lines));
    for (detector, blame) in detectors {
        writeln!(out, "{:7}  {detector}", blame.lines)?;
        for example in blame.examples.iter().take(examples) {
            writeln!(out, "         {example}")?;
        }
    }
    let mut sources: Vec<_> = alarms.sources.iter().collect();
    sources.sort_by_key(|(_, lines)| std::cmp::Reverse(**lines));
    for (source, lines) in sources.into_iter().take(SOURCES) {
        writeln!(out, "{lines:7}  in {source}")?;
    }
    Ok(())
}

const SOURCES: usize = 15;
