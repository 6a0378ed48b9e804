//! Values this process was told are secret, in the encodings they travel in.

use std::fmt;

use zeroize::Zeroizing;

use super::forms::{Form, base64_core, digits, forms};
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

impl KnownSecret {
    /// Why masking the value may change texts that do not hold it, if it may: it is searched for all the same.
    #[must_use]
    pub fn doubt(&self) -> Option<&'static str> {
        let letters = self.value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
        let digits = self.value.iter().filter(|byte| byte.is_ascii_digit()).count();
        if digits == self.value.len() {
            Some("it is a number, and other numbers may hold it")
        } else if letters == self.value.len() && crate::validate::odd_pairs(&self.value) <= 1 {
            Some("it reads like a word, and ordinary text may hold it")
        } else if self.value.len() < SHORT_VALUE {
            Some("it is shorter than 12 bytes, and longer words may hold it")
        } else {
            None
        }
    }
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

pub(super) struct Needle {
    detector: usize,
    pub(super) bytes: Zeroizing<Vec<u8>>,
    pub(super) alphabet: Alphabet,
}

impl Needle {
    /// Behind so many of its characters a window may be taken.
    fn furthest(&self) -> usize {
        match self.alphabet {
            Alphabet::Text => LONGEST_SHARED,
            Alphabet::Hex => 2 * LONGEST_SHARED,
            Alphabet::Base64 => LONGEST_SHARED / 3 * 4,
        }
    }
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
        for (index, (needle, shared)) in needles.iter().zip(shared(&needles)).enumerate() {
            for form in forms(needle) {
                known.index(index, &form, shared);
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

    /// Adds the windows of a form. Those of the bytes that many values begin with would lead to all of these at once: they are taken
    /// from where the values differ, if enough is left there.
    fn index(&mut self, needle: usize, form: &Form, shared: usize) {
        let from = form.places.get(shared).copied().unwrap_or_default().saturating_sub(COMMON);
        let from = if form.bytes.len() >= from + Windows::<8, 8>::LEAST { from } else { 0 };
        if form.bytes.len() >= Windows::<8, 8>::LEAST {
            self.long.add(needle, (&form.bytes, &form.places), from);
        } else if form.bytes.len() >= Windows::<4, 5>::LEAST {
            self.short.add(needle, (&form.bytes, &form.places), 0);
        }
    }

    /// The needles that stand at `at`, each walked along from there.
    #[cfg(test)]
    pub(crate) fn all_at(&self, bytes: &[u8], at: usize) -> impl Iterator<Item = usize> {
        let stands = move |needle: &Needle| {
            spelling::forward(&|at| bytes.get(at).copied(), at, &needle.bytes, needle.alphabet).is_some()
        };
        self.needles.iter().enumerate().filter(move |(_, needle)| stands(needle)).map(|(index, _)| index)
    }

    /// The most needles that one window of eight leads to.
    #[cfg(test)]
    pub(crate) fn crowd(&self) -> usize {
        self.long.most()
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

/// For each needle, behind how many of its bytes the windows are taken: at the first in which it differs from all but [`CROWD`] others.
fn shared(needles: &[Needle]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..needles.len()).collect();
    let bytes = |at: usize| needles.get(at).map(|needle| needle.bytes.as_slice()).unwrap_or_default();
    order.sort_by(|one, other| bytes(*one).cmp(bytes(*other)));
    let mut shared = vec![0; needles.len()];
    for crowd in order.windows(CROWD + 1) {
        let ends = crowd.first().zip(crowd.last());
        let alike = |(first, last): (&usize, &usize)| {
            bytes(*first).iter().zip(bytes(*last)).take_while(|(one, other)| one == other).count()
        };
        let from = ends.map_or(0, alike);
        for needle in crowd {
            if let Some(shared) = shared.get_mut(*needle) {
                *shared = from.max(*shared).min(needles.get(*needle).map_or(0, Needle::furthest));
            }
        }
    }
    shared
}

/// The lines of a value of several, those that could be values of their own.
fn lines(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let lines = value.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines.filter(move |line| line.len() < value.len() && is_telling(line))
}

const MIN_VALUE: usize = 8;
const MAX_VALUE: usize = 4096;
/// Shorter values are doubted.
const SHORT_VALUE: usize = 12;
/// Fewer different bytes than this is a word, not a secret.
const MIN_DIFFERENT: usize = 4;
/// So many values may begin alike before it matters.
const CROWD: usize = 8;
/// A window reaches so many bytes of text into what is common to a crowd.
const COMMON: usize = 2;
/// The window stands no further behind the beginning, in bytes of the value: however they are written, the hot pass is sure of them.
const LONGEST_SHARED: usize = 12;
/// So far before a window a secret may start: fewer bytes than the hot pass is sure of.
const LONGEST_HEAD: usize = 96;
