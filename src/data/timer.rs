//! The timer of connections: coarse, and so cheap that every request can have one.
//!
//! A deadline costs a place in a list and nothing else; one task a listener looks through the list now and then. So a deadline
//! is never early, and late by at most one such look.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

/// Makes deadlines. Clones share one list.
#[derive(Clone, Debug)]
pub(super) struct Coarse {
    places: Arc<Mutex<Places>>,
}

#[derive(Debug, Default)]
struct Places {
    all: Vec<Place>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Place {
    deadline: Instant,
    waker: Option<Waker>,
    passed: bool,
}

/// One deadline; its place is free again when it is dropped.
struct Wait {
    places: Arc<Mutex<Places>>,
    at: usize,
}

impl Coarse {
    /// A timer that looks at its deadlines every `look`, for as long as anybody holds it. Call it on a runtime.
    pub(super) fn looking(look: Duration) -> Self {
        let timer = Self { places: Arc::default() };
        let places = Arc::downgrade(&timer.places);
        tokio::spawn(async move {
            let mut looks = tokio::time::interval(look);
            looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            loop {
                looks.tick().await;
                let Some(places) = Weak::upgrade(&places) else { break };
                lock(&places).look(Instant::now());
            }
        });
        timer
    }
}

impl Timer for Coarse {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(Instant::now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        let at = lock(&self.places).take(deadline);
        Box::pin(Wait { places: Arc::clone(&self.places), at })
    }
}

impl Places {
    fn take(&mut self, deadline: Instant) -> usize {
        let place = Place { deadline, waker: None, passed: false };
        let free = self.free.pop().and_then(|at| Some((at, self.all.get_mut(at)?)));
        if let Some((at, old)) = free {
            *old = place;
            return at;
        }
        self.all.push(place);
        self.all.len() - 1
    }

    fn give(&mut self, at: usize) {
        if let Some(place) = self.all.get_mut(at) {
            // Whoever waited may be gone; nothing of it is kept alive here.
            place.waker = None;
            self.free.push(at);
        }
    }

    fn look(&mut self, now: Instant) {
        for place in self.all.iter_mut().filter(|place| place.deadline <= now) {
            place.passed = true;
            if let Some(waker) = place.waker.take() {
                waker.wake();
            }
        }
    }
}

impl Future for Wait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut places = lock(&self.places);
        let Some(place) = places.all.get_mut(self.at).filter(|place| !place.passed) else { return Poll::Ready(()) };
        match &mut place.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Sleep for Wait {}

impl Drop for Wait {
    fn drop(&mut self) {
        lock(&self.places).give(self.at);
    }
}

fn lock(places: &Mutex<Places>) -> MutexGuard<'_, Places> {
    places.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn still() -> Coarse {
        Coarse { places: Arc::default() }
    }

    #[test]
    fn a_deadline_passes_at_the_first_look_after_it_and_not_before() {
        let (timer, now) = (still(), Instant::now());
        let mut wait = timer.sleep_until(now + Duration::from_secs(5));
        assert_eq!((&mut wait).now_or_never(), None);
        lock(&timer.places).look(now + Duration::from_millis(4999));
        assert_eq!((&mut wait).now_or_never(), None);
        lock(&timer.places).look(now + Duration::from_secs(5));
        assert_eq!((&mut wait).now_or_never(), Some(()));
    }

    #[test]
    fn a_place_is_used_again_and_knows_nothing_of_before() {
        let (timer, now) = (still(), Instant::now());
        for _ in 0..100 {
            let mut wait = timer.sleep_until(now);
            lock(&timer.places).look(now);
            assert_eq!((&mut wait).now_or_never(), Some(()));
        }
        assert_eq!(lock(&timer.places).all.len(), 1);
        assert_eq!(timer.sleep_until(now + Duration::from_secs(1)).now_or_never(), None);
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let timer = Coarse::looking(Duration::from_millis(1));
        timer.sleep(Duration::ZERO).await;
    }
}
