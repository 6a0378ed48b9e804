use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::quality::FixedState;
use tokio::time::Instant;

use super::counts::Counts;
use super::familiar::Familiar;
use super::kept::{Keeper, Kept, KeptLock, Of};
use super::lockouts::Lockouts;

/// Counts failed attempts and says who has to wait.
pub struct Failures {
    limits: FailureLimits,
    hasher: FixedState,
    per_credential: Counts,
    per_peer: Counts,
    per_pair: Counts,
    overall: Counts,
    lockouts: Mutex<Lockouts>,
    /// How many lockouts there are: while there is none, no request waits for the lock above.
    locked: AtomicUsize,
    familiar: Familiar,
    changed: AtomicBool,
    keeper: Option<Arc<dyn Keeper>>,
    /// Until then nothing is borne: what was counted before the start could not be read.
    strict_until: Mutex<Option<Instant>>,
}

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
    /// Of all together.
    pub overall: u32,
    /// The first lockout.
    pub lockout: Duration,
    /// The longest.
    pub lockout_max: Duration,
    /// What each repeated lockout is multiplied with.
    pub growth: u32,
    /// How much longer than that a lockout may be by chance, in percent.
    pub jitter_percent: u32,
    /// How long a place stays familiar that a credential was used from.
    pub familiar_for: Duration,
    /// Most keys remembered in each count, and most lockouts of each kind.
    pub max_entries: usize,
    /// Leading bits of an IPv6 address that count as one caller, 0 to 128.
    pub ipv6_prefix: u8,
}

/// One caller with one credential, hashed: what was presented is not kept, except the id of a key that policy knows.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    credential: u64,
    peer: u64,
    pair: u64,
    known: Option<String>,
    network: IpAddr,
}

impl Failures {
    /// Nobody has failed yet. `seed` keys the hashes; what is kept is of use only under the same seed.
    #[must_use]
    pub fn new(limits: FailureLimits, seed: u64) -> Self {
        let counts = |most: u32| Counts::new(most, limits.window, limits.max_entries);
        Self {
            per_credential: counts(limits.per_credential),
            per_peer: counts(limits.per_peer),
            per_pair: counts(limits.per_pair),
            overall: counts(limits.overall),
            lockouts: Mutex::new(Lockouts::new(limits.clone())),
            locked: AtomicUsize::new(0),
            familiar: Familiar::new(limits.max_entries),
            hasher: FixedState::with_seed(seed),
            changed: AtomicBool::new(false),
            keeper: None,
            strict_until: Mutex::new(None),
            limits,
        }
    }

    /// Tells `keeper` of every lockout that begins.
    #[must_use]
    pub fn keeping(mut self, keeper: Arc<dyn Keeper>) -> Self {
        self.keeper = Some(keeper);
        self
    }

    /// Takes back what was kept by a process before this one. None: something was kept and cannot be read, so for one window
    /// no failure is borne.
    #[must_use]
    pub fn restored(self, kept: Option<Kept>) -> Self {
        let now = Instant::now();
        let Some(Kept { counts: [credential, peer, pair], locks, familiar }) = kept else {
            *self.strict_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(now + self.limits.window);
            return self;
        };
        self.per_credential.restore(credential);
        self.per_peer.restore(peer);
        self.per_pair.restore(pair);
        self.familiar.restore(familiar);
        self.lockouts().restore(locks, now);
        self.note_locked(&self.lockouts());
        self
    }

    /// The same counts, lockouts and familiar places under other limits.
    #[must_use]
    pub fn under(&self, limits: FailureLimits) -> Self {
        let strict_until = *self.strict_until.lock().unwrap_or_else(PoisonError::into_inner);
        let other = Self {
            hasher: self.hasher.clone(),
            keeper: self.keeper.clone(),
            changed: AtomicBool::new(true),
            ..Self::new(limits, 0)
        };
        let kept = self.kept().counted_by(&self.limits, &other.limits);
        let other = other.restored(Some(kept));
        *other.strict_until.lock().unwrap_or_else(PoisonError::into_inner) = strict_until;
        other
    }

    fn kept(&self) -> Kept {
        let counts = [&self.per_credential, &self.per_peer, &self.per_pair].map(Counts::kept);
        let familiar = self.familiar.kept(self.limits.familiar_for);
        Kept { counts, locks: self.locks(), familiar }
    }

    /// What has to be kept, if it changed since it was last asked for.
    #[must_use]
    pub fn to_keep(&self) -> Option<Kept> {
        if !self.changed.swap(false, Ordering::AcqRel) {
            return None;
        }
        Some(self.kept())
    }

    /// What could not be kept is asked for again.
    pub fn not_kept(&self) {
        self.changed.store(true, Ordering::Release);
    }

    /// The lockouts that last, and those that are remembered.
    #[must_use]
    pub fn locks(&self) -> Vec<KeptLock> {
        self.lockouts().kept(Instant::now())
    }

