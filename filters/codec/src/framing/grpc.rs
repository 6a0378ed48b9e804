//! Messages of gRPC over HTTP/2: a flag, a length in four bytes, a message, which is compressed or not for itself.

use super::packed::Unpacker;
use super::protobuf::Schema;
use super::{Bounds, Framing, FramingError, Rewrite, Texts};
use crate::coding::{Budget, Coding};

/// A body that is a stream of messages.
#[derive(Debug)]
pub struct Grpc {
    schema: Schema,
    /// What `grpc-encoding` says.
    coding: Option<Coding>,
    unpacker: Unpacker,
    bounds: Bounds,
}

impl Grpc {
    /// Messages of `schema`, those that are compressed in `coding`.
    #[must_use]
    pub const fn new(schema: Schema, coding: Option<Coding>, budget: Budget, bounds: Bounds) -> Self {
        Self { schema, coding, unpacker: Unpacker::new(budget, bounds.bytes), bounds }
    }

    fn message(&self, flag: u8, message: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        let schema = if flag & TRAILERS == 0 { self.schema } else { Schema::Text };
        if flag & COMPRESSED == 0 {
            return schema.walk(message, self.bounds.depth, texts);
        }
        let coding = self.coding.ok_or(FramingError::Malformed)?;
        let unpacked = self.unpacker.unpack(coding, message, texts)?;
        match schema.walk(&unpacked.plain, self.bounds.depth, texts)? {
            Some(changed) => Ok(Some(unpacked.pack(&changed))),
            None => Ok(unpacked.beside.then(|| unpacked.pack(&unpacked.plain))),
        }
    }
}

/// The first message of `held`: its flag, and where it ends. None while its head is not all there.
fn head(held: &[u8]) -> Result<Option<(u8, usize)>, FramingError> {
    let Some([flag, length @ ..]) = held.first_chunk::<HEAD>() else { return Ok(None) };
    if flag & !(COMPRESSED | TRAILERS) != 0 {
        return Err(FramingError::Malformed);
    }
    let length = u32::from_be_bytes(*length) as usize;
    Ok(Some((*flag, HEAD.saturating_add(length))))
}

impl Framing for Grpc {
    /// One that is compressed goes by alone: what it becomes is held whole.
    fn whole(&mut self, held: &[u8], ended: bool) -> Result<usize, FramingError> {
        let mut whole = 0;
        while let Some((flag, end)) = head(held.get(whole..).unwrap_or_default())? {
            if end > self.bounds.bytes {
                return Err(FramingError::TooLarge);
            }
            let alone = flag & COMPRESSED != 0;
            if end > held.len() - whole || alone && whole > 0 {
                break;
            }
            whole += end;
            if alone {
                return Ok(whole);
            }
        }
        if ended && whole == 0 && !held.is_empty() { Err(FramingError::Truncated) } else { Ok(whole) }
    }

    fn walk(&self, units: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        let mut rewrite = Rewrite::new(units);
        let mut at = 0;
        while let Some((flag, length)) = head(units.get(at..).unwrap_or_default())? {
            let message = units.get(at + HEAD..at + length).ok_or(FramingError::Truncated)?;
            if let Some(changed) = self.message(flag, message, texts)? {
                let length = u32::try_from(changed.len()).map_err(|_too_long| FramingError::TooLarge)?;
                rewrite.replace(at, at + HEAD + message.len(), &[&[flag], &length.to_be_bytes(), &changed]);
            }
            at += length;
        }
        Ok(rewrite.finish())
    }

    fn pass(&mut self, units: &[u8], _out: &[u8]) {
        self.unpacker.pass(units);
    }
}

const HEAD: usize = 5;
const COMPRESSED: u8 = 1;
/// What gRPC for browsers sends behind the last message: trailers, as a text.
const TRAILERS: u8 = 0x80;
