//! The emergency release: two people loosen one stage without waiting for what they would have to wait for, and for a limited
//! time. When it is over the scope is what it was before, and so it is after any restart.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sekisho_journal::{Event, EventType, Severity};
use sekisho_safety::{Cause, Change, Level, Name, Opening, Scope, Sev, Source};
use serde::{Deserialize, Serialize};

use super::clock::since_boot;
use super::safety::{now_ms, words};
use super::{Incidents, Safety, sealed};
use crate::evidence::Journal;

/// The emergencies under way.
#[derive(Debug)]
pub struct BreakGlass {
    dir: PathBuf,
    open: Mutex<Vec<Pane>>,
    safety: Arc<Safety>,
    incidents: Arc<Incidents>,
    journal: Journal,
}

/// What a scope goes back to, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pane {
    scope: Scope,
    before: Level,
    until: Duration,
}

impl BreakGlass {
    /// Reads what was under way when the process ended. It is over: how long the process was away cannot be known.
    ///
    /// # Errors
    ///
    /// When it cannot be read; the caller must not start looser for it.
    pub fn open(data: &Path, safety: Arc<Safety>, incidents: Arc<Incidents>, journal: Journal) -> io::Result<Self> {
        let dir = data.join("safety");
        let mut open: Vec<Pane> = sealed::read(&dir.join(NAME))?.unwrap_or_default();
        open.iter_mut().for_each(|pane| pane.until = Duration::ZERO);
        Ok(Self { dir, open: Mutex::new(open), safety, incidents, journal })
    }

    /// Notes what `scope` goes back to after `time`, durably: before it is loosened, so that no crash forgets it.
    ///
    /// # Errors
    ///
    /// When the disk says no; nothing may be loosened then.
    pub fn note(&self, scope: &Scope, before: Level, time: Duration) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut noted = open.clone();
        noted.push(Pane { scope: scope.clone(), before, until: since_boot().saturating_add(time) });
        sealed::write(&self.dir, NAME, &noted)?;
        *open = noted;
        Ok(())
    }

    /// Says loudly that it was done.
    pub async fn tell(&self, change: &Change, by: &str, reason: &str, time: Duration) {
        let event = Event::new(EventType::SecurityAlertRaised, RULE).with_severity(Severity::Critical);
        let event = event
            .with_input("scope", change.scope.to_string())
            .with_input("by", by)
            .with_input("reason", reason)
            .with_output("before", words(change.before))
            .with_output("after", words(change.after))
            .with_output("seconds", time.as_secs());
        self.journal.record(event);
        let title = format!("emergency release by {by}: {reason}");
        let (scope, by) = (change.scope.clone(), by.to_owned());
        let opening = Opening { severity: Sev::Sev1, scope, title, by, rule: None, refs: Vec::new() };
        if let Some(rule) = name() {
            self.incidents.open_by_rule(rule, opening).await;
        }
    }

    /// Puts back what is over, as it comes to be over. What was over at the start is put back at once.
    pub async fn watch(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.elapse(since_boot()).await;
        }
    }

    /// Puts back what is over by `now`.
    pub async fn elapse(&self, now: Duration) {
        let over = |pane: &Pane| pane.until <= now;
        let ended: Vec<Pane> = {
            let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.iter().filter(|pane| over(pane)).cloned().collect()
        };
        if ended.is_empty() {
            return;
        }
        let mut durable = true;
        for Pane { scope, before, .. } in ended {
            let source = name().map_or(Source::Operator, Source::Signal);
            let reason = "the emergency release is over".to_owned();
            let cause = Cause { source, actor: "sekisho".to_owned(), reason, at_ms: now_ms() };
            durable &= self.safety.tighten(scope, before, cause).await.durable;
        }
        if durable {
            // Forgotten only when what it goes back to is stored; until then it goes back again and again.
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            open.retain(|pane| !over(pane));
            // A file that could not be written tightens once more after a restart, and that is all.
            drop(sealed::write(&self.dir, NAME, &*open));
        }
    }
}

fn name() -> Option<Name> {
    RULE.parse().ok()
}

const NAME: &str = "break-glass";
const RULE: &str = "break_glass";
const TICK: Duration = Duration::from_millis(250);
