use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::{BodyExt, Limited};
use sekisho_policy::Refusal;
use tower::Service;

use super::permitted::Order;
use super::{OrderLimits, Permitted, SafetyView, read};
use crate::witness::Witness;
use crate::{Answer, Body, Fault, Hop, Stop};

/// Lets an order message through, or refuses it. Everything else passes as it is.
#[derive(Clone, Debug)]
pub struct OrderGate<S> {
    pub(super) inner: S,
    pub(super) keeper: Arc<Keeper>,
}

/// Who decides, whatever stands behind the gate.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) safety: Arc<dyn SafetyView>,
    pub(super) witness: Arc<dyn Witness>,
    pub(super) limits: OrderLimits,
}

impl<S> Service<Hop> for OrderGate<S>
where
    S: Service<Permitted, Response = Response<Body>, Error = Stop, Future = Answer> + Clone + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Stop;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, hop: Hop) -> Answer {
        if hop.exchange.route.orders.is_none() {
            return self.inner.call(Permitted::new(hop, None));
        }
        let (mut inner, keeper) = (self.inner.clone(), Arc::clone(&self.keeper));
        Answer::later(async move {
            let (hop, order) = keeper.admit(hop).await?;
            keeper.witness.forwarded(&order.exchange, order.classified.class);
            inner.call(Permitted::new(hop, Some(order))).await
        })
    }
}

impl Keeper {
    /// Reads an order message as far as is needed, and decides.
    async fn admit(&self, hop: Hop) -> Result<(Hop, Order), Stop> {
        let Hop { exchange, request } = hop;
        let Some(orders) = &exchange.route.orders else { return Err(Refusal::NoRoute.into()) };
        let (head, body) = request.into_parts();
        let body = self.read(body).await?;
        let classified = read::classify(&orders.rules, &exchange.host, (&head, &body), &self.limits.fields);
        let order = Order { exchange: Arc::clone(&exchange), classified, safety: Arc::clone(&self.safety) };
        order.decide()?;
        let request = Request::from_parts(head, Body::full(body));
        Ok((Hop { exchange, request }, order))
    }

    async fn read(&self, body: Body) -> Result<bytes::Bytes, Stop> {
        match Limited::new(body, self.limits.body_bytes).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) => match error.downcast::<Fault>() {
                Ok(fault) => Err(Stop::Broke(*fault)),
                Err(_too_long) => Err(Refusal::OrderTooLarge.into()),
            },
        }
    }
}
