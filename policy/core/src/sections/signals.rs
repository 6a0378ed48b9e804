//! What makes the state stricter without anybody asking.

use std::time::Duration;

use schemars::JsonSchema;
use sekisho_safety::{Level, Measure, Mode, Scope, Sev, Switch};
use serde::Deserialize;

use crate::check::{Bounds, Checker};
use crate::written::{Count, Raw, ScopeText, Text, Time};

/// What makes the state stricter without anybody asking. The first five are off unless given; the others watch over the
/// sidecar itself and are on.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SignalsWritten {
    /// Failed attempts with keys that exist. Each address counts for `per_source` at most.
    pub(crate) auth_failures: Option<SignalWritten>,
    /// Secrets found in what was about to leave, by route.
    pub(crate) secret_leak: Option<SignalWritten>,
    /// Order messages let through or refused: many within the window, or many more than usual.
    pub(crate) execution: Option<SignalWritten>,
    /// Orders with an id that went on before and was answered with success, by route.
    pub(crate) replays: Option<SignalWritten>,
    /// Somebody known who keeps asking for what they may not do, by key.
    pub(crate) access: Option<SignalWritten>,
    /// The disk near full, memory or descriptors near their end, a write that does not return.
    pub(crate) resources: Option<SignalWritten>,
    /// The journal does not verify, or cannot be written.
    pub(crate) integrity: Option<SignalWritten>,
    /// The policy file is no longer what is in force.
    pub(crate) policy_drift: Option<SignalWritten>,
}

/// One such thing.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SignalWritten {
    /// How many within the window. From 1 to 1000000.
    pub(crate) count: Option<Raw<Count>>,
    /// What is counted together. From 1s to 24h.
    pub(crate) window: Option<Raw<Time>>,
    /// How many times the usual is too much, where there is a usual. From 2 to 1000; default 8.
    pub(crate) factor: Option<Raw<Count>>,
    /// For how many one address counts at most, where addresses are known. From 1 to 100000; default 5.
    pub(crate) per_source: Option<Raw<Count>>,
    /// What it tightens to: `NONE` (it is only told), `SAFE`, `CLOSE_ONLY`, `BLOCK` or `EMERGENCY_STOP`.
    pub(crate) level: Option<Raw<Text>>,
    /// Where. Default fleet.
    pub(crate) scope: Option<Raw<ScopeText>>,
    /// The grade of the incident that it opens: `NONE`, `SEV0`, `SEV1`, `SEV2` or `SEV3`.
    pub(crate) incident: Option<Raw<Text>>,
    /// What it contains as well: `person:NAME`, `key:ID`, `known:NAME`, `route:NAME`, `upstream:NAME`, `service`,
    /// `listener:ingress`, `listener:egress`, or `subject`, which is the route of `secret_leak` and `replays`, and the key of `access`.
    pub(crate) contain: Vec<Raw<Text>>,
}

/// What makes the state stricter without anybody asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signals {
    /// Failed attempts with keys that exist.
    pub auth_failures: Option<Signal>,
    /// Secrets found in what was about to leave.
    pub secret_leak: Option<Signal>,
    /// Order messages let through or refused.
    pub execution: Option<Signal>,
    /// Orders with an id that went on before and was taken.
    pub replays: Option<Signal>,
    /// Somebody known who keeps asking for what they may not do.
    pub access: Option<Signal>,
    /// The disk, memory, descriptors.
    pub resources: Signal,
    /// The journal.
    pub integrity: Signal,
    /// The policy file.
    pub policy_drift: Signal,
}

/// One such thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// How many within the window.
    pub count: u32,
    /// What is counted together.
    pub window: Duration,
    /// How many times the usual is too much.
    pub factor: u32,
    /// For how many one address counts at most.
    pub per_source: u32,
    /// What it tightens to, if it tightens.
    pub level: Option<Level>,
    /// Where.
    pub scope: Scope,
    /// The grade of the incident that it opens, if it opens one.
    pub incident: Option<Sev>,
    /// What it contains as well.
    pub contain: Vec<Contain>,
}

/// What a signal contains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contain {
    /// Whatever it was raised by: a route, a key.
    Subject,
    /// This.
    Measure(Measure),
}

/// What a signal is when its fields are left out.
struct Usual {
    count: &'static str,
    window: &'static str,
    level: Option<Level>,
    incident: Option<Sev>,
}

