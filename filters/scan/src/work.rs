//! How much looking a stream may ask for.
//!
//! The hot pass reads every byte once. What it points at is verified, and a verifier may read far: a text made for the purpose
//! points at every third byte and makes each look go to the end of the hold. So every byte a verifier reads is counted against a
//! credit that the stream earns by its length. Who has used up its credit is not let through unread: the rest of the line is the
//! finding `unscanned`. Only looks that led to a verdict are paid for, and a verdict does not depend on how the stream was cut, so
//! neither does the credit.

use std::cell::Cell;

/// One look: what it has read so far, and what it may read.
#[derive(Debug)]
pub(crate) struct Work {
    spent: Cell<u64>,
    most: u64,
}

impl Work {
    pub(crate) const fn new(most: u64) -> Self {
        Self { spent: Cell::new(0), most }
    }

    /// For one value that is held whole, the same as a stream of its length would have.
    pub(crate) const fn of(value: &[u8], hold: usize) -> Self {
        Self::new(burst(hold) + RATE * value.len() as u64)
    }

    #[inline]
    pub(crate) fn read(&self, bytes: usize) {
        self.spent.set(self.spent.get() + bytes as u64);
    }

    pub(crate) fn spent(&self) -> u64 {
        self.spent.get()
    }

    pub(crate) fn exhausted(&self) -> bool {
        self.spent.get() >= self.most
    }
}

/// What a stream may still spend.
#[derive(Debug)]
pub(crate) struct Credit {
    /// Below zero when the last look read more than it had: that much is earned back first.
    left: i64,
    burst: i64,
    /// Earned up to this place of the stream.
    earned: u64,
}

impl Credit {
    pub(crate) fn new(hold: usize) -> Self {
        let burst = i64::try_from(burst(hold)).unwrap_or(i64::MAX);
        Self { left: burst, burst, earned: 0 }
    }

    /// What may be spent at `place`.
    pub(crate) fn at(&mut self, place: u64) -> u64 {
        let earned = place.saturating_sub(self.earned).saturating_mul(RATE);
        self.left = self.left.saturating_add(i64::try_from(earned).unwrap_or(i64::MAX)).min(self.burst);
        self.earned = self.earned.max(place);
        u64::try_from(self.left).unwrap_or_default()
    }

    pub(crate) fn pay(&mut self, spent: u64) {
        self.left = self.left.saturating_sub(i64::try_from(spent).unwrap_or(i64::MAX));
    }
}

/// A few looks at everything that is held.
const fn burst(hold: usize) -> u64 {
    LOOKS * hold as u64
}

/// Bytes read for one byte taken in. Dense but honest text stays far below.
pub(crate) const RATE: u64 = 64;
const LOOKS: u64 = 16;
