//! What all listeners serve, replaced as one: a request meets the old or the new, never some of each.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sekisho_policy::Listener;

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
}

/// What is served now.
#[derive(Debug)]
pub struct Live {
    /// Counts replacements, so that a request reads a number and takes no lock.
    generation: AtomicU64,
    served: Mutex<Arc<Served>>,
}

impl Live {
    /// Serves `served`.
    #[must_use]
    pub fn new(served: Served) -> Self {
        Self { generation: AtomicU64::new(0), served: Mutex::new(Arc::new(served)) }
    }

    /// Serves what `change` makes of it. Every request that is classified after this returns meets the new.
    pub fn replace(&self, change: impl FnOnce(&Served) -> Served) {
        let mut served = self.lock();
        *served = Arc::new(change(&served));
        self.generation.fetch_add(1, Ordering::Release);
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
