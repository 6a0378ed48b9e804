use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Response};
use http_body::Body as _;
use sekisho_policy::Refusal;
use tower::Service;

use super::body::Placed;
use super::room::Place;
use super::{Pressure, RequestLimits, Room};
use crate::{Answer, Body, Hop, Stop};

/// Refuses what would cost too much.
#[derive(Clone, Debug)]
pub struct Limits<S> {
    pub(super) inner: S,
    pub(super) limits: Arc<RequestLimits>,
    pub(super) room: Room,
    pub(super) room_for_orders: Room,
    pub(super) pressure: Pressure,
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
        let places = match self.admit(&hop) {
            Ok(places) => places,
            Err(refusal) => return refusal.into(),
        };
        let cuts = (!is_order(&hop)).then(|| self.pressure.clone());
        hop.request.body_mut().bound((self.limits.body_bytes, self.limits.body_idle_timeout), cuts);
        self.inner.call(hop).map(|outcome| {
            let response = outcome?;
            Ok(response.map(|inner| if inner.is_end_stream() { inner } else { Body::stream(Placed { inner, places }) }))
        })
    }
}

impl<S> Limits<S> {
    /// A place among all of its kind, and one on its route if that has its own.
    fn admit(&self, hop: &Hop) -> Result<(Place, Option<Place>), Refusal> {
        let headers = hop.request.headers();
        if headers.len() > self.limits.header_count || bytes_of(headers) > self.limits.header_bytes {
            return Err(Refusal::HeadersTooLarge);
        }
        if hop.request.body().size_hint().lower() > self.limits.body_bytes {
            return Err(Refusal::BodyTooLarge);
        }
        if !is_order(hop) && self.pressure.percent() >= self.limits.memory_shed_percent {
            return Err(self.pressure.refusal());
        }
        let room = if is_order(hop) { &self.room_for_orders } else { &self.room };
        let place = room.enter().ok_or_else(|| self.pressure.refusal())?;
        let own = hop.exchange.route.room.as_ref();
        let own = own.map(|room| room.enter().ok_or_else(|| self.pressure.refusal())).transpose()?;
        Ok((place, own))
    }
}

fn is_order(hop: &Hop) -> bool {
    hop.exchange.route.orders.is_some()
}

fn bytes_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len().saturating_add(value.len())).sum()
}
