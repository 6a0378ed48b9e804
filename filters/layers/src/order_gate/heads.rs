use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;
use sekisho_policy::{OrderHead, Refusal};
use tower::{Layer, Service};

use super::keeper::needs_more;
use super::{OrderLedger, SafetyView};
use crate::{Answer, Body, Hop, Stop};

/// Builds [`OrderHeads`].
#[derive(Clone, Debug)]
pub struct OrderHeadsLayer {
    safety: Arc<dyn SafetyView>,
    ledger: Arc<dyn OrderLedger>,
}

/// The gate's first look: refuses an order message that its head decides against, before the rest is read or searched.
#[derive(Clone, Debug)]
pub struct OrderHeads<S> {
    inner: S,
    safety: Arc<dyn SafetyView>,
    ledger: Arc<dyn OrderLedger>,
}

impl OrderHeadsLayer {
    /// A first look that asks `safety`, and `ledger` whether a message could be one that it knows.
    #[must_use]
    pub const fn new(safety: Arc<dyn SafetyView>, ledger: Arc<dyn OrderLedger>) -> Self {
        Self { safety, ledger }
    }
}

impl<S> Layer<S> for OrderHeadsLayer {
    type Service = OrderHeads<S>;

    fn layer(&self, inner: S) -> OrderHeads<S> {
        OrderHeads { inner, safety: Arc::clone(&self.safety), ledger: Arc::clone(&self.ledger) }
    }
}

impl<S> Service<Hop> for OrderHeads<S>
where
    S: Service<Hop, Response = Response<Body>, Error = Stop, Future = Answer>,
{
    type Response = Response<Body>;
    type Error = Stop;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, hop: Hop) -> Answer {
        match self.refusal(&hop) {
            None => self.inner.call(hop),
            Some(refusal) => refusal.into(),
        }
    }
}

impl<S> OrderHeads<S> {
    fn refusal(&self, hop: &Hop) -> Option<Refusal> {
        let Hop { exchange, request } = hop;
        let orders = exchange.route.orders.as_ref()?;
        let head = OrderHead { method: request.method().as_str(), host: &exchange.host, path: request.uri().path() };
        let effective = self.safety.effective(&orders.scopes);
        let refusal = orders.rules.refusable_by_head(head, &effective)?;
        (!needs_more(orders, self.ledger.as_ref(), effective.posture)).then_some(refusal)
    }
}
