//! Gates: the service and its monitors say PASS, FAIL or UNKNOWN, and who is silent is UNKNOWN.
//!
//! Only PASS and FAIL end a silence; saying UNKNOWN is as good as saying nothing. A gate that nobody has reported has until
//! its TTL after the start. Every TTL runs on a clock that counts suspend. What a gate has tightened stays when it passes
//! again: only people loosen. A gate is a [`Lease`] that reports renew: its silence is SAFE, and after `block_after` BLOCK.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sekisho_journal::{Event, EventType, Severity};
use sekisho_policy::Gate;
use sekisho_safety::{Lease, Level, Name, Scope, Sev, Switch, Terms};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::clock::since_boot;
use super::probe::{ask, query};
use super::signals::Raised;
use crate::evidence::Journal;

/// How a gate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// What it watches is well.
    Pass,
    /// It is not.
    Fail,
    /// Nobody knows.
    Unknown,
}

/// What somebody says of a gate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// How it is.
    pub status: Status,
    /// For how long that holds, in milliseconds; never longer than policy's TTL.
    #[serde(default)]
    pub ttl_ms: Option<u64>,
    /// Where that can be looked up.
    #[serde(default)]
    pub evidence: Option<String>,
}

/// A gate, to be shown.
#[derive(Clone, Debug, Serialize)]
pub struct GateView {
    /// Names it.
    pub name: Name,
    /// Where it counts.
    pub scope: Scope,
    /// How it is, as last said or since it is silent.
    pub status: Status,
    /// Milliseconds until silence makes it UNKNOWN; 0 if it has.
    pub left_ms: u64,
    /// FAILs in a row.
    pub fails: u32,
    /// Who said so.
    pub by: String,
    /// Where that can be looked up.
    pub evidence: Option<String>,
}

/// The gates of this sidecar.
#[derive(Debug)]
pub struct Gates {
    standings: Mutex<BTreeMap<Name, Standing>>,
    raised: mpsc::Sender<Raised>,
    journal: Journal,
}

#[derive(Debug)]
struct Standing {
    gate: Gate,
    status: Status,
    lease: Lease,
    /// What its silence has been told to come to: once each.
    told: Level,
    fails: u32,
    by: String,
    evidence: Option<String>,
}

impl Gates {
    /// Gates that begin to wait at `now`, on the clock of [`since_boot`].
    #[must_use]
    pub fn new(gates: &[Gate], raised: mpsc::Sender<Raised>, journal: Journal, now: Duration) -> Self {
        let standing = |gate: &Gate| Standing {
            gate: gate.clone(),
            status: Status::Unknown,
            lease: Lease::new(terms(gate, gate.ttl), ms(now)),
            told: Level::OPEN,
            fails: 0,
            by: String::new(),
            evidence: None,
        };
        let standings = gates.iter().map(|gate| (gate.name.clone(), standing(gate))).collect();
        Self { standings: Mutex::new(standings), raised, journal }
    }

    /// Takes a report. `None`: policy knows no such gate.
    pub async fn report(&self, name: &str, report: Report, by: &str, now: Duration) -> Option<GateView> {
        let name: Name = name.parse().ok()?;
        let (view, changed, raised) = {
            let mut standings = self.lock();
            let standing = standings.get_mut(&name)?;
            let before = standing.status;
            let raised = standing.take(report, by, now);
            (standing.view(now), standing.status != before, raised)
        };
        if changed {
            self.record(&view);
        }
        self.send(raised).await;
        Some(view)
    }

    /// Looks for gates whose time is over by `now`.
    pub async fn elapse(&self, now: Duration) {
        let mut silent = Vec::new();
        for standing in self.lock().values_mut() {
            silent.extend(standing.elapse(now).map(|raised| (standing.view(now), raised)));
        }
        for (view, raised) in silent {
            self.record(&view);
            self.send(Some(raised)).await;
        }
    }

    /// All of them.
    #[must_use]
    pub fn all(&self, now: Duration) -> Vec<GateView> {
        self.lock().values().map(|standing| standing.view(now)).collect()
    }

    /// Gates that concern `scope` and do not pass.
    #[must_use]
    pub fn not_passing(&self, scope: &Scope, now: Duration) -> Vec<GateView> {
        let concerns = |one: &Scope| one == scope || *one == Scope::Fleet || *scope == Scope::Fleet;
        self.all(now).into_iter().filter(|gate| concerns(&gate.scope) && gate.status != Status::Pass).collect()
    }

