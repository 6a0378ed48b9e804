//! A connection that finishes what it carries and ends, once a drain began.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

pin_project! {
    /// Runs on a task of its own.
    ///
    /// `hyper_util`'s watch asks a channel each time the connection is polled, and a connection is polled for every request.
    /// This one leaves a waker there once and then looks at a flag.
    pub(super) struct Drained<C> {
        #[pin]
        connection: C,
        // Asks the connection to finish.
        tell: fn(Pin<&mut C>),
        began: CancellationToken,
        fresh: Fresh,
        woken: Pin<Box<WaitForCancellationFutureOwned>>,
        waits: bool,
        // Ends it whatever it carries. Waited for only once it was told.
        cut: CancellationToken,
        cutting: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
    }
}

/// A connection that has not been asked anything may be about to be. While the whole process stops it has its first request
/// answered: whoever opened it did so before anybody could know. A listener that alone is closed has nothing more answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Fresh {
    /// Whether there was a request.
    pub(super) asked: Arc<AtomicBool>,
    /// Whether the process stops.
    pub(super) stops: CancellationToken,
}

impl Fresh {
    fn is_waited_for(&self) -> bool {
        !self.asked.load(Ordering::Relaxed) && self.stops.is_cancelled()
    }
}

impl<C> Drained<C> {
    /// Told with `tell` when the drain `began`, and dropped when it is `cut`.
    pub(super) fn new(
        connection: C,
        (began, cut): (CancellationToken, CancellationToken),
        fresh: Fresh,
        tell: fn(Pin<&mut C>),
    ) -> Self {
        let woken = Box::pin(began.clone().cancelled_owned());
        Self { connection, tell, began, fresh, woken, waits: false, cut, cutting: None }
    }
}

impl<C: Future> Future for Drained<C> {
    /// `None`: it was cut.
    type Output = Option<C::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // INVARIANT: a task's waker is the same as long as the task lives, so the one that was left is the right one.
        if !std::mem::replace(this.waits, true) {
            let _either_way_the_flag_is_read = this.woken.as_mut().poll(cx);
        }
        loop {
            let told = this.cutting.is_some();
            if !told && this.began.is_cancelled() && !this.fresh.is_waited_for() {
                *this.cutting = Some(Box::pin(this.cut.clone().cancelled_owned()));
                (this.tell)(this.connection.as_mut());
            }
            if this.cutting.as_mut().is_some_and(|cut| cut.as_mut().poll(cx).is_ready()) {
                return Poll::Ready(None);
            }
            let polled = this.connection.as_mut().poll(cx);
            // Its first request may have come just now: then it is told before it waits for another.
            if polled.is_ready() || this.cutting.is_some() || !this.began.is_cancelled() || this.fresh.is_waited_for() {
                return polled.map(Some);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// Ends when it is told to.
    struct Connection {
        told: Arc<AtomicUsize>,
        polls: Arc<AtomicUsize>,
    }

    impl Future for Connection {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
            self.polls.fetch_add(1, Ordering::Relaxed);
            if self.told.load(Ordering::Relaxed) == 0 { Poll::Pending } else { Poll::Ready(()) }
        }
    }

    const TELL: fn(Pin<&mut Connection>) = |connection| {
        connection.told.fetch_add(1, Ordering::Relaxed);
    };

    fn asked() -> Fresh {
        Fresh { asked: Arc::new(AtomicBool::new(true)), ..Fresh::default() }
    }

    #[tokio::test]
    async fn one_that_was_not_asked_yet_is_told_once_it_was_or_at_once_where_only_its_listener_is_closed() {
        let (told, polls, began) = (Arc::<AtomicUsize>::default(), Arc::default(), CancellationToken::new());
        let fresh = Fresh { asked: Arc::default(), stops: CancellationToken::new() };
        let connection = || Connection { told: Arc::clone(&told), polls: Arc::clone(&polls) };
        let drained = || Drained::new(connection(), (began.clone(), CancellationToken::new()), fresh.clone(), TELL);
        began.cancel();
        assert!(drained().await.is_some());
        told.store(0, Ordering::Relaxed);
        fresh.stops.cancel();
        let mut waiting = Box::pin(drained());
        assert!(futures_util::poll!(&mut waiting).is_pending());
        assert_eq!(told.load(Ordering::Relaxed), 0);
        fresh.asked.store(true, Ordering::Relaxed);
        assert!(waiting.await.is_some());
    }

    #[tokio::test]
    async fn a_connection_that_waits_hears_of_a_drain_once() {
        let (told, polls, began) = (Arc::default(), Arc::<AtomicUsize>::default(), CancellationToken::new());
        let connection = Connection { told: Arc::clone(&told), polls: Arc::clone(&polls) };
        let drained = tokio::spawn(Drained::new(connection, (began.clone(), CancellationToken::new()), asked(), TELL));
        while polls.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(told.load(Ordering::Relaxed), 0);
        began.cancel();
        drained.await.unwrap();
        assert_eq!((told.load(Ordering::Relaxed), polls.load(Ordering::Relaxed)), (1, 2));
    }

    #[tokio::test]
    async fn one_that_begins_during_a_drain_hears_of_it_at_once() {
        let (told, polls, began) = (Arc::default(), Arc::default(), CancellationToken::new());
        began.cancel();
        let tokens = (began, CancellationToken::new());
        assert!(Drained::new(Connection { told: Arc::clone(&told), polls }, tokens, asked(), TELL).await.is_some());
        assert_eq!(told.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn one_that_does_not_finish_is_cut() {
        const DEAF: fn(Pin<&mut Connection>) = |_connection| {};
        let (began, cut) = (CancellationToken::new(), CancellationToken::new());
        let connection = Connection { told: Arc::default(), polls: Arc::default() };
        let drained = tokio::spawn(Drained::new(connection, (began.clone(), cut.clone()), asked(), DEAF));
        began.cancel();
        tokio::task::yield_now().await;
        assert!(!drained.is_finished());
        cut.cancel();
        assert!(drained.await.unwrap().is_none());
    }
}
