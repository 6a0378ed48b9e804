//! What waits for a second person. It lives in memory only: a restart forgets it, and what was asked for is asked for again.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Something that one person asked for and a second has to agree to.
pub(super) trait Asked {
    /// What may be shown of it.
    type View;

    /// Names it.
    fn id(&self) -> String;

    /// Whether it can no longer be agreed to, at this time of [`boot_ms`](super::release::boot_ms).
    fn expired(&self, now_ms: u64) -> bool;

    /// What may be shown of it.
    fn view(&self) -> Self::View;
}

/// The newest of what waits, so many at once.
pub(super) struct Pending<T> {
    most: usize,
    open: Mutex<Vec<T>>,
}

impl<T: Asked> Pending<T> {
    /// Room for `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { most, open: Mutex::default() }
    }

    /// Takes one more. What is over goes, and the oldest where there is no room.
    pub(super) fn add(&self, one: T, now_ms: u64) {
        let mut open = self.lock();
        open.retain(|waiting| !waiting.expired(now_ms));
        if open.len() >= self.most {
            // The oldest stands first.
            open.drain(..1);
        }
        open.push(one);
    }

    /// Takes back what was taken out and can be answered again.
    pub(super) fn again(&self, one: T) {
        self.lock().push(one);
    }

    /// Takes one out, for nobody else to answer at the same time.
    pub(super) fn take(&self, id: &str) -> Option<T> {
        let mut open = self.lock();
        let at = open.iter().position(|waiting| waiting.id() == id)?;
        Some(open.remove(at))
    }

    /// What waits, as it may be shown.
    pub(super) fn views(&self, now_ms: u64) -> Vec<T::View> {
        self.lock().iter().filter(|waiting| !waiting.expired(now_ms)).map(T::view).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("most", &self.most).finish_non_exhaustive()
    }
}
