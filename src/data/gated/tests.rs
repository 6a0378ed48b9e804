use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use sekisho_codec::Limits;
use sekisho_filters::access::{Attempt, Principal};
use sekisho_filters::exchange::{Input, Orders};
use sekisho_filters::order_gate::{Forgetful, MessageGate, OrderGateLayer, OrderLimits, SafetyView, Shadowed};
use sekisho_filters::{DecisionId, Exchange, Fault, Place, Route, Starts, Trip, Witness};
use sekisho_policy::{Beyond, Class, Forwarded, OrderView, Policy};
use sekisho_safety::{Cause, Effective, Level, Scope, Source, State, Switch};
use sekisho_scan::Finding;
use tokio::io::AsyncReadExt as _;

use super::*;

/// A state that a test tightens.
#[derive(Debug)]
struct Held {
    state: Mutex<State>,
    starts: Starts,
}

impl Held {
    fn open() -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State::danger_open()), starts: Starts::default() })
    }

    fn block(&self) {
        let cause = Cause { source: Source::Operator, actor: String::new(), reason: String::new(), at_ms: 0 };
        self.state.lock().unwrap().tighten(Scope::Fleet, Level::switch(Switch::Block), cause);
    }
}

impl SafetyView for Held {
    fn effective(&self, scopes: &[Scope]) -> Effective {
        self.state.lock().unwrap().effective(scopes)
    }

    fn starts(&self) -> &Starts {
        &self.starts
    }
}

/// Remembers what went on.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<Class>>);

impl Witness for Told {
    fn refused(&self, _exchange: &Exchange, _refusal: &Refusal) {}

    fn broke(&self, _exchange: &Exchange, _fault: &Fault) {}

    fn found(&self, _exchange: &Exchange, _place: Place, _findings: &[Finding]) {}

    fn cut(&self, _exchange: &Exchange, _sent: u64) {}

    fn failed(&self, _exchange: &Exchange, _attempt: &Attempt) {}

    fn denied(&self, _exchange: &Exchange, _principal: &Principal) {}

    fn replayed(&self, _exchange: &Exchange, _known: Forwarded) {}

    fn nears(&self, _exchange: &Exchange, _bound: Beyond, _share: u8) {}

    fn shadowed(&self, _exchange: &Exchange, _classes: (Class, Class), _outcome: Shadowed) {}

    fn forwarded(&self, _exchange: &Exchange, class: Class) {
        self.0.lock().unwrap().push(class);
    }
}

fn gate(safety: &Arc<Held>, told: &Arc<Told>) -> MessageGate {
    let (safety, told) = (Arc::clone(safety) as Arc<dyn SafetyView>, Arc::clone(told) as Arc<dyn Witness>);
    let limits = OrderLimits { body_bytes: 1024, fields: Limits { depth: 8, pairs: 64 } };
    OrderGateLayer::new(safety, told, Arc::new(Forgetful), limits).messages()
}

fn exchange() -> Arc<Exchange> {
    let policy = "version: 1\nservice: s\nfix: [{name: v, listen: '127.0.0.1:1', connect: 'a:2'}]\n";
    let rules = Arc::clone(&Policy::parse("p", policy).unwrap().fix[0].orders.rules);
    let orders = Orders { rules, scopes: vec![], bounds: Arc::default(), positions: None, shadow: None };
    let route = Route { orders: Some(orders), ..Route::default() };
    let peer = IpAddr::from([127, 0, 0, 1]);
    let (route, host) = (Arc::new(route), Arc::from("v"));
    Arc::new(Exchange {
        decision: DecisionId::default(),
        peer,
        route,
        host,
        input: Input::default(),
        trip: Trip::default(),
    })
}

fn order(gate: &MessageGate) -> PermittedMessage {
    let view = OrderView { method: "FIX", host: "v", path: "/D", query: &[], body: &[], headers: &[], ambiguity: None };
    gate.read(&exchange(), &view, Some(b"desk")).unwrap()
}

#[tokio::test]
async fn what_has_begun_is_waited_for_and_what_has_not_is_refused() {
    let (safety, told) = (Held::open(), Arc::<Told>::default());
    let gate = gate(&safety, &told);
    let (first, second) = (order(&gate), order(&gate));
    let (mut to, mut from) = tokio::io::duplex(4);
    let mut begun = Box::pin(send(&first, b"begun", &mut to));
    assert!(begun.as_mut().now_or_never().is_none(), "the last byte has no room");
    assert!(safety.starts.settled().now_or_never().is_none(), "a tightening waits for it");
    safety.block();
    let mut read = [0; 5];
    from.read_exact(&mut read[..4]).await.unwrap();
    assert_eq!(begun.await.unwrap(), None);
    from.read_exact(&mut read[4..]).await.unwrap();
    assert_eq!(&read, b"begun");
    assert!(safety.starts.settled().now_or_never().is_some());
    assert!(matches!(send(&second, b"held", &mut to).await.unwrap(), Some(Refusal::OrderRefused(_))));
    assert_eq!(*told.0.lock().unwrap(), [Class::Opening], "one went on");
}

#[tokio::test]
async fn a_venue_that_reads_nothing_holds_up_no_tightening() {
    let (safety, told) = (Held::open(), Arc::<Told>::default());
    let message = order(&gate(&safety, &told));
    let (mut to, mut from) = tokio::io::duplex(4);
    to.write_all(b"full").await.unwrap();
    let mut waiting = Box::pin(send(&message, b"order", &mut to));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert!(safety.starts.settled().now_or_never().is_some(), "nothing of it was written");
    safety.block();
    let mut read = [0; 4];
    from.read_exact(&mut read).await.unwrap();
    assert!(matches!(waiting.await.unwrap(), Some(Refusal::OrderRefused(_))));
    drop(to);
    assert_eq!(from.read(&mut read).await.unwrap(), 0, "not a byte of it was");
    assert!(told.0.lock().unwrap().is_empty());
}
