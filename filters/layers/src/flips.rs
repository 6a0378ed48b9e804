//! The race between a flip and orders on their way, many times over: once a BLOCK is acknowledged, no order writes a byte.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::BodyExt as _;
use sekisho_safety::{Effective, Scope, Switch};
use tower::{Layer as _, Service};

use crate::exchange::Orders;
use crate::order_gate::tests::{LIMITS, effective, rules};
use crate::order_gate::{Forgetful, OrderGateLayer, OrderHeadsLayer, OrderLimits, Permitted, SafetyView, Unwritten};
use crate::{Answer, Body, Deaf, DecisionId, Exchange, Hop, Route, Starts, Stop};

/// A state that a test flips.
#[derive(Debug)]
struct Flipped {
    open: Effective,
    block: Effective,
    blocked: AtomicBool,
    acknowledged: AtomicBool,
    starts: Starts,
}

impl SafetyView for Flipped {
    fn effective(&self, _scopes: &[Scope]) -> Effective {
        if self.blocked.load(Ordering::SeqCst) { self.block.clone() } else { self.open.clone() }
    }

    fn starts(&self) -> &Starts {
        &self.starts
    }
}

/// Counts the orders that arrive, and those that do when none may.
#[derive(Clone, Debug)]
struct Venue {
    state: Arc<Flipped>,
    arrived: Arc<AtomicU64>,
    wrongly: Arc<AtomicU64>,
}

impl Service<Permitted> for Venue {
    type Response = Response<Body>;
    type Error = Stop;
    type Future = Answer;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, permitted: Permitted) -> Answer {
        let Self { state, arrived, wrongly } = self.clone();
        Answer::later(async move {
            let unwritten = Unwritten::default();
            // A connection was waited for.
            tokio::task::yield_now().await;
            let request = permitted.commence(&unwritten)?;
            tokio::task::yield_now().await;
            let body = request.into_body().collect().await.map_err(Stop::Broke)?.to_bytes();
            assert!(!body.is_empty());
            tokio::task::yield_now().await;
            // The connection has it all; now the socket gets it.
            wrongly.fetch_add(u64::from(state.acknowledged.load(Ordering::SeqCst)), Ordering::SeqCst);
            arrived.fetch_add(1, Ordering::SeqCst);
            unwritten.written();
            Ok(Response::new(Body::empty()))
        })
    }
}

fn hop(route: &Arc<Route>, line: &str, body: &'static str) -> Hop {
    let (method, path) = line.split_once(' ').unwrap();
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let exchange = Exchange {
        decision: DecisionId::default(),
        peer,
        route: Arc::clone(route),
        host: "venue.test".into(),
        input: crate::exchange::Input::default(),
        trip: crate::Trip::default(),
    };
    let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
    Hop { exchange: Arc::new(exchange), request: request.body(Body::full(body)).unwrap() }
}

fn route() -> Arc<Route> {
    let orders =
        Orders { rules: rules("alpaca"), scopes: vec![], bounds: Arc::default(), positions: None, shadow: None };
    Arc::new(Route { orders: Some(orders), ..Route::nowhere("r") })
}

const ORDER: &str = r#"{"symbol":"AAPL","side":"buy","type":"market","qty":"1"}"#;

/// Sends orders until it is told to stop, as a worker does: on a thread and a runtime of its own.
fn send(venue: Venue, route: &Arc<Route>, stop: &AtomicBool) {
    let (safety, ledger) = (Arc::clone(&venue.state) as Arc<dyn SafetyView>, Arc::new(Forgetful));
    let limits = OrderLimits { body_bytes: 4096, fields: LIMITS };
    let gate = OrderGateLayer::new(Arc::clone(&safety), Arc::new(Deaf), Arc::clone(&ledger) as _, limits).layer(venue);
    let chain = OrderHeadsLayer::new(safety, ledger).layer(gate);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        while !stop.load(Ordering::Relaxed) {
            let calls = (0..4).map(|_| chain.clone().call(hop(route, "POST /v2/orders", ORDER)));
            for outcome in futures_util::future::join_all(calls).await {
                assert!(matches!(outcome, Ok(_) | Err(Stop::Refused(_))), "{outcome:?}");
            }
        }
    });
}

#[test]
fn no_order_is_written_after_its_block_was_acknowledged() {
    let flips: u64 = std::env::var("SEKISHO_TEST_FLIPS").map_or(200, |text| text.parse().unwrap());
    let state = Arc::new(Flipped {
        open: effective(Switch::Allow),
        block: effective(Switch::Block),
        blocked: AtomicBool::new(false),
        acknowledged: AtomicBool::new(false),
        starts: Starts::default(),
    });
    let venue = Venue { state: Arc::clone(&state), arrived: Arc::default(), wrongly: Arc::default() };
    let (route, stop) = (route(), AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let venue = venue.clone();
            scope.spawn(|| send(venue, &route, &stop));
        }
        for _ in 0..flips {
            let before = venue.arrived.load(Ordering::SeqCst);
            while venue.arrived.load(Ordering::SeqCst) < before + 2 {
                std::thread::yield_now();
            }
            state.blocked.store(true, Ordering::SeqCst);
            runtime.block_on(state.starts.settled());
            state.acknowledged.store(true, Ordering::SeqCst);
            std::thread::yield_now();
            state.acknowledged.store(false, Ordering::SeqCst);
            state.blocked.store(false, Ordering::SeqCst);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(venue.wrongly.load(Ordering::SeqCst), 0, "of {} orders", venue.arrived.load(Ordering::SeqCst));
}
