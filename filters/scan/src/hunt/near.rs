//! What the few bytes around a place say: enough to turn most places away.

use crate::class;
use crate::decode;
use crate::ruleset::names::{TAIL, Tails};

/// Whether a name of the list may end before the separator at `at`, by its last letters. Two digits end no name.
#[inline]
pub(super) fn named(bytes: &[u8], at: usize, tails: &Tails) -> bool {
    let around = class::QUOTE | class::SPACE | class::SLASH | class::BRACKET;
    let within = class::UNDERSCORE | class::DASH | class::DOT | class::SPACE;
    let mut letters = [0; TAIL];
    let mut found = 0;
    let mut digit = false;
    for byte in bytes.get(at.saturating_sub(MAX_GAP)..at).unwrap_or_default().iter().rev() {
        if byte.is_ascii_alphabetic() {
            if let Some(letter) = letters.get_mut(found) {
                *letter = *byte;
            }
            found += 1;
            let [last, second, third, ..] = letters;
            if found == TAIL || found == 3 && !tails.has([third, second, last]) {
                break;
            }
        } else if found == 0 && byte.is_ascii_digit() && !digit {
            digit = true;
        } else if !class::is(*byte, if found == 0 { around | within } else { within }) {
            break;
        }
    }
    found >= 3 && tails.ends(letters.get(..found).unwrap_or_default())
}

/// Whether a colon may stand in the authority behind the `://` at `at`.
pub(super) fn has_colon(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at + 3..).unwrap_or_default();
    let seen = rest.get(..LONGEST_HOST).unwrap_or(rest);
    let end = seen.iter().find(|byte| !class::is(**byte, class::ALNUM | class::DOT | class::DASH));
    // what else may end it is for the judge to say
    end.is_none_or(|byte| !matches!(byte, b'/' | b' ' | b'"' | b'?' | b'#' | b'\n'))
}

/// Whether the bytes before `at` are the end of a tag that holds a credential.
pub(super) fn fix_tag(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(3).and_then(|from| bytes.get(from..at)).is_some_and(|tag| FIX_ENDS.iter().any(|end| *end == tag))
}

/// How tags of FIX end that hold a credential: the short one with what sets it apart.
pub(super) const FIX_ENDS: &[&[u8; 3]] =
    &[b"\x0196", b"401", b"402", b"404", b"553", b"554", b"925", b"A96", b"^96", b"|96"];

pub(super) fn percent(bytes: &[u8], at: usize) -> bool {
    let Some([_, high, low]) = bytes.get(at..).and_then(<[u8]>::first_chunk::<3>) else {
        return false;
    };
    decode::hex(*high, *low).is_some_and(|byte| {
        class::is(byte, class::B64U)
            || matches!(byte, b'(' | b'\'' | b'=' | b':' | b'%' | b'"' | b'$' | b'{' | b'}' | b' ' | b'+' | b'/')
    })
}

/// Whether a zero stands two places on and something else between: zeros alone are no text.
pub(super) fn is_wide(bytes: &[u8], at: usize) -> bool {
    bytes.get(at + 1).is_some_and(|byte| *byte != 0) && bytes.get(at + 2) == Some(&0)
}

/// Whether a run of this length may be the number of a bank account: a country and two check digits.
pub(super) fn is_account(run: &[u8], length: usize) -> bool {
    matches!(run, [a, b, c, d, ..] if a.is_ascii_uppercase() && b.is_ascii_uppercase() && c.is_ascii_digit() && d.is_ascii_digit())
        && (20..=34).contains(&length)
}

/// Whether a run of this length is followed by a dash, eight characters and another dash, as no UUID and no trace is.
pub(super) fn is_split_key(run: &[u8], length: usize) -> bool {
    length == 32 && run.get(32) == Some(&b'-') && run.get(41) == Some(&b'-')
}

const MAX_GAP: usize = 16;
/// Fewer than the hot pass is sure of.
const LONGEST_HOST: usize = 48;
