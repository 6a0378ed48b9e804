//! What of the failures outlives the process. Times are lengths, so that a clock that was set does not end a lockout.

use std::net::IpAddr;
use std::time::Duration;

use super::FailureLimits;

/// Everything that is remembered of failures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// Failures by credential, peer and pair: the key, and the time until they are forgotten.
    pub counts: [Vec<(u64, Duration)>; 3],
    /// Lockouts.
    pub locks: Vec<KeptLock>,
    /// Pairs of a credential and a network it was used from, and how long ago.
    pub familiar: Vec<(u64, Duration)>,
}

impl Kept {
    /// The same numbers of failures, as times under other limits: what is kept is how long they take to be forgotten.
    pub(super) fn counted_by(mut self, before: &FailureLimits, now: &FailureLimits) -> Self {
        let mosts = |limits: &FailureLimits| [limits.per_credential, limits.per_peer, limits.per_pair];
        for (counts, (then, now_most)) in self.counts.iter_mut().zip(mosts(before).into_iter().zip(mosts(now))) {
            let (old, new) =
                (before.window.as_nanos() * u128::from(now_most), now.window.as_nanos() * u128::from(then));
            for (_, left) in counts {
                let nanos = left.as_nanos().saturating_mul(new) / old.max(1);
                *left = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(now.window);
            }
        }
        self
    }
}

/// A lockout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptLock {
    /// The keyed hash of what is locked out.
    pub key: u64,
    /// What that is.
    pub of: Of,
    /// How much longer. Zero: it is over, but the next one will be longer for it.
    pub left: Duration,
    /// How often in a row.
    pub times: u32,
    /// When it is forgotten that there was one.
    pub forget: Duration,
}

/// What is locked out. An id is named only if policy knows it: what strangers make up is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// A credential, wherever it is tried from, except from where it was used before.
    Credential(Option<String>),
    /// A network, as its first address. It is told to wait; nobody behind it is kept from using a credential.
    Peer(IpAddr),
    /// A credential from a network.
    Pair(Option<String>, IpAddr),
}

impl Of {
    /// Whether there is always room to remember it.
    pub(super) const fn is_reserved(&self) -> bool {
        matches!(self, Self::Credential(Some(_)))
    }

    /// The id, if policy knows it.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Credential(id) | Self::Pair(id, _) => id.as_deref(),
            Self::Peer(_) => None,
        }
    }
}

/// Where what must outlive the process is put. Called while a request waits: it must not wait for a disk.
pub trait Keeper: Send + Sync + std::fmt::Debug {
    /// A lockout began.
    fn locked(&self, lock: &KeptLock);
}
