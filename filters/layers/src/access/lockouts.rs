use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use tokio::time::Instant;

use super::FailureLimits;
use super::kept::{KeptLock, Of};

/// Who has to wait, and until when. Bounded: when it is full nobody is forgotten for a newcomer, who is told to wait all the same.
#[derive(Debug)]
pub(super) struct Lockouts {
    limits: FailureLimits,
    entries: HashMap<u64, Lockout>,
    most: usize,
    swept: Instant,
}

#[derive(Clone, Debug)]
struct Lockout {
    of: Of,
    until: Instant,
    /// How often in a row, which is what the time grows with.
    times: u32,
    /// When it is forgotten that there ever was one.
    forget: Instant,
}

impl Lockouts {
    pub(super) fn new(limits: FailureLimits) -> Self {
        // One for each of the three counts.
        let most = limits.max_entries.saturating_mul(3);
        Self { limits, entries: HashMap::new(), most, swept: Instant::now() }
    }

    /// How long `key` still has to wait.
    pub(super) fn waits(&self, key: u64, now: Instant) -> Option<Duration> {
        let until = self.entries.get(&key)?.until;
        until.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// Locks `key` out, for longer than the last time; `chance` spreads the ends of lockouts that began together. One that is
    /// locked out already stays so, no longer. The lockout comes back if it is new and remembered.
    pub(super) fn lock(&mut self, key: u64, of: &Of, now: Instant, chance: u64) -> (Duration, Option<KeptLock>) {
        if let Some(left) = self.waits(key, now) {
            return (left, None);
        }
        let times = self.entries.get(&key).filter(|known| known.forget > now).map_or(0, |known| known.times);
        let limits = &self.limits;
        let time = limits.lockout.saturating_mul(limits.growth.saturating_pow(times));
        let time = spread(time, limits.jitter_percent, chance).min(limits.lockout_max);
        let forget = now + time + limits.lockout_max;
        let lockout = Lockout { of: of.clone(), until: now + time, times: times.saturating_add(1), forget };
        let kept = self.insert(key, lockout, now).then(|| self.kept_one(key, now)).flatten();
        (time, kept)
    }

    /// Ends the lockout of `key`, and its memory.
    pub(super) fn lift(&mut self, key: u64) -> bool {
        self.entries.remove(&key).is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn kept(&self, now: Instant) -> Vec<KeptLock> {
        self.entries.keys().filter_map(|key| self.kept_one(*key, now)).collect()
    }

    pub(super) fn kept_one(&self, key: u64, now: Instant) -> Option<KeptLock> {
        let lockout = self.entries.get(&key).filter(|lockout| lockout.forget > now)?;
        Some(KeptLock {
            key,
            of: lockout.of.clone(),
            left: lockout.until.saturating_duration_since(now),
            times: lockout.times,
            forget: lockout.forget.saturating_duration_since(now),
        })
    }

    /// Takes back what was kept; what was kept longer than policy allows is cut to that.
    pub(super) fn restore(&mut self, kept: impl IntoIterator<Item = KeptLock>, now: Instant) {
        let lockout_max = self.limits.lockout_max;
        for lock in kept {
            let left = lock.left.min(lockout_max);
            let forget = now + lock.forget.min(lockout_max.saturating_mul(2));
            self.insert(lock.key, Lockout { of: lock.of, until: now + left, times: lock.times, forget }, now);
        }
    }

    /// Room for those that policy knows is always there: there are not many of them, and their lockouts are what matters.
    fn insert(&mut self, key: u64, lockout: Lockout, now: Instant) -> bool {
        if self.entries.len() >= self.most && now.saturating_duration_since(self.swept) >= SWEEP {
            self.swept = now;
            self.entries.retain(|_, known| known.forget > now);
        }
        let full = self.entries.len() >= self.most;
        match self.entries.entry(key) {
            Entry::Occupied(mut entry) => {
                entry.insert(lockout);
                true
            }
            Entry::Vacant(entry) if !full || lockout.of.is_reserved() => {
                entry.insert(lockout);
                true
            }
            Entry::Vacant(_) => false,
        }
    }
}

fn spread(time: Duration, percent: u32, chance: u64) -> Duration {
    let most = time.saturating_mul(percent) / 100;
    let nanos = u64::try_from(most.as_nanos()).unwrap_or(u64::MAX);
    time.saturating_add(Duration::from_nanos(if nanos == 0 { 0 } else { chance % nanos }))
}

/// A sweep looks at every entry; so often at most, in time, it is worth it.
const SWEEP: Duration = Duration::from_secs(1);
