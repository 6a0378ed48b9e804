//! Decoding around a place that looks encoded, never of the whole stream. Every decoded byte knows where it came from.

use base64::Engine as _;

use crate::class;
use crate::view::View;

/// A decoded piece of the stream.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) bytes: Vec<u8>,
    /// Where each byte began, and at the end where the last one ended.
    places: Vec<usize>,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Decoded {
    /// The place in the stream of the decoded byte at `at`.
    pub(crate) fn place(&self, at: usize) -> usize {
        self.places.get(at).copied().unwrap_or(self.end)
    }

    fn push(&mut self, byte: u8, place: usize) {
        self.bytes.push(byte);
        self.places.push(place);
    }
}

/// Whether what ends `text` may be an escape or a pair of hex digits, with the delimiter behind it.
pub(crate) fn spells_bytes(text: &[u8]) -> bool {
    match text {
        [.., b'&'] => true,
        [before @ .., b';'] => {
            let name = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'#').count();
            before.len().checked_sub(name + 1).and_then(|at| before.get(at)) == Some(&b'&')
        }
        [before @ .., b',', b' '] | [before @ .., b' ' | b','] => {
            let pair = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).take(5).collect::<Vec<_>>();
            match pair.as_slice() {
                [low, high] | [low, high, b'x'] | [low, high, b'x', b'0'] => hex(**high, **low).is_some(),
                _ => false,
            }
        }
        _ => false,
    }
}

/// The value of two hex digits.
pub(crate) fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| DIGITS.get(usize::from(byte)).copied().unwrap_or(NONE);
    let (high, low) = (digit(high), digit(low));
    (high | low < 16).then_some(high << 4 | low)
}

/// The word around `at`, percent escapes decoded.
pub(crate) fn percent(view: &View<'_>, at: usize) -> Decoded {
    let start = view.run_back(at, class::BARE, LOOK_BACK).max(view.floor());
    let end = view.run(at, class::BARE, usize::MAX);
    let mut decoded = Decoded { start, end, ..Decoded::default() };
    let bytes = view.slice(start, end);
    let mut offset = 0;
    while let Some(byte) = bytes.get(offset) {
        let place = start + offset;
        match bytes.get(offset..).and_then(<[u8]>::first_chunk::<3>) {
            Some([b'%', high, low]) if hex(*high, *low).is_some() => {
                decoded.push(hex(*high, *low).unwrap_or_default(), place);
                offset += 3;
            }
            _ => {
                decoded.push(*byte, place);
                offset += 1;
            }
        }
    }
    decoded
}

/// The line around `at`, `\u00XX` and `\xXX` decoded. Quotes and backslashes of the first stay escaped, as they are text in a JSON
/// string; those of the second are what a log made of the quotes of a whole body.
pub(crate) fn escapes(view: &View<'_>, at: usize) -> Decoded {
    let mut decoded = line(view, at);
    let (start, bytes) = (decoded.start, view.slice(decoded.start, decoded.end));
    let mut offset = 0;
    while let Some(byte) = bytes.get(offset) {
        let rest = bytes.get(offset..).unwrap_or_default();
        let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
        let single = slashes % 2 == 1 || slashes == 2;
        match escape(rest.get(slashes..).unwrap_or_default()).filter(|_| single) {
            Some((value, length)) => {
                // an odd run is escaped backslashes and the one of the escape
                for extra in 0..if slashes % 2 == 1 { slashes - 1 } else { 0 } {
                    decoded.push(b'\\', start + offset + extra);
                }
                if length == UNICODE && matches!(value, b'"' | b'\\') {
                    decoded.push(b'\\', start + offset);
                }
                decoded.push(value, start + offset);
                offset += slashes + length;
            }
            None => {
                let step = slashes.max(1);
                for extra in 0..step {
                    decoded.push(if slashes > 0 { b'\\' } else { *byte }, start + offset + extra);
                }
                offset += step;
            }
        }
    }
    decoded
}

/// The byte that `u00XX` or `xXX` stands for, and how long that is.
fn escape(text: &[u8]) -> Option<(u8, usize)> {
    match text {
        [b'u', b'0', b'0', high, low, ..] => Some((hex(*high, *low)?, UNICODE)),
        [b'x', high, low, ..] => Some((hex(*high, *low)?, 3)),
        _ => None,
    }
}

