//! What is in force, for every request to read and for few to change.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use sekisho_filters::Starts;
use sekisho_filters::order_gate::SafetyView;
use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_safety::{Cause, Change, Confirmed, Effective, Level, Posture, ReleaseError, Scope, Source, State};

use super::StateFiles;
use crate::evidence::Journal;

/// The safety state of this process.
///
/// Tightening acts first, is recorded at once, and is acknowledged when it is durable and no order let through before it
/// can still begin. Loosening is recorded durably first, and acts last.
#[derive(Debug)]
pub struct Safety {
    current: ArcSwap<State>,
    /// Held by whoever changes the state: changes come one after the other, and the disk sees them in that order.
    files: Mutex<StateFiles>,
    stored: AtomicBool,
    starts: Starts,
    journal: Journal,
    settle_timeout: Duration,
}

/// A tightening that has happened.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// What it did.
    pub change: Change,
    /// Whether it survives a crash.
    pub durable: bool,
    /// Whether every order let through before it has begun or been refused.
    pub settled: bool,
}

/// Why nothing was loosened.
#[derive(Debug, thiserror::Error)]
pub enum LoosenError {
    /// The rules say no.
    #[error(transparent)]
    Rules(#[from] ReleaseError),
    /// The evidence cannot be secured.
    #[error("the journal cannot record it, so nothing is loosened: {0}")]
    Evidence(String),
    /// The disk says no.
    #[error("the state cannot be stored, so nothing is loosened: {0}")]
    Store(#[from] std::io::Error),
}

impl Safety {
    /// Puts `state` in force, as it was loaded.
    #[must_use]
    pub fn new(state: State, files: StateFiles, journal: Journal, settle_timeout: Duration) -> Self {
        Self {
            current: ArcSwap::from_pointee(state),
            files: Mutex::new(files),
            stored: AtomicBool::new(true),
            starts: Starts::default(),
            journal,
            settle_timeout,
        }
    }

    /// The state as it is now.
    #[must_use]
    pub fn state(&self) -> Arc<State> {
        self.current.load_full()
    }

    /// Whether what is in force is also what is stored.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.stored.load(Ordering::Relaxed)
    }

    /// Tightens. It acts before this returns its future's first result, whatever the disk says.
    pub async fn tighten(self: &Arc<Self>, scope: Scope, level: Level, cause: Cause) -> Acknowledged {
        let this = Arc::clone(self);
        // The disk may be slow; requests on this thread must not be.
        let acted = tokio::task::spawn_blocking(move || this.tighten_now(scope, level, cause)).await;
        let settled = tokio::time::timeout(self.settle_timeout, self.starts.settled()).await.is_ok();
        match acted {
            Ok((change, durable)) => Acknowledged { change, durable, settled },
            // The thread died between acting and telling: what is in force can be read, that it is stored cannot.
            Err(_panicked) => {
                let effective = self.effective(&[]);
                let (scope, level, epoch) = (effective.scope, effective.level, effective.epoch);
                let change = Change { scope, before: level, after: level, epoch };
                Acknowledged { change, durable: false, settled }
            }
        }
    }

    fn tighten_now(&self, scope: Scope, level: Level, cause: Cause) -> (Change, bool) {
        let mut files = self.lock();
        let mut state = State::clone(&self.current.load());
        let told = cause.clone();
        let change = state.tighten(scope, level, cause);
        self.current.store(Arc::new(state.clone()));
        if change.changed() {
            self.journal.record(event(EventType::StateTightened, "tighten", &change, &told));
        }
        let durable = files.write(&state).is_ok();
        self.stored.store(durable, Ordering::Relaxed);
        (change, durable)
    }

    /// Loosens one stage: recorded durably, stored, and only then in force.
    ///
    /// # Errors
    ///
    /// When the state has moved, or the record or the state cannot be made durable. Nothing has changed then.
    pub async fn release(self: &Arc<Self>, confirmed: Confirmed, cause: Cause) -> Result<Change, LoosenError> {
        let change = confirmed.change();
        self.journal
            .record_durable(event(EventType::StateReleased, "release", &change, &cause))
            .await
            .map_err(|error| LoosenError::Evidence(error.to_string()))?;
        let this = Arc::clone(self);
        let released = tokio::task::spawn_blocking(move || this.release_now(confirmed)).await;
        let released = released.unwrap_or_else(|_panicked| Err(LoosenError::Evidence("its task died".to_owned())));
        if released.is_err() {
            let undone = event(EventType::StateReleased, "release", &change, &cause).with_result(Outcome::Failure);
            self.journal.record(undone);
        }
        released
    }

    fn release_now(&self, confirmed: Confirmed) -> Result<Change, LoosenError> {
        let mut files = self.lock();
        let mut state = State::clone(&self.current.load());
        // Whoever tightened since the record was written has moved the state, and this fails.
        let change = state.release(confirmed)?;
        files.write(&state)?;
        self.stored.store(true, Ordering::Relaxed);
        self.current.store(Arc::new(state));
        Ok(change)
    }

    fn lock(&self) -> MutexGuard<'_, StateFiles> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SafetyView for Safety {
    fn effective(&self, scopes: &[Scope]) -> Effective {
        self.current.load().effective(scopes)
    }

    fn starts(&self) -> &Starts {
        &self.starts
    }
}

/// Milliseconds since 1970.
#[must_use]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn event(kind: EventType, action: &str, change: &Change, cause: &Cause) -> Event {
    let severity = match change.after.posture() {
        Posture::Allow => Severity::Info,
        Posture::CloseOnly => Severity::Medium,
        Posture::Block => Severity::High,
        Posture::EmergencyStop => Severity::Critical,
    };
    let mut event = Event::new(kind, action).with_severity(severity).with_input("scope", change.scope.to_string());
    if matches!(cause.source, Source::Operator) {
        event = event.with_user(cause.actor.clone());
    }
    event
        .with_input("source", cause.source.to_string())
        .with_input("actor", cause.actor.clone())
        .with_input("reason", cause.reason.clone())
        .with_output("before", words(change.before))
        .with_output("after", words(change.after))
        .with_output("epoch", change.epoch.to_string())
}

/// A level in words: `BLOCK NORMAL OK`.
#[must_use]
pub fn words(level: Level) -> String {
    format!("{} {} {}", level.switch.as_str(), level.mode.as_str(), level.health.as_str())
}
