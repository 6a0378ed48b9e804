//! The witness of the filters: writes what they decide into the journal, counts it, and raises signals.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use sekisho_filters::access::Attempt;
use sekisho_filters::{Exchange, Fault, Place, Witness};
use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_policy::{Class, Refusal};
use sekisho_scan::Finding;

use super::Metrics;
use crate::control::Signals;
use crate::evidence::Journal;

/// Told of every decision, on the request's own path: nothing here waits.
#[derive(Debug)]
pub struct Recorder {
    journal: Journal,
    metrics: Metrics,
    signals: Signals,
}

impl Recorder {
    /// Writes into `journal`, counts in `metrics`, raises `signals`.
    #[must_use]
    pub const fn new(journal: Journal, metrics: Metrics, signals: Signals) -> Self {
        Self { journal, metrics, signals }
    }
}

impl Witness for Recorder {
    fn refused(&self, exchange: &Exchange, refusal: &Refusal) {
        self.metrics.refused(refusal.code());
        let mut event = event(EventType::SecurityAccessDenied, refusal.code(), exchange)
            .with_severity(Severity::Low)
            .with_result(Outcome::Refused);
        if let Some(order) = refusal.order() {
            event = event
                .with_input("class", order.class.name())
                .with_output("state", order.posture.as_str())
                .with_output("scope", order.scope.to_string())
                .with_output("epoch", order.epoch.to_string());
        }
        self.journal.record(event);
    }

    fn broke(&self, exchange: &Exchange, fault: &Fault) {
        self.metrics.broke();
        tracing::warn!(decision = %exchange.decision, route = %exchange.route.name, "{fault}");
    }

    fn found(&self, exchange: &Exchange, place: Place, findings: &[Finding]) {
        self.metrics.found(place.as_str(), findings.len() as u64);
        let now = Instant::now();
        let mut by_kind: BTreeMap<(&str, String), (u64, &Finding)> = BTreeMap::new();
        for finding in findings {
            self.signals.secret(now);
            let kind = (&*finding.detector, finding.fingerprint.clone());
            by_kind.entry(kind).or_insert((0, finding)).0 += 1;
        }
        for ((detector, fingerprint), (count, finding)) in by_kind.into_iter().take(KINDS) {
            // The detector is part of the action: a flood is told detector by detector.
            let event = event(EventType::SecuritySecretGuardTriggered, &format!("found {detector}"), exchange)
                .with_severity(Severity::High)
                .with_input("detector", detector)
                .with_input("place", place.as_str())
                .with_input("field", finding.field.clone().unwrap_or_default())
                .with_output("fingerprint", fingerprint)
                .with_output("action", finding.action.as_str())
                .with_count(count);
            self.journal.record(event);
        }
    }

    fn cut(&self, exchange: &Exchange, sent: u64) {
        self.metrics.cut();
        let event = event(EventType::SecuritySecretGuardTriggered, "stream.cut", exchange)
            .with_severity(Severity::High)
            .with_output("bytes_sent", sent)
            .with_result(Outcome::Refused);
        self.journal.record(event);
    }

    fn failed(&self, exchange: &Exchange, attempt: &Attempt) {
        self.attempt(attempt, &exchange.route.name, Some(exchange));
    }

    fn forwarded(&self, _exchange: &Exchange, class: Class) {
        self.metrics.forwarded(class);
    }
}

impl Recorder {
    /// A failed attempt, on the data path or at the admin API.
    pub fn attempt(&self, attempt: &Attempt, at: &str, exchange: Option<&Exchange>) {
        self.metrics.auth_failure(attempt.why.as_str());
        self.signals.auth_failure(Instant::now());
        let mut event = Event::new(EventType::Authentication, "authenticate")
            .with_severity(if attempt.wait.is_some() { Severity::Medium } else { Severity::Low })
            .with_source_ip(masked(attempt.peer))
            .with_input("at", at)
            .with_output("why", attempt.why.as_str())
            .with_output("locked_out", attempt.wait.is_some())
            .with_result(Outcome::Failure);
        if let Some(key) = attempt.why.key() {
            event = event.with_user(key.id.clone());
        }
        if let Some(exchange) = exchange {
            event = event.with_decision_id(exchange.decision.to_string());
        }
        self.journal.record(event);
    }
}

fn event(kind: EventType, action: &str, exchange: &Exchange) -> Event {
    Event::new(kind, action)
        .with_decision_id(exchange.decision.to_string())
        .with_source_ip(masked(exchange.peer))
        .with_input("route", &*exchange.route.name)
}

/// An address as the journal keeps it (seed 003, 4.3): the network, not the host.
#[must_use]
pub fn masked(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            format!("{a}.{b}.xxx.xxx")
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:xxxx")
        }
    }
}

/// Most records one message makes: the rest of a flood says nothing new.
const KINDS: usize = 16;
