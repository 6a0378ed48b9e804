use bytes::{Buf, Bytes};
use sekisho_codec::coding::{Decoders, Encoders};
use sekisho_policy::Refusal;

use super::coding::Codings;
use super::kept::Kept;
use super::memory::Lease;
use super::message::{OnFind, Search};
use crate::Place;

/// The coded side of a body that streams: decoders before the scanner, and behind it encoders, or the pieces as they came.
pub(super) struct Coded {
    decoders: Decoders,
    onward: Onward,
    /// The piece at hand, and where of it decoding has come to.
    piece: Bytes,
    rest: Bytes,
    has_more: bool,
    memory: Lease,
    retry_after_s: u64,
}

enum Onward {
    /// Packed anew, by encoders that are made when the first bytes leave: by then the form of the coding is known.
    Encoded(Option<Encoders>),
    /// As it came, where the bytes must not change.
    Kept(Kept),
}

impl Coded {
    pub(super) fn new(search: &Search, codings: &Codings) -> Option<Self> {
        let signed = search.on_find == OnFind::RefuseSigned;
        Some(Self {
            decoders: codings.decoders(search.with.limits.decoded)?,
            onward: if signed { Onward::Kept(Kept::default()) } else { Onward::Encoded(None) },
            piece: Bytes::new(),
            rest: Bytes::new(),
            has_more: false,
            memory: search.with.memory.lease(),
            retry_after_s: search.with.limits.retry_after_s,
        })
    }

    /// Takes a piece to decode, of which [`decode`](Self::decode) gives out a step at a time.
    pub(super) fn take(&mut self, piece: Bytes) {
        self.rest = piece.clone();
        self.piece = piece;
        self.has_more = true;
    }

    /// Whether the piece at hand may have more to give.
    pub(super) const fn has_more(&self) -> bool {
        self.has_more
    }

    pub(super) fn decode(&mut self, search: &Search) -> Result<Vec<u8>, Refusal> {
        let mut plain = Vec::new();
        let mut input = &*self.rest;
        self.has_more = self.decoders.step(&mut input, &mut plain).map_err(|_why| Refusal::Undecodable)?;
        let taken = self.rest.len() - input.len();
        self.rest.advance(taken);
        self.cover()?;
        let Onward::Kept(kept) = &mut self.onward else {
            // Nothing beside the content is packed anew.
            drop(self.decoders.take_asides());
            return Ok(plain);
        };
        kept.decoded(&plain);
        if !self.has_more {
            // What is said beside the content goes with the piece it stands in.
            if !search.is_clean(Place::Body, &self.decoders.take_asides())? {
                return Err(Refusal::SignedBody);
            }
            kept.push(&std::mem::take(&mut self.piece))?;
        }
        Ok(plain)
    }

    fn cover(&mut self) -> Result<(), Refusal> {
        let onward = match &self.onward {
            Onward::Encoded(encoders) => encoders.as_ref().map_or(0, Encoders::memory),
            Onward::Kept(_) => 0,
        };
        if self.memory.cover(self.decoders.memory().saturating_add(onward)) {
            return Ok(());
        }
        Err(Refusal::Overloaded { retry_after_s: self.retry_after_s })
    }

    /// The coded body has ended: what its last bytes decode to.
    pub(super) fn last(&mut self) -> Result<Vec<u8>, Refusal> {
        let mut plain = Vec::new();
        self.decoders.finish(&mut plain).map_err(|_why| Refusal::Undecodable)?;
        if let Onward::Kept(kept) = &mut self.onward {
            kept.decoded(&plain);
            kept.push(b"")?;
        }
        Ok(plain)
    }

    /// What goes on now that `clean` came out of the scanner.
    pub(super) fn encode(&mut self, clean: &[u8]) -> Result<Vec<u8>, Refusal> {
        match &mut self.onward {
            Onward::Kept(kept) => kept.release(clean, self.decoders.is_aside()),
            Onward::Encoded(_) if clean.is_empty() => Ok(Vec::new()),
            Onward::Encoded(encoders) => {
                let mut out = Vec::new();
                encoders.get_or_insert_with(|| self.decoders.encoders()).push(clean, &mut out);
                self.cover()?;
                Ok(out)
            }
        }
    }

    /// Lets go of what an encoder holds back because the sender pauses.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        if let Onward::Encoded(Some(encoders)) = &mut self.onward {
            encoders.flush(out);
        }
    }

    /// Ends the encoded body, of which there is one even if it has no content.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if let Onward::Encoded(encoders) = &mut self.onward {
            encoders.take().unwrap_or_else(|| self.decoders.encoders()).finish(out);
        }
    }
}
