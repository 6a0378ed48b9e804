//! Unusual execution: many more orders than permitted or than usual, or many refused.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use sekisho_policy::Signal;

use super::auth::Spike;
use super::{Raised, Signals};

/// Orders are counted on their way by one addition; a task looks at the counts once a second.
#[derive(Debug)]
pub struct Flow {
    passed: AtomicU32,
    refused: AtomicU32,
    surge: Spike,
    rejects: Spike,
}

impl Flow {
    /// Counts by `signal`.
    #[must_use]
    pub fn new(signal: Signal) -> Self {
        let (passed, refused) = (AtomicU32::new(0), AtomicU32::new(0));
        Self { passed, refused, surge: Spike::new(signal.clone()), rejects: Spike::new(signal) }
    }

    /// What it counts by.
    #[must_use]
    pub const fn signal(&self) -> &Signal {
        self.surge.signal()
    }

    pub(super) fn passed(&self) {
        self.passed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    /// Looks at what was counted since the last time. Refusals count while nothing is held: whoever goes on sending orders
    /// into a BLOCK is no new suspicion.
    pub(super) fn look(&self, signals: &Signals, all_open: bool, now: Instant) {
        let (passed, refused) = (self.passed.swap(0, Ordering::Relaxed), self.refused.swap(0, Ordering::Relaxed));
        let refused = if all_open { refused } else { 0 };
        for (name, spike, count) in
            [("execution.surge", &self.surge, passed), ("execution.rejects", &self.rejects, refused)]
        {
            let raise = |reason| signals.raise(Raised::by(name, spike.signal(), format!("orders: {reason}")));
            spike.tell(count, None, now, raise);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use sekisho_policy::Policy;

    use super::super::Signals;

    #[test]
    fn a_surge_and_a_wave_of_refusals_are_told_apart() {
        let policy = "version: 1\nservice: s\nsignals: {execution: {count: 50, window: 10s, factor: 1000}}\n";
        let (signals, mut raised) = Signals::new(&Policy::parse("p", policy).unwrap().signals);
        let (flow, start) = (signals.counted().execution.clone().unwrap(), Instant::now());
        let mut second = |orders: u32, refused: u32, all_open, at| {
            (0..orders).for_each(|_| signals.order());
            (0..refused).for_each(|_| signals.order_refused());
            flow.look(&signals, all_open, start + Duration::from_secs(at));
            raised.try_recv().ok().map(|raised| raised.name.to_string())
        };
        assert_eq!(second(49, 49, true, 0), None);
        assert_eq!(second(0, 500, false, 30), None, "into a BLOCK");
        assert_eq!(second(49, 0, true, 60).as_deref(), None);
        assert_eq!(second(1, 0, true, 61).as_deref(), Some("execution.surge"));
        assert_eq!(second(0, 50, true, 90).as_deref(), Some("execution.rejects"));
    }
}
