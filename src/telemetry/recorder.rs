//! The witness of the filters: writes what they decide into the journal, counts it, and raises signals.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use sekisho_filters::access::{Attempt, Key, Principal};
use sekisho_filters::order_gate::Shadowed;
use sekisho_filters::{Exchange, Fault, Place, Witness};
use sekisho_journal::{EventType, Outcome, Severity};
use sekisho_policy::{Beyond, Class, Forwarded, Refusal};
use sekisho_scan::Finding;

use super::Metrics;
use super::pointers::Pointers;
use crate::control::Signals;
use crate::evidence::{Journal, Kind, Network};

/// Told of every decision, on the request's own path: nothing here waits.
#[derive(Debug)]
pub struct Recorder {
    journal: Journal,
    metrics: Metrics,
    signals: Arc<Signals>,
    pointers: Pointers,
}

impl Recorder {
    /// Writes into `journal`, counts in `metrics`, raises `signals`.
    #[must_use]
    pub fn new(journal: Journal, metrics: Metrics, signals: Arc<Signals>) -> Self {
        Self { journal, metrics, signals, pointers: Pointers::default() }
    }

    /// Points to inputs by digests under this key; without one there are no digests, since they could be guessed.
    #[must_use]
    pub fn with_digests(mut self, key: Option<[u8; 32]>) -> Self {
        self.pointers = Pointers::new(key);
        self
    }
}

impl Witness for Recorder {
    fn refused(&self, exchange: &Exchange, refusal: &Refusal) {
        self.metrics.refused(refusal.code());
        if matches!(refusal, Refusal::Forbidden) {
            // Told with the name of who was denied: see `denied`.
            return;
        }
        let mut kind = kind(EventType::SecurityAccessDenied, refusal.code(), exchange);
        kind.severity = Severity::Low;
        kind.result = Outcome::Refused;
        if let Some(order) = refusal.order() {
            self.signals.order_refused();
            kind.details = [Some(("class", order.class.name())), Some(("state", order.posture.as_str()))];
        }
        self.journal.tally(&kind, 1, |event| {
            let event = self.pointers.of(exchange, event);
            // With the checkpoint over it, this is the signed word that nothing was sent.
            let event = event.with_output(
                "forwarded",
                refusal.forwarded().map_or("unknown", |sent| if sent { "true" } else { "false" }),
            );
            let Some(order) = refusal.order() else { return event };
            event.with_output("scope", order.scope.to_string()).with_output("epoch", order.epoch.to_string())
        });
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
            self.signals.secret(&exchange.route.name, now);
            let kind = (&*finding.detector, finding.fingerprint.clone());
            by_kind.entry(kind).or_insert((0, finding)).0 += 1;
        }
        for ((detector, fingerprint), (count, finding)) in by_kind.into_iter().take(KINDS) {
            self.metrics.found_by(detector, count);
            // The detector is part of the action: a flood is told detector by detector.
            let mut kind = kind(EventType::SecuritySecretGuardTriggered, format!("found {detector}"), exchange);
            kind.details = [Some(("place", place.as_str())), Some(("done", finding.action.as_str()))];
            self.journal.tally(&kind, count, |event| {
                self.pointers
                    .of(exchange, event)
                    .with_input("detector", detector)
                    .with_input("field", finding.field.clone().unwrap_or_default())
                    .with_output("fingerprint", fingerprint)
            });
        }
    }

    fn cut(&self, exchange: &Exchange, sent: u64) {
        self.metrics.cut();
        let mut kind = kind(EventType::SecuritySecretGuardTriggered, "stream.cut", exchange);
        kind.result = Outcome::Refused;
        self.journal.tally(&kind, 1, |event| self.pointers.of(exchange, event).with_output("bytes_sent", sent));
    }

    fn failed(&self, exchange: &Exchange, attempt: &Attempt) {
        self.attempt(attempt, Arc::clone(&exchange.route.name), Some(exchange));
    }

    fn denied(&self, exchange: &Exchange, principal: &Principal) {
        self.signals.denied(&principal.key.id, Instant::now());
        let mut kind = kind(EventType::SecurityAccessDenied, "forbidden", exchange);
        kind.severity = Severity::Medium;
        kind.result = Outcome::Refused;
        kind.user = Some(Arc::from(principal.key.person.as_str()));
        kind.details = [Some(("role", principal.key.role.name())), None];
        self.journal.tally(&kind, 1, |event| {
            event.with_decision_id(exchange.decision.to_string()).with_input("key", principal.key.id.clone())
        });
    }

    fn forwarded(&self, exchange: &Exchange, class: Class) {
        self.metrics.forwarded(class);
        self.signals.order();
        let offset = self.pointers.given(&exchange.route.upstream);
        let mut kind = kind(EventType::Operation, "order.forwarded", exchange);
        kind.severity = Severity::Info;
        kind.details = [Some(("class", class.name())), None];
        self.journal.tally(&kind, 1, |event| {
            let event = self.pointers.of(exchange, event);
            event.with_output("upstream", &*exchange.route.upstream).with_output("upstream_offset", offset)
        });
    }

    fn replayed(&self, exchange: &Exchange, known: Forwarded) {
        // Whoever got no answer, or none that took the order, does right to send it again: suspicious is what was taken.
        let taken = matches!(known.answered, Some(200..=299));
        if taken {
            self.signals.order_replayed(&exchange.route.name, Instant::now());
        }
        let mut kind = kind(EventType::Operation, "order.replayed", exchange);
        kind.severity = Severity::Low;
        kind.details = [Some(("before", if taken { "taken" } else { "not_taken" })), None];
        self.journal.tally(&kind, 1, |event| self.pointers.of(exchange, event));
    }

    fn nears(&self, exchange: &Exchange, bound: Beyond, share: u8) {
        let mut kind = kind(EventType::Operation, "orders.near_bound", exchange);
        kind.severity = if share >= 90 { Severity::Medium } else { Severity::Low };
        kind.details = [Some(("bound", bound.as_str())), Some(("share", share_word(share)))];
        self.journal.tally(&kind, 1, |event| event.with_decision_id(exchange.decision.to_string()));
    }

    fn shadowed(&self, exchange: &Exchange, (class, shadow): (Class, Class), outcome: Shadowed) {
        self.metrics.shadowed(outcome);
        if outcome == Shadowed::Same {
            return;
        }
        let mut kind = kind(EventType::Operation, format!("orders.shadow_{}", outcome.as_str()), exchange);
        kind.severity = Severity::Low;
        kind.details = [Some(("class", class.name())), Some(("shadow", shadow.name()))];
        self.journal.tally(&kind, 1, |event| event.with_decision_id(exchange.decision.to_string()));
    }
}

