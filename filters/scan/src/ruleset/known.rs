//! Values this process was told are secret, in the encodings they travel in.

use std::fmt;

use base64::Engine;
use zeroize::Zeroizing;

use super::spelling::{self, Alphabet};
use super::windows::{Place, Windows};
use crate::view::View;

/// A value that must not leave.
#[derive(Clone)]
pub struct KnownSecret {
    /// What findings call it: `known:NAME`.
    pub name: String,
    /// The value.
    pub value: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for KnownSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownSecret").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Why a value cannot be searched for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KnownError {
    /// Shorter than eight bytes: masking it would destroy texts.
    #[error("the value of `{0}` is shorter than 8 bytes")]
    TooShort(String),
    /// Longer than is kept in memory in all its encodings.
    #[error("the value of `{0}` is longer than 4 KiB")]
    TooLong(String),
    /// Like `aaaaaaaa` or `trueTRUE`: too few different bytes.
    #[error("the value of `{0}` is too plain to be told from ordinary text")]
    LowEntropy(String),
}

/// Refuses what would destroy texts.
pub(crate) fn check(secret: &KnownSecret) -> Result<(), KnownError> {
    let name = || secret.name.clone();
    if secret.value.len() < MIN_VALUE {
        return Err(KnownError::TooShort(name()));
    }
    if secret.value.len() > MAX_VALUE {
        return Err(KnownError::TooLong(name()));
    }
    if !is_telling(&secret.value) {
        return Err(KnownError::LowEntropy(name()));
    }
    Ok(())
}

/// Whether a value is long enough, and its bytes different enough, to be told from ordinary text.
fn is_telling(value: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in value {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    value.len() >= MIN_VALUE && seen.iter().filter(|seen| **seen).count() >= MIN_DIFFERENT
}

/// All known secrets. A hash of a few bytes, looked at on a grid, says where one may stand; a walk that accepts any spelling of each byte
/// says whether it does, and from where to where.
#[derive(Default)]
pub(crate) struct Known {
    needles: Vec<Needle>,
    /// Windows of eight bytes for what is long enough, of four for the rest.
    long: Windows<8, 8>,
    short: Windows<4, 5>,
    secrets: usize,
    lines: bool,
}

struct Needle {
    detector: usize,
    bytes: Zeroizing<Vec<u8>>,
    alphabet: Alphabet,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

impl Known {
    pub(crate) fn new(secrets: &[(usize, &KnownSecret)]) -> Self {
        let mut needles: Vec<Needle> =
            secrets.iter().flat_map(|(detector, secret)| needles(*detector, &secret.value)).collect();
        // of several that begin at one place the longest is told first
        needles.sort_by_key(|needle| std::cmp::Reverse(needle.bytes.len()));
        let mut known = Self { secrets: secrets.len(), needles: Vec::new(), ..Self::default() };
        for (index, needle) in needles.iter().enumerate() {
            for form in forms(needle) {
                known.index(index, &form);
            }
        }
        known.lines = secrets.iter().any(|(_, secret)| secret.value.contains(&b'\n'));
        known.needles = needles;
        known.long.seal();
        known.short.seal();
        known
    }

    pub(crate) fn len(&self) -> usize {
        self.secrets
    }

    /// Whether a value has several lines.
    pub(crate) fn spans_lines(&self) -> bool {
        self.lines
    }

    fn index(&mut self, needle: usize, form: &Form) {
        if form.bytes.len() >= Windows::<8, 8>::LEAST {
            self.long.add(needle, (&form.bytes, &form.places));
        } else if form.bytes.len() >= Windows::<4, 5>::LEAST {
            self.short.add(needle, (&form.bytes, &form.places));
        }
    }

    /// Calls `hit` with every place in `bytes[from..]` where a known secret may start, and which; `base` is where `bytes` starts in the
    /// stream, so that the places looked at are the same however it was cut.
    pub(crate) fn hunt(&self, bytes: &[u8], from: usize, base: u64, mut hit: impl FnMut(usize, usize)) {
        self.long.hunt(bytes, from, base, |at, place| self.confirm(bytes, at, place, &mut hit));
        self.short.hunt(bytes, from, base, |at, place| self.confirm(bytes, at, place, &mut hit));
    }

    fn confirm(&self, bytes: &[u8], at: usize, place: Place, hit: &mut impl FnMut(usize, usize)) {
        let Some(needle) = self.needles.get(place.needle as usize) else {
            return;
        };
        let end = at + usize::from(place.skip);
        let head = needle.bytes.get(..usize::from(place.index)).unwrap_or_default();
        let start = spelling::backward(&|at| bytes.get(at).copied(), end, head, needle.alphabet);
        if let Some(start) = start.filter(|start| at - (*start).min(at) <= LONGEST_HEAD) {
            hit(start, place.needle as usize);
        }
    }

    /// Whether `tail` is how a value of several words begins, and not all of it.
    pub(crate) fn begins(&self, tail: &[u8]) -> bool {
        let several =
            |needle: &&Needle| needle.alphabet == Alphabet::Text && needle.bytes.iter().any(|byte| ends_word(*byte));
        self.needles
            .iter()
            .filter(several)
            .any(|needle| needle.bytes.len() > tail.len() && needle.bytes.starts_with(tail))
    }

    /// The needle that stands at `at`: its detector and its end.
    pub(crate) fn find(&self, view: &View<'_>, at: usize, needle: usize) -> Option<(usize, usize)> {
        let needle = self.needles.get(needle)?;
        let end = spelling::forward(&|at| view.at(at), at, &needle.bytes, needle.alphabet)?;
        Some((needle.detector, end))
    }
}

fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b',' | b';' | b'&' | b'\t')
}

