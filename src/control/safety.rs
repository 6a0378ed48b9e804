//! What is in force, for every request to read and for few to change.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use sekisho_filters::Starts;
use sekisho_filters::order_gate::SafetyView;
use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_safety::{Cause, Change, Confirmed, Effective, Level, Posture, ReleaseError, Scope, Slope, Source, State};

use tokio::sync::watch;

use super::StateFiles;
use super::clock::since_boot;
use super::pace::Pace;
use super::preconditions::Precondition;
use crate::evidence::Journal;

/// The safety state of this process.
///
/// Tightening acts first, is recorded at once, and is acknowledged when it is durable and no order let through before it
/// can still begin. Loosening is recorded durably first, and acts last.
#[derive(Debug)]
pub struct Safety {
    current: ArcSwap<State>,
    /// How often the state has changed. Held while it changes, and never while a disk is waited for: a disk that hangs
    /// must not hold up a tightening.
    changes: Mutex<u64>,
    /// Held by whoever writes. INVARIANT: taken before `changes`, never after.
    disk: Mutex<Disk>,
    stored: AtomicBool,
    /// When each scope came to be as it is. One that is not here is so since the start.
    entered: Mutex<BTreeMap<Scope, Duration>>,
    started: Duration,
    starts: Starts,
    pace: Pace,
    journal: Journal,
    settle_timeout: Duration,
    /// Wakes who acts on changes.
    changed: watch::Sender<()>,
}

