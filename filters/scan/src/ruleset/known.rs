//! Values this process was told are secret, in the encodings they travel in.

use std::collections::HashMap;
use std::fmt;

use base64::Engine;
use zeroize::Zeroizing;

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
    let mut seen = [false; 256];
    for byte in secret.value.iter() {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    if seen.iter().filter(|seen| **seen).count() < MIN_DIFFERENT {
        return Err(KnownError::LowEntropy(name()));
    }
    Ok(())
}

/// All known secrets in all encodings, found by a hash of four bytes looked at every fifth byte: each form is at least eight bytes
/// long, so one of its first five windows stands at a looked-at place.
#[derive(Default)]
pub(crate) struct Known {
    forms: Vec<Form>,
    windows: HashMap<[u8; WINDOW], Vec<(usize, usize)>>,
    filter: Vec<u64>,
    secrets: usize,
}

struct Form {
    detector: usize,
    bytes: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("secrets", &self.secrets).finish_non_exhaustive()
    }
}

impl Known {
    pub(crate) fn len(&self) -> usize {
        self.secrets
    }

    pub(crate) fn add(&mut self, detector: usize, secret: &KnownSecret) {
        self.secrets += 1;
        if self.filter.is_empty() {
            self.filter = vec![0; FILTER_WORDS];
        }
        for bytes in forms(&secret.value) {
            if bytes.len() < MIN_VALUE || self.forms.iter().any(|form| *form.bytes == *bytes) {
                continue;
            }
            self.index(&bytes);
            self.forms.push(Form { detector, bytes });
        }
    }

    fn index(&mut self, bytes: &[u8]) {
        let form = self.forms.len();
        for offset in 0..STRIDE {
            let Some(window) = bytes.get(offset..).and_then(<[u8]>::first_chunk::<WINDOW>) else {
                continue;
            };
            if let Some(word) = self.filter.get_mut(slot(*window) / 64) {
                *word |= 1 << (slot(*window) % 64);
            }
            self.windows.entry(*window).or_default().push((form, offset));
        }
    }

    /// Calls `hit` with every place in `bytes[from..]` where a known secret may start.
    pub(crate) fn hunt(&self, bytes: &[u8], from: usize, mut hit: impl FnMut(usize)) {
        if self.forms.is_empty() {
            return;
        }
        let mut at = from;
        while let Some(window) = bytes.get(at..).and_then(<[u8]>::first_chunk::<WINDOW>) {
            let slot = slot(*window);
            let maybe = self.filter.get(slot / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1);
            if maybe && let Some(places) = self.windows.get(window) {
                let starts = places.iter().filter_map(|(_, offset)| at.checked_sub(*offset));
                starts.filter(|start| *start >= from).for_each(&mut hit);
            }
            at += STRIDE;
        }
    }

    /// Whether `tail` is how a form begins, and not all of it.
    pub(crate) fn begins(&self, tail: &[u8]) -> bool {
        self.forms.iter().any(|form| form.bytes.len() > tail.len() && form.bytes.starts_with(tail))
    }

    /// The longest form that stands at `at`: its detector and its end.
    pub(crate) fn find(&self, view: &View<'_>, at: usize) -> Option<(usize, usize)> {
        let first = [view.at(at)?, view.at(at + 1)?, view.at(at + 2)?, view.at(at + 3)?];
        let places = self.windows.get(&first)?;
        places
            .iter()
            .filter(|(_, offset)| *offset == 0)
            .filter_map(|(form, _)| self.forms.get(*form))
            .filter(|form| view.starts_with(at, &form.bytes))
            .map(|form| (form.detector, at + form.bytes.len()))
            .max_by_key(|(_, end)| *end)
    }
}

fn slot(window: [u8; WINDOW]) -> usize {
    (u32::from_le_bytes(window).wrapping_mul(0x9e37_79b1) >> 16) as usize
}

/// The spellings of a value.
fn forms(value: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let hex = |upper| -> Vec<u8> { value.iter().flat_map(|byte| digits(*byte, upper)).collect() };
    let mut forms = vec![value.to_vec(), hex(false), hex(true)];
    for upper in [false, true] {
        forms.push(percent(value, upper, false));
        forms.push(percent(value, upper, true));
        for (slash, html) in [(false, false), (true, false), (false, true), (true, true)] {
            forms.push(json(value, upper, slash, html));
        }
    }
    forms.push(json(&json(value, false, false, false), false, false, false));
    for skip in 0..3 {
        forms.push(base64_core(value, skip, &base64::engine::general_purpose::STANDARD_NO_PAD));
        forms.push(base64_core(value, skip, &base64::engine::general_purpose::URL_SAFE_NO_PAD));
    }
    for big in [false, true] {
        forms.push(value.iter().flat_map(|byte| if big { [0, *byte] } else { [*byte, 0] }).collect());
    }
    forms.into_iter().map(Zeroizing::new).collect()
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

const MIN_VALUE: usize = 8;
const MAX_VALUE: usize = 4096;
/// Fewer different bytes than this is a word, not a secret.
const MIN_DIFFERENT: usize = 4;
const WINDOW: usize = 4;
const STRIDE: usize = 5;
const FILTER_WORDS: usize = 1 << 10;
