use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Response};
use http_body::Body as _;
use sekisho_policy::Refusal;
use tower::Service;

use super::RequestLimits;
use super::body::Placed;
use super::room::{Place, Room};
use crate::{Answer, Body, Hop, Stop};

/// Refuses what would cost too much.
#[derive(Clone, Debug)]
pub struct Limits<S> {
    pub(super) inner: S,
    pub(super) limits: Arc<RequestLimits>,
    pub(super) room: Room,
    pub(super) room_for_orders: Room,
}

impl<S> Service<Hop> for Limits<S>
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
        let place = match self.admit(&hop) {
            Ok(place) => place,
            Err(refusal) => return refusal.into(),
        };
        hop.request.body_mut().bound(self.limits.body_bytes, self.limits.body_idle_timeout);
        self.inner.call(hop).map(|outcome| {
            let response = outcome?;
            Ok(response.map(|inner| if inner.is_end_stream() { inner } else { Body::stream(Placed { inner, place }) }))
        })
    }
}

impl<S> Limits<S> {
    fn admit(&self, hop: &Hop) -> Result<Place, Refusal> {
        let headers = hop.request.headers();
        if headers.len() > self.limits.header_count || bytes_of(headers) > self.limits.header_bytes {
            return Err(Refusal::HeadersTooLarge);
        }
        if hop.request.body().size_hint().lower() > self.limits.body_bytes {
            return Err(Refusal::BodyTooLarge);
        }
        let room = if hop.exchange.route.orders.is_some() { &self.room_for_orders } else { &self.room };
        room.enter().ok_or(Refusal::Overloaded { retry_after_s: self.limits.retry_after_s })
    }
}

fn bytes_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len())).sum()
}
