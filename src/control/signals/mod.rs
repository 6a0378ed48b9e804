//! Signals: what, when there is too much of it, tightens and opens an incident by policy.
//!
//! | module | what is counted | by |
//! |---|---|---|
//! | [`auth`] | failed attempts with keys that exist, as a spike against the usual and against a bound | all, an address for so much at most |
//! | [`recent`] | secrets found | route |
//! | [`recent`] | known callers who ask for what they may not do | key |
//! | [`execution`] | order messages let through, and refused while nothing is held | all |
//! | [`monitors`] | disk, memory, descriptors, writes that do not return; the journal; the policy file; the clocks | what it is |
//!
//! Gates have a room of their own, [`gates`](super::gates). Telling a signal never blocks. One event raises nothing where
//! the count is above one, and what an outsider can cause without a key that exists is told to people and tightens nothing:
//! he is limited at the door.

pub mod auth;

pub mod recent;

pub mod execution;

pub mod monitors;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use sekisho_filters::access::Why;
use sekisho_filters::access::token::TokenFault;
use sekisho_journal::{Event, EventType, Severity};
use sekisho_policy::{Signal, Signals as SignalPolicy};
use sekisho_safety::{Cause, Level, Name, Opening, Scope, Sev, Source};
use tokio::sync::mpsc;

use super::safety::{now_ms, words};
use super::{Incidents, Safety};
use crate::evidence::Journal;
use auth::Spike;
use execution::Flow;
use recent::Recent;

/// The signals of this process.
#[derive(Debug)]
pub struct Signals {
    auth_failures: Option<Spike>,
    strangers: Option<Spike>,
    secret_leak: Option<Recent>,
    access: Option<Recent>,
    pub(super) execution: Option<Flow>,
    pub(super) resources: Recent,
    pub(super) integrity: Recent,
    pub(super) policy_drift: Recent,
    raised: mpsc::Sender<Raised>,
}

/// A signal that went over its threshold, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raised {
    /// Which.
    pub name: Name,
    /// What it tightens to, if it tightens.
    pub level: Option<Level>,
    /// Where.
    pub scope: Scope,
    /// The grade of the incident that it opens, if it opens one.
    pub incident: Option<Sev>,
    /// What was seen.
    pub reason: String,
}

impl Raised {
    pub(super) fn by(name: &str, signal: &Signal, reason: String) -> Option<Self> {
        let (level, scope, incident) = (signal.level, signal.scope.clone(), signal.incident);
        Some(Self { name: name.parse().ok()?, level, scope, incident, reason })
    }
}

impl Signals {
    /// Counts by `policy`; what is raised comes out of the receiver, for [`contain`].
    #[must_use]
    pub fn new(policy: &SignalPolicy) -> (Self, mpsc::Receiver<Raised>) {
        let (raised, receiver) = mpsc::channel(QUEUE);
        // The same count for those who name no key that exists, but they are only told: anybody can be a stranger.
        let strangers = policy.auth_failures.clone().map(|signal| Signal { level: None, incident: None, ..signal });
        let signals = Self {
            auth_failures: policy.auth_failures.clone().map(Spike::new),
            strangers: strangers.map(Spike::new),
            secret_leak: policy.secret_leak.clone().map(Recent::new),
            access: policy.access.clone().map(Recent::new),
            execution: policy.execution.clone().map(Flow::new),
            resources: Recent::new(policy.resources.clone()),
            integrity: Recent::new(policy.integrity.clone()),
            policy_drift: Recent::new(policy.policy_drift.clone()),
            raised,
        };
        (signals, receiver)
    }

    /// Where others than these send what they raise.
    #[must_use]
    pub fn sender(&self) -> mpsc::Sender<Raised> {
        self.raised.clone()
    }