    pub(super) fn pair(&self, claimed: Option<&str>, known: bool, peer: IpAddr) -> Pair {
        let network = self.network(peer);
        Pair {
            credential: self.hash(("credential", claimed)),
            peer: self.hash(("peer", network)),
            pair: self.hash(("pair", claimed, network)),
            known: claimed.filter(|_| known).map(str::to_owned),
            network,
        }
    }

    /// One caller: by its id, or else by its network.
    pub(super) fn caller(&self, id: Option<&str>, peer: IpAddr) -> u64 {
        match id {
            Some(id) => self.hash(("caller", id)),
            None => self.hash(("peer", self.network(peer))),
        }
    }

    /// How long this caller with this credential is shut out, right or wrong: the pair of both, or the credential from wherever
    /// it was not used before.
    pub(super) fn shut_out(&self, pair: &Pair) -> Option<Duration> {
        if self.locked.load(Ordering::Acquire) == 0 {
            return None;
        }
        let now = Instant::now();
        let (as_pair, as_credential) = {
            let lockouts = self.lockouts();
            (lockouts.waits(pair.pair, now), lockouts.waits(pair.credential, now))
        };
        as_pair.or_else(|| as_credential.filter(|_| !self.is_familiar(pair)))
    }

    pub(super) fn is_familiar(&self, pair: &Pair) -> bool {
        self.familiar.knows(pair.pair, self.limits.familiar_for)
    }

    /// The credential was good: where it was used from is a familiar place.
    pub(super) fn passed(&self, pair: &Pair) {
        if self.familiar.remember(pair.pair) {
            self.changed.store(true, Ordering::Release);
        }
    }

    /// Counts a failure, and says how long the answer should ask to wait, if it was one too many. What was not `looked` at
    /// because it was shut out says nothing of the credential: one attacker must not shut it out elsewhere.
    pub(super) fn count(&self, pair: &Pair, looked: bool) -> Option<Duration> {
        self.changed.store(true, Ordering::Release);
        let strict = self.is_strict();
        let known = pair.known.is_some();
        let crowd = self.overall.one_too_many(EVERYBODY, false).then_some(self.limits.lockout);
        let peer = self.per_peer.one_too_many(pair.peer, false);
        let peer = self.wait(pair.peer, peer, || Of::Peer(pair.network));
        if !looked {
            return crowd.max(peer);
        }
        let credential = self.per_credential.one_too_many(pair.credential, known) || strict;
        let both = self.per_pair.one_too_many(pair.pair, false) || strict;
        let credential = self.wait(pair.credential, credential, || Of::Credential(pair.known.clone()));
        let both = self.wait(pair.pair, both, || Of::Pair(pair.known.clone(), pair.network));
        crowd.max(peer).max(credential).max(both)
    }

    fn wait(&self, key: u64, over: bool, of: impl FnOnce() -> Of) -> Option<Duration> {
        let now = Instant::now();
        let mut lockouts = self.lockouts();
        if !over {
            return lockouts.waits(key, now);
        }
        let chance = self.hash((key, lockouts.len(), now.elapsed()));
        let (time, begun) = lockouts.lock(key, &of(), now, chance);
        self.note_locked(&lockouts);
        drop(lockouts);
        if let (Some(lock), Some(keeper)) = (begun, &self.keeper) {
            keeper.locked(&lock);
        }
        Some(time)
    }

    /// Ends a lockout, by its key. Its count is forgotten as well, or the next failure would begin it again.
    pub fn lift(&self, key: u64) -> bool {
        let mut lockouts = self.lockouts();
        let lifted = lockouts.lift(key);
        self.note_locked(&lockouts);
        [&self.per_credential, &self.per_peer, &self.per_pair].iter().for_each(|counts| counts.forget(key));
        self.changed.store(true, Ordering::Release);
        lifted
    }

    /// Why this credential from this address is shut out or told to wait: each lockout that has to do with it, and whether
    /// the place is a familiar one.
    #[must_use]
    pub fn explain(&self, id: &str, peer: IpAddr) -> (Vec<KeptLock>, bool) {
        let pair = self.pair(Some(id), true, peer);
        let now = Instant::now();
        let lockouts = self.lockouts();
        let locks = [pair.pair, pair.credential, pair.peer].into_iter().filter_map(|key| lockouts.kept_one(key, now));
        (locks.collect(), self.is_familiar(&pair))
    }

    /// Lockouts remembered now.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.lockouts().len()
    }

    /// Failures remembered now, by key, in all counts.
    #[must_use]
    pub fn counted(&self) -> usize {
        self.per_credential.len() + self.per_peer.len() + self.per_pair.len()
    }

    fn is_strict(&self) -> bool {
        let until = *self.strict_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| Instant::now() < until)
    }

    fn hash<T: Hash>(&self, value: T) -> u64 {
        // Zero is the count that all share.
        self.hasher.hash_one(value).max(1)
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

    fn note_locked(&self, lockouts: &Lockouts) {
        self.locked.store(lockouts.len(), Ordering::Release);
    }

    fn lockouts(&self) -> MutexGuard<'_, Lockouts> {
        self.lockouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failures").field("limits", &self.limits).finish_non_exhaustive()
    }
}

const EVERYBODY: u64 = 1;

#[cfg(test)]
mod tests;
