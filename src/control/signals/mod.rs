//! Signals: what, when there is too much of it, tightens and opens an incident by policy.
//!
//! | module | what is counted | by |
//! |---|---|---|
//! | [`auth`] | failed attempts with keys that exist, as a spike against the usual and against a bound | all, an address for so much at most |
//! | [`recent`] | secrets found | route |
//! | [`recent`] | known callers who ask for what they may not do | key |
//! | [`recent`] | orders with an id that went on before and was taken | route |
//! | [`execution`] | order messages let through, and refused while nothing is held | all |
//! | [`monitors`] | disk, memory, descriptors, writes that do not return; the journal; the policy file; the clocks | what it is |
//!
//! Each is raised for real by a test, and there is one in which something happens that is not enough:
//!
//! | signal | raised in | not raised in |
//! |---|---|---|
//! | `auth_failures` | `tests/it/dod.rs::a_spike_of_failed_authentication_is_contained_and_one_failure_less_is_not` | the same |
//! | `secret_leak` | `tests/it/signals.rs::secrets_that_go_on_leaking_tighten_and_one_does_not` | the same |
//! | `execution` | `tests/it/signals.rs::a_surge_of_orders_tightens` | `tests/it/signals.rs::a_wave_of_refused_orders_tightens_and_half_of_one_does_not` |
//! | `replays` | `tests/it/signals.rs::orders_that_are_replayed_tighten_and_one_that_is_sent_twice_does_not` | `tests/it/signals.rs::an_order_that_is_sent_again_because_it_was_not_taken_is_no_replay` |
//! | `access` | `tests/it/signals.rs::known_callers_who_keep_probing_are_an_incident` | the same |
//! | `resources` | `tests/it/signals.rs::a_disk_that_is_full_tightens_and_loses_no_tightening` | `tests/it/signals.rs::a_shortage_that_is_seen_once_tightens_where_once_is_enough_and_nowhere_else` |
//! | `integrity` | `tests/it/signals.rs::a_journal_that_no_longer_verifies_is_sev0` | `tests/it/signals.rs::a_journal_that_cannot_be_read_once_is_a_blip_and_one_that_stays_so_is_unknown` |
//! | `policy_drift` | `tests/it/signals.rs::a_policy_file_that_is_edited_is_noticed` | `tests/it/signals.rs::a_policy_file_that_is_back_at_the_next_look_is_nothing` |
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

use arc_swap::ArcSwap;
use sekisho_filters::access::Why;
use sekisho_filters::access::token::TokenFault;
use sekisho_policy::{Contain, Signal, Signals as SignalPolicy};
use sekisho_safety::{Level, Measure, Name, Scope, Sev};
use tokio::sync::mpsc;

use auth::Spike;
use execution::Flow;
use recent::Recent;

/// The signals of this process.
#[derive(Debug)]
pub struct Signals {
    counted: ArcSwap<Counted>,
    raised: mpsc::Sender<Raised>,
}

/// What is counted under one policy.
#[derive(Debug)]
pub(super) struct Counted {
    auth_failures: Option<Arc<Spike>>,
    strangers: Option<Arc<Spike>>,
    secret_leak: Option<Arc<Recent>>,
    replays: Option<Arc<Recent>>,
    access: Option<Arc<Recent>>,
    pub(super) execution: Option<Arc<Flow>>,
    pub(super) resources: Arc<Recent>,
    pub(super) integrity: Arc<Recent>,
    pub(super) policy_drift: Arc<Recent>,
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
    /// What it contains besides.
    pub measures: Vec<Measure>,
}

impl Raised {
    pub(super) fn by(name: &str, signal: &Signal, reason: String) -> Option<Self> {
        let (level, scope, incident) = (signal.level, signal.scope.clone(), signal.incident);
        let measures = signal.contain.iter().filter_map(|contain| match contain {
            Contain::Subject => None,
            Contain::Measure(measure) => Some(measure.clone()),
        });
        Some(Self { name: name.parse().ok()?, level, scope, incident, reason, measures: measures.collect() })
    }

