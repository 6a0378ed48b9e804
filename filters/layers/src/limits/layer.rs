use std::sync::Arc;
use std::time::Duration;

use tower::Layer;

use super::{Limits, Pressure, Room};

/// Builds [`Limits`].
#[derive(Clone, Debug)]
pub struct LimitsLayer {
    limits: Arc<RequestLimits>,
    room: Room,
    room_for_orders: Room,
    pressure: Pressure,
}

/// What one request may cost.
#[derive(Clone, Debug)]
pub struct RequestLimits {
    /// Most headers of one request.
    pub header_count: usize,
    /// Most bytes of header names and values of one request.
    pub header_bytes: usize,
    /// Most bytes of a body, as it arrives.
    pub body_bytes: u64,
    /// Longest pause within a body.
    pub body_idle_timeout: Duration,
    /// Most requests under way that carry no orders.
    pub in_flight: usize,
    /// Most requests under way on order routes.
    pub in_flight_orders: usize,
    /// Per cent of the memory in use, from which on no new request without orders is let in.
    pub memory_shed_percent: u32,
    /// What `Retry-After` says when there is no room, in seconds.
    pub retry_after_s: u64,
}

impl LimitsLayer {
    /// The requests in flight are counted over every service this layer (or a clone of it) builds.
    #[must_use]
    pub fn new(limits: RequestLimits) -> Self {
        let (room, room_for_orders) = (Room::new(limits.in_flight), Room::new(limits.in_flight_orders));
        let pressure = Pressure::new(limits.retry_after_s);
        Self { limits: Arc::new(limits), room, room_for_orders, pressure }
    }

    /// How much memory is in use, for whoever measures it to tell.
    #[must_use]
    pub const fn pressure(&self) -> &Pressure {
        &self.pressure
    }

    /// Other limits for the same requests: what is in flight under these counts under those.
    #[must_use]
    pub fn under(&self, limits: RequestLimits) -> Self {
        let (room, orders) = (self.room.of(limits.in_flight), self.room_for_orders.of(limits.in_flight_orders));
        let pressure = self.pressure.saying(limits.retry_after_s);
        Self { limits: Arc::new(limits), room, room_for_orders: orders, pressure }
    }

    /// What `Retry-After` says when there is no room, in seconds.
    #[must_use]
    pub fn retry_after_s(&self) -> u64 {
        self.limits.retry_after_s
    }
}

impl<S> Layer<S> for LimitsLayer {
    type Service = Limits<S>;

    fn layer(&self, inner: S) -> Limits<S> {
        Limits {
            inner,
            limits: Arc::clone(&self.limits),
            room: self.room.clone(),
            room_for_orders: self.room_for_orders.clone(),
            pressure: self.pressure.clone(),
        }
    }
}
