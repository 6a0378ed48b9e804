use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;
use http_body::Body as _;
use sekisho_policy::Refusal;
use sekisho_scan::{Category, Finding, Ruleset, Shape, redact};
use tower::Service;

use super::Contained;
use super::severable::{Severable, Subject};
use crate::{Answer, Body, Hop, Stop};

/// Refuses what was contained, and cuts streams when it comes to be.
#[derive(Clone, Debug)]
pub struct Containment<S> {
    pub(super) inner: S,
    pub(super) contained: Arc<Contained>,
}

impl<S> Service<Hop> for Containment<S>
where
    S: Service<Hop, Response = Response<Body>, Error = Stop, Future = Answer>,
{
    type Response = Response<Body>;
    type Error = Stop;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut hop: Hop) -> Answer {
        // INVARIANT: counted before it is looked at, so that a change in between is seen by the bodies.
        let seen = self.contained.changes();
        if let Some(refusal) = self.refusal(&hop) {
            return refusal.into();
        }
        let subject = Subject { contained: Arc::clone(&self.contained), exchange: Arc::clone(&hop.exchange), seen };
        if is_long(hop.request.body()) {
            let of = subject.clone();
            hop.request = hop.request.map(|inner| Body::stream(Severable::new(inner, of)));
        }
        self.inner.call(hop).map(|outcome| {
            let (response, mut subject) = (outcome?, subject);
            // It may have waited long for its answer. What became of an order is told to whoever sent it.
            if subject.exchange.route.orders.is_none()
                && let Some(refusal) = subject.severed()
            {
                return Err(refusal.into());
            }
            let long = is_long(response.body());
            Ok(if long { response.map(|inner| Body::stream(Severable::new(inner, subject))) } else { response })
        })
    }
}

impl<S> Containment<S> {
    fn refusal(&self, hop: &Hop) -> Option<Refusal> {
        let holds = self.contained.holds();
        if holds.is_empty() {
            return None;
        }
        if holds.quarantines(&hop.exchange.route) {
            return Some(Refusal::Quarantined);
        }
        let rules = holds.secrets.as_ref()?;
        is_in_head(rules, hop).then_some(Refusal::SecretRevoked)
    }
}

/// What is short is over before anybody could cut it, and most messages are: they pay for nothing.
fn is_long(body: &Body) -> bool {
    !body.is_end_stream() && body.size_hint().exact().is_none_or(|bytes| bytes > SHORT)
}

/// Whether a value stands in the target or in any header, in whatever encoding.
fn is_in_head(rules: &Arc<Ruleset>, hop: &Hop) -> bool {
    let is_known = |finding: &Finding| finding.category == Category::KnownSecret;
    let found = |shape, bytes: &[u8]| redact(rules, shape, bytes).findings.iter().any(is_known);
    let target = hop.request.uri().to_string();
    found(Shape::Query, target.as_bytes())
        || hop.request.headers().iter().any(|(name, value)| {
            found(Shape::HeaderValue, value.as_bytes()) || found(Shape::Text, name.as_str().as_bytes())
        })
}

const SHORT: u64 = 64 * 1024;
