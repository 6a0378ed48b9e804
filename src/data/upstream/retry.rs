//! What is sent again when a server has failed: never an order, never a body, and only so much of it.

use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, Method, Request, Response, Uri};
use sekisho_filters::{Body, Exchange, Fault, Stop};

/// What may be sent again.
#[derive(Clone, Copy, Debug)]
pub struct Retrying {
    /// How often each request.
    pub most: u32,
    /// How many requests for each hundred that were sent.
    pub percent: u32,
}

/// Holds an upstream to its [`Retrying`]: when all of its servers fail, sending everything again would keep them down.
#[derive(Debug)]
pub(super) struct Retries {
    retrying: Retrying,
    /// In hundredths of a request.
    saved: AtomicU64,
}

impl Retries {
    pub(super) const fn new(retrying: Retrying) -> Self {
        Self { retrying, saved: AtomicU64::new(BURST) }
    }

    /// A copy of a request that may be sent again. Where none is, this is a comparison and nothing more.
    pub(super) fn copy<B: http_body::Body>(&self, exchange: &Exchange, request: &Request<B>) -> Option<Copied> {
        if self.retrying.most == 0 || exchange.route.orders.is_some() {
            return None;
        }
        let percent = u64::from(self.retrying.percent);
        let save = |saved: u64| Some(saved.saturating_add(percent).min(BURST));
        let _saved = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, save);
        let may_be =
            request.method().is_idempotent() && request.method() != Method::TRACE && request.body().is_end_stream();
        may_be.then(|| Copied {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            left: self.retrying.most,
        })
    }

    /// Takes what one more try costs, if there is as much.
    pub(super) fn spend(&self) -> bool {
        let spend = |saved: u64| saved.checked_sub(ONE);
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }
}

/// A request without a body that can be sent again.
#[derive(Debug)]
pub(super) struct Copied {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    left: u32,
}

impl Copied {
    /// The request once more, as long as it may be tried.
    pub(super) fn again(&mut self) -> Option<Request<Body>> {
        self.left = self.left.checked_sub(1)?;
        let mut request = Request::new(Body::empty());
        request.method_mut().clone_from(&self.method);
        request.uri_mut().clone_from(&self.uri);
        request.headers_mut().clone_from(&self.headers);
        Some(request)
    }
}

/// Whether another server may do better: this one broke off, or said that it cannot serve. One that was late is not asked again,
/// because whoever waits has waited for it.
pub(super) fn is_worth_another<B>(sent: &Result<Response<B>, Stop>) -> bool {
    match sent {
        Ok(response) => matches!(response.status().as_u16(), 502..=504),
        Err(Stop::Broke(Fault::Upstream(_))) => true,
        Err(Stop::Broke(Fault::Downstream(_) | Fault::Cut(_)) | Stop::Refused(_)) => false,
    }
}

/// What a try costs.
const ONE: u64 = 100;

/// What can be saved up, and is there at the start: ten tries.
const BURST: u64 = 10 * ONE;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sekisho_filters::exchange::Input;
    use sekisho_filters::{DecisionId, Route, Trip};

    use super::{Body, Exchange, Method, Request, Retries, Retrying};

    fn exchange() -> Exchange {
        Exchange {
            decision: DecisionId::default(),
            peer: [127, 0, 0, 1].into(),
            route: Arc::new(Route::nowhere("a")),
            host: "a".into(),
            input: Input::default(),
            trip: Trip::default(),
        }
    }

    fn request(method: Method, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        request
    }

    #[test]
    fn only_what_may_be_repeated_is_and_so_often() {
        let retries = Retries::new(Retrying { most: 2, percent: 20 });
        for (method, body, may_be) in [
            (Method::GET, Body::empty(), true),
            (Method::DELETE, Body::empty(), true),
            (Method::POST, Body::empty(), false),
            (Method::TRACE, Body::empty(), false),
            (Method::PUT, Body::full("x"), false),
        ] {
            let copied = retries.copy(&exchange(), &request(method.clone(), body));
            assert_eq!(copied.is_some(), may_be, "{method}");
            if let Some(mut copied) = copied {
                assert!(copied.again().is_some_and(|again| again.method() == method));
                assert!(copied.again().is_some() && copied.again().is_none());
            }
        }
        let never = Retries::new(Retrying { most: 0, percent: 100 });
        assert!(never.copy(&exchange(), &request(Method::GET, Body::empty())).is_none());
    }

    #[test]
    fn so_many_for_each_hundred_that_were_sent() {
        let retries = Retries::new(Retrying { most: 1, percent: 20 });
        while retries.spend() {}
        let get = || request(Method::GET, Body::empty());
        for _ in 0..4 {
            assert!(retries.copy(&exchange(), &get()).is_some() && !retries.spend());
        }
        assert!(retries.copy(&exchange(), &get()).is_some() && retries.spend() && !retries.spend());
    }
}