    /// With what it was raised by contained as well, where policy says so.
    fn with_subject(mut self, signal: &Signal, subject: Option<Measure>) -> Self {
        if signal.contain.contains(&Contain::Subject) {
            self.measures.extend(subject);
        }
        self
    }
}

impl Signals {
    /// Counts by `policy`; what is raised comes out of the receiver, for whoever contains.
    #[must_use]
    pub fn new(policy: &SignalPolicy) -> (Self, mpsc::Receiver<Raised>) {
        let (raised, receiver) = mpsc::channel(QUEUE);
        (Self { counted: ArcSwap::from_pointee(Counted::new(policy, None)), raised }, receiver)
    }

    /// Counts by another policy from now on. A signal that it leaves as it is goes on counting.
    pub fn follow(&self, policy: &SignalPolicy) {
        self.counted.rcu(|before| Counted::new(policy, Some(before.as_ref())));
    }

    pub(super) fn counted(&self) -> Arc<Counted> {
        self.counted.load_full()
    }

    /// Where others than these send what they raise.
    #[must_use]
    pub fn sender(&self) -> mpsc::Sender<Raised> {
        self.raised.clone()
    }

    /// Somebody failed to prove who they are.
    pub fn auth_failure(&self, why: &Why, peer: IpAddr, now: Instant) {
        let counted = self.counted.load();
        let (name, spike, weight) = match why {
            // The secret was right: somebody has a key who should not, or has it where he should not.
            Why::WrongAddress { .. } | Why::Revoked { .. } => ("auth_failures", &counted.auth_failures, STOLEN),
            Why::Token(TokenFault::Address | TokenFault::Revoked) => ("auth_failures", &counted.auth_failures, STOLEN),
            Why::WrongSecret { .. } | Why::WrongAnswer { .. } | Why::ShutOut { known: true } => {
                ("auth_failures", &counted.auth_failures, 1)
            }
            // What was good once is no sign of an attack: some program was not told.
            Why::Expired { .. } | Why::Token(TokenFault::Expired | TokenFault::NotYet) => {
                ("auth_strangers", &counted.strangers, 1)
            }
            Why::Missing | Why::Malformed | Why::UnknownKey | Why::ShutOut { known: false } => {
                ("auth_strangers", &counted.strangers, 1)
            }
            Why::UnknownCertificate | Why::Token(_) | Why::Upstream => ("auth_strangers", &counted.strangers, 1),
        };
        if let Some(spike) = spike {
            spike.tell(weight, Some(peer), now, |reason| self.raise(Raised::by(name, spike.signal(), reason)));
        }
    }

    /// A secret was found in what was about to leave by `route`.
    pub fn secret(&self, route: &str, now: Instant) {
        if let Some(recent) = &self.counted.load().secret_leak {
            self.tell(recent, "secret_leak", route, now);
        }
    }

    /// Somebody known wanted what `key` does not let them do.
    pub fn denied(&self, key: &str, now: Instant) {
        if let Some(recent) = &self.counted.load().access {
            self.tell(recent, "access", key, now);
        }
    }

    /// A policy file was to be put in force, and was refused.
    pub fn policy_refused(&self, now: Instant) {
        self.tell(&self.counted().policy_drift, "policy_drift", "a policy file that was refused", now);
    }

    /// A key, of whatever kind, is older than policy wants it: told, and nothing tightens.
    pub fn key_age(&self, what: &str, days: u64) -> bool {
        let reason = format!("{what}: {days} days old, more than policy wants: time to rotate");
        let told =
            |name| Raised { name, level: None, scope: Scope::Fleet, incident: None, reason, measures: Vec::new() };
        self.raise("key_age".parse().ok().map(told))
    }

