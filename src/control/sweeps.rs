//! Has resting orders cancelled where a scope comes to BLOCK, and says what is known of them.
//!
//! BLOCK stops messages; what rests at a venue can still fill, so nobody is flat because of it. Who is told to cancel is the
//! operator's (`sweeps.NAME.cancel`): it signs what the venue wants, and no key of a venue is here. What it answers is not believed to
//! be the outcome. Only a query that is made after it has answered says that nothing rests, and it is made again as long as BLOCK
//! lasts: what was on its way to the venue may come to rest later, and is cancelled then.
//!
//! | status | what is known |
//! |---|---|
//! | `idle` | the scope is not in BLOCK, so nobody is asked |
//! | `resting_unknown` | nobody has said since it came to BLOCK, or who was asked has not answered the last time |
//! | `resting` | the last query found so many |
//! | `none` | the last query found none |
//!
//! A start in BLOCK asks what rests, and cancels nothing: what rests then may be what closes positions, and a restart is no decision.
//!
//! # Cannot see
//!
//! Whether the answers are true, and what others place at the venue between two queries.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use sekisho_filters::order_gate::SafetyView as _;
use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_policy::Sweep;
use sekisho_safety::{Effective, Epoch, Posture, Scope};
use serde::Deserialize;
use serde_json::json;

use super::Safety;
use super::probe::{fetch, tell};
use super::safety::now_ms;
use crate::evidence::Journal;

/// What is known of resting orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The scope is not in BLOCK.
    Idle,
    /// Nobody has said.
    Unknown,
    /// So many rest.
    Resting(u64),
    /// None rest.
    None,
}

impl Status {
    /// The words of all of them.
    pub const WORDS: [&str; 4] = ["idle", "resting_unknown", "resting", "none"];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        let [idle, unknown, resting, none] = Self::WORDS;
        match self {
            Self::Idle => idle,
            Self::Unknown => unknown,
            Self::Resting(_) => resting,
            Self::None => none,
        }
    }
}

/// A sweep, to be shown.
#[derive(Clone, Debug)]
pub struct SweepView {
    /// As policy names it.
    pub name: String,
    /// What has to come to BLOCK.
    pub scope: Scope,
    /// What is known.
    pub status: Status,
    /// Since when that is the answer, in milliseconds since 1970.
    pub since_ms: u64,
    /// When it was told last, in milliseconds since 1970.
    pub looked_ms: u64,
}

/// All sweeps of a policy.
#[derive(Debug)]
pub struct Sweeps {
    all: Vec<Standing>,
    safety: Arc<Safety>,
    journal: Journal,
}

#[derive(Debug)]
struct Standing {
    sweep: Sweep,
    told: Mutex<Told>,
}

#[derive(Clone, Copy, Debug)]
struct Told {
    status: Status,
    since_ms: u64,
    looked_ms: u64,
}

/// How far one BLOCK has been dealt with.
#[derive(Debug, Default)]
struct Course {
    /// The BLOCK that was seen last: of which scope, and in which of its epochs.
    last: Option<(Scope, Epoch)>,
    /// Whether the scope came to it under these eyes.
    entered: bool,
    /// Whether somebody has yet to be told to cancel.
    owed: bool,
    /// What was answered to that since the last time that nothing rested: told of once.
    answered: Option<Option<u16>>,
}

impl Sweeps {
    /// The sweeps of `policy`, none of which has been asked for anything.
    #[must_use]
    pub fn new(policy: &[Sweep], safety: Arc<Safety>, journal: Journal) -> Self {
        let told = Told { status: Status::Idle, since_ms: now_ms(), looked_ms: now_ms() };
        let standing = |sweep: &Sweep| Standing { sweep: sweep.clone(), told: Mutex::new(told) };
        Self { all: policy.iter().map(standing).collect(), safety, journal }
    }

    /// What is known of each.
    #[must_use]
    pub fn all(&self) -> Vec<SweepView> {
        let view = |one: &Standing| {
            let Told { status, since_ms, looked_ms } = *one.told.lock().unwrap_or_else(PoisonError::into_inner);
            SweepView { name: one.sweep.name.to_string(), scope: one.sweep.scope.clone(), status, since_ms, looked_ms }
        };
        self.all.iter().map(view).collect()
    }

