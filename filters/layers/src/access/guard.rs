use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use sekisho_policy::Refusal;

use super::Standing;
use crate::{Body, Fault};

/// A body that is cut when whoever sends or reads it is revoked. What is in memory goes on at once and needs no guard.
pub(super) fn guarded(body: Body, standing: &Standing) -> Body {
    if body.in_memory().is_some() {
        return body;
    }
    Body::stream(Guarded { body, over: Box::pin(standing.clone().over()) })
}

struct Guarded {
    body: Body,
    over: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl HttpBody for Guarded {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        // First, so that one whose bytes never pause is cut as well.
        if self.over.as_mut().poll(cx).is_ready() {
            self.over = Box::pin(std::future::ready(()));
            return Poll::Ready(Some(Err(Refusal::Unauthenticated.into())));
        }
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use futures_util::{FutureExt as _, stream};
    use http_body_util::{BodyExt as _, StreamBody};
    use sekisho_policy::Role;

    use super::super::{Key, Principal, Proof, Revocations, Sayer, Subject};
    use super::{Body, Bytes, Fault, Frame, guarded};

    #[test]
    fn a_stream_is_cut_when_its_principal_is_revoked_and_a_whole_body_is_not_wrapped() {
        let key = Key {
            id: "desk".into(),
            person: "ann".into(),
            role: Role::Service,
            scopes: vec![],
            allow: vec![],
            made: false,
        };
        let principal = Principal { key: Arc::new(key), proof: Proof::Key };
        let revocations = Arc::new(Revocations::default());
        let standing = revocations.standing(&principal);
        assert!(guarded(Body::full("all"), &standing).in_memory().is_some());
        let first = stream::iter([Ok::<_, Fault>(Frame::data(Bytes::from_static(b"one")))]);
        let silent = futures_util::StreamExt::chain(first, stream::pending());
        let mut body = guarded(Body::stream(StreamBody::new(silent)), &standing);
        assert!(body.frame().now_or_never().unwrap().unwrap().is_ok());
        assert!(body.frame().now_or_never().is_none(), "it pauses");
        revocations.replace(Sayer::Book, BTreeSet::from([Subject::Person("ann".into())]));
        let cut = body.frame().now_or_never().unwrap().unwrap();
        assert!(matches!(cut, Err(Fault::Cut(_))), "{cut:?}");
    }
}
