//! What became of each secret.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use sekisho_scan::{Finding, Ruleset, Shape, redact};

use crate::case::Case;
use crate::kinds::Kind;

/// What became of one secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    /// Every byte was replaced.
    Whole,
    /// Some were.
    Part,
    /// None was.
    Missed,
}

/// How many of a number of secrets were found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    pub(crate) whole: usize,
    pub(crate) part: usize,
    pub(crate) missed: usize,
}

impl Count {
    fn add(&mut self, fate: Fate) {
        match fate {
            Fate::Whole => self.whole += 1,
            Fate::Part => self.part += 1,
            Fate::Missed => self.missed += 1,
        }
    }

    /// Wholly covered, in percent.
    pub(crate) fn share(&self) -> f64 {
        percent(self.whole, self.whole + self.part + self.missed)
    }
}

pub(crate) fn percent(part: usize, whole: usize) -> f64 {
    if whole == 0 { 100.0 } else { ratio(part, whole) * 100.0 }
}

pub(crate) fn ratio(part: usize, whole: usize) -> f64 {
    f64::from(u32::try_from(part).unwrap()) / f64::from(u32::try_from(whole).unwrap())
}

/// A text in which a secret was not wholly covered, after redaction. All of it is made up.
#[derive(Debug)]
pub(crate) struct Leak {
    pub(crate) group: &'static str,
    pub(crate) place: &'static str,
    pub(crate) fate: Fate,
    pub(crate) text: String,
}

/// The whole set's outcome.
#[derive(Debug, Default)]
pub(crate) struct Coverage {
    pub(crate) groups: BTreeMap<&'static str, Count>,
    pub(crate) places: BTreeMap<&'static str, Count>,
    pub(crate) leaks: Vec<Leak>,
}

impl Coverage {
    /// The mean of the groups' shares: a group with many cases counts as much as one with few.
    pub(crate) fn mean(&self) -> f64 {
        let sum: f64 = self.groups.values().map(Count::share).sum();
        sum / f64::from(u32::try_from(self.groups.len()).unwrap())
    }
}

/// Redacts every case of `kinds`, each as a line of a log, which is how the scanner sees what it knows nothing of. It is not told of JSON
/// or of forms where a case is one: what a shape adds or takes away is not judged here.
pub(crate) fn coverage(rules: &Arc<Ruleset>, kinds: impl Iterator<Item = Kind>, seed: u64, rounds: u64) -> Coverage {
    let mut coverage = Coverage::default();
    for kind in kinds {
        // The same cases with other random values: what does not differ is no part of the secret.
        let twins = kind.cases(seed + 1, rounds);
        for (case, twin) in kind.cases(seed, rounds).iter().zip(&twins) {
            let redacted = redact(rules, Shape::Text, case.text.as_bytes());
            for (at, secret) in case.secrets.iter().enumerate() {
                let same = twin.secrets.get(at).map_or(0, |other| common(case, secret, twin, other));
                let anchor = same.max(anchor(&case.text[secret.clone()]));
                let fate = fate(case, secret, anchor, &redacted.bytes, &redacted.findings);
                coverage.groups.entry(case.group).or_default().add(fate);
                coverage.places.entry(case.place).or_default().add(fate);
                if fate != Fate::Whole {
                    let text = String::from_utf8_lossy(&redacted.bytes).into_owned();
                    coverage.leaks.push(Leak { group: case.group, place: case.place, fate, text });
                }
            }
        }
    }
    coverage
}

/// How many bytes two secrets of a kind have in common at their front.
fn common(case: &Case, secret: &Range<usize>, twin: &Case, other: &Range<usize>) -> usize {
    let (one, two) = (case.text[secret.clone()].bytes(), twin.text[other.clone()].bytes());
    one.zip(two).take_while(|(one, two)| one == two).count()
}

/// What a value begins with, if that has the look of a provider's mark (`sk_live_`): words with a separator at the end.
fn anchor(value: &str) -> usize {
    let front = value.bytes().take(16).take_while(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
    let mut digits = 0;
    let plain = front.take_while(|byte| {
        digits += usize::from(byte.is_ascii_digit());
        digits <= 2
    });
    let front: Vec<u8> = plain.collect();
    front.iter().rposition(|byte| b"_-.".contains(byte)).map_or(0, |at| at + 1)
}

/// A mask may show what tells the kind (`sk-`) and the last four; no other six bytes in a row may be left, and the findings have to
/// say that they took the secret's whole length.
fn fate(case: &Case, secret: &Range<usize>, anchor: usize, out: &[u8], findings: &[Finding]) -> Fate {
    let value = &case.text.as_bytes()[secret.clone()];
    let shown = value.get(anchor..).unwrap_or_default();
    let leaks = shown.windows(WINDOW.min(shown.len().max(1))).any(|piece| holds(out, piece));
    let covered = secret.clone().filter(|at| findings.iter().any(|finding| span(finding).contains(at))).count();
    // An anchor that stays as a name before the mask was not taken, and need not be.
    if !leaks && covered + anchor >= value.len() {
        Fate::Whole
    } else if covered > 0 || !holds(out, value) {
        Fate::Part
    } else {
        Fate::Missed
    }
}

fn span(finding: &Finding) -> Range<usize> {
    let from = usize::try_from(finding.offset).unwrap();
    from..from + usize::try_from(finding.length).unwrap()
}

fn holds(text: &[u8], piece: &[u8]) -> bool {
    text.windows(piece.len().max(1)).any(|window| window == piece)
}

const WINDOW: usize = 6;

#[cfg(test)]
mod tests {
    use sekisho_scan::redact_field;

    use super::{Fate, anchor, fate};
    use crate::case::{Case, secret};

    #[test]
    fn a_mark_is_told_from_a_value() {
        let cases = [
            ("sk_live_abcdefghij", 8),
            ("sq0atp-abcdef", 7),
            ("hunter2", 0),
            ("4f3d9a81-aaaa-bbbb", 0),
            ("github_pat_11A", 11),
        ];
        assert!(cases.iter().all(|(value, length)| anchor(value) == *length));
    }

    #[test]
    fn fates_are_told_apart() {
        let case = Case::new("g", "p", &secret("hunter2hunter3"));
        let rules = crate::rules();
        let found = redact_field(&rules, "password", case.text.as_bytes(), sekisho_scan::Shape::Text).findings;
        let fate = |out: &[u8]| fate(&case, &case.secrets[0], 0, out, &found);
        assert_eq!(fate(b"****"), Fate::Whole);
        assert_eq!(fate(b"****nter3"), Fate::Whole, "five bytes are too few to tell");
        assert_eq!(fate(b"****unter3"), Fate::Part);
        assert_eq!(super::fate(&case, &case.secrets[0], 0, case.text.as_bytes(), &[]), Fate::Missed);
        assert_eq!(super::fate(&case, &case.secrets[0], 0, b"", &[]), Fate::Part, "gone, and nobody said so");
    }
}
