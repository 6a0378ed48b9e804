//! The way of a request, in order. This file is that order and nothing else.

use std::convert::Infallible;
use std::sync::Arc;

use sekisho_filters::access::{AccessLayer, Door};
use sekisho_filters::contained::{Contained, ContainedLayer};
use sekisho_filters::limits::LimitsLayer;
use sekisho_filters::order_gate::{OrderGateLayer, OrderHeadsLayer, OrderLedger, OrderLimits, Permitted, SafetyView};
use sekisho_filters::redact::RedactLayer;
use sekisho_filters::respond::RespondLayer;
use sekisho_filters::{Answer, Body, Hop, Stop, Witness};
use tower::{Service, ServiceBuilder};

/// What the filters are built from.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Told of every decision.
    pub witness: Arc<dyn Witness>,
    /// What a request may cost; its counts are shared by all listeners.
    pub limits: LimitsLayer,
    /// Who may come in.
    pub door: Arc<Door>,
    /// What goes no further.
    pub contained: Arc<Contained>,
    /// What is searched for, and how.
    pub redact: RedactLayer,
    /// What is in force.
    pub safety: Arc<dyn SafetyView>,
    /// Which orders went on.
    pub ledger: Arc<dyn OrderLedger>,
    /// How much of an order is read.
    pub order_limits: OrderLimits,
}

/// The whole chain, in front of `upstreams`. Its error is `Infallible`: whatever happens has become an answer.
pub fn chain<U: Behind>(parts: Parts, upstreams: U) -> impl Chain + use<U> {
    let Parts { witness, limits, door, contained, redact, safety, ledger, order_limits } = parts;
    ServiceBuilder::new()
        // Outermost, so that whatever is refused within becomes one answer and one record.
        .layer(RespondLayer::new(Arc::clone(&witness)))
        .layer(limits)
        // Before anything reads a body: strangers cost a head.
        .layer(AccessLayer::new(door, Arc::clone(&witness)))
        // After the caller is known and before anything is read: what was contained goes no further.
        .layer(ContainedLayer::new(contained))
        // What a head already decides against is neither read nor searched.
        .layer(OrderHeadsLayer::new(Arc::clone(&safety), Arc::clone(&ledger)))
        .layer(redact)
        // Last, so that the state is read as late as it can be.
        .layer(OrderGateLayer::new(safety, witness, ledger, order_limits))
        // Takes only what the gate has permitted.
        .service(upstreams)
}

/// What stands behind the gate: upstreams, or what takes their place in a drill.
pub trait Behind:
    Service<Permitted, Response = http::Response<Body>, Error = Stop, Future = Answer> + Clone + Send + Sync + 'static
{
}

impl<S> Behind for S where
    S: Service<Permitted, Response = http::Response<Body>, Error = Stop, Future = Answer>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// What a listener serves.
pub trait Chain:
    Service<Hop, Response = http::Response<Body>, Error = Infallible, Future = Answer<Infallible>>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Chain for S where
    S: Service<Hop, Response = http::Response<Body>, Error = Infallible, Future = Answer<Infallible>>
        + Clone
        + Send
        + Sync
        + 'static
{
}
