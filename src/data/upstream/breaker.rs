//! An endpoint that fails again and again is left alone for a while.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When an endpoint is left alone.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Failures in a row after which it is.
    pub failures: u32,
    /// For how long. After it one request tries, and the others wait for what becomes of that.
    pub pause: Duration,
}

#[derive(Debug)]
pub(super) struct Breaker {
    patience: Patience,
    failures: AtomicU32,
    until: Mutex<Option<Instant>>,
}

impl Breaker {
    pub(super) const fn new(patience: Patience) -> Self {
        Self { patience, failures: AtomicU32::new(0), until: Mutex::new(None) }
    }

    /// Whether a request may try the endpoint now. One that does after a pause begins another.
    pub(super) fn lets_try(&self) -> bool {
        // As long as all is well, this is the whole of it.
        if self.failures.load(Ordering::Relaxed) < self.patience.failures {
            return true;
        }
        self.lets_try_at(Instant::now())
    }

    fn lets_try_at(&self, now: Instant) -> bool {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        let paused = until.is_some_and(|until| now < until);
        if !paused {
            *until = now.checked_add(self.patience.pause);
        }
        !paused
    }

    /// It answered as a server that is well does.
    pub(super) fn succeeded(&self) {
        if self.failures.load(Ordering::Relaxed) > 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// It could not be reached, broke off, was late, or said that it cannot serve.
    pub(super) fn failed(&self) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        if failures >= self.patience.failures {
            let until = Instant::now().checked_add(self.patience.pause);
            *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_failures_in_a_row_it_is_left_alone_and_then_tried_once() {
        let breaker = Breaker::new(Patience { failures: 2, pause: Duration::from_secs(5) });
        breaker.failed();
        breaker.succeeded();
        breaker.failed();
        assert!(breaker.lets_try(), "not in a row");
        breaker.failed();
        assert!(!breaker.lets_try());
        let later = Instant::now() + Duration::from_secs(5);
        assert!(breaker.lets_try_at(later));
        assert!(!breaker.lets_try_at(later), "one tries, the others wait");
        breaker.succeeded();
        assert!(breaker.lets_try() && breaker.lets_try());
    }
}
