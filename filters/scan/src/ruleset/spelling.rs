//! One byte of a known secret in any of the ways it may be written, whatever the bytes beside it are written like.
//!
//! A secret of *n* bytes that a serialiser may write in *k* ways each has *kⁿ* spellings. They are not listed: a walk over the text keeps
//! the few places at which the bytes so far may have ended.

/// What the bytes of a needle stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alphabet {
    /// The value itself.
    Text,
    /// Base64 of either alphabet, lines wrapped.
    Base64,
    /// Hex digits of either case, pairs set apart or not.
    Hex,
}

/// A text by position; none outside of it.
pub(crate) type At<'a> = &'a dyn Fn(usize) -> Option<u8>;

/// Where `needle`, begun at `start`, may end; the furthest of these.
pub(crate) fn forward(text: At<'_>, start: usize, needle: &[u8], alphabet: Alphabet) -> Option<usize> {
    let mut ends = vec![start];
    for (index, byte) in needle.iter().enumerate() {
        let mut next = Vec::new();
        for end in &ends {
            for from in entries(text, *end, index, alphabet) {
                spelled(text, from, *byte, alphabet, &mut next);
            }
        }
        next.sort_unstable();
        next.dedup();
        next.truncate(MOST);
        if next.is_empty() {
            return None;
        }
        ends = next;
    }
    ends.last().copied()
}

/// Where `needle` must begin to end before `end`; the nearest of these. Each place is tried once for each byte, whatever the number of
/// places at which the byte behind it may begin.
pub(crate) fn backward(text: At<'_>, end: usize, needle: &[u8], alphabet: Alphabet) -> Option<usize> {
    let mut starts = vec![end];
    let mut ends = Vec::new();
    for (index, byte) in needle.iter().enumerate().rev() {
        let (furthest, nearest) = (*starts.first()?, *starts.last()?);
        let mut next = Vec::new();
        for from in furthest.saturating_sub(LONGEST)..nearest {
            ends.clear();
            for entry in entries(text, from, index, alphabet) {
                spelled(text, entry, *byte, alphabet, &mut ends);
            }
            if ends.iter().any(|end| starts.binary_search(end).is_ok()) {
                next.push(from);
            }
        }
        // the nearest ones are the shortest spellings
        next.drain(..next.len().saturating_sub(MOST));
        starts = next;
    }
    starts.last().copied()
}

/// `at`, and what follows a separator there that the alphabet allows before its `index`-th character.
fn entries(text: At<'_>, at: usize, index: usize, alphabet: Alphabet) -> Vec<usize> {
    let mut entries = vec![at];
    if index == 0 {
        return entries;
    }
    match alphabet {
        Alphabet::Text => {}
        Alphabet::Base64 => {
            let mut end = at;
            while end - at < LONGEST_BREAK
                && let Some(after) = line_break(text, end)
            {
                end = after;
            }
            if end > at {
                entries.push(end);
            }
        }
        Alphabet::Hex if index % 2 == 1 => {}
        Alphabet::Hex => {
            let mut end = at;
            while end - at < 2 && matches!(text(end), Some(b':' | b'-' | b' ' | b',')) {
                end += 1;
            }
            entries.push(end);
            let slashes = run(text, end, b'\\');
            if text(end) == Some(b'0') && text(end + 1) == Some(b'x') {
                entries.push(end + 2);
            } else if slashes > 0 && text(end + slashes) == Some(b'x') {
                entries.push(end + slashes + 1);
            } else if text(end) == Some(b'%') {
                entries.push(end + 1);
            }
            entries.dedup();
        }
    }
    entries
}

/// Behind a line break at `at`, as it is or escaped.
fn line_break(text: At<'_>, at: usize) -> Option<usize> {
    let slashes = run(text, at, b'\\');
    match text(at + slashes)? {
        b'\n' | b'\r' if slashes == 0 => Some(at + 1),
        b'n' | b'r' if slashes > 0 => Some(at + slashes + 1),
        _ => None,
    }
}

/// Adds every place at which a spelling of `byte` ends that begins at `at`.
fn spelled(text: At<'_>, at: usize, byte: u8, alphabet: Alphabet, ends: &mut Vec<usize>) {
    let Some(first) = text(at) else {
        return;
    };
    let same = match alphabet {
        Alphabet::Text => first == byte,
        Alphabet::Hex => first.eq_ignore_ascii_case(&byte),
        Alphabet::Base64 => first == byte || matches!((byte, first), (b'+', b'-') | (b'/', b'_')),
    };
    if same {
        ends.push(at + 1);
    }
    match first {
        b'\\' => slashed(text, at, byte, ends),
        b'%' => percent(text, at, byte, ends),
        b'&' => entity(text, at, byte, ends),
        b'+' if byte == b' ' => ends.push(at + 1),
        b'"' | b'\'' if first == byte => doubled(text, at, byte, ends),
        _ => {}
    }
}

