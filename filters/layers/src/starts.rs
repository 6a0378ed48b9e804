//! Orders that have been let through and have not yet begun upstream.
//!
//! A tightening is acknowledged only when no order admitted before it can still begin. [`Starts`] is how that is known:
//! an order holds a [`Start`] from before its last look at the state until its bytes were handed to the connection, so
//! whoever stores a stricter state and then waits for [`Starts::settled`] knows that every later order saw the new state.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

use tokio::sync::Notify;

/// The orders now between their last check and their first byte upstream.
#[derive(Clone, Debug, Default)]
pub struct Starts {
    shared: Arc<Shared>,
}

impl Starts {
    /// Announces an order that is about to begin. Must be called *before* the state is read for the last time.
    #[must_use]
    pub fn begin(&self) -> Start {
        // INVARIANT: sequentially consistent with the store of the state, or a flip could miss a start and be missed by it.
        self.shared.under_way.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        Start { shared: Arc::clone(&self.shared) }
    }

    /// Orders now under way.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.shared.under_way.load(Ordering::SeqCst)
    }

    /// Waits until no order is under way. The caller bounds the wait (`safety.settle_timeout`).
    pub async fn settled(&self) {
        loop {
            let ended = self.shared.ended.notified();
            tokio::pin!(ended);
            // Enabled before the count is read, so that an end between the two is not lost.
            ended.as_mut().enable();
            // Pairs with the fence in `begin`: of a flip and a start at the same moment, at least one sees the other.
            fence(Ordering::SeqCst);
            if self.under_way() == 0 {
                return;
            }
            ended.await;
        }
    }
}

/// One order about to begin; ends when dropped.
#[derive(Debug)]
pub struct Start {
    shared: Arc<Shared>,
}

impl Drop for Start {
    fn drop(&mut self) {
        if self.shared.under_way.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.shared.ended.notify_waiters();
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    under_way: AtomicUsize,
    ended: Notify,
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::Starts;

    #[tokio::test]
    async fn settles_only_when_every_start_has_ended() {
        let starts = Starts::default();
        let (first, second) = (starts.begin(), starts.begin());
        let mut settled = starts.settled().boxed();
        assert_eq!(settled.as_mut().now_or_never(), None);
        drop(first);
        assert_eq!(settled.as_mut().now_or_never(), None, "one of two is still under way");
        drop(second);
        assert_eq!(settled.as_mut().now_or_never(), Some(()));
    }

    #[tokio::test]
    async fn settles_at_once_when_nothing_is_under_way() {
        let starts = Starts::default();
        drop(starts.begin());
        assert_eq!(starts.settled().now_or_never(), Some(()));
        assert_eq!(starts.under_way(), 0);
    }
}
