//! The `gzip` content coding (RFC 1952), in pieces and within a budget.
//!
//! A gzip body is a sequence of members. A decoder that stops after the first lets everything behind it pass unseen, so
//! this one reads them all, checks every CRC and length, and takes anything that is neither a member nor the end as an
//! error: what cannot be decoded is not clean.

use flate2::write::{GzDecoder, GzEncoder};
use std::io::Write;

/// How much a body may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most decoded bytes of one body.
    pub output: u64,
    /// Most members of one body.
    pub members: u32,
}

/// Why a body cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GzipError {
    /// Not gzip, damaged, or something behind the last member.
    #[error("not a gzip body")]
    Malformed,
    /// It ends inside a member, or has none.
    #[error("the gzip body ends too early")]
    Truncated,
    /// More decoded bytes than the budget allows.
    #[error("the gzip body decodes to more than is allowed")]
    TooLarge,
    /// More members than the budget allows.
    #[error("the gzip body has more members than allowed")]
    TooManyMembers,
}

/// Decodes one body, piece by piece.
pub struct Decoder {
    member: Option<Box<GzDecoder<Capped>>>,
    budget: Budget,
    failed: Option<GzipError>,
    any: bool,
    /// What the heads of members say beside the content, until it is taken.
    asides: Vec<u8>,
    /// Whether the head of the current member was read.
    headed: bool,
}

impl Decoder {
    /// A decoder that gives out at most what `budget` allows.
    #[must_use]
    pub const fn new(budget: Budget) -> Self {
        Self { member: None, budget, failed: None, any: false, asides: Vec::new(), headed: false }
    }

    /// Decodes the next piece onto `out`.
    ///
    /// # Errors
    ///
    /// [`GzipError`]; what is on `out` by then was decoded rightly, and every later call fails alike.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), GzipError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.feed(piece, out).inspect_err(|error| self.failed = Some(*error))
    }

    fn feed(&mut self, mut piece: &[u8], out: &mut Vec<u8>) -> Result<(), GzipError> {
        while !piece.is_empty() {
            let mut member = self.next_member()?;
            let step = piece.get(..STEP).unwrap_or(piece);
            let written = member.write(step);
            self.note(&member);
            self.collect(&mut member, out)?;
            match written {
                // A finished member takes nothing more.
                Ok(0) => self.finish_member(*member, out)?,
                Ok(taken) => {
                    piece = piece.get(taken..).unwrap_or_default();
                    self.member = Some(member);
                }
                Err(_damaged) => return Err(GzipError::Malformed),
            }
        }
        Ok(())
    }

    fn next_member(&mut self) -> Result<Box<GzDecoder<Capped>>, GzipError> {
        if let Some(member) = self.member.take() {
            return Ok(member);
        }
        self.budget.members = self.budget.members.checked_sub(1).ok_or(GzipError::TooManyMembers)?;
        self.any = true;
        self.headed = false;
        Ok(Box::new(GzDecoder::new(Capped { bytes: Vec::new(), left: self.budget.output, full: false })))
    }

    fn note(&mut self, member: &GzDecoder<Capped>) {
        let Some(head) = member.header().filter(|_| !self.headed) else { return };
        self.headed = true;
        for aside in [head.filename(), head.comment(), head.extra()].into_iter().flatten() {
            self.asides.extend_from_slice(aside);
            self.asides.push(b'\n');
        }
    }

    /// The file names, comments and extra fields of the members begun so far, a line each: text that travels in the clear and is
    /// no part of what is decoded.
    pub fn take_asides(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.asides)
    }

    /// Whether the body pauses in the head of a member, which may hold what [`take_asides`](Self::take_asides) will tell.
    #[must_use]
    pub const fn in_head(&self) -> bool {
        self.member.is_some() && !self.headed
    }

    fn finish_member(&mut self, member: GzDecoder<Capped>, out: &mut Vec<u8>) -> Result<(), GzipError> {
        let capped = member.finish().map_err(|_truncated| GzipError::Truncated)?;
        self.take(&capped.bytes, capped.full, out)
    }

    fn collect(&mut self, member: &mut GzDecoder<Capped>, out: &mut Vec<u8>) -> Result<(), GzipError> {
        let capped = member.get_mut();
        let bytes = std::mem::take(&mut capped.bytes);
        self.take(&bytes, capped.full, out)
    }

    fn take(&mut self, bytes: &[u8], full: bool, out: &mut Vec<u8>) -> Result<(), GzipError> {
        if full {
            return Err(GzipError::TooLarge);
        }
        out.extend_from_slice(bytes);
        self.budget.output = self.budget.output.saturating_sub(bytes.len() as u64);
        Ok(())
    }

    /// Ends the body.
    ///
    /// # Errors
    ///
    /// [`GzipError::Truncated`] when it may not end here, or the error it failed with before.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), GzipError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match self.member.take() {
            Some(member) => self.finish_member(*member, out),
            None if self.any => Ok(()),
            None => Err(GzipError::Truncated),
        }
    }
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("budget", &self.budget).field("failed", &self.failed).finish_non_exhaustive()
    }
}

