//! The one body type between filters.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::Fault;

/// A message body: nothing, a piece held in memory, or a stream. Trailers travel as frames.
#[derive(Default)]
pub struct Body {
    kind: Kind,
}

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Full(Bytes),
    Stream(Boxed),
}

type Boxed = Pin<Box<dyn HttpBody<Data = Bytes, Error = Fault> + Send>>;

impl Body {
    /// A body without a byte.
    #[must_use]
    pub const fn empty() -> Self {
        Self { kind: Kind::Empty }
    }

    /// A body held in memory.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() { Self::empty() } else { Self { kind: Kind::Full(bytes) } }
    }

    /// A body that arrives as it is read. One that has already ended costs nothing.
    #[must_use]
    pub fn stream<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes, Error = Fault> + Send + 'static,
    {
        if body.is_end_stream() { Self::empty() } else { Self::kept(body) }
    }

    /// As [`stream`](Self::stream), but kept even when it has ended: its drop says when the connection let go of it.
    pub(crate) fn kept<B>(body: B) -> Self
    where
        B: HttpBody<Data = Bytes, Error = Fault> + Send + 'static,
    {
        Self { kind: Kind::Stream(Box::pin(body)) }
    }
}

impl Body {
    /// The whole body, if it is already in memory.
    #[must_use]
    pub fn in_memory(&self) -> Option<Bytes> {
        match &self.kind {
            Kind::Empty => Some(Bytes::new()),
            Kind::Full(bytes) => Some(bytes.clone()),
            Kind::Stream(_) => None,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if let Kind::Stream(stream) = &mut self.kind {
            return stream.as_mut().poll_frame(cx);
        }
        Poll::Ready(match std::mem::take(&mut self.kind) {
            Kind::Full(bytes) => Some(Ok(Frame::data(bytes))),
            Kind::Empty | Kind::Stream(_) => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Full(_) => false,
            Kind::Stream(stream) => stream.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Stream(stream) => stream.size_hint(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What a body holds may be a secret: its kind and size are all that is ever printed.
        let kind = match &self.kind {
            Kind::Empty => "empty",
            Kind::Full(_) => "full",
            Kind::Stream(_) => "stream",
        };
        f.debug_struct("Body").field("kind", &kind).field("size", &self.size_hint().exact()).finish()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::{Body, HttpBody};

    #[tokio::test]
    async fn a_full_body_is_read_once_and_has_its_exact_size() {
        let body = Body::full("abc");
        assert_eq!(body.size_hint().exact(), Some(3));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
    }

    #[test]
    fn nothing_held_is_nothing_to_wait_for() {
        assert!(Body::full("").is_end_stream());
        assert!(Body::stream(Body::empty()).is_end_stream());
    }

    #[test]
    fn debug_never_prints_the_content() {
        assert!(!format!("{:?}", Body::full("hunter2")).contains("hunter2"));
    }
}
