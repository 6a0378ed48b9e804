//! What of the failures outlives the process. Times are lengths, so that a clock that was set does not end a lockout.

use std::net::IpAddr;
use std::time::Duration;

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
