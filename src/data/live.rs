//! What all listeners serve, replaced as one: a request meets the old or the new, never some of each.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sekisho_filters::Exchange;
use sekisho_filters::exchange::Input;
use sekisho_policy::Listener;
use tokio::sync::watch;

use super::chain::Parts;
use super::classify::Routes;

/// What is served under one policy.
#[derive(Clone, Debug)]
pub struct Served {
    /// What the filters are built from.
    pub parts: Parts,
    /// The routes of ingress.
    pub ingress: Arc<Routes>,
    /// The routes of egress.
    pub egress: Arc<Routes>,
}

impl Served {
    /// The routes of one listener.
    #[must_use]
    pub const fn routes(&self, listener: Listener) -> &Arc<Routes> {
        match listener {
            Listener::Ingress => &self.ingress,
            Listener::Egress => &self.egress,
        }
    }

    /// What a WebSocket goes on as that was opened at `path` as `connection`. `None`: whoever opened it so would not be let in so
    /// now, or would be looked into otherwise than from the first byte on.
    #[must_use]
    pub fn goes_on(&self, connection: &Arc<Exchange>, path: &str) -> Option<Arc<Exchange>> {
        let before = &connection.route;
        let routes = [&self.ingress, &self.egress];
        let routes = routes.into_iter().find(|routes| routes.all().any(|route| route.name == before.name))?;
        let route = routes.upgrading(&connection.host, path).filter(|route| route.upgrades_as(before))?;
        if Arc::ptr_eq(route, before) {
            return Some(Arc::clone(connection));
        }
        let Exchange { decision, peer, trip, host, .. } = &**connection;
        let (route, host) = (Arc::clone(route), Arc::clone(host));
        Some(Arc::new(Exchange {
            decision: *decision,
            peer: *peer,
            route,
            host,
            input: Input::default(),
            trip: trip.part(),
        }))
    }
}

/// What is served now.
#[derive(Debug)]
pub struct Live {
    /// Counts replacements, so that a request reads a number and takes no lock.
    generation: AtomicU64,
    served: Mutex<Arc<Served>>,
    /// Wakes who waits for the next.
    replaced: watch::Sender<()>,
}

impl Live {
    /// Serves `served`.
    #[must_use]
    pub fn new(served: Served) -> Self {
        Self { generation: AtomicU64::new(0), served: Mutex::new(Arc::new(served)), replaced: watch::Sender::new(()) }
    }

    /// Serves what `change` makes of it. Every request that is classified after this returns meets the new.
    pub fn replace(&self, change: impl FnOnce(&Served) -> Served) {
        let mut served = self.lock();
        *served = Arc::new(change(&served));
        self.generation.fetch_add(1, Ordering::Release);
        self.replaced.send_replace(());
    }

    /// Waits until what is served is another than when it had been replaced `generation` times.
    pub async fn beyond(&self, generation: u64) {
        let mut replaced = self.replaced.subscribe();
        while self.generation() == generation {
            // INVARIANT: the sender is here, so this ends when there is something new.
            if replaced.changed().await.is_err() {
                return;
            }
        }
    }

    /// What is served now.
    #[must_use]
    pub fn served(&self) -> Arc<Served> {
        Arc::clone(&self.lock())
    }

    /// How often it was replaced.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// What is served now, and how often that was replaced before.
    #[must_use]
    pub fn now(&self) -> (u64, Arc<Served>) {
        let served = self.lock();
        (self.generation.load(Ordering::Acquire), Arc::clone(&served))
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Served>> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one worker serves on one listener: built of what is served by all, and built anew when that was replaced.
pub struct Serving<C> {
    live: Arc<Live>,
    listener: Listener,
    generation: u64,
    routes: Arc<Routes>,
    build: Box<dyn Fn(Parts) -> C + Send + Sync>,
    /// The filters.
    pub chain: C,
}

impl<C> Serving<C> {
    /// Serves `listener` as `live` says, with chains that `build` makes.
    #[must_use]
    pub fn new(live: Arc<Live>, listener: Listener, build: Box<dyn Fn(Parts) -> C + Send + Sync>) -> Self {
        let (generation, served) = live.now();
        let (routes, chain) = (Arc::clone(served.routes(listener)), build(served.parts.clone()));
        Self { live, listener, generation, routes, build, chain }
    }

    /// Goes on with what is served now.
    pub fn keep_up(&mut self) {
        if self.live.generation.load(Ordering::Acquire) != self.generation {
            let (generation, served) = self.live.now();
            self.generation = generation;
            self.routes = Arc::clone(served.routes(self.listener));
            self.chain = (self.build)(served.parts.clone());
        }
    }

    /// Which requests go where.
    #[must_use]
    pub fn routes(&self) -> &Routes {
        &self.routes
    }
}

impl<C> fmt::Debug for Serving<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving").field("generation", &self.generation).finish_non_exhaustive()
    }
}
