//! MessagePack, by its wire form.

use super::{Bounds, Framing, FramingError, Place, Rewrite, Step, Texts};

/// A body of values one after the other.
#[derive(Debug)]
pub struct Msgpack {
    bounds: Bounds,
    skip: Skip,
}

impl Msgpack {
    /// A body of any values.
    #[must_use]
    pub const fn new(bounds: Bounds) -> Self {
        Self { bounds, skip: Skip::START }
    }
}

impl Framing for Msgpack {
    fn whole(&mut self, held: &[u8], ended: bool) -> Result<usize, FramingError> {
        let mut whole = 0;
        while self.skip.over(held, whole)? {
            whole = self.skip.at;
        }
        if ended && whole < held.len() {
            return Err(FramingError::Truncated);
        }
        if held.len() - whole > self.bounds.bytes { Err(FramingError::TooLarge) } else { Ok(whole) }
    }

    fn walk(&self, units: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        records(units, self.bounds.depth, texts).map(|changed| changed.map(|(out, _)| out))
    }

    fn pass(&mut self, units: &[u8], _out: &[u8]) {
        self.skip.forget(units.len());
    }
}

/// Goes through values one after the other, each of them a record: what has become of them, and how many they are now.
pub(super) fn records(
    bytes: &[u8],
    depth: usize,
    texts: &mut dyn Texts,
) -> Result<Option<(Vec<u8>, usize)>, FramingError> {
    let mut rewrite = Rewrite::new(bytes);
    let (mut at, mut kept) = (0, 0);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let end = at + length(rest)?;
        texts.enter();
        let changed = value(bytes.get(at..end).unwrap_or_default(), depth, texts)?;
        if !texts.leave() {
            rewrite.replace(at, end, &[]);
        } else {
            kept += 1;
            if let Some(changed) = changed {
                rewrite.replace(at, end, &[&changed]);
            }
        }
        at = end;
    }
    Ok(rewrite.finish().map(|out| (out, kept)))
}

/// Goes through one value.
pub(super) fn value(bytes: &[u8], depth: usize, texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let mut walker = Walker::new(bytes, depth, texts);
    walker.value()?;
    Ok(walker.rewrite.finish())
}

/// How far the end of the first value was looked for, so that no byte is looked at twice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Skip {
    pub(super) at: usize,
    /// Values that are still to come until the outermost one is whole; 0 between two.
    left: u64,
}

impl Skip {
    pub(super) const START: Self = Self { at: 0, left: 0 };

    /// Looks for the end of the value that begins at `from`, or goes on with it. False when it is not all there.
    pub(super) fn over(&mut self, held: &[u8], from: usize) -> Result<bool, FramingError> {
        if self.left == 0 {
            *self = Self { at: from, left: 1 };
        }
        while self.left > 0 {
            let head = match head(held.get(self.at..).unwrap_or_default()) {
                Err(FramingError::Truncated) => return Ok(false),
                head => head?,
            };
            let length = head.head + head.payload();
            if held.len() - self.at < length {
                return Ok(false);
            }
            self.at += length;
            self.left = self.left - 1 + head.children();
        }
        Ok(true)
    }

    pub(super) fn forget(&mut self, bytes: usize) {
        self.at = self.at.saturating_sub(bytes);
    }
}

/// How long the first value of `bytes` is.
pub(super) fn length(bytes: &[u8]) -> Result<usize, FramingError> {
    let mut skip = Skip::START;
    if skip.over(bytes, 0)? { Ok(skip.at) } else { Err(FramingError::Truncated) }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(u64, bool),
    Text,
    Binary,
    /// Its type.
    Extension(u8),
    Array,
    Map,
}

/// The head of a value: how many bytes it takes, and how many bytes or values follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) kind: Kind,
    pub(super) head: usize,
    pub(super) count: usize,
}

impl Head {
    pub(super) fn payload(self) -> usize {
        match self.kind {
            Kind::Text | Kind::Binary | Kind::Extension(_) => self.count,
            Kind::Nil | Kind::Bool(_) | Kind::Unsigned(_) | Kind::Signed(_) | Kind::Float(..) => 0,
            Kind::Array | Kind::Map => 0,
        }
    }

