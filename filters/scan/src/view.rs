//! What a verifier may see of the stream.
//!
//! A verifier never asks for a slice of "the rest": it asks for bytes by position, and the view notes whether it was refused one
//! that may still arrive. A verdict reached without such a refusal would be the same whatever follows; any other verdict is thrown
//! away and asked for again when more has arrived. This is what makes the scanner blind to where chunks are cut.

use std::cell::Cell;

use crate::class::{self, Class};
use crate::work::Work;

/// A window on the stream: everything kept behind, and a bounded piece ahead.
#[derive(Debug)]
pub(crate) struct View<'a> {
    bytes: &'a [u8],
    /// Bytes before this were already replaced: they may be read, not changed.
    floor: usize,
    /// How far behind a trigger a verifier may look, from the trigger on.
    back: usize,
    /// Nothing follows `bytes`.
    ended: bool,
    starved: Cell<bool>,
    work: &'a Work,
}

impl<'a> View<'a> {
    /// `bytes`, of which more may follow.
    pub(crate) fn new(bytes: &'a [u8], floor: usize, work: &'a Work) -> Self {
        Self { bytes, floor, back: 0, ended: false, starved: Cell::new(false), work }
    }

    /// A whole text, with nothing before or after it.
    pub(crate) fn whole(bytes: &'a [u8], work: &'a Work) -> Self {
        Self::new(bytes, 0, work).ended(true)
    }

    /// Looks no further back than `back`.
    pub(crate) fn from(mut self, back: usize) -> Self {
        self.back = back;
        self
    }

    /// Whether nothing follows.
    pub(crate) fn ended(mut self, ended: bool) -> Self {
        self.ended = ended;
        self
    }

    /// The byte at `at`; none at the end of what is visible, or behind the look-back.
    #[inline]
    pub(crate) fn at(&self, at: usize) -> Option<u8> {
        self.work.read(1);
        if at < self.back {
            return None;
        }
        let byte = self.bytes.get(at).copied();
        if byte.is_none() && !self.ended {
            self.starved.set(true);
        }
        byte
    }

    /// The byte before `at`.
    #[inline]
    pub(crate) fn before(&self, at: usize) -> Option<u8> {
        self.at(at.checked_sub(1)?)
    }

    /// Whether `literal` stands at `at`.
    pub(crate) fn starts_with(&self, at: usize, literal: &[u8]) -> bool {
        literal.iter().enumerate().all(|(offset, byte)| self.at(at + offset) == Some(*byte))
    }

    /// As [`Self::starts_with`], letters of either case.
    pub(crate) fn starts_with_ignoring_case(&self, at: usize, literal: &[u8]) -> bool {
        literal
            .iter()
            .enumerate()
            .all(|(offset, byte)| self.at(at + offset).is_some_and(|found| found.eq_ignore_ascii_case(byte)))
    }

    /// The end of the run of `set` that starts at `from`, of at most `max` bytes.
    pub(crate) fn run(&self, from: usize, set: Class, max: usize) -> usize {
        self.until(from, max, |byte| !class::is(byte, set))
    }

    /// The first place from `from` on whose byte is a `stop`, at most `max` bytes on.
    pub(crate) fn until(&self, from: usize, max: usize, stop: impl Fn(u8) -> bool) -> usize {
        let rest = self.bytes.get(from..).unwrap_or_default();
        let seen = rest.get(..max).unwrap_or(rest);
        let length = seen.iter().position(|byte| stop(*byte)).unwrap_or(seen.len());
        self.work.read(length + 1);
        if length == rest.len() && length < max && !self.ended {
            self.starved.set(true);
        }
        from + length
    }

    /// The start of the run of `set` that ends before `to`, of at most `max` bytes.
    pub(crate) fn run_back(&self, to: usize, set: Class, max: usize) -> usize {
        let mut at = to;
        while to - at < max && self.before(at).is_some_and(|byte| class::is(byte, set)) {
            at -= 1;
        }
        at
    }

    /// How many backslashes stand directly before `at`.
    pub(crate) fn slashes_before(&self, at: usize) -> usize {
        at - self.run_back(at, class::SLASH, MAX_SLASHES)
    }

    /// The bytes from `from` to `to`, as far as they are visible. Whoever asks reads them.
    pub(crate) fn slice(&self, from: usize, to: usize) -> &'a [u8] {
        let slice = self.bytes.get(from..to.min(self.bytes.len())).unwrap_or_default();
        self.work.read(slice.len());
        slice
    }

    /// The first position that is not visible.
    pub(crate) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// Whether `at` is the end of the window though the stream may go on: a value that reaches it is cut, not ended.
    pub(crate) fn is_cut(&self, at: usize) -> bool {
        !self.ended && at >= self.bytes.len()
    }

    pub(crate) fn floor(&self) -> usize {
        self.floor
    }

    /// Whether a byte that may still arrive was asked for.
    pub(crate) fn starved(&self) -> bool {
        self.starved.get()
    }
}

/// Longest run of backslashes that is understood: four levels of JSON in JSON.
const MAX_SLASHES: usize = 64;