/// The line around `at`, entities of HTML and XML decoded.
pub(crate) fn entities(view: &View<'_>, at: usize) -> Decoded {
    let mut decoded = line(view, at);
    let (start, bytes) = (decoded.start, view.slice(decoded.start, decoded.end));
    let mut offset = 0;
    while let Some(byte) = bytes.get(offset) {
        let entity = (*byte == b'&').then(|| entity(bytes.get(offset + 1..).unwrap_or_default())).flatten();
        let (value, length) = entity.unwrap_or((*byte, 0));
        decoded.push(value, start + offset);
        offset += length + 1;
    }
    decoded
}

/// The byte that an entity stands for, and how long it is behind its ampersand.
fn entity(text: &[u8]) -> Option<(u8, usize)> {
    let end = memchr::memchr(b';', text.get(..LONGEST_ENTITY).unwrap_or(text))?;
    let byte = match text.get(..end)? {
        b"quot" => b'"',
        b"apos" => b'\'',
        b"amp" => b'&',
        b"lt" => b'<',
        b"gt" => b'>',
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16)?,
        [b'#', digits @ ..] => number(digits, 10)?,
        _ => return None,
    };
    Some((byte, end + 1))
}

fn number(digits: &[u8], radix: u32) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    u8::from_str_radix(text, radix).ok()
}

fn line(view: &View<'_>, at: usize) -> Decoded {
    let mut start = at;
    while at - start < LOOK_BACK && start > view.floor() && view.before(start).is_some_and(|byte| byte != b'\n') {
        start -= 1;
    }
    Decoded { start, end: view.until(at, usize::MAX, |byte| byte == b'\n'), ..Decoded::default() }
}

/// UTF-16 of ASCII around the zero at `at`; none when it is something else.
pub(crate) fn utf16(view: &View<'_>, at: usize) -> Option<Decoded> {
    let zero = |at: usize| view.at(at) == Some(0);
    let text = |at: usize| view.at(at).is_some_and(|byte| matches!(byte, 9 | 10 | 13 | 0x20..=0x7e));
    let mut start = at + 1;
    while start >= view.floor() + 2
        && at - start.min(at) < LOOK_BACK
        && zero(start - 2)
        && start >= 3
        && text(start - 3)
    {
        start -= 2;
    }
    if start >= 1 && zero(at) && start == at + 1 && at > view.floor() && text(at - 1) {
        start = at - 1;
    } else if start >= 2 && start > view.floor() + 1 && text(start - 2) && zero(start - 1) {
        start -= 2;
    }
    let mut decoded = Decoded { start, ..Decoded::default() };
    let mut place = start;
    while text(place) {
        decoded.push(view.at(place).unwrap_or_default(), place);
        if !zero(place + 1) {
            place += 1;
            break;
        }
        place += 2;
    }
    decoded.end = place;
    (decoded.bytes.len() >= SHORTEST_WIDE).then_some(decoded)
}

/// The base64 word from `at` on, of either alphabet, if it holds text.
pub(crate) fn base64(view: &View<'_>, at: usize) -> Option<Decoded> {
    let set = class::B64 | class::B64U;
    let head = plain(view.slice(at, view.run(at, set, HEAD)))?;
    if head.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()) {
        return None;
    }
    let end = view.run(at, set, usize::MAX);
    let bytes = plain(view.slice(at, end))?;
    Some(Decoded { bytes, places: Vec::new(), start: at, end })
}

/// The base64 around `at`, where a group of four starts: from what is seen of it before on, over the line breaks of text that is
/// wrapped; and where the last line of it starts.
pub(crate) fn base64_lines(view: &View<'_>, at: usize) -> Option<(Decoded, usize)> {
    let set = class::B64 | class::B64U;
    let at = at - (at - view.run_back(at, set, LOOK_BACK)) / 4 * 4;
    let (mut text, mut line) = (Vec::new(), at);
    let mut end = view.run(at, set, usize::MAX);
    loop {
        text.extend_from_slice(view.slice(line, end));
        let next = end + usize::from(view.at(end) == Some(b'\r')) + 1;
        if end - line < SHORTEST_LINE || view.before(next) != Some(b'\n') {
            break;
        }
        let stop = view.run(next, set, usize::MAX);
        let whole = view.at(stop).is_none_or(|byte| matches!(byte, b'\n' | b'\r' | b'='));
        if stop == next || !whole {
            break;
        }
        (line, end) = (next, stop);
    }
    let bytes = plain(&text)?;
    Some((Decoded { bytes, places: Vec::new(), start: at, end }, line))
}