/// What is walked along: the value, its base64 at each place in a group of three, its hex digits.
fn needles(detector: usize, value: &[u8]) -> Vec<Needle> {
    let needle = |bytes: Vec<u8>, alphabet| Needle { detector, bytes: Zeroizing::new(bytes), alphabet };
    let mut needles = vec![
        needle(value.to_vec(), Alphabet::Text),
        needle(value.iter().flat_map(|byte| digits(*byte, false)).collect(), Alphabet::Hex),
    ];
    for skip in 0..3 {
        let core = base64_core(value, skip, &base64::engine::general_purpose::STANDARD_NO_PAD);
        needles.push(needle(core, Alphabet::Base64));
    }
    for line in lines(value) {
        needles.push(needle(line.to_vec(), Alphabet::Text));
    }
    needles
}

/// The lines of a value of several, those that could be values of their own.
fn lines(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = value.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.filter(move |line| line.len() < value.len() && is_telling(line))
}

/// A spelling of a needle, and where each of its bytes begins: what the windows are taken from.
struct Form {
    bytes: Zeroizing<Vec<u8>>,
    places: Vec<usize>,
}

impl Form {
    fn of(needle: &[u8], spell: impl Fn(usize, u8) -> Vec<u8>) -> Self {
        let mut form = Self { bytes: Zeroizing::default(), places: Vec::new() };
        for (index, byte) in needle.iter().enumerate() {
            let spelled = spell(index, *byte);
            form.places.push(form.bytes.len());
            form.bytes.extend(spelled);
        }
        form
    }
}

