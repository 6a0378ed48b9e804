use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Response;
use sekisho_policy::Refusal;
use tower::Service;

use super::answer::{Asked, answer, mark};
use crate::exchange::is_grpc;
use crate::{Answer, Body, Exchange, Fault, Hop, Outcome, Stop, Witness};

/// Answers whatever happens.
#[derive(Clone, Debug)]
pub struct Respond<S> {
    inner: S,
    witness: Arc<dyn Witness>,
}

impl<S> Respond<S> {
    pub(super) const fn new(inner: S, witness: Arc<dyn Witness>) -> Self {
        Self { inner, witness }
    }
}

impl<S> Service<Hop> for Respond<S>
where
    S: Service<Hop, Response = Response<Body>, Error = Stop, Future = Answer>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer<Infallible>;

    /// Always ready: what the filters within are not ready for, they refuse.
    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, hop: Hop) -> Answer<Infallible> {
        let (exchange, witness) = (Arc::clone(&hop.exchange), Arc::clone(&self.witness));
        let grpc = is_grpc(hop.request.headers());
        self.inner.call(hop).map(move |outcome| Ok(settle(outcome, &exchange, grpc, witness.as_ref())))
    }
}

fn settle(outcome: Outcome, exchange: &Exchange, grpc: bool, witness: &dyn Witness) -> Response<Body> {
    let asked = Asked { orders: exchange.route.orders.as_ref().map(|orders| &*orders.rules), grpc };
    match outcome {
        Ok(mut response) => {
            mark(&mut response, exchange.decision.text());
            response
        }
        Err(Stop::Refused(refusal)) => {
            witness.refused(exchange, &refusal);
            answer(&refusal, exchange.decision, asked)
        }
        Err(Stop::Broke(Fault::Cut(refusal))) => {
            witness.refused(exchange, &refusal);
            answer(&refusal, exchange.decision, asked)
        }
        Err(Stop::Broke(fault)) => {
            witness.broke(exchange, &fault);
            answer(&refusal_for(&fault), exchange.decision, asked)
        }
    }
}

/// The cause stays with us; the client learns only on which side it was.
fn refusal_for(fault: &Fault) -> Refusal {
    match fault {
        Fault::Downstream(_) => Refusal::BadRequest { what: "the request broke off" },
        Fault::Upstream(_) => Refusal::UpstreamUnavailable,
        Fault::Cut(refusal) => Refusal::clone(refusal),
    }
}
