//! Messages of gRPC over HTTP/2: a flag, a length in four bytes, a message, which is compressed or not for itself.

use super::protobuf::Schema;
use super::{Bounds, Framing, FramingError, Rewrite, Texts};
use crate::coding::{Budget, Coding, Decoders};

/// A body that is a stream of messages.
#[derive(Debug)]
pub struct Grpc {
    schema: Schema,
    /// What `grpc-encoding` says.
    coding: Option<Coding>,
    budget: Budget,
    bounds: Bounds,
}

impl Grpc {
    /// Messages of `schema`, those that are compressed in `coding`.
    #[must_use]
    pub const fn new(schema: Schema, coding: Option<Coding>, budget: Budget, bounds: Bounds) -> Self {
        Self { schema, coding, budget, bounds }
    }

    fn message(&self, flag: u8, message: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        if flag == PLAIN {
            return self.schema.walk(message, self.bounds.depth, texts);
        }
        let coding = self.coding.ok_or(FramingError::Malformed)?;
        let (plain, decoders) = unpack(coding, self.budget, self.bounds.bytes, message)?;
        let Some(changed) = self.schema.walk(&plain, self.bounds.depth, texts)? else { return Ok(None) };
        Ok(Some(pack(&decoders, &changed)))
    }
}

/// Decodes a message that may become `most` bytes.
pub(super) fn unpack(
    coding: Coding,
    budget: Budget,
    most: usize,
    coded: &[u8],
) -> Result<(Vec<u8>, Decoders), FramingError> {
    let budget = Budget { output: budget.output.min(most as u64), block: budget.block.max(most), ..budget };
    let mut decoders = Decoders::new(&[coding], budget);
    let (mut input, mut plain) = (coded, Vec::new());
    while decoders.step(&mut input, &mut plain).map_err(|_why| FramingError::Malformed)? {}
    decoders.finish(&mut plain).map_err(|_why| FramingError::Malformed)?;
    Ok((plain, decoders))
}

/// Encodes as `decoders` have decoded.
pub(super) fn pack(decoders: &Decoders, plain: &[u8]) -> Vec<u8> {
    let (mut encoders, mut coded) = (decoders.encoders(), Vec::new());
    encoders.push(plain, &mut coded);
    encoders.finish(&mut coded);
    coded
}

/// The first message of `held`: its flag, and where it ends. None while its head is not all there.
fn head(held: &[u8]) -> Result<Option<(u8, usize)>, FramingError> {
    let Some([flag, length @ ..]) = held.first_chunk::<HEAD>() else { return Ok(None) };
    if *flag > COMPRESSED {
        return Err(FramingError::Malformed);
    }
    let length = u32::from_be_bytes(*length) as usize;
    Ok(Some((*flag, HEAD.saturating_add(length))))
}

impl Framing for Grpc {
    fn whole(&mut self, held: &[u8], ended: bool) -> Result<usize, FramingError> {
        let mut whole = 0;
        while let Some((_, end)) = head(held.get(whole..).unwrap_or_default())? {
            if end > self.bounds.bytes {
                return Err(FramingError::TooLarge);
            }
            if end > held.len() - whole {
                break;
            }
            whole += end;
        }
        if ended && whole < held.len() { Err(FramingError::Truncated) } else { Ok(whole) }
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
}

const HEAD: usize = 5;
const PLAIN: u8 = 0;
const COMPRESSED: u8 = 1;
