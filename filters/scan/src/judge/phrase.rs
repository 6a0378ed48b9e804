//! Phrases of BIP-39: a value of many words.

use crate::class;
use crate::ruleset::pack::Check;
use crate::validate::{self, PHRASE_LENGTHS, is_listed};
use crate::view::View;

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
        unlisted += usize::from(!is_listed(word));
        if unlisted > MOST_UNLISTED || words == 0 && unlisted > 0 {
            break;
        }
        words += 1;
        end = stop;
        from = gap(view, stop);
        if from == stop {
            break;
        }
    }
    (words >= LEAST).then_some(end)
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
            Some(b'\\') if matches!(view.at(at + 1), Some(b'n' | b'"')) => at += 2,
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
const LONGEST_GAP: usize = 8;
