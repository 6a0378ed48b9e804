//! A drill: a made-up secret and a made-up order go through the filters that are in force, with nothing behind them, and it is
//! said loudly where a control did not bite.
//!
//! The chain is built of the very parts that listeners serve, so it has their rules, limits and state; what takes the place of
//! upstreams keeps what reaches it and sends nothing. Orders are judged as in BLOCK, whatever is in force. Nothing of a drill
//! counts as traffic: its finds and refusals raise no signals.
//!
//! # Cannot see
//!
//! Listeners and upstream connections: the drill begins behind the one and ends before the other.

mod sink;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http::{HeaderValue, Request};
use http_body_util::BodyExt as _;
use sekisho_filters::order_gate::SafetyView;
use sekisho_filters::{Body, Deaf, Hop, Starts};
use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_policy::{Policy, RoutePolicy};
use sekisho_safety::{Cause, Effective, Level, Scope, Source, State, Switch};
use serde::Serialize;
use tokio::sync::mpsc;
use tower::Service as _;

use super::Reload;
use crate::control::signals::Raised;
use crate::data::chain::{Parts, chain};
use crate::data::live::Served;
use crate::evidence::Journal;
use sink::Sink;

/// One thing that was tried.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// On which route.
    pub route: String,
    /// What should have happened.
    pub control: &'static str,
    /// Whether it did.
    pub bit: bool,
    /// What was seen.
    pub seen: String,
}

/// Drills.
#[derive(Debug)]
pub struct Drill {
    /// What is in force.
    pub reload: Arc<Reload>,
    /// Where it is recorded.
    pub journal: Journal,
    /// Where a drill that failed is raised.
    pub raised: mpsc::Sender<Raised>,
}

impl Drill {
    /// Tries every route once, and says what came of it. What did not bite is an alert, and tightens as policy says.
    pub async fn run(&self, by: &str) -> Vec<Check> {
        let (policy, served) = (self.reload.policy.load_full(), self.reload.live.served());
        let mut checks = Vec::new();
        for route in &policy.routes {
            checks.extend(self.on(route, &served).await);
        }
        let failed: Vec<&Check> = checks.iter().filter(|check| !check.bit).collect();
        let event = Event::new(EventType::Operation, "drill")
            .with_severity(if failed.is_empty() { Severity::Info } else { Severity::Critical })
            .with_input("by", by)
            .with_input("policy_hash", policy.hash())
            .with_output("checks", checks.len() as u64)
            .with_output("failed", failed.iter().map(|check| check.to_string()).collect::<Vec<_>>())
            .with_result(if failed.is_empty() { Outcome::Success } else { Outcome::Failure });
        self.journal.record(event);
        if let Some(first) = failed.first() {
            let reason = format!("{} of {} controls did not bite, the first: {first}", failed.len(), checks.len());
            tracing::error!("a drill failed: {reason}");
            if let Some(raised) = raised(&policy, reason) {
                // Closed means that the sidecar is going down.
                drop(self.raised.send(raised).await);
            }
        }
        checks
    }

