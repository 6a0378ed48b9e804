//! A spike: too many at once, by a bound or against what is usual.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sekisho_policy::Signal;

/// Counts what happens in all. One address counts for `per_source` at most, so that nobody alone makes a spike.
#[derive(Debug)]
pub struct Spike {
    signal: Signal,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    /// The half windows now and before: together a window that slides.
    now: Half,
    before: u32,
    /// The usual number in a window, as an exponentially weighted mean.
    usual: f64,
    windows: u32,
}

#[derive(Debug, Default)]
struct Half {
    began: Option<Instant>,
    total: u32,
    by_source: HashMap<Option<IpAddr>, u32>,
}

impl Spike {
    /// Counts by `signal`.
    #[must_use]
    pub fn new(signal: Signal) -> Self {
        Self { signal, counted: Mutex::default() }
    }

    /// What it counts by.
    #[must_use]
    pub const fn signal(&self) -> &Signal {
        &self.signal
    }

    /// Counts `weight`, and calls `raise` when that is too much. Where it could not be raised it is too much the next time as
    /// well.
    pub fn tell(&self, weight: u32, source: Option<IpAddr>, now: Instant, raise: impl FnOnce(String) -> bool) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.elapse(now, self.signal.window / 2);
        counted.count(weight, source, &self.signal);
        let total = counted.before.saturating_add(counted.now.total);
        let Some(why) = counted.excess(total, &self.signal) else { return };
        if raise(format!("{total} within {:?}, {why}", self.signal.window)) {
            // Counted anew, so that a flood raises once a threshold and not once an event.
            counted.before = 0;
            counted.now.total = 0;
            counted.now.by_source.clear();
        }
    }
}

impl Counted {
    fn elapse(&mut self, now: Instant, half: Duration) {
        let began = *self.now.began.get_or_insert(now);
        let passed = now.saturating_duration_since(began);
        if passed < half {
            return;
        }
        let halves = u32::try_from(passed.as_nanos() / half.as_nanos().max(1)).unwrap_or(u32::MAX);
        let total = f64::from(self.before.saturating_add(self.now.total));
        self.usual += WEIGHT * (total - self.usual);
        // Silence is usual too.
        self.usual *= (1.0 - WEIGHT).powi(i32::try_from(halves.saturating_sub(1)).unwrap_or(i32::MAX));
        self.windows = self.windows.saturating_add(halves);
        self.before = if halves == 1 { self.now.total } else { 0 };
        self.now = Half { began: Some(began + half * halves), ..Half::default() };
    }

    fn count(&mut self, weight: u32, source: Option<IpAddr>, signal: &Signal) {
        let source = source.map(network);
        let half = &mut self.now;
        let Some(source) = source else {
            half.total = half.total.saturating_add(weight);
            return;
        };
        // Beyond the bound all the rest are one source.
        let known = half.by_source.contains_key(&Some(source)) || half.by_source.len() < SOURCES;
        let counted = half.by_source.entry(known.then_some(source)).or_default();
        let room = signal.per_source.saturating_sub(*counted).min(weight);
        *counted = counted.saturating_add(room);
        half.total = half.total.saturating_add(room);
    }

    fn excess(&self, total: u32, signal: &Signal) -> Option<String> {
        if total >= signal.count {
            return Some(format!("{} are permitted", signal.count));
        }
        let known = self.windows >= LEARNED && total >= signal.count.div_ceil(LEAST);
        let times = f64::from(signal.factor);
        (known && f64::from(total) > times * self.usual.max(0.5)).then(|| format!("{:.1} are usual", self.usual))
    }
}

/// A caller: an address, or the /64 that one IPv6 caller can draw addresses from.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        v4 @ IpAddr::V4(_) => v4,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

/// The weight of the newest window in the mean.
const WEIGHT: f64 = 0.2;
/// Half windows after which the usual is known.
const LEARNED: u32 = 10;
/// The part of the bound below which nothing is a spike, however unusual.
const LEAST: u32 = 4;
/// Most addresses told apart.
const SOURCES: usize = 4096;

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use sekisho_safety::Scope;

    pub(in super::super) fn signal(count: u32) -> Signal {
        let (window, scope) = (Duration::from_secs(10), Scope::Fleet);
        Signal { count, window, factor: 4, per_source: 5, level: None, scope, incident: None, contain: vec![] }
    }

    fn raised(spike: &Spike, weight: u32, source: Option<&str>, at: Instant) -> bool {
        let mut raised = false;
        spike.tell(weight, source.map(|text| text.parse().unwrap()), at, |_reason| {
            raised = true;
            true
        });
        raised
    }

    #[test]
    fn one_address_alone_makes_no_spike_and_many_do_once() {
        let (spike, now) = (Spike::new(signal(12)), Instant::now());
        assert!((0..10_000).all(|_| !raised(&spike, 1, Some("192.0.2.1"), now)));
        assert!((0..10_000).all(|n| !raised(&spike, 1, Some(&format!("2001:db8::{n:x}")), now)), "one /64 is one");
        assert!(!raised(&spike, 1, Some("192.0.2.2"), now));
        assert!(raised(&spike, 1, Some("192.0.2.2"), now), "5 and 5 and 2");
        assert!(!raised(&spike, 1, Some("192.0.2.3"), now), "once");
    }

    #[test]
    fn the_usual_is_learned_and_much_more_than_it_is_a_spike() {
        let (spike, start) = (Spike::new(signal(100)), Instant::now());
        let at = |second: u64| start + Duration::from_secs(second);
        assert!((0..60).all(|second| !raised(&spike, 3, None, at(second))), "thirty in ten seconds, from the start");
        assert!(!raised(&spike, 40, None, at(61)), "more than usual, and not four times");
        let quiet = Spike::new(signal(100));
        assert!((0..60).all(|n| !raised(&quiet, 1, None, at(n * 5))), "two in ten seconds");
        assert!(!raised(&quiet, 20, None, at(301)), "unusual, and still next to nothing");
        assert!(raised(&quiet, 10, None, at(302)), "thirty where two are usual");
        assert!(raised(&spike, 100, None, at(400)), "the bound holds whatever is usual");
    }
}