#[derive(Debug)]
struct Disk {
    files: StateFiles,
    /// The change that the files have seen last.
    change: u64,
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
    /// Something that has to be so is not.
    #[error("not yet: {}", .0.iter().map(|one| one.why.as_str()).collect::<Vec<_>>().join("; "))]
    NotYet(Vec<Precondition>),
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
            changes: Mutex::new(0),
            disk: Mutex::new(Disk { files, change: 0 }),
            stored: AtomicBool::new(true),
            entered: Mutex::default(),
            started: since_boot(),
            starts: Starts::default(),
            pace: Pace::default(),
            journal,
            settle_timeout,
            changed: watch::Sender::new(()),
        }
    }

    /// Told of every change of the state.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Holds orders to the rates of `slope` from now on, and after each release.
    #[must_use]
    pub fn ramping(self, slope: Option<Slope>) -> Self {
        Self { pace: Pace::new(slope), ..self }
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
        let told = cause.clone();
        let (change, number) = {
            let mut changes = lock(&self.changes);
            let mut state = State::clone(&self.current.load());
            let change = state.tighten(scope, level, cause);
            self.replace(state, &mut changes);
            if change.changed() {
                self.enter(&change.scope);
            }
            (change, *changes)
        };
        // Also when nothing is stricter for it: it is one source more, and somebody who said why.
        self.journal.record(event(EventType::StateTightened, "tighten", &change, &told));
        let mut disk = lock(&self.disk);
        // Whoever held the disk before may have written this change along with its own.
        let durable = disk.change >= number || self.write(&mut disk).is_ok();
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
        let mut disk = lock(&self.disk);
        let (mut state, number) = {
            let changes = lock(&self.changes);
            (State::clone(&self.current.load()), *changes)
        };
        // Whoever tightened since the record was written has moved the state, and this fails.
        let change = state.release(confirmed)?;
        disk.files.write(&state)?;
        let mut changes = lock(&self.changes);
        if *changes == number {
            self.replace(state, &mut changes);
            disk.change = *changes;
            self.enter(&change.scope);
            self.pace.begin();
            self.stored.store(true, Ordering::Relaxed);
            return Ok(change);
        }
        drop(changes);
        // Somebody tightened while the disk was written to. The stricter wins there as well.
        self.write(&mut disk)?;
        Err(LoosenError::Rules(ReleaseError::Moved))
    }

    /// How long `scope` has been as it is, by this process.
    #[must_use]
    pub fn stayed(&self, scope: &Scope) -> Duration {
        since_boot().saturating_sub(lock(&self.entered).get(scope).copied().unwrap_or(self.started))
    }

    fn enter(&self, scope: &Scope) {
        lock(&self.entered).insert(scope.clone(), since_boot());
    }

    /// Stores what is in force, if it is not: a disk that was full may have room again.
    ///
    /// # Errors
    ///
    /// When the disk says no.
    pub fn store_again(&self) -> std::io::Result<()> {
        if self.is_stored() {
            return Ok(());
        }
        self.write(&mut lock(&self.disk))
    }

    fn replace(&self, state: State, changes: &mut MutexGuard<'_, u64>) {
        self.stored.store(false, Ordering::Relaxed);
        self.current.store(Arc::new(state));
        **changes = changes.saturating_add(1);
        self.changed.send_replace(());
    }

    /// Writes what is in force by now.
    fn write(&self, disk: &mut Disk) -> std::io::Result<()> {
        let (state, number) = {
            let changes = lock(&self.changes);
            (self.current.load_full(), *changes)
        };
        disk.files.write(&state)?;
        disk.change = number;
        let changes = lock(&self.changes);
        self.stored.store(*changes == number, Ordering::Relaxed);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl SafetyView for Safety {
    fn effective(&self, scopes: &[Scope]) -> Effective {
        self.current.load().effective(scopes)
    }

    fn starts(&self) -> &Starts {
        &self.starts
    }

    fn paces(&self) -> bool {
        self.pace.admit()
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use sekisho_filters::order_gate::SafetyView;
    use sekisho_safety::{Answer, Cause, Confirmed, Issued, Level, Posture, Proposal, Scope, Source, State, Switch};

    use super::{LoosenError, Safety, lock};
    use crate::control::StateFiles;
    use crate::evidence::{Journal, JournalSettings};

    #[tokio::test]
    async fn a_disk_that_hangs_does_not_hold_up_a_tightening() {
        let (dir, safety) = safety();
        let hung = lock(&safety.disk);
        let asked = [Switch::CloseOnly, Switch::Block].map(|switch| {
            let safety = Arc::clone(&safety);
            std::thread::spawn(move || safety.tighten_now(Scope::Fleet, Level::switch(switch), cause()))
        });
        let patience = Instant::now() + Duration::from_secs(20);
        while safety.effective(&[]).posture != Posture::Block && Instant::now() < patience {
            std::thread::yield_now();
        }
        assert_eq!((safety.effective(&[]).posture, safety.is_stored()), (Posture::Block, false));
        drop(hung);
        for asked in asked {
            assert!(asked.join().unwrap().1, "durable");
        }
        assert!(safety.is_stored());
        assert_eq!(StateFiles::open(dir.path(), 0).unwrap().state, *safety.state());
    }

    #[tokio::test]
    async fn who_tightens_while_a_release_is_under_way_wins() {
        let (dir, safety) = safety();
        safety.tighten_now(Scope::Fleet, Level::switch(Switch::CloseOnly), cause());
        let confirmed = confirmed(&safety.state());
        safety.tighten_now(Scope::Fleet, Level::switch(Switch::Block), cause());
        assert!(matches!(safety.release_now(confirmed), Err(LoosenError::Rules(_))));
        assert_eq!(safety.effective(&[]).posture, Posture::Block);
        assert_eq!(StateFiles::open(dir.path(), 0).unwrap().state, *safety.state());
    }

    fn safety() -> (tempfile::TempDir, Arc<Safety>) {
        let dir = tempfile::tempdir().unwrap();
        let settings = JournalSettings::new(dir.path(), "safety.example/journal");
        let journal = Journal::open(settings, Arc::new(str::to_owned)).unwrap();
        let files = StateFiles::open(dir.path(), 0).unwrap().files;
        let safety = Safety::new(State::danger_open(), files, journal, Duration::from_secs(1));
        (dir, Arc::new(safety))
    }

    fn cause() -> Cause {
        Cause { source: Source::Operator, actor: "ann".to_owned(), reason: "test".to_owned(), at_ms: 1 }
    }

    fn confirmed(state: &State) -> Confirmed {
        let (by, reason) = ("ann".to_owned(), "test".to_owned());
        let proposal = Proposal { scope: Scope::Fleet, target: Level::OPEN, by, reason, evidence: [0; 32] };
        let challenge = state.propose(proposal, &Issued { nonce: [1; 32], now_ms: 1, ttl_ms: 100 }).unwrap();
        let code = challenge.code();
        challenge.confirm(&Answer { by: "bob".to_owned(), code, evidence: [0; 32], now_ms: 2 }, state).unwrap()
    }
}
