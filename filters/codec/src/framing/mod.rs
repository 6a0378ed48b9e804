//! Messages in formats that count their bytes or keep records apart: taken apart into their texts, and put together again.
//!
//! A [`Framing`] says how much of a body can be gone through for itself ([`Framing::whole`]) and goes through it ([`Framing::walk`]): it
//! tells every text with the place it stands in, and takes what is to stand there instead. What was not changed comes out as the
//! very bytes it was; around what was, every enclosing length is written anew. Nothing is kept of a message that has gone by, so
//! how a body was cut makes no difference to what is told of it.
//!
//! | module | format |
//! |---|---|
//! | [`protobuf`] | OTLP, Loki's push and any other message, by its wire form; fields nobody knows are kept |
//! | [`grpc`] | such messages in frames, each compressed or not |
//! | [`msgpack`], [`fluent`] | MessagePack; the forward protocol of Fluentd in it, packed and compressed too |
//! | [`syslog`] | RFC 5424 and RFC 3164 over TCP, counted or by lines |
//! | [`records`], [`document`] | lines, `_bulk` pairs, values one after the other, events; records within a JSON document |
//! | [`replies`] | what a receiver answers, with what was left out on the way written in |
//! | [`csv`], [`multipart`] | values whose name stands elsewhere: at the head of a column, at the head of a part |
//!
//! # Cannot see
//!
//! What a text means: that is for whoever is told of it. That bytes nobody knows are a message and not a text: where they can be both
//! they are told as a text whose length must stay ([`Place::fixed`]), and gone into as a message besides.

pub mod csv;

pub mod document;

pub mod fluent;

pub mod grpc;

pub mod msgpack;

pub mod multipart;

pub mod protobuf;

pub mod records;

pub mod replies;

pub mod syslog;

mod json;

mod packed;

mod varint;

/// How much of a message is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Deepest nesting of messages, maps and arrays. 1 and more.
    pub depth: usize,
    /// Most bytes of a unit that has to be held whole: a record, a frame, a field of a message.
    pub bytes: usize,
}

/// A body that is gone through unit by unit.
pub trait Framing {
    /// How many bytes at the front of `held` can be gone through for themselves; 0 wants more of them. `ended` says that no more come.
    ///
    /// # Errors
    ///
    /// When it is not the format, or a unit is larger than the bounds allow.
    fn whole(&mut self, held: &[u8], ended: bool) -> Result<usize, FramingError>;

    /// Goes through `units`, which [`whole`](Self::whole) has measured, as often as wanted. None when nothing was changed.
    ///
    /// # Errors
    ///
    /// When it is not the format, or is nested too deeply.
    fn walk(&self, units: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError>;

    /// The units have gone by, and `out` has gone on instead.
    fn pass(&mut self, units: &[u8], out: &[u8]) {
        let _ = (units, out);
    }

    /// What the body must end with, when it has ended and all of it has gone by.
    ///
    /// # Errors
    ///
    /// When it may not end here.
    fn end(&mut self) -> Result<(), FramingError> {
        Ok(())
    }
}

/// Goes through as much of `held` as is whole, and takes it off its front. `each` goes through units, and says what goes on instead of
/// them, onto `out`.
///
/// # Errors
///
/// Those of the framing and of `each`; with `ended`, also when something is left.
pub fn drive<E: From<FramingError>>(
    framing: &mut dyn Framing,
    (held, ended): (&mut Vec<u8>, bool),
    out: &mut Vec<u8>,
    mut each: impl FnMut(&dyn Framing, &[u8]) -> Result<Option<Vec<u8>>, E>,
) -> Result<(), E> {
    let mut at = 0;
    loop {
        let rest = held.get(at..).unwrap_or_default();
        let whole = framing.whole(rest, ended)?;
        let Some(units) = rest.get(..whole).filter(|units| !units.is_empty()) else { break };
        let changed = each(framing, units)?;
        let gone = changed.as_deref().unwrap_or(units);
        out.extend_from_slice(gone);
        framing.pass(units, gone);
        at += whole;
    }
    held.drain(..at);
    if ended {
        framing.end()?;
    }
    if ended && !held.is_empty() { Err(FramingError::Truncated.into()) } else { Ok(()) }
}

/// Is told the texts of a message, in their order, and says what is to stand there instead.
pub trait Texts {
    /// A text. What is to stand there instead; none: what stands there.
    fn text(&mut self, place: &Place<'_>, text: &[u8]) -> Option<Vec<u8>>;

    /// A number or a truth value under a name that the sender chose, as JSON would write it. A text to stand there instead, or none.
    fn number(&mut self, place: &Place<'_>, written: &str) -> Option<Vec<u8>>;

    /// A record begins.
    fn enter(&mut self);

    /// The record ends. False: it is left out.
    fn leave(&mut self) -> bool;
}

/// Where in a message a text stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'p> {
    /// The way to it, outermost first.
    pub path: &'p [Step<'p>],
    /// What replaces it must be as long as it is.
    pub fixed: bool,
}

/// One step of the way to a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'p> {
    /// A field that the format defines.
    Field(&'static str),
    /// A field that has only a number, or a column, from 1.
    Number(u32),
    /// A name that the sender chose: the key of an attribute or of a map, the head of a column.
    Name(&'p [u8]),
}

impl Place<'_> {
    /// The names that the sender chose, outermost first.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.path.iter().filter_map(|step| match step {
            Step::Name(name) => Some(*name),
            Step::Field(_) | Step::Number(_) => None,
        })
    }
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, step) in self.path.iter().enumerate() {
            if index > 0 {
                f.write_str(".")?;
            }
            match step {
                Step::Field(name) => f.write_str(name)?,
                Step::Number(number) => write!(f, "{number}")?,
                Step::Name(name) => f.write_str(&String::from_utf8_lossy(name))?,
            }
        }
        Ok(())
    }
}

/// Why a body cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// Not the format it should be.
    #[error("the body is not the format it should be")]
    Malformed,
    /// It ends within a unit.
    #[error("the body ends too early")]
    Truncated,
    /// Nested deeper than the bounds allow.
    #[error("the body is nested too deeply")]
    TooDeep,
    /// A unit is larger than the bounds allow.
    #[error("a unit of the body is too large")]
    TooLarge,
}

/// What has been written of a message so far, when it is no longer what it was.
struct Rewrite<'m> {
    from: &'m [u8],
    copied: usize,
    out: Option<Vec<u8>>,
}

impl<'m> Rewrite<'m> {
    const fn new(from: &'m [u8]) -> Self {
        Self { from, copied: 0, out: None }
    }

    /// Writes `instead` in place of the bytes from `start` to `end`, which lie behind all that was replaced before.
    fn replace(&mut self, start: usize, end: usize, instead: &[&[u8]]) {
        let before = self.from.get(self.copied..start).unwrap_or_default();
        let out = self.out.get_or_insert_with(|| Vec::with_capacity(self.from.len()));
        out.extend_from_slice(before);
        instead.iter().for_each(|piece| out.extend_from_slice(piece));
        self.copied = end;
    }

    fn finish(self) -> Option<Vec<u8>> {
        let mut out = self.out?;
        out.extend_from_slice(self.from.get(self.copied..).unwrap_or_default());
        Some(out)
    }
}

#[cfg(test)]
mod tests;