/// The pairs of hex digits from `at` on.
pub(crate) fn hex_text(view: &View<'_>, at: usize) -> Decoded {
    let end = view.run(at, class::HEX_LOWER | class::HEX_UPPER, usize::MAX);
    let pairs = view.slice(at, end).as_chunks::<2>().0;
    let bytes = pairs.iter().filter_map(|[high, low]| hex(*high, *low)).collect();
    Decoded { bytes, places: Vec::new(), start: at, end }
}

/// At which of the first eight places a group of base64 starts behind which there is text, if one does. The text itself may begin
/// within the group before.
pub(crate) fn base64_phase(bytes: &[u8], at: usize) -> Option<u8> {
    let text = |phase: &u8| {
        let window = bytes.get(at + usize::from(*phase)..).and_then(<[u8]>::first_chunk::<TELLING>);
        window.is_some_and(|window| window.as_chunks::<4>().0.iter().all(is_text_group))
    };
    (0..8).find(text)
}

/// At which of the first two places pairs of hex digits start that spell text, if they do at one.
pub(crate) fn hex_phase(bytes: &[u8], at: usize) -> Option<u8> {
    let text = |phase: &u8| {
        let window = bytes.get(at + usize::from(*phase)..).and_then(<[u8]>::first_chunk::<TELLING>);
        let pair = |[high, low]: &[u8; 2]| hex(*high, *low).is_some_and(is_text);
        window.is_some_and(|window| window.as_chunks::<2>().0.iter().all(pair))
    };
    (0..2).find(text)
}

fn is_text_group(group: &[u8; 4]) -> bool {
    let sextet = |letter: u8| u32::from(SEXTETS.get(usize::from(letter)).copied().unwrap_or(NONE));
    let [first, ..] = *group;
    // no byte of text is above 0x7e: most groups of other things end here
    if sextet(first) > 31 {
        return false;
    }
    let [a, b, c, d] = group.map(sextet);
    let number = a << 18 | b << 12 | c << 6 | d;
    let [_, first, second, third] = number.to_be_bytes();
    a.max(b).max(c).max(d) < 64 && is_text(first) && is_text(second) && is_text(third)
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e)
}

/// The six bits that a letter of base64 stands for, of either alphabet.
static SEXTETS: [u8; 256] = sextets();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "const evaluation: the index runs 0..256, checked by the compiler"
)]
const fn sextets() -> [u8; 256] {
    let mut table = [NONE; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        table[at] = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => NONE,
        };
        at += 1;
    }
    table
}

/// What a hex digit of either case stands for.
static DIGITS: [u8; 256] = digits();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "const evaluation: the index runs 0..256, checked by the compiler"
)]
const fn digits() -> [u8; 256] {
    let mut table = [NONE; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        table[at] = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'f' => byte - b'a' + 10,
            b'A'..=b'F' => byte - b'A' + 10,
            _ => NONE,
        };
        at += 1;
    }
    table
}

/// What base64 of either alphabet stands for.
pub(crate) fn plain(text: &[u8]) -> Option<Vec<u8>> {
    let mut text = text.to_vec();
    for byte in &mut text {
        match byte {
            b'-' => *byte = b'+',
            b'_' => *byte = b'/',
            _ => {}
        }
    }
    while text.len() % 4 == 1 {
        text.pop();
    }
    let engine = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    engine.decode(&text).ok()
}

/// How far before its trigger a secret may begin, in bytes.
pub(crate) const LOOK_BACK: usize = 256;
/// So much of a base64 word is decoded to see whether it holds text.
const HEAD: usize = 64;
const SHORTEST_WIDE: usize = 6;
/// So many letters or digits in a row that spell text are no accident.
const TELLING: usize = 20;
/// Shorter lines are not wrapped.
const SHORTEST_LINE: usize = 56;
const UNICODE: usize = 5;
/// Of `#x000022;`.
const LONGEST_ENTITY: usize = 9;
/// No letter of base64.
const NONE: u8 = u8::MAX;