/// The spellings that serialisers give a whole value. Mixtures of them share some window with one, or hold escapes that are decoded.
fn forms(needle: &Needle) -> Vec<Form> {
    let mut forms = vec![Form::of(&needle.bytes, |_, byte| vec![byte])];
    match needle.alphabet {
        Alphabet::Text => {
            let spellings: [fn(u8) -> Vec<u8>; 10] = [
                |byte| json(&[byte], false, false, false),
                |byte| json(&[byte], false, true, false),
                |byte| json(&[byte], false, true, true),
                |byte| json(&json(&[byte], false, false, false), false, false, false),
                |byte| json(&json(&json(&[byte], false, false, false), false, false, false), false, false, false),
                |byte| percent(&[byte], false, false),
                |byte| percent(&percent(&[byte], false, false), false, false),
                html,
                |byte| if byte == b'\'' { b"&apos;".to_vec() } else { html(byte) },
                |byte| if matches!(byte, b'"' | b'\'') { vec![byte, byte] } else { vec![byte] },
            ];
            for spell in spellings {
                forms.push(Form::of(&needle.bytes, |_, byte| spell(byte)));
            }
            forms.push(Form::of(&needle.bytes, |_, byte| percent(&[byte], false, true)));
            for quote in [b'"', b'\''] {
                forms.push(Form::of(&needle.bytes, |_, byte| vec![byte; if byte == quote { 2 } else { 1 }]));
            }
            forms.push(Form::of(&needle.bytes, |_, byte| numbered(byte, |byte| format!("%{byte:02x}"))));
            forms.push(Form::of(&needle.bytes, |_, byte| numbered(byte, |byte| format!("%25{byte:02x}"))));
            forms.push(Form::of(&needle.bytes, |_, byte| numbered(byte, |byte| format!("&#{byte};"))));
            forms.push(Form::of(&needle.bytes, |_, byte| numbered(byte, |byte| format!("&#x{byte:x};"))));
            forms.push(Form::of(&needle.bytes, |_, byte| numbered(byte, |byte| format!("\\u00{byte:02x}"))));
            forms.push(Form::of(&needle.bytes, |_, byte| if byte == b'\'' { SHELL.to_vec() } else { vec![byte] }));
        }
        Alphabet::Hex => {
            for separator in [":", " ", "-", "\\x", "%", ", 0x", ",0x"] {
                forms.push(Form::of(&needle.bytes, |index, byte| {
                    let before = if index % 2 == 0 && index > 0 { separator.as_bytes() } else { b"" };
                    [before, &[byte]].concat()
                }));
            }
        }
        Alphabet::Base64 => forms.push(Form::of(&needle.bytes, |_, byte| match byte {
            b'+' => vec![b'-'],
            b'/' => vec![b'_'],
            _ => vec![byte],
        })),
    }
    forms.sort_by(|one, other| one.bytes.cmp(&other.bytes));
    forms.dedup_by(|one, other| one.bytes == other.bytes);
    forms
}

/// Marks by number, letters and digits as they are.
fn numbered(byte: u8, spell: impl Fn(u8) -> String) -> Vec<u8> {
    if byte.is_ascii_alphanumeric() { vec![byte] } else { spell(byte).into_bytes() }
}

fn html(byte: u8) -> Vec<u8> {
    match byte {
        b'"' => b"&quot;".to_vec(),
        b'\'' => b"&#39;".to_vec(),
        b'&' => b"&amp;".to_vec(),
        b'<' => b"&lt;".to_vec(),
        b'>' => b"&gt;".to_vec(),
        _ => vec![byte],
    }
}

/// The characters of the base64 text that depend on the value alone, when `skip` bytes stand before it in its group of three.
fn base64_core(value: &[u8], skip: usize, engine: &impl Engine) -> Vec<u8> {
    let mut padded = vec![0; skip];
    padded.extend_from_slice(value);
    let text = engine.encode(&padded);
    let first = (skip * 8).div_ceil(6);
    let last = padded.len() * 8 / 6;
    text.as_bytes().get(first..last).unwrap_or_default().to_vec()
}

fn percent(value: &[u8], upper: bool, all: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in value {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
        if plain && !all {
            out.push(*byte);
        } else {
            out.push(b'%');
            out.extend(digits(*byte, upper));
        }
    }
    out
}

fn json(value: &[u8], upper: bool, slash: bool, html: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for byte in value {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b'/' if slash => out.extend(b"\\/"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            b'\t' => out.extend(b"\\t"),
            b'<' | b'>' | b'&' | b'\'' if html => {
                out.extend(b"\\u00");
                out.extend(digits(*byte, upper));
            }
            0..=0x1f => {
                out.extend(b"\\u00");
                out.extend(digits(*byte, upper));
            }
            _ => out.push(*byte),
        }
    }
    out
}

fn digits(byte: u8, upper: bool) -> [u8; 2] {
    let digit = |nibble: u8| match (nibble, upper) {
        (0..=9, _) => b'0' + nibble,
        (_, true) => b'A' + nibble - 10,
        (_, false) => b'a' + nibble - 10,
    };
    [digit(byte >> 4), digit(byte & 15)]
}

/// A quote within quotes.
const SHELL: &[u8] = b"'\\''";
const MIN_VALUE: usize = 8;
const MAX_VALUE: usize = 4096;
/// Fewer different bytes than this is a word, not a secret.
const MIN_DIFFERENT: usize = 4;
/// So far before a window a secret may start: fewer bytes than the hot pass is sure of.
const LONGEST_HEAD: usize = 96;