/// Behind any number of backslashes, as JSON in JSON has them: the byte itself, a letter for it, or its number.
fn slashed(text: At<'_>, at: usize, byte: u8, ends: &mut Vec<usize>) {
    let slashes = run(text, at, b'\\');
    if byte == b'\\' {
        ends.extend([2, 4, 8].into_iter().filter(|count| *count <= slashes).map(|count| at + count));
    }
    let from = at + slashes;
    let Some(letter) = text(from) else {
        return;
    };
    let meant = match letter {
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        b'b' => Some(8),
        b'f' => Some(12),
        other if !other.is_ascii_alphanumeric() => Some(other),
        _ => None,
    };
    if meant == Some(byte) {
        ends.push(from + 1);
    }
    let number = |from: usize| crate::decode::hex(text(from)?, text(from + 1)?);
    if letter == b'u' && text(from + 1) == Some(b'0') && text(from + 2) == Some(b'0') && number(from + 3) == Some(byte)
    {
        ends.push(from + 5);
    }
    if letter == b'x' && number(from + 1) == Some(byte) {
        ends.push(from + 3);
    }
}

/// `%2F`, and `%252F` however often that was done.
fn percent(text: At<'_>, at: usize, byte: u8, ends: &mut Vec<usize>) {
    let mut from = at + 1;
    for _ in 0..MOST_ROUNDS {
        let number = text(from).zip(text(from + 1)).and_then(|(high, low)| crate::decode::hex(high, low));
        if number == Some(byte) {
            ends.push(from + 2);
        }
        if number != Some(b'%') {
            return;
        }
        from += 2;
    }
}

/// `&quot;`, `&#34;`, `&#x22;`, and `&amp;quot;` however often that was done.
fn entity(text: At<'_>, at: usize, byte: u8, ends: &mut Vec<usize>) {
    let mut from = at + 1;
    while from - at < LONGEST && stands(text, from, b"amp;") {
        from += 4;
        if byte == b'&' {
            ends.push(from);
        }
    }
    let named = NAMED.iter().find(|(meant, name)| *meant == byte && stands(text, from, name));
    if let Some((_, name)) = named {
        ends.push(from + name.len());
    }
    if text(from) != Some(b'#') {
        return;
    }
    let radix = if matches!(text(from + 1), Some(b'x' | b'X')) { 16 } else { 10 };
    let mut end = from + if radix == 16 { 2 } else { 1 };
    let mut number = 0_u32;
    while end - from < LONGEST
        && let Some(digit) = text(end).and_then(|digit| char::from(digit).to_digit(radix))
    {
        number = number.saturating_mul(radix).saturating_add(digit);
        end += 1;
    }
    if number == u32::from(byte) && text(end) == Some(b';') {
        ends.push(end + 1);
    }
}

/// A quote that is written twice, or shut, escaped and opened again.
fn doubled(text: At<'_>, at: usize, byte: u8, ends: &mut Vec<usize>) {
    if text(at + 1) == Some(byte) {
        ends.push(at + 2);
    }
    for way in [b"'\\''".as_slice(), b"'\"'\"'"] {
        if byte == b'\'' && stands(text, at, way) {
            ends.push(at + way.len());
        }
    }
}

fn stands(text: At<'_>, at: usize, literal: &[u8]) -> bool {
    literal.iter().enumerate().all(|(offset, byte)| text(at + offset) == Some(*byte))
}

fn run(text: At<'_>, at: usize, byte: u8) -> usize {
    (0..MOST_SLASHES).take_while(|offset| text(at + offset) == Some(byte)).count()
}

const NAMED: [(u8, &[u8]); 4] = [(b'"', b"quot;"), (b'\'', b"apos;"), (b'<', b"lt;"), (b'>', b"gt;")];
/// So many ways to have read the bytes so far are followed.
const MOST: usize = 32;
/// So often is a percent sign encoded anew.
const MOST_ROUNDS: usize = 4;
/// Four levels of JSON in JSON.
const MOST_SLASHES: usize = 16;
/// The longest spelling of one byte, in bytes.
const LONGEST: usize = 24;
const LONGEST_BREAK: usize = 8;
