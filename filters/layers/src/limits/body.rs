use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::room::Place;
use crate::{Body, Fault};

/// An answer's body, which holds the request's places until it has been sent or dropped.
pub(super) struct Placed {
    pub(super) inner: Body,
    #[expect(dead_code, reason = "held for its drop")]
    pub(super) places: (Place, Option<Place>),
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
