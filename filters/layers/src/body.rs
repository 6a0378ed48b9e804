//! The one body type between filters.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use sekisho_policy::Refusal;
use tokio::time::Sleep;

use crate::limits::Pressure;
use crate::{Fault, trailers};

/// A message body: nothing, a piece held in memory, or a stream. Trailers travel as frames, without
/// what only a head may say.
#[derive(Default)]
pub struct Body {
    kind: Kind,
    bound: Option<Bound>,
}

#[derive(Default)]
enum Kind {
    #[default]
    Empty,
    Full(Bytes),
    Stream(Boxed),
}

/// How far a body may go.
struct Bound {
    left: u64,
    idle: Duration,
    /// Set only while the body pauses: one that is all there costs no timer.
    pause: Option<Pin<Box<Sleep>>>,
    /// Ends it once memory is used up, unless it is an order's.
    cut: Option<Pressure>,
}

type Next = Option<Result<Frame<Bytes>, Fault>>;

impl Bound {
    fn check(&mut self, frame: Poll<Next>, cx: &mut Context<'_>) -> Poll<Next> {
        let Poll::Ready(frame) = frame else {
            let idle = self.idle;
            let pause = self.pause.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
            ready!(pause.as_mut().poll(cx));
            return Poll::Ready(Some(Err(Refusal::RequestTimeout.into())));
        };
        self.pause = None;
        if let Some(pressure) = self.cut.as_ref().filter(|pressure| pressure.is_over()) {
            return Poll::Ready(Some(Err(pressure.refusal().into())));
        }
        let arrived = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len() as u64),
            Some(Err(_)) | None => 0,
        };
        match self.left.checked_sub(arrived) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Some(Err(Refusal::BodyTooLarge.into()))),
        }
        Poll::Ready(frame)
    }
}

type Boxed = Pin<Box<dyn HttpBody<Data = Bytes, Error = Fault> + Send>>;

impl Body {
    /// A body without a byte.
    #[must_use]
    pub const fn empty() -> Self {
        Self { kind: Kind::Empty, bound: None }
    }

    /// A body held in memory.
    #[must_use]
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() { Self::empty() } else { Self { kind: Kind::Full(bytes), bound: None } }
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
        Self { kind: Kind::Stream(Box::pin(body)), bound: None }
    }
}

impl Body {
    /// From here on it may neither grow beyond `most` bytes nor pause for longer than `idle`, and is `cut` when memory is used up;
    /// what is in memory has done all that.
    pub(crate) fn bound(&mut self, (most, idle): (u64, Duration), cut: Option<Pressure>) {
        if matches!(self.kind, Kind::Stream(_)) {
            self.bound = Some(Bound { left: most, idle, pause: None, cut });
        }
    }

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

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Next> {
        let Self { kind, bound } = &mut *self;
        if let Kind::Stream(stream) = kind {
            let mut frame = stream.as_mut().poll_frame(cx);
            if let Poll::Ready(Some(Ok(frame))) = &mut frame {
                trailers::strip(frame);
            }
            return match bound {
                Some(bound) => bound.check(frame, cx),
                None => frame,
            };
        }
        Poll::Ready(match std::mem::take(kind) {
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
    use futures_util::stream;
    use http_body_util::{BodyExt, StreamBody};

    use super::{Body, Bytes, Duration, Fault, Frame, HttpBody, Pressure, Refusal};

    async fn outcome(mut body: Body) -> Result<Bytes, String> {
        body.bound((4, Duration::from_secs(5)), None);
        match body.collect().await {
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
    async fn it_is_cut_while_memory_is_used_up() {
        let pressure = Pressure::new(7);
        let cut = async |percent| {
            pressure.tell(percent);
            let mut body = pieces(&["ab", "cd"]);
            body.bound((4, Duration::from_secs(5)), Some(pressure.clone()));
            body.collect().await.map(http_body_util::Collected::to_bytes)
        };
        assert_eq!(cut(99).await.unwrap(), "abcd");
        assert!(matches!(cut(100).await, Err(Fault::Cut(told)) if *told == Refusal::Overloaded { retry_after_s: 7 }));
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
