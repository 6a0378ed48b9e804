use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, Guard};
use sekisho_scan::Ruleset;
use tokio::sync::Notify;

use crate::Route;

/// What is contained now, for every request to read and for few to change.
#[derive(Debug, Default)]
pub struct Contained {
    holds: ArcSwap<Holds>,
    /// Counts changes, so that a stream reads a number and no set.
    changes: AtomicU64,
    changed: Notify,
}

/// What is contained. Names are those of policy.
#[derive(Clone, Debug, Default)]
pub struct Holds {
    /// Routes in quarantine.
    pub routes: HashSet<String>,
    /// Upstreams in quarantine.
    pub upstreams: HashSet<String>,
    /// Whether nothing passes at all.
    pub service: bool,
    /// Finds the values of revoked secrets, and nothing else.
    pub secrets: Option<Arc<Ruleset>>,
}

impl Contained {
    /// What is contained now.
    pub fn holds(&self) -> Guard<Arc<Holds>> {
        self.holds.load()
    }

    /// Contains from now on what `change` makes of it. Streams that are open hear of it.
    pub fn change(&self, change: impl Fn(&Holds) -> Holds) {
        self.holds.rcu(|holds| change(holds));
        // INVARIANT: counted after it holds and before anybody is woken, so whoever wakes finds both.
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.changed.notify_waiters();
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::SeqCst)
    }

    /// Waits until nothing may pass on `route` any more, which may be for ever: for connections that have left HTTP.
    pub async fn quarantined(self: Arc<Self>, route: &Route) {
        loop {
            // INVARIANT: counted before it is looked at, so that a change in between is not lost.
            let seen = self.changes();
            if self.holds().quarantines(route) {
                return;
            }
            Arc::clone(&self).after(seen).await;
        }
    }

    /// Waits until there were more changes than `seen`.
    pub(super) async fn after(self: Arc<Self>, seen: u64) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Enabled before the count is read, so that a change between the two is not lost.
            changed.as_mut().enable();
            if self.changes() != seen {
                return;
            }
            changed.await;
        }
    }
}

impl Holds {
    /// Whether nothing is contained.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { routes, upstreams, service, secrets } = self;
        routes.is_empty() && upstreams.is_empty() && !service && secrets.is_none()
    }

    /// Whether nothing passes on this route.
    #[must_use]
    pub fn quarantines(&self, route: &Route) -> bool {
        self.service || self.routes.contains(&*route.name) || self.upstreams.contains(&*route.upstream)
    }
}
