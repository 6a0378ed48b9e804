//! A lease: without fresh word that all is well, what is in force becomes stricter, in two stages.
//!
//! Time only tightens a lease; renewing it asks for nothing and takes nothing back. Whoever holds it turns its level into a
//! source of the state, and that stays until people release it. Gates are such leases: a report renews one.

use crate::{Health, Level, Mode, Switch};

/// After how long what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Milliseconds without fresh word after which health is UNKNOWN and the mode SAFE, which comes to CLOSE_ONLY.
    pub safe_ms: u64,
    /// Milliseconds without fresh word after which it is BLOCK as well; `u64::MAX` for never.
    pub block_ms: u64,
}

/// A lease and when it was renewed, on a clock that never goes back and counts suspend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    terms: Terms,
    renewed_ms: u64,
}

impl Lease {
    /// A lease that begins at `now_ms`.
    #[must_use]
    pub const fn new(terms: Terms, now_ms: u64) -> Self {
        Self { terms, renewed_ms: now_ms }
    }

    /// There was fresh word. An earlier time than the last one changes nothing.
    pub fn renew(&mut self, now_ms: u64) {
        self.renewed_ms = self.renewed_ms.max(now_ms);
    }

    /// What it asks for at `now_ms`.
    #[must_use]
    pub const fn level(&self, now_ms: u64) -> Level {
        let silent = now_ms.saturating_sub(self.renewed_ms);
        let unknown = Level { mode: Mode::Safe, health: Health::Unknown, ..Level::OPEN };
        if silent >= self.terms.block_ms && self.terms.block_ms < u64::MAX {
            Level { switch: Switch::Block, ..unknown }
        } else if silent >= self.terms.safe_ms {
            unknown
        } else {
            Level::OPEN
        }
    }

    /// Milliseconds from `now_ms` until silence counts; 0 once it does.
    #[must_use]
    pub const fn left_ms(&self, now_ms: u64) -> u64 {
        self.renewed_ms.saturating_add(self.terms.safe_ms).saturating_sub(now_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lease, Terms};

    #[test]
    fn silence_tightens_in_two_stages() {
        let mut lease = Lease::new(Terms { safe_ms: 20, block_ms: 40 }, 100);
        let at = |lease: &Lease, now| lease.level(now).posture().as_str();
        assert_eq!(
            [0, 119, 120, 139, 140, u64::MAX].map(|now| at(&lease, now)),
            ["ALLOW", "ALLOW", "CLOSE_ONLY", "CLOSE_ONLY", "BLOCK", "BLOCK"]
        );
        lease.renew(150);
        lease.renew(10);
        assert_eq!([150, 169, 170].map(|now| at(&lease, now)), ["ALLOW", "ALLOW", "CLOSE_ONLY"]);
        assert_eq!([100, 169, 170, 999].map(|now| lease.left_ms(now)), [70, 1, 0, 0]);
    }

    #[test]
    fn one_that_never_blocks_never_does() {
        let lease = Lease::new(Terms { safe_ms: 1, block_ms: u64::MAX }, 0);
        assert_eq!(lease.level(u64::MAX).posture().as_str(), "CLOSE_ONLY");
    }
}