/// Where a member is decoded to. It refuses to grow past the budget, so a bomb never exists in memory.
struct Capped {
    bytes: Vec<u8>,
    left: u64,
    full: bool,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.left.checked_sub(bytes.len() as u64) {
            Some(left) => {
                self.left = left;
                self.bytes.extend_from_slice(bytes);
                Ok(bytes.len())
            }
            None => {
                self.full = true;
                Err(std::io::Error::other("over budget"))
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Encodes one body as a single member.
pub struct Encoder {
    inner: GzEncoder<Vec<u8>>,
}

impl Encoder {
    /// An encoder of `level` 0 (store) to 9 (smallest).
    #[must_use]
    pub fn new(level: u32) -> Self {
        Self { inner: GzEncoder::new(Vec::new(), flate2::Compression::new(level.min(9))) }
    }

    /// Encodes the next piece; what is ready goes onto `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        // INVARIANT: a write into a vector does not fail.
        let written = self.inner.write_all(piece);
        debug_assert!(written.is_ok(), "a vector took less than it was given");
        out.append(self.inner.get_mut());
    }

    /// Ends the body.
    pub fn finish(self, out: &mut Vec<u8>) {
        let last = self.inner.finish();
        debug_assert!(last.is_ok(), "a vector took less than it was given");
        out.append(&mut last.unwrap_or_default());
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

/// Input is taken in steps of this size, so that what one step decodes to stays small.
const STEP: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::{Budget, Decoder, Encoder, GzipError};

    const BUDGET: Budget = Budget { output: 1 << 20, members: 4 };

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let (mut encoder, mut out) = (Encoder::new(1), Vec::new());
        encoder.push(bytes, &mut out);
        encoder.finish(&mut out);
        out
    }

    fn gunzip(pieces: &[&[u8]], budget: Budget) -> Result<Vec<u8>, GzipError> {
        let (mut decoder, mut out) = (Decoder::new(budget), Vec::new());
        for piece in pieces {
            decoder.push(piece, &mut out)?;
        }
        decoder.finish(&mut out)?;
        Ok(out)
    }

    #[test]
    fn every_member_is_read() {
        let body = [gzip(b"first,"), gzip(b""), gzip(b"second")].concat();
        assert_eq!(gunzip(&[&body], BUDGET).unwrap(), b"first,second");
    }

    #[test]
    fn where_it_is_cut_makes_no_difference() {
        let body = [gzip(b"first,"), gzip(b"second")].concat();
        for at in 0..=body.len() {
            let (left, right) = body.split_at(at);
            assert_eq!(gunzip(&[left, right], BUDGET).unwrap(), b"first,second", "cut at {at}");
        }
    }

    #[test]
    fn a_body_that_ends_too_early_is_refused_at_every_byte() {
        let body = gzip(b"some text that is long enough to be worth it");
        for at in 0..body.len() {
            assert_eq!(gunzip(&[&body[..at]], BUDGET), Err(GzipError::Truncated), "cut at {at}");
        }
    }

    #[test]
    fn nothing_may_follow_the_last_member() {
        let body = [gzip(b"text"), b"secret in the clear".to_vec()].concat();
        assert_eq!(gunzip(&[&body], BUDGET), Err(GzipError::Malformed));
        let body = [gzip(b"text"), vec![0; 32]].concat();
        assert_eq!(gunzip(&[&body], BUDGET), Err(GzipError::Malformed));
    }

    #[test]
    fn what_a_head_says_is_told_wherever_it_is_cut() {
        let named = |name: &str, text: &[u8]| {
            let mut encoder = flate2::GzBuilder::new()
                .filename(name)
                .comment("c")
                .extra("e")
                .write(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let body = [named("one", b"first,"), named("two", b"second")].concat();
        for at in 0..=body.len() {
            let (left, right) = body.split_at(at);
            let (mut decoder, mut out, mut asides) = (Decoder::new(BUDGET), Vec::new(), Vec::new());
            for piece in [left, right] {
                decoder.push(piece, &mut out).unwrap();
                asides.append(&mut decoder.take_asides());
                assert!(!decoder.in_head() || at < body.len(), "cut at {at}");
            }
            decoder.finish(&mut out).unwrap();
            assert_eq!((&*out, &*asides), (&b"first,second"[..], &b"one\nc\ne\ntwo\nc\ne\n"[..]), "cut at {at}");
        }
    }

    #[test]
    fn a_bomb_stops_at_the_budget() {
        let body = gzip(&vec![0; 64 << 20]);
        let mut out = Vec::new();
        let mut decoder = Decoder::new(BUDGET);
        assert_eq!(decoder.push(&body, &mut out), Err(GzipError::TooLarge));
        assert!(out.len() as u64 <= BUDGET.output);
        assert_eq!(decoder.push(b"", &mut out), Err(GzipError::TooLarge));
        let many = [gzip(b"a"), gzip(b"b"), gzip(b"c"), gzip(b"d"), gzip(b"e")].concat();
        assert_eq!(gunzip(&[&many], BUDGET), Err(GzipError::TooManyMembers));
        let spread = [gzip(&vec![0; 700_000]), gzip(&vec![0; 700_000])].concat();
        assert_eq!(gunzip(&[&spread], BUDGET), Err(GzipError::TooLarge));
    }

    #[test]
    fn a_changed_byte_never_decodes_to_something_else() {
        let body = gzip(b"price=100.5 qty=3");
        for at in 10..body.len() {
            let mut changed = body.clone();
            changed[at] ^= 0x10;
            if let Ok(text) = gunzip(&[&changed], BUDGET) {
                assert_eq!(text, b"price=100.5 qty=3", "changed at {at}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(bytes: Vec<u8>, cut in 0..100usize) {
            let body = gzip(&bytes);
            let (left, right) = body.split_at(cut.min(body.len()));
            prop_assert_eq!(gunzip(&[left, right], BUDGET), Ok(bytes));
        }

        #[test]
        fn nothing_makes_it_panic(bytes: Vec<u8>) {
            drop(gunzip(&[&bytes], BUDGET));
        }
    }
}