    /// Waits for silences.
    pub async fn watch(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.elapse(since_boot()).await;
        }
    }

    /// Asks a gate that policy has a probe for, three times within its TTL.
    pub async fn probe(self: Arc<Self>, gate: Gate) {
        let Some(probe) = gate.probe else { return };
        let mut ticks = tokio::time::interval(gate.ttl / 3);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let patience = gate.ttl / 3;
            let status = if gate.prometheus {
                match query(&probe.authority, &probe.path, patience).await {
                    Some(true) => Status::Pass,
                    Some(false) => Status::Fail,
                    None => Status::Unknown,
                }
            } else {
                match ask(&probe.authority, &probe.path, patience).await {
                    Some(200..=299) => Status::Pass,
                    Some(_) => Status::Fail,
                    None => Status::Unknown,
                }
            };
            let report = Report { status, ttl_ms: None, evidence: None };
            self.report(gate.name.as_str(), report, "probe", since_boot()).await;
        }
    }

    async fn send(&self, raised: Option<Raised>) {
        if let Some(raised) = raised {
            // Closed means that the sidecar is going down.
            drop(self.raised.send(raised).await);
        }
    }

    fn record(&self, view: &GateView) {
        let severity = if view.status == Status::Pass { Severity::Info } else { Severity::High };
        let event = Event::new(EventType::GateRecord, "gate.status")
            .with_severity(severity)
            .with_input("gate", view.name.to_string())
            .with_input("by", view.by.clone())
            .with_output("status", view.status.as_str());
        self.journal.record(view.evidence.iter().fold(event, Event::with_ref));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Name, Standing>> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    fn take(&mut self, report: Report, by: &str, now: Duration) -> Option<Raised> {
        // What was silent too long is UNKNOWN first, whatever it says now.
        let silent = self.elapse(now);
        let ttl = report.ttl_ms.map_or(self.gate.ttl, |ttl_ms| Duration::from_millis(ttl_ms).min(self.gate.ttl));
        if report.status == Status::Unknown {
            return silent;
        }
        self.status = report.status;
        self.lease = Lease::new(terms(&self.gate, ttl), ms(now));
        self.told = Level::OPEN;
        self.evidence = report.evidence.map(|text| text.chars().take(MAX_EVIDENCE).collect());
        by.clone_into(&mut self.by);
        if report.status == Status::Pass {
            self.fails = 0;
            return silent;
        }
        self.fails = self.fails.saturating_add(1);
        let reason = format!("FAIL, {} in a row", self.fails);
        let failed = (self.fails == self.gate.confirm).then(|| self.raised(self.gate.fail, reason));
        failed.or(silent)
    }

    fn elapse(&mut self, now: Duration) -> Option<Raised> {
        let level = self.lease.level(ms(now));
        if self.told.covers(level) {
            return None;
        }
        self.status = Status::Unknown;
        self.told = level;
        let silent = match (level.switch, self.gate.block_after) {
            (Switch::Block, Some(after)) => after,
            (Switch::Allow | Switch::CloseOnly | Switch::Block, _) => self.gate.ttl,
        };
        Some(self.raised(level, format!("UNKNOWN: silent for longer than {silent:?}")))
    }

    fn raised(&self, level: Level, reason: String) -> Raised {
        // INVARIANT: a name with a word before it is a name as long as it is not too long; then the gate's own is told.
        let name = format!("gate.{}", self.gate.name).parse().unwrap_or_else(|_too_long| self.gate.name.clone());
        let (scope, incident) = (self.gate.scope.clone(), Some(Sev::Sev2));
        Raised { name, level: Some(level), scope, incident, reason, measures: Vec::new() }
    }

    fn view(&self, now: Duration) -> GateView {
        GateView {
            name: self.gate.name.clone(),
            scope: self.gate.scope.clone(),
            status: self.status,
            left_ms: self.lease.left_ms(ms(now)),
            fails: self.fails,
            by: self.by.clone(),
            evidence: self.evidence.clone(),
        }
    }
}

impl Status {
    /// As the API and people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Unknown => "UNKNOWN",
        }
    }
}

fn terms(gate: &Gate, ttl: Duration) -> Terms {
    Terms { safe_ms: ms(ttl), block_ms: gate.block_after.map_or(u64::MAX, ms) }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How often silences are looked for: a TTL is a second at least.
const TICK: Duration = Duration::from_millis(250);

const MAX_EVIDENCE: usize = 200;

#[cfg(test)]
mod tests;