    fn children(self) -> u64 {
        match self.kind {
            Kind::Array => self.count as u64,
            Kind::Map => 2 * self.count as u64,
            Kind::Nil | Kind::Bool(_) | Kind::Unsigned(_) | Kind::Signed(_) | Kind::Float(..) => 0,
            Kind::Text | Kind::Binary | Kind::Extension(_) => 0,
        }
    }
}

/// The number in the `width` bytes behind the first.
fn number(bytes: &[u8], width: usize) -> Result<u64, FramingError> {
    let digits = bytes.get(1..=width).ok_or(FramingError::Truncated)?;
    Ok(digits.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

pub(super) fn head(bytes: &[u8]) -> Result<Head, FramingError> {
    let first = *bytes.first().ok_or(FramingError::Truncated)?;
    let small = |kind, mask: u8| Ok(Head { kind, head: 1, count: usize::from(first & mask) });
    let scalar = |kind, width| Ok(Head { kind, head: 1 + width, count: 0 });
    let counted = |kind, width| {
        let count = usize::try_from(number(bytes, width)?).map_err(|_| FramingError::TooLarge)?;
        Ok(Head { kind, head: 1 + width, count })
    };
    let extension = |head: usize, count| {
        let kind = *bytes.get(head - 1).ok_or(FramingError::Truncated)?;
        Ok(Head { kind: Kind::Extension(kind), head, count })
    };
    match first {
        0x00..=0x7F => scalar(Kind::Unsigned(first.into()), 0),
        0x80..=0x8F => small(Kind::Map, 0x0F),
        0x90..=0x9F => small(Kind::Array, 0x0F),
        0xA0..=0xBF => small(Kind::Text, 0x1F),
        0xC0 => scalar(Kind::Nil, 0),
        0xC1 => Err(FramingError::Malformed),
        0xC2 | 0xC3 => scalar(Kind::Bool(first == 0xC3), 0),
        0xC4..=0xC6 => counted(Kind::Binary, 1 << (first - 0xC4)),
        0xC7..=0xC9 => {
            let width = 1 << (first - 0xC7);
            extension(2 + width, usize::try_from(number(bytes, width)?).map_err(|_| FramingError::TooLarge)?)
        }
        0xCA => scalar(Kind::Float(number(bytes, 4)?, false), 4),
        0xCB => scalar(Kind::Float(number(bytes, 8)?, true), 8),
        0xCC..=0xCF => {
            let width = 1 << (first - 0xCC);
            scalar(Kind::Unsigned(number(bytes, width)?), width)
        }
        0xD0..=0xD3 => {
            let width = 1 << (first - 0xD0);
            let unused = 64 - 8 * u32::try_from(width).unwrap_or(8);
            scalar(Kind::Signed((number(bytes, width)? << unused).cast_signed() >> unused), width)
        }
        0xD4..=0xD8 => extension(2, 1 << (first - 0xD4)),
        0xD9..=0xDB => counted(Kind::Text, 1 << (first - 0xD9)),
        0xDC | 0xDD => counted(Kind::Array, 2 << (first - 0xDC)),
        0xDE | 0xDF => counted(Kind::Map, 2 << (first - 0xDE)),
        0xE0..=0xFF => scalar(Kind::Signed(i64::from(first.cast_signed())), 0),
    }
}

/// The head of a text of `length` bytes, in its shortest form.
pub(super) fn text_head(length: usize) -> Vec<u8> {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length @ ..32), _) => vec![0xA0 | length],
        (Ok(length), _) => vec![0xD9, length],
        (_, Ok(length)) => [&[0xDA][..], &length.to_be_bytes()].concat(),
        _ => [&[0xDB][..], &u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()].concat(),
    }
}

/// The head of `length` binary bytes.
pub(super) fn binary_head(length: usize) -> Vec<u8> {
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(length), _) => vec![0xC4, length],
        (_, Ok(length)) => [&[0xC5][..], &length.to_be_bytes()].concat(),
        _ => [&[0xC6][..], &u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()].concat(),
    }
}

struct Walker<'m, 't> {
    bytes: &'m [u8],
    at: usize,
    texts: &'t mut dyn Texts,
    path: Vec<Step<'m>>,
    depth: usize,
    rewrite: Rewrite<'m>,
}

