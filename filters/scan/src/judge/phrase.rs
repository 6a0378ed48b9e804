//! Phrases of BIP-39: a value of many words.

use crate::class;
use crate::edit::Edit;
use crate::finding::Confidence;
use crate::judge::{Judge, Verdict};
use crate::ruleset::pack::{Check, Engine};
use crate::validate::{self, PHRASE_LENGTHS, is_listed, phrase_within};
use crate::view::View;

impl Judge<'_> {
    /// The phrases in the run of letters and blanks that starts at `at`: words of the list in a row, and the checksum among them.
    pub(super) fn phrases(&self, view: &View<'_>, at: usize) -> Verdict {
        let Some(detector) = self.rules.engines.get(&Engine::Phrase).copied() else {
            return Verdict::default();
        };
        // The letter of an escape belongs to no word.
        let start = at + usize::from(view.before(at) == Some(b'\\'));
        let end = view.until(start, LONGEST_RUN, |byte| !class::is(byte, class::LETTER) && byte != b' ');
        let mut verdict = Verdict::default();
        let mut listed: Vec<&[u8]> = Vec::new();
        let mut from = start;
        let mut began = start;
        let words = view.slice(start, end).split(|byte| *byte == b' ').chain([&b""[..], b"."]);
        for word in words {
            if is_listed(word) {
                if listed.is_empty() {
                    began = from;
                }
                listed.push(word);
            } else if !word.is_empty() || !listed.is_empty() {
                self.phrase_among(view, (began, &listed), detector, &mut verdict);
                listed.clear();
            }
            from += word.len() + 1;
        }
        verdict
    }

    fn phrase_among(&self, view: &View<'_>, (began, listed): (usize, &[&[u8]]), detector: usize, into: &mut Verdict) {
        if listed.len() < LEAST {
            return;
        }
        let seen = listed.get(..MOST_LISTED).unwrap_or(listed);
        self.work.read(HASHED * (seen.len() + 1 - LEAST));
        let Some(range) = phrase_within(seen) else { return };
        let long = |words: &[&[u8]]| words.iter().map(|word| word.len() + 1).sum::<usize>();
        let start = began + long(listed.get(..range.start).unwrap_or_default());
        let end = start + long(listed.get(range).unwrap_or_default()) - 1;
        if start >= view.floor() {
            into.edits.push(Edit::new(self.rules, view, (start, end), detector).sure(Confidence::High).plain());
        }
    }
}

/// The end of the phrase that starts at `at`: twelve words or more of the list, one of them may be none (a typing error keeps the
/// rest as good as known). Whatever stands between them, commas, numbers, plus signs, goes with it.
pub(super) fn end(view: &View<'_>, at: usize) -> Option<usize> {
    let mut words = 0;
    let mut unlisted = 0;
    let mut end = at;
    let mut from = at;
    while words < MOST {
        let stop = view.run(from, class::LOWER, LONGEST + 1);
        let word = view.slice(from, stop);
        if view.is_cut(stop) || !(3..=LONGEST).contains(&word.len()) {
            break;
        }
        let known = is_listed(word);
        unlisted += usize::from(!known);
        if unlisted > MOST_UNLISTED || words == 0 && unlisted > 0 {
            break;
        }
        words += 1;
        // A word of another list ends it, unless it makes the number of words right.
        if known || PHRASE_LENGTHS.contains(&words) {
            end = stop;
        }
        from = gap(view, stop);
        if from == stop {
            break;
        }
    }
    (words >= LEAST).then_some(end)
}

/// Behind the line break or quote that stands at `at` escaped, however often.
fn escaped_break(view: &View<'_>, at: usize) -> Option<usize> {
    let end = view.run(at, class::SLASH, LONGEST_GAP);
    matches!(view.at(end), Some(b'n' | b'"')).then_some(end + 1)
}

/// The first word of a numbered list that begins at `from`, behind blanks and line breaks.
pub(super) fn first_of_list(view: &View<'_>, from: usize) -> Option<usize> {
    let mut at = from;
    while at - from < LONGEST_GAP {
        at = match view.at(at)? {
            b' ' | b'\n' | b'\r' | b'\t' => at + 1,
            b'\\' => escaped_break(view, at)?,
            _ => break,
        };
    }
    let number = view.run(at, class::DIGIT, 3);
    let dot = matches!(view.at(number), Some(b'.' | b')'));
    let word = view.run(number + 1, class::SPACE, 2);
    (number > at && dot && view.at(word)?.is_ascii_lowercase()).then_some(word)
}

/// The end of a number in groups (`4111 1111 1111 1111`, `DE89 3704 …`) that starts at `at` and passes as a card or an account.
pub(super) fn groups(view: &View<'_>, at: usize) -> Option<usize> {
    let set = class::UPPER | class::DIGIT;
    let mut end = view.run(at, set, GROUP + 1);
    let mut best = None;
    while end > at && end - at <= LONGEST_NUMBER {
        let next = view.run(end, class::SPACE | class::B64_MARKS, 1);
        let stop = view.run(next, set, GROUP + 1);
        let group = stop - next;
        if next == end || !(1..=GROUP).contains(&group) || stop - at > LONGEST_NUMBER {
            break;
        }
        end = stop;
        let number = view.slice(at, end);
        if validate::passes(Check::Card, number) || validate::passes(Check::Iban, number) {
            best = Some(end);
        }
    }
    best
}

/// Behind what may stand between two words of a phrase: spaces, commas, `+`, `%20`, `\n`, quotes, numbers with a dot.
fn gap(view: &View<'_>, from: usize) -> usize {
    if view.starts_with(from, b"%20") {
        return from + 3;
    }
    let mut at = from;
    while at - from < LONGEST_GAP {
        match view.at(at) {
            Some(b' ' | b',' | b'+' | b'\t' | b'"' | b'\'' | b'-' | b'_' | b'\n' | b'\r') => at += 1,
            Some(b'0'..=b'9' | b'.' | b')') if at > from => at += 1,
            Some(b'\\') => match escaped_break(view, at) {
                Some(behind) => at = behind,
                None => break,
            },
            _ => break,
        }
    }
    at
}

/// Longest group of a number: six in cards of fifteen digits.
const GROUP: usize = 6;
const LONGEST_NUMBER: usize = 42;
const LEAST: usize = PHRASE_LENGTHS[0];
const MOST: usize = 24;
const MOST_UNLISTED: usize = 1;
const LONGEST: usize = 8;
const LONGEST_GAP: usize = 12;
/// Of a run of letters and blanks so much is looked at: a line of that many words without a comma is no text.
const LONGEST_RUN: usize = 2048;
/// Of words of the list in a row so many are tried.
const MOST_LISTED: usize = 40;
/// Trying the lengths that a phrase may have at one word costs as much as reading so many bytes.
const HASHED: usize = 256;
