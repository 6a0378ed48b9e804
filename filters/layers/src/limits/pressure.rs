use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use sekisho_policy::Refusal;

/// How much of the memory that the process may have is in use, and what whoever finds no room is told. Whoever measures it
/// tells; every request looks.
#[derive(Clone, Debug)]
pub struct Pressure(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    percent: AtomicU32,
    retry_after_s: AtomicU64,
}

impl Pressure {
    pub(crate) fn new(retry_after_s: u64) -> Self {
        Self(Arc::new(Shared { percent: AtomicU32::new(0), retry_after_s: AtomicU64::new(retry_after_s) }))
    }

    /// The same, which says another time from now on.
    pub(super) fn saying(&self, retry_after_s: u64) -> Self {
        self.0.retry_after_s.store(retry_after_s, Ordering::Relaxed);
        self.clone()
    }

    /// So much is in use, in per cent.
    pub fn tell(&self, percent: u32) {
        self.0.percent.store(percent, Ordering::Relaxed);
    }

    pub(super) fn percent(&self) -> u32 {
        self.0.percent.load(Ordering::Relaxed)
    }

    /// Whether all of it is in use: what can be given up has to be.
    pub(crate) fn is_over(&self) -> bool {
        self.percent() >= 100
    }

    pub(crate) fn refusal(&self) -> Refusal {
        Refusal::Overloaded { retry_after_s: self.0.retry_after_s.load(Ordering::Relaxed) }
    }
}
