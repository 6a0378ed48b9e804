//! What a filter's call becomes.

use std::fmt;
use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;
use sekisho_policy::Refusal;

use crate::{Body, Stop};

/// How a call ends.
pub type Outcome<E = Stop> = Result<Response<Body>, E>;

/// What a filter's call becomes. Much is known at once, refusals above all: that costs no allocation and no turn of the
/// executor, so a flood of requests that are refused costs little.
pub enum Answer<E = Stop> {
    /// Known already.
    Now(Ready<Outcome<E>>),
    /// Waits for something.
    Later(Pin<Box<dyn Future<Output = Outcome<E>> + Send>>),
}

impl<E: Send + 'static> Answer<E> {
    /// An answer that is known.
    pub fn now(outcome: Outcome<E>) -> Self {
        Self::Now(ready(outcome))
    }

    /// An answer to be waited for.
    pub fn later(answer: impl Future<Output = Outcome<E>> + Send + 'static) -> Self {
        Self::Later(Box::pin(answer))
    }

    /// This answer, when `then` has been done to it.
    pub fn map<F: Send + 'static>(self, then: impl FnOnce(Outcome<E>) -> Outcome<F> + Send + 'static) -> Answer<F> {
        match self {
            Self::Now(outcome) => Answer::now(then(outcome.into_inner())),
            Self::Later(answer) => Answer::later(async move { then(answer.await) }),
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::now(Err(refusal.into()))
    }
}

impl<E> Future for Answer<E>
where
    Outcome<E>: Unpin,
{
    type Output = Outcome<E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<E>> {
        match self.get_mut() {
            Self::Now(outcome) => Pin::new(outcome).poll(cx),
            Self::Later(answer) => answer.as_mut().poll(cx),
        }
    }
}

impl<E> fmt::Debug for Answer<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Now(_) => "Now",
            Self::Later(_) => "Later",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::FutureExt as _;
    use sekisho_policy::Refusal;

    use super::{Answer, Body, Outcome, Response};

    #[test]
    fn what_is_known_stays_known_and_what_is_not_waits() {
        let turned = |outcome: Outcome| -> Outcome {
            match outcome {
                Ok(_passed) => Err(Refusal::NoRoute.into()),
                Err(_stop) => Ok(Response::new(Body::empty())),
            }
        };
        let known = Answer::from(Refusal::Forbidden).map(turned);
        assert!(matches!(known, Answer::Now(_)));
        assert!(known.now_or_never().unwrap().is_ok());
        let passed = Answer::later(async { Ok(Response::new(Body::empty())) }).map(turned);
        assert!(matches!(passed, Answer::Later(_)));
        assert!(passed.now_or_never().unwrap().is_err());
        assert!(Answer::later(pending()).map(turned).now_or_never().is_none());
    }
}
