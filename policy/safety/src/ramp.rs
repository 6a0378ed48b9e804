//! A ramp: after a reopening orders come back step by step, at a rate that grows until the cap is gone.
//!
//! A ramp is part of what two people agree to when they open: it makes a reopening stricter for a while and nothing looser
//! ever. A new one begins wherever the last one was, at its beginning.

/// How a ramp goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slope {
    /// How long it takes, in milliseconds.
    pub over_ms: u64,
    /// Orders a second at its beginning.
    pub from: u32,
    /// Orders a second just before its end.
    pub to: u32,
}

/// A ramp under way, and how much of the current second is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ramp {
    slope: Slope,
    began_ms: u64,
    second: u64,
    used: u32,
}

impl Ramp {
    /// A ramp that begins at `now_ms`, on a clock that never goes back.
    #[must_use]
    pub const fn new(slope: Slope, now_ms: u64) -> Self {
        Self { slope, began_ms: now_ms, second: 0, used: 0 }
    }

    /// Orders a second at `now_ms`; `None` when the ramp is over.
    #[must_use]
    pub fn cap(&self, now_ms: u64) -> Option<u32> {
        let passed = now_ms.saturating_sub(self.began_ms);
        if passed >= self.slope.over_ms {
            return None;
        }
        let rise = u64::from(self.slope.to.saturating_sub(self.slope.from));
        let risen = rise.saturating_mul(passed) / self.slope.over_ms.max(1);
        Some(self.slope.from.saturating_add(u32::try_from(risen).unwrap_or(u32::MAX)))
    }

    /// Whether one more order may pass at `now_ms`; it is counted if so.
    pub fn admit(&mut self, now_ms: u64) -> bool {
        let Some(cap) = self.cap(now_ms) else { return true };
        let second = now_ms.saturating_sub(self.began_ms) / 1000;
        if second > self.second {
            (self.second, self.used) = (second, 0);
        }
        let admitted = self.used < cap;
        self.used = self.used.saturating_add(u32::from(admitted));
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::{Ramp, Slope};

    #[test]
    fn orders_come_back_step_by_step() {
        let mut ramp = Ramp::new(Slope { over_ms: 4_000, from: 1, to: 9 }, 1_000);
        let mut admitted = |at_ms: u64| (0..100).filter(|_| ramp.admit(at_ms)).count();
        let by_second = [1_000, 1_999, 2_000, 2_000, 3_000, 4_999, 5_000].map(&mut admitted);
        // In a second that has begun, what the rising cap still leaves.
        assert_eq!(by_second, [1, 1, 3, 0, 5, 8, 100]);
    }

    #[test]
    fn a_clock_that_went_back_admits_no_more() {
        let mut ramp = Ramp::new(Slope { over_ms: 4_000, from: 2, to: 2 }, 1_000);
        assert_eq!((0..10).filter(|_| ramp.admit(2_500)).count(), 2);
        assert!((0..10).all(|_| !ramp.admit(1_000)), "that second is over");
    }
}
