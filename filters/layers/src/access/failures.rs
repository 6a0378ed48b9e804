use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::lockouts::Lockouts;

/// Counts failed attempts and says who has to wait.
pub struct Failures {
    limits: FailureLimits,
    hasher: RandomState,
    started: Instant,
    per_credential: Counter,
    per_peer: Counter,
    per_pair: Counter,
    lockouts: Mutex<Lockouts>,
}

type Counter = RateLimiter<u64, DashMapStateStore<u64>, Ticks, NoOpMiddleware<Nanos>>;

/// How many failures are too many, and what follows.
#[derive(Clone, Debug)]
pub struct FailureLimits {
    /// Over which time they are counted.
    pub window: Duration,
    /// With one credential, from anywhere.
    pub per_credential: u32,
    /// From one address, with any credential.
    pub per_peer: u32,
    /// With one credential from one address.
    pub per_pair: u32,
    /// The first lockout.
    pub lockout: Duration,
    /// The longest.
    pub lockout_max: Duration,
    /// What each repeated lockout is multiplied with.
    pub growth: u32,
    /// Most keys remembered in each count, and most lockouts.
    pub max_entries: usize,
    /// Leading bits of an IPv6 address that count as one caller, 0 to 128.
    pub ipv6_prefix: u8,
}

/// One caller with one credential, hashed with a key of this process: what was presented is not kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    credential: u64,
    peer: u64,
    pair: u64,
}

impl Failures {
    /// Nobody has failed yet.
    #[must_use]
    pub fn new(limits: FailureLimits) -> Self {
        let started = Instant::now();
        let counter =
            |most: u32| Counter::new(quota(most, limits.window), DashMapStateStore::default(), Ticks { started });
        Self {
            per_credential: counter(limits.per_credential),
            per_peer: counter(limits.per_peer),
            per_pair: counter(limits.per_pair),
            lockouts: Mutex::new(Lockouts::new(limits.max_entries.saturating_mul(3))),
            hasher: RandomState::new(),
            started,
            limits,
        }
    }

    pub(super) fn pair(&self, claimed: Option<&str>, peer: IpAddr) -> Pair {
        let network = self.network(peer);
        Pair {
            credential: self.hasher.hash_one(("credential", claimed)),
            peer: self.hasher.hash_one(("peer", network)),
            pair: self.hasher.hash_one(("pair", claimed, network)),
        }
    }

    /// How long this caller with this credential is shut out, right or wrong.
    pub(super) fn shut_out(&self, pair: Pair) -> Option<Duration> {
        self.lockouts().waits(pair.pair, Instant::now())
    }

    /// Counts a failure, and says how long the answer should ask to wait, if it was one too many.
    pub(super) fn count(&self, pair: Pair) -> Option<Duration> {
        let now = Instant::now();
        let over = [(pair.credential, &self.per_credential), (pair.peer, &self.per_peer), (pair.pair, &self.per_pair)]
            .map(|(key, counter)| (key, self.one_too_many(counter, key)));
        let mut lockouts = self.lockouts();
        over.into_iter()
            .filter_map(
                |(key, over)| {
                    if over { Some(lockouts.lock(key, now, &self.limits)) } else { lockouts.waits(key, now) }
                },
            )
            .max()
    }

    /// Lockouts remembered now.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.lockouts().len()
    }

    fn one_too_many(&self, counter: &Counter, key: u64) -> bool {
        // Beyond the bound all newcomers share one count: an attacker who invents names is one attacker.
        let full = counter.len() >= self.limits.max_entries;
        if full {
            counter.retain_recent();
        }
        let key = if full && counter.len() >= self.limits.max_entries { OVERFLOW } else { key };
        counter.check_key(&key).is_err()
    }

    fn network(&self, peer: IpAddr) -> IpAddr {
        match peer.to_canonical() {
            IpAddr::V6(v6) => {
                let outside = u32::from(128_u8.saturating_sub(self.limits.ipv6_prefix));
                Ipv6Addr::from(u128::from(v6) & u128::MAX.checked_shl(outside).unwrap_or(0)).into()
            }
            v4 @ IpAddr::V4(_) => v4,
        }
    }

    fn lockouts(&self) -> MutexGuard<'_, Lockouts> {
        self.lockouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failures").field("limits", &self.limits).field("started", &self.started).finish_non_exhaustive()
    }
}

/// `most` failures at once are borne; one more within the window is too many.
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

#[cfg(test)]
mod tests;