impl<'m, 't> Walker<'m, 't> {
    fn new(bytes: &'m [u8], depth: usize, texts: &'t mut dyn Texts) -> Self {
        Self { bytes, at: 0, texts, path: Vec::new(), depth, rewrite: Rewrite::new(bytes) }
    }

    /// Goes over one value, whatever it holds.
    fn value(&mut self) -> Result<(), FramingError> {
        let start = self.at;
        let head = head(self.bytes.get(start..).unwrap_or_default())?;
        self.at += head.head;
        match head.kind {
            Kind::Array => self.within(|walker| (0..head.count).try_for_each(|_| walker.value())),
            Kind::Map => self.within(|walker| (0..head.count).try_for_each(|_| walker.pair())),
            Kind::Text | Kind::Binary | Kind::Extension(_) => self.bytes(start, head),
            Kind::Nil => Ok(()),
            Kind::Bool(_) | Kind::Unsigned(_) | Kind::Signed(_) | Kind::Float(..) => {
                self.scalar(start, head.kind);
                Ok(())
            }
        }
    }

    fn within(&mut self, each: impl FnOnce(&mut Self) -> Result<(), FramingError>) -> Result<(), FramingError> {
        self.depth = self.depth.checked_sub(1).ok_or(FramingError::TooDeep)?;
        each(self)?;
        self.depth += 1;
        Ok(())
    }

    fn pair(&mut self) -> Result<(), FramingError> {
        let key = head(self.bytes.get(self.at..).unwrap_or_default())?;
        let name = match key.kind {
            Kind::Text | Kind::Binary => self.bytes.get(self.at + key.head..self.at + key.head + key.count),
            Kind::Nil | Kind::Bool(_) | Kind::Unsigned(_) | Kind::Signed(_) | Kind::Float(..) => None,
            Kind::Extension(_) | Kind::Array | Kind::Map => None,
        };
        self.value()?;
        self.path.extend(name.map(Step::Name));
        self.value()?;
        if name.is_some() {
            self.path.pop();
        }
        Ok(())
    }

    fn bytes(&mut self, start: usize, head: Head) -> Result<(), FramingError> {
        let payload = self.bytes.get(self.at..self.at + head.count).ok_or(FramingError::Truncated)?;
        self.at += head.count;
        // Times are the one extension that everybody has, and say nothing.
        let time = matches!(head.kind, Kind::Extension(0 | 0xFF)) && head.count <= 12;
        if time || payload.is_empty() {
            return Ok(());
        }
        let fixed = match head.kind {
            Kind::Text => false,
            Kind::Binary => str::from_utf8(payload).is_err(),
            Kind::Extension(_) | Kind::Nil | Kind::Bool(_) | Kind::Unsigned(_) | Kind::Signed(_) => true,
            Kind::Float(..) | Kind::Array | Kind::Map => true,
        };
        let Some(instead) = self.texts.text(&Place { path: &self.path, fixed }, payload) else { return Ok(()) };
        if fixed && instead.len() == payload.len() {
            self.rewrite.replace(start + head.head, self.at, &[&instead]);
        } else if !fixed {
            let kind = if head.kind == Kind::Text { text_head } else { binary_head };
            self.rewrite.replace(start, self.at, &[&kind(instead.len()), &instead]);
        }
        Ok(())
    }

    fn scalar(&mut self, start: usize, kind: Kind) {
        if self.path.is_empty() {
            return;
        }
        let written = match kind {
            Kind::Bool(value) => value.to_string(),
            Kind::Unsigned(value) => value.to_string(),
            Kind::Signed(value) => value.to_string(),
            Kind::Float(bits, true) => f64::from_bits(bits).to_string(),
            Kind::Float(bits, false) => f32::from_bits(u32::try_from(bits).unwrap_or_default()).to_string(),
            Kind::Nil | Kind::Text | Kind::Binary | Kind::Extension(_) | Kind::Array | Kind::Map => return,
        };
        if let Some(instead) = self.texts.number(&Place { path: &self.path, fixed: false }, &written) {
            self.rewrite.replace(start, self.at, &[&text_head(instead.len()), &instead]);
        }
    }
}
