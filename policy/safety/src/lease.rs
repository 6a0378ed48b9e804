//! A lease: without fresh word that all is well, what is in force becomes stricter, in two stages.
//!
//! Time only tightens a lease; renewing it asks for nothing and takes nothing back. Whoever holds it turns its level into a
//! source of the state, and that stays until people release it.

use crate::{Level, Switch};

/// After how long what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Milliseconds without fresh word after which it is CLOSE_ONLY.
    pub close_only_ms: u64,
    /// Milliseconds without fresh word after which it is BLOCK.
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
        if silent >= self.terms.block_ms {
            Level::switch(Switch::Block)
        } else if silent >= self.terms.close_only_ms {
            Level::switch(Switch::CloseOnly)
        } else {
            Level::OPEN
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Lease, Terms};

    #[test]
    fn silence_tightens_in_two_stages() {
        let mut lease = Lease::new(Terms { close_only_ms: 20, block_ms: 40 }, 100);
        let at = |lease: &Lease, now| lease.level(now).switch.as_str();
        assert_eq!(
            [0, 119, 120, 139, 140, u64::MAX].map(|now| at(&lease, now)),
            ["ALLOW", "ALLOW", "CLOSE_ONLY", "CLOSE_ONLY", "BLOCK", "BLOCK"]
        );
        lease.renew(150);
        lease.renew(10);
        assert_eq!([150, 169, 170].map(|now| at(&lease, now)), ["ALLOW", "ALLOW", "CLOSE_ONLY"]);
    }
}
