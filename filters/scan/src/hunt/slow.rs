//! The hot pass as one would write it who has all the time in the world: every place is asked for everything.

use super::masks::WORDS;
use super::near::{has_colon, is_wide, percent};
use super::{Asker, Hit, Kind, Range, Text};
use crate::class;
use crate::ruleset::Ruleset;

/// What [`super::Hunt::find`] finds, without masks, filters, automata or hashes.
pub(super) fn find(rules: &Ruleset, bytes: &[u8], from: Range, hits: &mut Vec<Hit>) {
    let text = Text { hunt: &rules.hunt, tails: rules.names.tails(), bytes };
    for at in from.start..from.limit.min(bytes.len()) {
        let mut push = |kind| hits.push(Hit { at, kind });
        literals(rules, &text, at, &mut push);
        rules.known.all_at(bytes, at).for_each(|needle| push(Kind::Known(needle)));
        match bytes[at] {
            b':' | b'=' => push(Kind::Separator),
            b'%' if percent(bytes, at) => push(Kind::Percent),
            0 if is_wide(bytes, at) => push(Kind::Zero),
            _ => {}
        }
        let text = |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b' ');
        if rules.hunt.phrases && (at == 0 || !text(at - 1)) && (at..at + WORDS as usize).all(text) {
            push(Kind::Words);
        }
    }
    // a run may begin with the tail of an escape, and is told behind it
    for at in from.start.saturating_sub(2)..from.limit.min(bytes.len()) {
        let alnum = |at: usize| bytes.get(at).is_some_and(|byte| class::is(*byte, class::ALNUM));
        let starts = at == 0 || !alnum(at - 1);
        if starts
            && (at..at + 20).all(alnum)
            && let Some((at, kind)) = text.run(at)
            && (from.start..from.limit).contains(&at)
        {
            hits.push(Hit { at, kind });
        }
    }
    hits.sort_unstable();
    hits.dedup();
}

fn literals(rules: &Ruleset, text: &Text<'_>, at: usize, push: &mut impl FnMut(Kind)) {
    for (bucket, inner, literal) in rules.hunt.literals.all() {
        if !text.bytes[at..].starts_with(literal) {
            continue;
        }
        if rules.hunt.literals.askers(bucket).any(|asker| asker == Asker::Authority) {
            if has_colon(text.bytes, at) {
                push(Kind::Separator);
            }
        } else if inner || text.may_start(at) {
            push(Kind::Literal(bucket));
        }
    }
}
