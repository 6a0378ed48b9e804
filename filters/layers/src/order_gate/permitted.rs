use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use sekisho_policy::{Class, Classified, Refusal};

use super::positions::Reservation;
use super::{OrderKey, OrderLedger, SafetyView};
use crate::{Body, Exchange, Fault, Hop, Start};

/// A request the gate has let through. Only the gate makes one.
#[derive(Debug)]
pub struct Permitted {
    hop: Hop,
    order: Option<Order>,
}

pub(super) struct Order {
    pub(super) exchange: Arc<Exchange>,
    pub(super) classified: Classified,
    pub(super) safety: Arc<dyn SafetyView>,
    pub(super) ledger: Arc<dyn OrderLedger>,
    /// Of the new orders in it.
    pub(super) keys: Vec<OrderKey>,
    /// Whether the ledger was told that it leaves.
    pub(super) left: Arc<AtomicBool>,
    /// What is held back of a position for it, until it has ended.
    pub(super) reservation: Option<Arc<Reservation>>,
}

impl Permitted {
    pub(super) const fn new(hop: Hop, order: Option<Order>) -> Self {
        Self { hop, order }
    }

    /// Whether it is an order message: one that must be sent at most once, whatever happens to the connection.
    #[must_use]
    pub const fn is_order(&self) -> bool {
        self.order.is_some()
    }

    /// The class of an order message.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.order.as_ref().map(|order| order.classified.class)
    }

    /// What is known of the request, to choose and open a connection with.
    #[must_use]
    pub const fn exchange(&self) -> &Arc<Exchange> {
        &self.hop.exchange
    }

    /// What was laid beside the request before it came here.
    #[must_use]
    pub fn beside(&self) -> &http::Extensions {
        self.hop.request.extensions()
    }

    /// Gives the request away to be sent now. Call it with the connection in hand: this is the last look at the state.
    ///
    /// # Errors
    ///
    /// The refusal, when the state has tightened since the gate let the order through.
    pub fn commence(self, unwritten: &Unwritten) -> Result<Request<Body>, Refusal> {
        let request = self.hop.request;
        let Some(order) = self.order else { return Ok(request) };
        // INVARIANT: announced before the state is read, so a flip either is seen here or waits for this order.
        let start = order.safety.starts().begin();
        order.decide()?;
        // From here on it may leave: a crash must not forget that.
        order.left.store(true, Ordering::Relaxed);
        order.keys.iter().for_each(|key| order.ledger.leaves(key));
        unwritten.lock().bodies += 1;
        let unwritten = unwritten.clone();
        Ok(request.map(|body| Body::kept(Held { body, start: Some(start), unwritten })))
    }
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order").field("class", &self.classified.class).finish_non_exhaustive()
    }
}

/// The orders that a connection has taken and not yet written to its socket. A connection has one, and says
/// [`written`](Self::written) whenever everything it was given has gone into the socket.
#[derive(Clone, Debug, Default)]
pub struct Unwritten {
    orders: Arc<Mutex<Orders>>,
}

#[derive(Debug, Default)]
struct Orders {
    /// Those that the connection still takes bytes of.
    bodies: usize,
    /// Those that it has taken whole.
    starts: Vec<Start>,
}

impl Unwritten {
    /// All that was given to the connection is in the socket.
    pub fn written(&self) {
        self.lock().starts.clear();
    }

    /// Whether one of them is still waiting.
    #[must_use]
    pub fn waits(&self) -> bool {
        let orders = self.lock();
        orders.bodies > 0 || !orders.starts.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An order's body. When the connection has taken all of it, its start waits for the socket.
struct Held {
    body: Body,
    start: Option<Start>,
    unwritten: Unwritten,
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut orders = self.unwritten.lock();
        orders.bodies -= 1;
        orders.starts.extend(self.start.take());
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