impl SignalsWritten {
    pub(crate) fn check(&self, checker: &mut Checker) -> Signals {
        let mut one = |signal: &Option<SignalWritten>, name: &str, usual: &Usual| {
            signal.clone().unwrap_or_default().check(&format!("signals.{name}"), usual, checker)
        };
        let auth_failures = one(&self.auth_failures, "auth_failures", &AUTH_FAILURES);
        let secret_leak = one(&self.secret_leak, "secret_leak", &SECRET_LEAK);
        let execution = one(&self.execution, "execution", &EXECUTION);
        let replays = one(&self.replays, "replays", &REPLAYS);
        let access = one(&self.access, "access", &ACCESS);
        Signals {
            resources: one(&self.resources, "resources", &RESOURCES),
            integrity: one(&self.integrity, "integrity", &INTEGRITY),
            policy_drift: one(&self.policy_drift, "policy_drift", &POLICY_DRIFT),
            auth_failures: self.auth_failures.is_some().then_some(auth_failures),
            secret_leak: self.secret_leak.is_some().then_some(secret_leak),
            execution: self.execution.is_some().then_some(execution),
            replays: self.replays.is_some().then_some(replays),
            access: self.access.is_some().then_some(access),
        }
    }
}

impl SignalWritten {
    fn check(&self, path: &str, usual: &Usual, checker: &mut Checker) -> Signal {
        let mut count = |raw: &Option<Raw<Count>>, field: &str, default, min, max| {
            let value = checker.bounded(raw.as_ref(), &format!("{path}.{field}"), Bounds { default, min, max });
            u32::try_from(value).unwrap_or(u32::MAX)
        };
        let many = count(&self.count, "count", usual.count, "1", "1000000");
        let factor = count(&self.factor, "factor", "8", "2", "1000");
        let per_source = count(&self.per_source, "per_source", "5", "1", "100000");
        let window = Bounds { default: usual.window, min: "1s", max: "24h" };
        let window = checker.bounded(self.window.as_ref(), &format!("{path}.window"), window);
        let some = LEVELS.map(|(word, level)| (word, Some(level)));
        let levels: Vec<_> = [("NONE", None)].into_iter().chain(some).collect();
        let level = self.level.as_ref().and_then(|raw| checker.choice(raw, &format!("{path}.level"), &levels));
        let grades: Vec<_> =
            [("NONE", None)].into_iter().chain(Sev::ALL.map(|sev| (sev.as_str(), Some(sev)))).collect();
        let incident = self.incident.as_ref().and_then(|raw| checker.choice(raw, &format!("{path}.incident"), &grades));
        let scope = self.scope.as_ref().and_then(|raw| checker.scope(raw, &format!("{path}.scope")));
        let has_subject = matches!(path, "signals.secret_leak" | "signals.replays" | "signals.access");
        let contain = self.contain.iter().filter_map(|raw| match raw.text() {
            "subject" if has_subject => Some(Contain::Subject),
            _ => checker.parsed(raw, &format!("{path}.contain"), CONTAIN).map(Contain::Measure),
        });
        Signal {
            contain: contain.collect(),
            count: many,
            window,
            factor,
            per_source,
            level: level.unwrap_or(usual.level),
            scope: scope.unwrap_or(Scope::Fleet),
            incident: incident.unwrap_or(usual.incident),
        }
    }
}

pub(super) const SAFE: Level = Level { mode: Mode::Safe, ..Level::OPEN };
pub(super) const LEVELS: [(&str, Level); 4] = [
    ("SAFE", SAFE),
    ("CLOSE_ONLY", Level::switch(Switch::CloseOnly)),
    ("BLOCK", Level::switch(Switch::Block)),
    ("EMERGENCY_STOP", Level { mode: Mode::EmergencyStop, ..Level::OPEN }),
];

const AUTH_FAILURES: Usual = Usual { count: "20", window: "1m", level: Some(SAFE), incident: Some(Sev::Sev2) };
const SECRET_LEAK: Usual = Usual { count: "10", window: "1m", level: Some(SAFE), incident: Some(Sev::Sev2) };
const EXECUTION: Usual = Usual { count: "600", window: "10s", level: Some(SAFE), incident: Some(Sev::Sev2) };
const REPLAYS: Usual = Usual { count: "10", window: "1m", level: Some(SAFE), incident: Some(Sev::Sev2) };
const ACCESS: Usual = Usual { count: "20", window: "1m", level: None, incident: Some(Sev::Sev3) };
const RESOURCES: Usual = Usual { count: "3", window: "1m", level: Some(SAFE), incident: Some(Sev::Sev2) };
const INTEGRITY: Usual =
    Usual { count: "2", window: "1m", level: Some(Level::switch(Switch::Block)), incident: Some(Sev::Sev0) };
const POLICY_DRIFT: Usual = Usual { count: "2", window: "1m", level: Some(SAFE), incident: Some(Sev::Sev2) };
const CONTAIN: &str = "expected what can be contained, as route:NAME, or subject where the signal has one: of secret_leak, replays and access";
