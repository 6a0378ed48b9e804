//! What a client still sends of a request that was answered before its end, over HTTP/2.
//!
//! Whoever drops such a body resets the stream, and what the client had sent by then arrives on a stream that is no more: an error of
//! its side, of which a connection bears a thousand (h2 counts them against resets that are provoked). In BLOCK that would cut, with
//! the cancels under way on it, the connection of a client that goes on sending orders. So it is read for a while, and forgotten.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::runtime::Handle;

/// A body of HTTP/2 that is read on after it was dropped: for a time, and for as much as a client can send unasked.
#[derive(Debug)]
pub(super) struct Lingering {
    body: Option<Incoming>,
    most: Duration,
}

impl Lingering {
    /// `body`, which is read on for at most `most`.
    pub(super) const fn new(body: Incoming, most: Duration) -> Self {
        Self { body: Some(body), most }
    }
}

impl Body for Lingering {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = std::task::ready!(Pin::new(body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        let Some(body) = self.body.take().filter(|body| !body.is_end_stream()) else { return };
        let most = self.most;
        // On a runtime that is going down there is nobody left to hear of a reset.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                let _late = tokio::time::timeout(most, read(body)).await;
            });
        }
    }
}

async fn read(mut body: Incoming) {
    let mut left = WINDOW;
    while let Some(Ok(frame)) = body.frame().await {
        let Some(rest) = left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) else { return };
        left = rest;
    }
}

/// What a stream carries unasked (RFC 9113, 6.5.2).
const WINDOW: usize = 65_535;
