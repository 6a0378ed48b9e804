use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use http::Response;
use tower::Service;

use super::Permitted;
use super::keeper::Keeper;
use crate::{Answer, Body, Hop, Stop};

/// Lets an order message through, or refuses it. Everything else passes as it is.
#[derive(Clone, Debug)]
pub struct OrderGate<S> {
    pub(super) inner: S,
    pub(super) keeper: Arc<Keeper>,
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
            let (keys, left) = (order.keys.clone(), Arc::clone(&order.left));
            let reservation = order.reservation.clone();
            let outcome = inner.call(Permitted::new(hop, Some(order))).await;
            // A repeat that never left says nothing of the one before.
            if left.load(Ordering::Relaxed) {
                keeper.ended(&keys, &outcome);
            }
            reservation.iter().for_each(|reservation| reservation.settle());
            outcome
        })
    }
}
