//! The forward protocol of Fluentd and Fluent Bit, version 1: messages, lists of entries, packed and compressed ones, and the options
//! that ask for an acknowledgement.

use super::msgpack::{Head, Kind, Skip, binary_head, head, length, records, text_head, value};
use super::packed::Unpacker;
use super::{Bounds, Framing, FramingError, Rewrite, Texts};
use crate::coding::{Budget, Coding};

/// What a client sends on one connection.
#[derive(Debug)]
pub struct Fluent {
    bounds: Bounds,
    unpacker: Unpacker,
    skip: Skip,
    /// Whether a first message has gone by: only that may be the answer to a greeting.
    begun: bool,
}

/// One message, divided.
struct Message<'m> {
    tag: &'m [u8],
    second: &'m [u8],
    /// A record, in a message of one; options, in the others.
    rest: &'m [u8],
    items: usize,
}

impl Fluent {
    /// A connection that has begun. A compressed chunk may decode to what `budget` and the bounds allow.
    #[must_use]
    pub const fn new(bounds: Bounds, budget: Budget) -> Self {
        Self { bounds, unpacker: Unpacker::new(budget, bounds.bytes), skip: Skip::START, begun: false }
    }

    fn message(&self, bytes: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        let Some(message) = Message::of(bytes)? else { return Err(FramingError::Malformed) };
        if message.items > MOST_ITEMS {
            let ping = !self.begun && message.is_ping();
            return if ping { Ok(None) } else { Err(FramingError::Malformed) };
        }
        match head(message.second)?.kind {
            Kind::Array => self.list(&message, texts),
            Kind::Text | Kind::Binary => self.packed(&message, texts),
            Kind::Unsigned(_) | Kind::Signed(_) | Kind::Float(..) | Kind::Extension(_) | Kind::Nil => {
                self.single(bytes, &message, texts)
            }
            Kind::Bool(_) | Kind::Map => Err(FramingError::Malformed),
        }
    }

    /// `[tag, time, record, options]`. One that is left out becomes an empty list, so that whoever waits for its
    /// acknowledgement gets one.
    fn single(
        &self,
        bytes: &[u8],
        message: &Message<'_>,
        texts: &mut dyn Texts,
    ) -> Result<Option<Vec<u8>>, FramingError> {
        texts.enter();
        let changed = value(bytes, self.bounds.depth, texts)?;
        if texts.leave() {
            return Ok(changed);
        }
        let options = message.rest.get(length(message.rest)?..).unwrap_or_default();
        let items = if options.is_empty() { 2 } else { 3 };
        Ok(Some([&[0x90 | items], message.tag, &[0x90], options].concat()))
    }

    /// `[tag, [[time, record], …], options]`
    fn list(&self, message: &Message<'_>, texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        let list = head(message.second)?;
        let entries = message.second.get(list.head..).unwrap_or_default();
        let tag = value(message.tag, self.bounds.depth, texts)?;
        let changed = records(entries, self.bounds.depth, texts)?;
        let options = value(message.rest, self.bounds.depth, texts)?;
        if tag.is_none() && changed.is_none() && options.is_none() {
            return Ok(None);
        }
        let (entries, kept) = changed.unwrap_or_else(|| (entries.to_vec(), list.count));
        let list = array_head(kept);
        Ok(Some(message.with(tag.as_deref(), &[&list, &entries], resized(options, message.rest, kept).as_deref())))
    }

    /// `[tag, entries, options]`, where the entries are bytes, one after the other, compressed or not.
    fn packed(&self, message: &Message<'_>, texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        let outer = head(message.second)?;
        let payload = message.second.get(outer.head..).unwrap_or_default();
        let coding = compression(message.rest)?;
        let unpacked = coding.map(|coding| self.unpacker.unpack(coding, payload, texts)).transpose()?;
        let plain = unpacked.as_ref().map_or(payload, |unpacked| &unpacked.plain);
        let tag = value(message.tag, self.bounds.depth, texts)?;
        let changed = records(plain, self.bounds.depth, texts)?;
        let options = value(message.rest, self.bounds.depth, texts)?;
        let beside = unpacked.as_ref().is_some_and(|unpacked| unpacked.beside);
        if changed.is_none() && !beside {
            let clean = tag.is_none() && options.is_none();
            return Ok((!clean).then(|| message.with(tag.as_deref(), &[message.second], options.as_deref())));
        }
        let kept = changed.as_ref().map(|(_, kept)| *kept);
        let entries = changed.map_or_else(|| plain.to_vec(), |(entries, _)| entries);
        let payload = unpacked.as_ref().map_or_else(|| entries.clone(), |unpacked| unpacked.pack(&entries));
        let head = if outer.kind == Kind::Text { text_head } else { binary_head }(payload.len());
        let options = kept.map_or(options.clone(), |kept| resized(options, message.rest, kept));
        Ok(Some(message.with(tag.as_deref(), &[&head, &payload], options.as_deref())))
    }
}

