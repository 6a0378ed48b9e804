//! Orders after a reopening: held to a rate that grows, until the ramp is over.
//!
//! A start begins a ramp as a release does: how far the last one had come died with the process, and no restart loosens.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use sekisho_safety::{Ramp, Slope};

use super::clock::since_boot;
use super::release::millis;

/// The ramp under way, if there is one.
#[derive(Debug, Default)]
pub(super) struct Pace {
    slope: Option<Slope>,
    /// Read by every order; the lock is for those that are held to a rate.
    under_way: AtomicBool,
    ramp: Mutex<Option<Ramp>>,
}

impl Pace {
    /// Ramps of this slope; the first begins now.
    pub(super) fn new(slope: Option<Slope>) -> Self {
        let pace = Self { slope, ..Self::default() };
        pace.begin();
        pace
    }

    /// Begins a ramp, wherever the last one was.
    pub(super) fn begin(&self) {
        let Some(slope) = self.slope else { return };
        let mut ramp = self.ramp.lock().unwrap_or_else(PoisonError::into_inner);
        *ramp = Some(Ramp::new(slope, millis(since_boot())));
        self.under_way.store(true, Ordering::SeqCst);
    }

    /// Whether one more order passes now; it is counted if so.
    pub(super) fn admit(&self) -> bool {
        if !self.under_way.load(Ordering::Relaxed) {
            return true;
        }
        let now = millis(since_boot());
        let mut ramp = self.ramp.lock().unwrap_or_else(PoisonError::into_inner);
        let over = ramp.as_ref().is_none_or(|ramp| ramp.cap(now).is_none());
        if over {
            *ramp = None;
            self.under_way.store(false, Ordering::SeqCst);
        }
        ramp.as_mut().is_none_or(|ramp| ramp.admit(now))
    }
}

#[cfg(test)]
mod tests {
    use sekisho_safety::Slope;

    use super::Pace;

    #[test]
    fn without_a_slope_nothing_is_held() {
        let pace = Pace::new(None);
        pace.begin();
        assert!((0..1000).all(|_| pace.admit()));
    }

    #[test]
    fn a_start_and_a_release_begin_a_ramp() {
        let pace = Pace::new(Some(Slope { over_ms: 3_600_000, from: 3, to: 4 }));
        // A second may end in between, and another may be begun.
        let admitted = || (0..1000).filter(|_| pace.admit()).count();
        let (first, again) = (admitted(), {
            pace.begin();
            admitted()
        });
        assert!((3..=6).contains(&first) && (3..=6).contains(&again), "{first} {again}");
    }

    #[test]
    fn a_ramp_that_is_over_holds_nothing() {
        let pace = Pace::new(Some(Slope { over_ms: 0, from: 0, to: 0 }));
        assert!((0..1000).all(|_| pace.admit()));
    }
}
