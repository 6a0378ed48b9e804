use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use sekisho_policy::Refusal;
use tokio::time::Sleep;

use super::room::Place;
use crate::{Body, Fault};

/// A body that may neither grow too large nor pause too long.
pub(super) struct Bounded {
    inner: Body,
    left: u64,
    idle: Duration,
    /// Set only while the body pauses: one that is all there costs no timer.
    pause: Option<Pin<Box<Sleep>>>,
}

impl Bounded {
    pub(super) const fn new(inner: Body, most: u64, idle: Duration) -> Self {
        Self { inner, left: most, idle, pause: None }
    }
}

impl HttpBody for Bounded {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) else {
            let idle = this.idle;
            let pause = this.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
            ready!(pause.as_mut().poll(cx));
            return Poll::Ready(Some(Err(Refusal::RequestTimeout.into())));
        };
        this.pause = None;
        let arrived = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len() as u64),
            Some(Err(_)) | None => 0,
        };
        match this.left.checked_sub(arrived) {
            Some(left) => this.left = left,
            None => return Poll::Ready(Some(Err(Refusal::BodyTooLarge.into()))),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer's body, which holds the request's place until it has been sent or dropped.
pub(super) struct Placed {
    pub(super) inner: Body,
    #[expect(dead_code, reason = "held for its drop")]
    pub(super) place: Place,
}

impl HttpBody for Placed {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};

    use super::{Body, Bounded, Bytes, Duration, Fault, Frame, Refusal};

    async fn outcome(body: Body) -> Result<Bytes, String> {
        let bounded = Bounded::new(body, 4, Duration::from_secs(5));
        match bounded.collect().await {
            Ok(all) => Ok(all.to_bytes()),
            Err(Fault::Cut(refusal)) => Err(refusal.code().to_owned()),
            Err(other) => Err(other.to_string()),
        }
    }

    fn pieces(pieces: &'static [&'static str]) -> Body {
        Body::stream(StreamBody::new(stream::iter(
            pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))),
        )))
    }

    #[tokio::test]
    async fn what_arrives_is_counted() {
        assert_eq!(outcome(pieces(&["ab", "cd"])).await, Ok(Bytes::from("abcd")));
        assert_eq!(outcome(pieces(&["ab", "cde"])).await, Err(Refusal::BodyTooLarge.code().to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_arriving_is_cut() {
        let silent = Body::stream(StreamBody::new(stream::pending::<Result<Frame<Bytes>, Fault>>()));
        assert_eq!(outcome(silent).await, Err(Refusal::RequestTimeout.code().to_owned()));
    }
}
