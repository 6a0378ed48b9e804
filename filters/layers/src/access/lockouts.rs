use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::FailureLimits;

/// Who has to wait, and until when. Bounded: when it is full, whoever has waited longest is forgotten first.
#[derive(Debug)]
pub(super) struct Lockouts {
    entries: HashMap<u64, Lockout>,
    most: usize,
}

#[derive(Debug)]
struct Lockout {
    until: Instant,
    /// How often in a row, which is what the time grows with.
    times: u32,
    /// When it is forgotten that there ever was one.
    forget: Instant,
}

impl Lockouts {
    pub(super) fn new(most: usize) -> Self {
        Self { entries: HashMap::new(), most }
    }

    /// How long `key` still has to wait.
    pub(super) fn waits(&self, key: u64, now: Instant) -> Option<Duration> {
        let until = self.entries.get(&key)?.until;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Locks `key` out, for longer than the last time. One that is locked out already stays so, no longer.
    pub(super) fn lock(&mut self, key: u64, now: Instant, limits: &FailureLimits) -> Duration {
        if let Some(left) = self.waits(key, now) {
            return left;
        }
        let times = self.entries.get(&key).filter(|known| known.forget > now).map_or(0, |known| known.times);
        let time = limits.lockout.saturating_mul(limits.growth.saturating_pow(times)).min(limits.lockout_max);
        self.make_room(now);
        let forget = now + time + limits.lockout_max;
        self.entries.insert(key, Lockout { until: now + time, times: times.saturating_add(1), forget });
        time
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn make_room(&mut self, now: Instant) {
        if self.entries.len() < self.most {
            return;
        }
        self.entries.retain(|_, known| known.forget > now);
        if self.entries.len() >= self.most
            && let Some(first) = self.entries.iter().min_by_key(|(_, known)| known.until).map(|(key, _)| *key)
        {
            self.entries.remove(&first);
        }
    }
}
