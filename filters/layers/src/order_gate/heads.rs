use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;
use sekisho_policy::{OrderHead, Refusal};
use tower::{Layer, Service};

use super::SafetyView;
use crate::{Answer, Body, Hop, Stop};

/// Builds [`OrderHeads`].
#[derive(Clone, Debug)]
pub struct OrderHeadsLayer {
    safety: Arc<dyn SafetyView>,
}

/// The gate's first look: refuses an order message that its head decides against, before the rest is read or searched.
#[derive(Clone, Debug)]
pub struct OrderHeads<S> {
    inner: S,
    safety: Arc<dyn SafetyView>,
}

impl OrderHeadsLayer {
    /// A first look that asks `safety`.
    #[must_use]
    pub const fn new(safety: Arc<dyn SafetyView>) -> Self {
        Self { safety }
    }
}

impl<S> Layer<S> for OrderHeadsLayer {
    type Service = OrderHeads<S>;

    fn layer(&self, inner: S) -> OrderHeads<S> {
        OrderHeads { inner, safety: Arc::clone(&self.safety) }
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
        orders.rules.refusable_by_head(head, &self.safety.effective(&orders.scopes))
    }
}