    /// An order came by `route` whose id went on before and was taken.
    pub fn order_replayed(&self, route: &str, now: Instant) {
        if let Some(recent) = &self.counted.load().replays {
            self.tell(recent, "replays", route, now);
        }
    }

    /// An order message was let through.
    pub fn order(&self) {
        if let Some(flow) = &self.counted.load().execution {
            flow.passed();
        }
    }

    /// An order message was refused.
    pub fn order_refused(&self) {
        if let Some(flow) = &self.counted.load().execution {
            flow.refused();
        }
    }

    pub(super) fn tell(&self, recent: &Recent, name: &str, subject: &str, now: Instant) {
        recent.tell(subject, now, |counted, reason| {
            let counted = counted.and_then(|subject| subject.parse::<Name>().ok());
            let measure = match name {
                "secret_leak" | "replays" => counted.map(Measure::Route),
                "access" => counted.map(Measure::Key),
                _ => None,
            };
            let raised = Raised::by(name, recent.signal(), reason);
            self.raise(raised.map(|raised| raised.with_subject(recent.signal(), measure)))
        });
    }

    /// Whether it is on its way. Where the queue is full it is not, and the next event raises it again.
    pub(super) fn raise(&self, raised: Option<Raised>) -> bool {
        raised.is_some_and(|raised| self.raised.try_send(raised).is_ok())
    }
}

impl Counted {
    fn new(policy: &SignalPolicy, before: Option<&Self>) -> Self {
        // The same count for those who name no key that exists, but they are only told: anybody can be a stranger.
        let strangers = policy.auth_failures.clone().map(|signal| Signal { level: None, incident: None, ..signal });
        let spike = |signal: Option<&Signal>, of: fn(&Self) -> Option<&Arc<Spike>>| {
            let known = before.and_then(of).filter(|known| Some(known.signal()) == signal);
            signal.map(|signal| known.map_or_else(|| Arc::new(Spike::new(signal.clone())), Arc::clone))
        };
        let recent = |signal: &Signal, known: Option<&Arc<Recent>>| {
            let known = known.filter(|known| known.signal() == signal);
            known.map_or_else(|| Arc::new(Recent::new(signal.clone())), Arc::clone)
        };
        let maybe = |signal: Option<&Signal>, of: fn(&Self) -> Option<&Arc<Recent>>| {
            signal.map(|signal| recent(signal, before.and_then(of)))
        };
        let flow = |signal: &Signal| {
            let known = before.and_then(|before| before.execution.as_ref()).filter(|known| known.signal() == signal);
            known.map_or_else(|| Arc::new(Flow::new(signal.clone())), Arc::clone)
        };
        Self {
            auth_failures: spike(policy.auth_failures.as_ref(), |before| before.auth_failures.as_ref()),
            strangers: spike(strangers.as_ref(), |before| before.strangers.as_ref()),
            secret_leak: maybe(policy.secret_leak.as_ref(), |before| before.secret_leak.as_ref()),
            replays: maybe(policy.replays.as_ref(), |before| before.replays.as_ref()),
            access: maybe(policy.access.as_ref(), |before| before.access.as_ref()),
            execution: policy.execution.as_ref().map(flow),
            resources: recent(&policy.resources, before.map(|before| &before.resources)),
            integrity: recent(&policy.integrity, before.map(|before| &before.integrity)),
            policy_drift: recent(&policy.policy_drift, before.map(|before| &before.policy_drift)),
        }
    }
}

/// The signals that are there without any gate, as they are called in the journal, in metrics and in `signals` of the policy.
pub const NAMES: [&str; 9] = [
    "auth_failures",
    "auth_strangers",
    "secret_leak",
    "replays",
    "access",
    "execution",
    "resources",
    "integrity",
    "policy_drift",
];

const QUEUE: usize = 64;

/// One attempt with a right secret from a wrong address weighs as much as this many guesses.
const STOLEN: u32 = 4;