    /// Sweeps whenever a scope comes to BLOCK.
    pub async fn watch(self: Arc<Self>) {
        join_all(self.all.iter().map(|one| self.follow(one))).await;
    }

    async fn follow(&self, one: &Standing) {
        let mut changes = self.safety.changes();
        let mut course = Course { last: self.blocks(&one.sweep), ..Course::default() };
        loop {
            changes.mark_unchanged();
            let Some(block) = self.blocks(&one.sweep) else {
                course = Course::default();
                self.note(one, Status::Idle);
                if changes.changed().await.is_err() {
                    return;
                }
                continue;
            };
            if course.last.as_ref() != Some(&block) {
                // A release in between, however short, may have let something come to rest.
                course = Course { last: Some(block), entered: true, owed: true, answered: None };
                self.note(one, Status::Unknown);
            }
            let status = self.sweep(one, &mut course).await;
            self.note(one, status);
            let _sooner = tokio::time::timeout(one.sweep.every, changes.changed()).await;
        }
    }

    /// Where the scope of a sweep is in BLOCK, if it is.
    fn blocks(&self, sweep: &Sweep) -> Option<(Scope, Epoch)> {
        let Effective { posture, scope, epoch, .. } = self.safety.effective(std::slice::from_ref(&sweep.scope));
        (posture >= Posture::Block).then_some((scope, epoch))
    }

    /// Has cancelled what has to be, and asks what rests.
    async fn sweep(&self, one: &Standing, course: &mut Course) -> Status {
        let Sweep { resting, every, .. } = &one.sweep;
        if course.owed && !self.cancel(one, course).await {
            return Status::Unknown;
        }
        let Some(at) = resting else { return Status::Unknown };
        let told = fetch(&at.authority, &at.path, *every).await;
        match told.and_then(|body| serde_json::from_slice::<Found>(&body).ok()) {
            None => Status::Unknown,
            Some(Found { resting: 0 }) => {
                course.answered = None;
                Status::None
            }
            Some(Found { resting }) => {
                course.owed = course.entered;
                Status::Resting(resting)
            }
        }
    }

    /// Tells somebody to cancel; whether that was taken on.
    async fn cancel(&self, one: &Standing, course: &mut Course) -> bool {
        let Sweep { name, scope, cancel, every, .. } = &one.sweep;
        // What has begun is cancelled as well, as far as it gets there in time.
        let _late = tokio::time::timeout(*every, self.safety.starts().settled()).await;
        let epoch = course.last.as_ref().map(|(_, epoch)| epoch.to_string());
        let body = json!({ "action": "cancel_all", "sweep": name, "scope": scope, "epoch": epoch });
        let status = tell(&cancel.authority, &cancel.path, body.to_string(), *every).await;
        let taken = status.is_some_and(|status| (200..300).contains(&status));
        if course.answered != Some(status) {
            course.answered = Some(status);
            let event = self.event(one, "sweep.cancel", if taken { Severity::Medium } else { Severity::High });
            let event = event.with_output("status", status.map_or("none".to_owned(), |status| status.to_string()));
            self.journal.record(event.with_result(if taken { Outcome::Success } else { Outcome::Failure }));
        }
        course.owed = !taken;
        taken
    }

    /// Keeps what is known, and records it where it is something else than before.
    fn note(&self, one: &Standing, status: Status) {
        let now = now_ms();
        let before = {
            let mut told = one.told.lock().unwrap_or_else(PoisonError::into_inner);
            let before = told.status;
            let since_ms = if before == status { told.since_ms } else { now };
            *told = Told { status, since_ms, looked_ms: now };
            before
        };
        if before == status {
            return;
        }
        let (severity, count) = match status {
            Status::Idle | Status::None => (Severity::Info, 0),
            Status::Unknown => (Severity::High, 0),
            Status::Resting(count) => (Severity::High, count),
        };
        let event = self.event(one, "sweep.told", severity).with_output("before", before.as_str());
        self.journal.record(event.with_output("after", status.as_str()).with_output("resting", count));
    }

    fn event(&self, one: &Standing, action: &str, severity: Severity) -> Event {
        let event = Event::new(EventType::Operation, action).with_severity(severity);
        event.with_input("sweep", one.sweep.name.to_string()).with_input("scope", one.sweep.scope.to_string())
    }
}

/// What a query is answered with.
#[derive(Deserialize)]
struct Found {
    resting: u64,
}
