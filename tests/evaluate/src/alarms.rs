//! How often a text without secrets is changed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sekisho_scan::{Action, Ruleset, Shape, redact};

use crate::quiet::{self, Family};

/// What one detector did to texts that hold no secret.
#[derive(Debug, Default)]
pub(crate) struct Blame {
    pub(crate) lines: usize,
    /// Some of the lines, with where they are from.
    pub(crate) examples: Vec<String>,
}

/// What happened to a set of texts.
#[derive(Debug, Default)]
pub(crate) struct Alarms {
    pub(crate) bytes: usize,
    pub(crate) lines: usize,
    pub(crate) detectors: BTreeMap<String, Blame>,
    /// Changed lines by the source of the text.
    pub(crate) sources: BTreeMap<String, usize>,
}

impl Alarms {
    /// Changed lines in a megabyte (10^6 bytes).
    pub(crate) fn per_megabyte(&self) -> f64 {
        crate::measure::ratio(self.lines, self.bytes.max(1)) * 1e6
    }

    /// Counts the lines of `text` in which something was found and not only told.
    pub(crate) fn add(&mut self, rules: &Arc<Ruleset>, source: &str, text: &[u8]) {
        self.bytes += text.len();
        let redacted = redact(rules, Shape::Text, text);
        let mut changed = BTreeSet::new();
        for finding in redacted.findings.iter().filter(|finding| finding.action != Action::Alert) {
            let at = usize::try_from(finding.offset).unwrap();
            let (from, line) = line_of(text, at);
            if changed.insert((from, finding.detector.to_string())) {
                let blame = self.detectors.entry(finding.detector.to_string()).or_default();
                blame.lines += 1;
                if blame.examples.len() < EXAMPLES {
                    blame.examples.push(format!("{source}: {}", window(line, at - from)));
                }
            }
        }
        let lines = changed.iter().map(|(from, _)| from).collect::<BTreeSet<_>>().len();
        self.lines += lines;
        if lines > 0 {
            *self.sources.entry(source.to_owned()).or_default() += lines;
        }
    }
}

/// `size` bytes of each of `families`, in pieces as long as a log file's rotation would not mind.
pub(crate) fn generated(rules: &Arc<Ruleset>, families: &[Family], seed: u64, size: usize) -> Alarms {
    let mut alarms = Alarms::default();
    for family in families {
        let mut left = size;
        while left > 0 {
            let piece = left.min(1 << 20);
            alarms.add(rules, family.0, quiet::text(family, seed + left as u64, piece).as_bytes());
            left -= piece;
        }
    }
    alarms
}

fn line_of(text: &[u8], at: usize) -> (usize, &[u8]) {
    let from = text[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let length = text[at..].iter().position(|byte| *byte == b'\n').unwrap_or(text.len() - at);
    (from, &text[from..at + length])
}

/// The neighbourhood of `at`.
fn window(line: &[u8], at: usize) -> String {
    let piece = &line[at.saturating_sub(70)..line.len().min(at + 70)];
    String::from_utf8_lossy(piece).replace(char::is_control, "·")
}

const EXAMPLES: usize = 12;

#[test]
fn a_line_is_found_around_a_place() {
    assert_eq!(line_of(b"ab\ncd\nef", 4), (3, b"cd".as_slice()));
    assert_eq!(line_of(b"ab\ncd\nef", 7), (6, b"ef".as_slice()));
}
