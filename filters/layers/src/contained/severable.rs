use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use sekisho_policy::Refusal;

use super::Contained;
use crate::{Body, Exchange, Fault};

/// Where a stream goes.
#[derive(Clone)]
pub(super) struct Subject {
    pub(super) contained: Arc<Contained>,
    pub(super) exchange: Arc<Exchange>,
    /// The changes that it has been looked at after.
    pub(super) seen: u64,
}

impl Subject {
    /// Why it may go no further, if that came to be since it was last asked.
    pub(super) fn severed(&mut self) -> Option<Refusal> {
        let changes = self.contained.changes();
        if changes == self.seen {
            return None;
        }
        self.seen = changes;
        self.contained.holds().quarantines(&self.exchange.route).then_some(Refusal::Quarantined)
    }
}

/// A body that is cut when its route or what is behind it comes to be in quarantine.
pub(super) struct Severable {
    inner: Body,
    subject: Subject,
    /// Made when there is something to wait for: most bodies never wait.
    change: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Severable {
    pub(super) const fn new(inner: Body, subject: Subject) -> Self {
        Self { inner, subject, change: None }
    }
}

impl HttpBody for Severable {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = &mut *self;
        loop {
            if let Some(refusal) = this.subject.severed() {
                return Poll::Ready(Some(Err(refusal.into())));
            }
            if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
                return Poll::Ready(frame);
            }
            let subject = &this.subject;
            let change =
                this.change.get_or_insert_with(|| Box::pin(Arc::clone(&subject.contained).after(subject.seen)));
            if change.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            this.change = None;
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