impl<'m> Message<'m> {
    fn of(bytes: &'m [u8]) -> Result<Option<Self>, FramingError> {
        let Head { kind: Kind::Array, head: outer, count } = head(bytes)? else { return Ok(None) };
        let items = bytes.get(outer..).unwrap_or_default();
        let (tag, rest) = items.split_at_checked(length(items)?).ok_or(FramingError::Truncated)?;
        let (second, rest) = match rest.is_empty() {
            true => return Ok(None),
            false => rest.split_at_checked(length(rest)?).ok_or(FramingError::Truncated)?,
        };
        let text = head(tag)?.kind == Kind::Text;
        Ok((text && (2..=PING_ITEMS).contains(&count)).then_some(Self { tag, second, rest, items: count }))
    }

    fn is_ping(&self) -> bool {
        self.items == PING_ITEMS && self.tag == b"\xA4PING"
    }

    fn with(&self, tag: Option<&[u8]>, second: &[&[u8]], rest: Option<&[u8]>) -> Vec<u8> {
        let mut out = array_head(self.items);
        out.extend_from_slice(tag.unwrap_or(self.tag));
        second.iter().for_each(|piece| out.extend_from_slice(piece));
        out.extend_from_slice(rest.unwrap_or(self.rest));
        out
    }
}

/// The coding that options name.
fn compression(options: &[u8]) -> Result<Option<Coding>, FramingError> {
    let Some(named) = option(options, b"compressed")? else { return Ok(None) };
    let value = head(named)?;
    let name = named.get(value.head..value.head + value.count).unwrap_or_default();
    match name {
        b"text" => Ok(None),
        _ => Coding::named(name).map(Some).ok_or(FramingError::Malformed),
    }
}

/// The value under `name` in a map. Which of two counts is for the receiver to say.
fn option<'m>(options: &'m [u8], name: &[u8]) -> Result<Option<&'m [u8]>, FramingError> {
    if options.is_empty() {
        return Ok(None);
    }
    let Head { kind: Kind::Map, head: outer, count } = head(options)? else { return Ok(None) };
    let (mut at, mut found) = (outer, None);
    for _ in 0..count {
        let key = options.get(at..).unwrap_or_default();
        let (own, inner) = (head(key)?, length(key)?);
        let value = key.get(inner..).unwrap_or_default();
        let end = length(value)?;
        if key.get(own.head..inner) == Some(name) && found.replace(value.get(..end).unwrap_or_default()).is_some() {
            return Err(FramingError::Malformed);
        }
        at += inner + end;
    }
    Ok(found)
}

/// Options in which `size` is how many entries there are now.
fn resized(changed: Option<Vec<u8>>, options: &[u8], kept: usize) -> Option<Vec<u8>> {
    let now = changed.as_deref().unwrap_or(options);
    let Ok(Some(size)) = option(now, b"size") else { return changed };
    let count = u32::try_from(kept).unwrap_or(u32::MAX);
    if !matches!(head(size), Ok(Head { kind: Kind::Unsigned(said), .. }) if said != u64::from(count)) {
        return changed;
    }
    let start = size.as_ptr().addr().checked_sub(now.as_ptr().addr())?;
    let mut rewrite = Rewrite::new(now);
    rewrite.replace(start, start + size.len(), &[&[0xCE], &count.to_be_bytes()]);
    rewrite.finish()
}

fn array_head(count: usize) -> Vec<u8> {
    match (u8::try_from(count), u16::try_from(count)) {
        (Ok(count @ ..16), _) => vec![0x90 | count],
        (_, Ok(count)) => [&[0xDC][..], &count.to_be_bytes()].concat(),
        _ => [&[0xDD][..], &u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes()].concat(),
    }
}

impl Framing for Fluent {
    /// One message at a time: whether it may be the answer to a greeting depends on what went by before it.
    fn whole(&mut self, held: &[u8], ended: bool) -> Result<usize, FramingError> {
        if held.is_empty() {
            return Ok(0);
        }
        if self.skip.over(held, 0)? {
            return Ok(self.skip.at);
        }
        match (ended, held.len() > self.bounds.bytes) {
            (true, _) => Err(FramingError::Truncated),
            (false, true) => Err(FramingError::TooLarge),
            (false, false) => Ok(0),
        }
    }

    fn walk(&self, units: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        self.message(units, texts)
    }

    fn pass(&mut self, units: &[u8], _out: &[u8]) {
        self.unpacker.pass(units);
        self.skip = Skip::START;
        self.begun = true;
    }
}

/// Of what carries entries: a message of one has four.
const MOST_ITEMS: usize = 4;
/// Of what answers a greeting.
const PING_ITEMS: usize = 6;
