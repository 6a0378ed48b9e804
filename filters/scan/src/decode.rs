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
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
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

/// The line around `at`, `\u00XX` decoded; quotes and backslashes stay escaped.
pub(crate) fn unicode(view: &View<'_>, at: usize) -> Decoded {
    let mut start = at;
    while at - start < LOOK_BACK && start > view.floor() && view.before(start).is_some_and(|byte| byte != b'\n') {
        start -= 1;
    }
    let end = view.until(at, usize::MAX, |byte| byte == b'\n');
    let mut decoded = Decoded { start, end, ..Decoded::default() };
    let bytes = view.slice(start, end);
    let mut offset = 0;
    while let Some(byte) = bytes.get(offset) {
        let rest = bytes.get(offset..).unwrap_or_default();
        let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
        let escape = rest.get(slashes..).and_then(<[u8]>::first_chunk::<5>);
        let value = match escape {
            Some([b'u', b'0', b'0', high, low]) if slashes % 2 == 1 || slashes == 2 => hex(*high, *low),
            _ => None,
        };
        match value {
            Some(value) if slashes > 0 => {
                // an odd run is escaped backslashes and the one of the escape
                for extra in 0..if slashes % 2 == 1 { slashes - 1 } else { 0 } {
                    decoded.push(b'\\', start + offset + extra);
                }
                if matches!(value, b'"' | b'\\') {
                    decoded.push(b'\\', start + offset);
                }
                decoded.push(value, start + offset);
                offset += slashes + 5;
            }
            _ => {
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

fn plain(text: &[u8]) -> Option<Vec<u8>> {
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
