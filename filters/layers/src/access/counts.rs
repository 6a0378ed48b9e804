use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// Failures by key, each key with the same quota (GCRA, by governor), in a store that is bounded and can be kept.
///
/// Beyond the bound all newcomers share one count: an attacker who invents names is one attacker. Nobody is forgotten to make
/// room for them, so that a flood does not wipe out what is known of others.
pub(super) struct Counts {
    store: Store,
    limiter: RateLimiter<u64, Store, Ticks, NoOpMiddleware<Nanos>>,
    clock: Ticks,
    window: Duration,
}

/// The time at which each key will have its whole quota again, as governor counts it. Clones are one store.
#[derive(Clone)]
struct Store(Arc<Mutex<Entries>>);

struct Entries {
    full_again: HashMap<u64, Nanos>,
    most: usize,
    swept: Nanos,
}

impl Counts {
    /// `most` failures at once are borne; one more within the window is too many.
    pub(super) fn new(most: u32, window: Duration, entries: usize) -> Self {
        let clock = Ticks { started: Instant::now() };
        let entries = Entries { full_again: HashMap::new(), most: entries, swept: Nanos::default() };
        let store = Store(Arc::new(Mutex::new(entries)));
        let limiter = RateLimiter::new(quota(most, window), store.clone(), clock.clone());
        Self { store, limiter, clock, window }
    }

    /// Counts one failure of `key`, and says whether it was one too many. A `reserved` key has a count of its own even beyond
    /// the bound, and there answers as everybody else does besides.
    pub(super) fn one_too_many(&self, key: u64, reserved: bool) -> bool {
        let has_room = self.store.has_room(key, self.clock.now(), self.window);
        let shared = !has_room && self.limiter.check_key(&OVERFLOW).is_err();
        let own = (has_room || reserved) && self.limiter.check_key(&key).is_err();
        shared || own
    }

    pub(super) fn forget(&self, key: u64) {
        self.store.entries().full_again.remove(&key);
    }

    /// Keys remembered now.
    pub(super) fn len(&self) -> usize {
        self.store.entries().full_again.len()
    }

    /// What is to be kept: each key, and how long until it has its whole quota again.
    pub(super) fn kept(&self) -> Vec<(u64, Duration)> {
        let now = self.clock.now();
        let entries = self.store.entries();
        let left = entries.full_again.iter().filter(|(_, full)| **full > now);
        left.map(|(key, full)| (*key, full.saturating_sub(now).into())).collect()
    }

    /// Takes back what was kept.
    pub(super) fn restore(&self, kept: impl IntoIterator<Item = (u64, Duration)>) {
        let now = self.clock.now();
        let mut entries = self.store.entries();
        let most = entries.most;
        // What was kept longer than the window is not ours.
        let kept = kept.into_iter().map(|(key, left)| (key, now + Nanos::from(left.min(self.window)))).take(most);
        entries.full_again.extend(kept);
    }
}

impl Store {
    /// Whether `key` is counted by itself. The sweep that makes room is paid for at most so often, however hard somebody knocks.
    fn has_room(&self, key: u64, now: Nanos, window: Duration) -> bool {
        let mut entries = self.entries();
        if entries.full_again.len() < entries.most || entries.full_again.contains_key(&key) {
            return true;
        }
        if Duration::from(now.saturating_sub(entries.swept)) < window / SWEEPS_A_WINDOW {
            return false;
        }
        entries.swept = now;
        entries.full_again.retain(|_, full| *full > now);
        entries.full_again.len() < entries.most
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StateStore for Store {
    type Key = u64;

    fn measure_and_replace<T, F, E>(&self, key: &u64, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut entries = self.entries();
        let (outcome, full) = measure(entries.full_again.get(key).copied())?;
        entries.full_again.insert(*key, full);
        Ok(outcome)
    }
}

fn quota(most: u32, window: Duration) -> Quota {
    let most = NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN);
    let each = window.checked_div(most.get()).filter(|each| !each.is_zero()).unwrap_or(Duration::from_nanos(1));
    Quota::with_period(each).unwrap_or_else(|| Quota::per_second(most)).allow_burst(most)
}

/// The clock of tokio, so that tests can hold it.
#[derive(Clone, Debug)]
struct Ticks {
    started: Instant,
}

impl Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.started.elapsed().into()
    }
}

const OVERFLOW: u64 = 0;
const SWEEPS_A_WINDOW: u32 = 64;