    /// Somebody failed to prove who they are.
    pub fn auth_failure(&self, why: &Why, peer: IpAddr, now: Instant) {
        let (name, spike, weight) = match why {
            // The secret was right: somebody has a key who should not, or has it where he should not.
            Why::WrongAddress { .. } | Why::Revoked { .. } => ("auth_failures", &self.auth_failures, STOLEN),
            Why::Token(TokenFault::Address | TokenFault::Revoked) => ("auth_failures", &self.auth_failures, STOLEN),
            Why::WrongSecret { .. } | Why::WrongAnswer { .. } | Why::ShutOut { known: true } => {
                ("auth_failures", &self.auth_failures, 1)
            }
            // What was good once is no sign of an attack: some program was not told.
            Why::Expired { .. } | Why::Token(TokenFault::Expired | TokenFault::NotYet) => {
                ("auth_strangers", &self.strangers, 1)
            }
            Why::Missing | Why::Malformed | Why::UnknownKey | Why::ShutOut { known: false } => {
                ("auth_strangers", &self.strangers, 1)
            }
            Why::UnknownCertificate | Why::Token(_) | Why::Upstream => ("auth_strangers", &self.strangers, 1),
        };
        if let Some(spike) = spike {
            spike.tell(weight, Some(peer), now, |reason| self.raise(Raised::by(name, spike.signal(), reason)));
        }
    }

    /// A secret was found in what was about to leave by `route`.
    pub fn secret(&self, route: &str, now: Instant) {
        if let Some(recent) = &self.secret_leak {
            self.tell(recent, "secret_leak", route, now);
        }
    }

    /// Somebody known wanted what `key` does not let them do.
    pub fn denied(&self, key: &str, now: Instant) {
        if let Some(recent) = &self.access {
            self.tell(recent, "access", key, now);
        }
    }

    /// An API key is older than policy wants it: told, and nothing tightens.
    pub fn key_age(&self, id: &str, days: u64) -> bool {
        let reason = format!("`{id}` was made {days} days ago: rotate it");
        let told = |name| Raised { name, level: None, scope: Scope::Fleet, incident: None, reason };
        self.raise("key_age".parse().ok().map(told))
    }

    /// An order message was let through.
    pub fn order(&self) {
        if let Some(flow) = &self.execution {
            flow.passed();
        }
    }

    /// An order message was refused.
    pub fn order_refused(&self) {
        if let Some(flow) = &self.execution {
            flow.refused();
        }
    }

    pub(super) fn tell(&self, recent: &Recent, name: &str, subject: &str, now: Instant) {
        recent.tell(subject, now, |reason| self.raise(Raised::by(name, recent.signal(), reason)));
    }

    /// Whether it is on its way. Where the queue is full it is not, and the next event raises it again.
    pub(super) fn raise(&self, raised: Option<Raised>) -> bool {
        raised.is_some_and(|raised| self.raised.try_send(raised).is_ok())
    }
}

/// Tightens and opens incidents for whatever is raised, until nobody can raise anything any more. `told` hears of each by name.
pub async fn contain(
    mut raised: mpsc::Receiver<Raised>,
    safety: Arc<Safety>,
    incidents: Arc<Incidents>,
    journal: Journal,
    told: impl Fn(&Name),
) {
    while let Some(Raised { name, level, scope, incident, reason }) = raised.recv().await {
        told(&name);
        let mut text = reason.clone();
        if let Some(level) = level {
            let source = Source::Signal(name.clone());
            let cause = Cause { source, actor: "sekisho".to_owned(), reason: reason.clone(), at_ms: now_ms() };
            let acknowledged = safety.tighten(scope.clone(), level, cause).await;
            let applied = Event::new(EventType::SecurityContainmentApplied, name.to_string())
                .with_severity(Severity::High)
                .with_input("scope", scope.to_string())
                .with_output("changed", acknowledged.change.changed())
                .with_output("durable", acknowledged.durable);
            journal.record(applied);
            text = format!("{reason}; {scope} is {}", words(acknowledged.change.after));
        }
        let mut alert = Event::new(EventType::SecurityAlertRaised, name.to_string())
            .with_severity(if level.is_some() { Severity::High } else { Severity::Medium })
            .with_input("reason", reason)
            .with_output("level", level.map(words).unwrap_or_default());
        if let Some(severity) = incident {
            let title = format!("{name}: {text}");
            let opening = Opening { severity, scope, title, by: "sekisho".to_owned(), rule: None, refs: Vec::new() };
            let id = incidents.open_by_rule(name, opening).await;
            alert = id.into_iter().fold(alert, |alert, id| alert.with_ref(id.to_string()));
        }
        journal.record(alert);
    }
}

/// The signals that are there without any gate, as they are called in the journal, in metrics and in `signals` of the policy.
pub const NAMES: [&str; 8] =
    ["auth_failures", "auth_strangers", "secret_leak", "access", "execution", "resources", "integrity", "policy_drift"];

const QUEUE: usize = 64;

/// One attempt with a right secret from a wrong address weighs as much as this many guesses.
const STOLEN: u32 = 4;