impl Recorder {
    /// A failed attempt, on the data path or at the admin API.
    pub fn attempt(&self, attempt: &Attempt, at: Arc<str>, exchange: Option<&Exchange>) {
        self.metrics.auth_failure(attempt.why.as_str());
        self.signals.auth_failure(&attempt.why, attempt.peer, Instant::now());
        let kind = Kind {
            event_type: EventType::Authentication,
            severity: if attempt.wait.is_some() { Severity::Medium } else { Severity::Low },
            action: "authenticate".into(),
            result: Outcome::Failure,
            user: attempt.why.key().map(|key| Arc::from(key.id.as_str())),
            network: Some(Network::from(attempt.peer)),
            route: Some(at),
            details: [Some(("why", attempt.why.as_str())), None],
        };
        self.journal.tally(&kind, 1, |event| {
            let event = event.with_output("locked_out", attempt.wait.is_some());
            match exchange {
                Some(exchange) => event.with_decision_id(exchange.decision.to_string()),
                None => event,
            }
        });
    }

    /// Somebody known wanted what their role or their scopes do not let them do at the admin API.
    pub fn forbidden(&self, key: &Key, peer: IpAddr) {
        self.signals.denied(&key.id, Instant::now());
        let kind = Kind {
            event_type: EventType::SecurityAccessDenied,
            severity: Severity::Medium,
            action: "forbidden".into(),
            result: Outcome::Refused,
            user: Some(Arc::from(key.person.as_str())),
            network: Some(Network::from(peer)),
            route: Some(Arc::from("admin")),
            details: [None; 2],
        };
        self.journal.tally(&kind, 1, |event| event.with_input("key", key.id.clone()));
    }
}

fn kind(event_type: EventType, action: impl Into<Cow<'static, str>>, exchange: &Exchange) -> Kind {
    Kind {
        event_type,
        severity: Severity::High,
        action: action.into(),
        result: Outcome::Success,
        user: None,
        network: Some(Network::from(exchange.peer)),
        route: Some(Arc::clone(&exchange.route.name)),
        details: [None; 2],
    }
}

/// The shares that are told of.
const fn share_word(share: u8) -> &'static str {
    match share {
        90.. => "90",
        75.. => "75",
        _ => "50",
    }
}

/// Most records one message makes: the rest of a flood says nothing new.
const KINDS: usize = 16;