    /// Drills as often as policy says.
    pub async fn keep(self: Arc<Self>) {
        let Some(every) = self.reload.policy.load().drill.every else { return };
        let mut ticks = tokio::time::interval(every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // The first comes at once: at the start too it should be known that the controls bite.
        loop {
            ticks.tick().await;
            self.run("schedule").await;
        }
    }

    async fn on(&self, route: &RoutePolicy, served: &Served) -> Vec<Check> {
        let mut checks = Vec::new();
        if route.roles.is_some() {
            let (_sink, status) = try_on(route, served, served.parts.clone(), Message::default()).await;
            let bit = matches!(status, 401 | 429);
            checks.push(check(route, "a caller without a key is refused", bit, format!("status {status}")));
            return checks;
        }
        if route.orders.is_some() {
            let parts = Parts { safety: Arc::new(Blocked::default()), ..served.parts.clone() };
            let order = Message { body: ORDER.to_owned(), kind: "application/json", answer: String::new() };
            let (sink, status) = try_on(route, served, parts, order).await;
            let bit = sink.is_untouched() && (400..500).contains(&status);
            checks.push(check(route, "an order is refused in BLOCK", bit, format!("status {status}")));
        }
        if route.redact_request && route.orders.is_none() {
            checks.extend(secret(route, served, Way::Out).await);
        }
        if route.redact_response {
            checks.extend(secret(route, served, Way::Back).await);
        }
        checks
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Out,
    Back,
}

#[derive(Default)]
struct Message {
    kind: &'static str,
    body: String,
    answer: String,
}

async fn secret(route: &RoutePolicy, served: &Served, way: Way) -> Option<Check> {
    let secret = made_up()?;
    let text = format!(r#"{{"level":"info","password":"{secret}"}}"#);
    let (body, answer) = if way == Way::Out { (text, String::new()) } else { ("{}".to_owned(), text) };
    let message = Message { kind: "application/json", body, answer };
    let (sink, status) = try_on(route, served, served.parts.clone(), message).await;
    let (control, came) = match way {
        Way::Out => ("a secret that is sent is masked or refused", sink.got(&secret)),
        Way::Back => ("a secret that is answered is masked or refused", sink.answered(&secret)),
    };
    Some(check(
        route,
        control,
        !came,
        format!("status {status}, the secret {}", if came { "passed" } else { "did not" }),
    ))
}

/// Sends one message the way that a listener would; the status that a client would see.
async fn try_on(route: &RoutePolicy, served: &Served, mut parts: Parts, message: Message) -> (Sink, u16) {
    let sink = Sink::answering(message.answer.clone());
    parts.witness = Arc::new(Deaf);
    parts.redact = parts.redact.telling(Arc::new(Deaf));
    let Some(mut request) = request(route, message) else { return (sink, 0) };
    let (exchange, outcome) = served.routes(route.listener).classify(HERE, &mut request);
    if outcome.is_err() || exchange.route.name != route.name {
        // Another route takes what this one seems to be for.
        return (sink, 404);
    }
    let mut chain = chain(parts, sink.clone());
    let Ok(response) = chain.call(Hop { exchange: Arc::new(exchange), request }).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    sink.note_answer(&body);
    (sink, status)
}

fn request(route: &RoutePolicy, message: Message) -> Option<Request<Body>> {
    let method = route.methods.as_ref().and_then(|methods| methods.first()).map_or("POST", String::as_str);
    let path = if route.path_prefix == "/" { "/sekisho-drill" } else { route.path_prefix.as_str() };
    let request = Request::builder().method(method).uri(path).header("host", route.host.as_deref().unwrap_or(NOBODY));
    let mut request = request.body(Body::full(message.body)).ok()?;
    if !message.kind.is_empty() {
        request.headers_mut().insert("content-type", HeaderValue::from_static(message.kind));
    }
    Some(request)
}

/// Letters and digits by chance, as no two drills have them.
fn made_up() -> Option<String> {
    let mut bytes = [0; 24];
    getrandom::fill(&mut bytes).ok()?;
    let letter = |byte: &u8| ALPHABET.get(usize::from(*byte) % ALPHABET.len()).copied().map(char::from);
    bytes.iter().map(letter).collect()
}

fn check(route: &RoutePolicy, control: &'static str, bit: bool, seen: String) -> Check {
    Check { route: route.name.to_string(), control, bit, seen }
}

fn raised(policy: &Policy, reason: String) -> Option<Raised> {
    let drill = &policy.drill;
    let name = "drill".parse().ok()?;
    let (level, incident) = (drill.level, drill.incident);
    Some(Raised { name, level, scope: Scope::Fleet, incident, reason, measures: Vec::new() })
}

impl std::fmt::Display for Check {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}: {}", self.route, self.control, self.seen)
    }
}

/// BLOCK, for those who want to know what would happen.
#[derive(Debug)]
struct Blocked {
    state: State,
    starts: Starts,
}

impl Default for Blocked {
    fn default() -> Self {
        let mut state = State::danger_open();
        let (actor, reason) = ("sekisho".to_owned(), "a drill".to_owned());
        let cause = Cause { source: Source::Operator, actor, reason, at_ms: 0 };
        state.tighten(Scope::Fleet, Level::switch(Switch::Block), cause);
        Self { state, starts: Starts::default() }
    }
}

impl SafetyView for Blocked {
    fn effective(&self, scopes: &[Scope]) -> Effective {
        self.state.effective(scopes)
    }

    fn starts(&self) -> &Starts {
        &self.starts
    }
}

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const NOBODY: &str = "drill.invalid";
const ORDER: &str = r#"{"symbol":"DRILL","side":"buy","type":"market","quantity":"1","qty":"1"}"#;
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
