//! Incidents: opened by people and rules, worked through in steps, closed with a review.
//!
//! Each is a file of its own below `incidents/` in the data directory, and every change is a record of the journal. A SEV0
//! contains first: the kill-switch is BLOCK before anything is written down. Opening acts and then records; closing, which
//! lets a release go without this incident's evidence, is recorded durably first.

mod book;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sekisho_journal::{Event, EventType, Severity};
use sekisho_policy::Incidents as IncidentPolicy;
use sekisho_safety::{
    Cause, Incident, IncidentError, Level, Mark, Name, Opening, Review, Scope, Sev, Source, Step, Switch, What,
};

use super::Safety;
use super::safety::now_ms;
use super::sealed;
use crate::evidence::Journal;
use book::Book;

/// The incidents of this sidecar.
#[derive(Debug)]
pub struct Incidents {
    safety: Arc<Safety>,
    journal: Journal,
    policy: IncidentPolicy,
    dir: PathBuf,
    book: Mutex<Book>,
    /// Held by whoever writes files. INVARIANT: taken before `book`, never while holding it.
    disk: Mutex<()>,
}

/// The incident of that name as it lies below `data`, if it verifies: for whoever looks while no sidecar runs.
#[must_use]
pub fn stored(data: &Path, id: &Name) -> Option<Incident> {
    sealed::read::<Incident>(&data.join(DIR).join(id.as_str())).ok().flatten()
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum IncidentFailure {
    /// There is none of that name.
    #[error("there is no such incident")]
    Unknown,
    /// Too many are open.
    #[error("as many incidents are open as policy permits: close one, or add a note to one")]
    Full,
    /// The incident does not permit it.
    #[error(transparent)]
    Rules(#[from] IncidentError),
    /// It cannot be made durable.
    #[error("it cannot be recorded, so nothing is done: {0}")]
    Record(String),
}

impl Incidents {
    /// Reads the incidents below `data`. One that does not verify is an open SEV1 of its own: what it held is not known.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made or read.
    pub fn open(data: &Path, policy: IncidentPolicy, safety: Arc<Safety>, journal: Journal) -> io::Result<Self> {
        let dir = data.join(DIR);
        let respond = |severity| millis(policy.respond(severity));
        let (book, torn) = Book::read(&dir, policy.shown, &respond)?;
        for name in torn {
            let event = Event::new(EventType::IntegrityRecord, "incident.unreadable").with_severity(Severity::High);
            journal.record(event.with_ref(name));
        }
        Ok(Self { safety, journal, policy, dir, book: Mutex::new(book), disk: Mutex::default() })
    }

    /// Opens one for a person. A SEV0 is contained before this does anything else.
    ///
    /// # Errors
    ///
    /// When too many are open. What it contained stays contained.
    pub async fn open_by_person(self: &Arc<Self>, opening: Opening) -> Result<Incident, IncidentFailure> {
        self.contain_first(opening.severity, &opening.scope, &opening.by, &opening.title).await;
        let incident = self.begin(opening)?;
        self.keep().await;
        Ok(incident)
    }

    /// Opens one for a rule, or adds to the one that this rule has opened already, which it may make worse.
    pub async fn open_by_rule(self: &Arc<Self>, rule: Name, mut opening: Opening) -> Option<Name> {
        self.contain_first(opening.severity, &opening.scope, &opening.by, &opening.title).await;
        opening.rule = Some(rule.clone());
        let known = self.book().open().find(|incident| incident.rule.as_ref() == Some(&rule)).map(|one| one.id.clone());
        let id = match known {
            Some(id) => {
                self.add(&id, opening);
                Some(id)
            }
            None => match self.begin(opening.clone()) {
                Ok(incident) => Some(incident.id),
                Err(_full) => {
                    let newest = self.book().open().last().map(|one| one.id.clone());
                    newest.inspect(|id| self.add(id, opening))
                }
            },
        };
        self.keep().await;
        id
    }

    fn add(&self, id: &Name, opening: Opening) {
        let (now, worse) = (now_ms(), opening.severity);
        let respond = millis(self.policy.respond(worse));
        let mark =
            Mark { at_ms: now, by: opening.by.clone(), what: What::Note, text: opening.title, refs: opening.refs };
        let added = self.change(id, |incident| {
            incident.note(mark)?;
            if worse < incident.severity {
                incident.grade(worse, &opening.by, now, respond)?;
            }
            Ok(())
        });
        // Closed since: the next time the rule is raised it opens another.
        drop(added);
    }

    /// A person's remark.
    ///
    /// # Errors
    ///
    /// When there is no such incident, or it is closed.
    pub async fn note(
        self: &Arc<Self>,
        id: &str,
        by: &str,
        text: String,
        refs: Vec<String>,
    ) -> Result<Incident, IncidentFailure> {
        let now = now_ms();
        let mark = Mark { at_ms: now, by: by.to_owned(), what: What::Note, text, refs };
        self.person(id, |incident| {
            incident.answered(now);
            incident.note(mark)
        })
        .await
    }

    /// What was done against it, by whoever did it.
    pub async fn contained(self: &Arc<Self>, id: &Name, by: &str, text: String) {
        let mark = Mark { at_ms: now_ms(), by: by.to_owned(), what: What::Contained, text, refs: Vec::new() };
        // One that was closed in the meantime has its record in the journal all the same.
        drop(self.change(id, |incident| incident.note(mark)));
        self.keep().await;
    }

    /// A person takes the next step, or goes back.
    ///
    /// # Errors
    ///
    /// When there is no such incident, it is closed, or the step is further ahead.
    pub async fn step(self: &Arc<Self>, id: &str, by: &str, to: Step, text: &str) -> Result<Incident, IncidentFailure> {
        let now = now_ms();
        self.person(id, |incident| {
            incident.answered(now);
            incident.step(to, by, text, now)
        })
        .await
    }

    /// A person grades it anew. What becomes a SEV0 is contained first.
    ///
    /// # Errors
    ///
    /// When there is no such incident, or it is closed.
    pub async fn grade(self: &Arc<Self>, id: &str, by: &str, to: Sev) -> Result<Incident, IncidentFailure> {
        let known = self.find(id).ok_or(IncidentFailure::Unknown)?;
        self.contain_first(to, &known.scope, by, &known.title).await;
        let (now, respond) = (now_ms(), millis(self.policy.respond(to)));
        self.person(id, |incident| {
            incident.answered(now);
            incident.grade(to, by, now, respond)
        })
        .await
    }

    /// A person ends it, with what was learned. Recorded durably before it is over.
    ///
    /// # Errors
    ///
    /// When there is no such incident, it is not at its review, a part of the review is empty, or it cannot be recorded.
    pub async fn close(self: &Arc<Self>, id: &str, by: &str, review: Review) -> Result<Incident, IncidentFailure> {
        let mut closed = self.find(id).ok_or(IncidentFailure::Unknown)?;
        closed.close(review.clone(), by, now_ms())?;
        let event = event(EventType::SecurityIncidentClosed, "incident.close", &closed).with_user(by);
        let event = event
            .with_output("cause", review.cause.clone())
            .with_output("impact", review.impact.clone())
            .with_output("resolution", review.resolution.clone())
            .with_output("follow_up", review.follow_up.clone());
        let recorded = self.journal.record_durable(event).await;
        recorded.map_err(|error| IncidentFailure::Record(error.to_string()))?;
        let now = now_ms();
        let closed = self.alter(&closed.id, |incident| incident.close(review, by, now))?;
        self.keep().await;
        Ok(closed)
    }

    /// Every incident that is shown, the oldest first, and whether each is on the disk as it is here.
    #[must_use]
    pub fn all(&self) -> Vec<(Incident, bool)> {
        self.book().all()
    }

    /// The incident of that name.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Incident> {
        self.book().find(id).cloned()
    }

    /// Open incidents that concern `scope`: its own, the fleet's, and for the fleet all.
    #[must_use]
    pub fn open_in(&self, scope: &Scope) -> Vec<Incident> {
        let concerns = |one: &Scope| one == scope || *one == Scope::Fleet || *scope == Scope::Fleet;
        self.book().open().filter(|incident| concerns(&incident.scope)).cloned().collect()
    }

    /// Says once of each incident that nobody has answered in time, and writes what could not be written before.
    pub async fn watch(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = now_ms();
            let overdue: Vec<Incident> =
                self.book().open().filter(|one| one.is_overdue(now) && !one.told_overdue()).cloned().collect();
            for incident in overdue {
                let text = "no person has answered in the time that policy gives".to_owned();
                let by = "sekisho".to_owned();
                let mark = Mark { at_ms: now, by, what: What::Overdue, text, refs: Vec::new() };
                drop(self.change(&incident.id, |incident| incident.note(mark)));
                let alert = event(EventType::SecurityAlertRaised, "incident.overdue", &incident);
                self.journal.record(alert);
            }
            if self.book().has_unwritten() {
                self.keep().await;
            }
        }
    }

    async fn contain_first(&self, severity: Sev, scope: &Scope, by: &str, title: &str) {
        if severity != Sev::Sev0 {
            return;
        }
        let source: Option<Name> = "incident".parse().ok();
        let source = source.map_or(Source::Operator, Source::Signal);
        let cause = Cause { source, actor: by.to_owned(), reason: format!("SEV0: {title}"), at_ms: now_ms() };
        let acknowledged = self.safety.tighten(scope.clone(), Level::switch(Switch::Block), cause).await;
        let applied = Event::new(EventType::SecurityContainmentApplied, "incident.sev0")
            .with_severity(Severity::Critical)
            .with_input("scope", scope.to_string())
            .with_input("actor", by)
            .with_output("durable", acknowledged.durable);
        self.journal.record(applied);
    }

    fn begin(&self, opening: Opening) -> Result<Incident, IncidentFailure> {
        let respond = millis(self.policy.respond(opening.severity));
        let mut book = self.book();
        if book.open().count() >= self.policy.open {
            return Err(IncidentFailure::Full);
        }
        let by = opening.by.clone();
        let incident = Incident::open(book.next_name(), opening, now_ms(), respond);
        book.put(incident.clone());
        let mut event = event(EventType::SecurityIncidentOpened, "incident.open", &incident)
            .with_input("actor", by.clone())
            .with_input("due_ms", incident.due_ms);
        if incident.rule.is_none() {
            event = event.with_user(by);
        }
        let refs = incident.timeline.iter().flat_map(|mark| mark.refs.clone());
        self.journal.record(refs.fold(event, Event::with_ref));
        Ok(incident)
    }

    async fn person(
        self: &Arc<Self>,
        id: &str,
        change: impl FnOnce(&mut Incident) -> Result<(), IncidentError>,
    ) -> Result<Incident, IncidentFailure> {
        let id: Name = id.parse().map_err(|_no_name| IncidentFailure::Unknown)?;
        let changed = self.change(&id, change)?;
        self.keep().await;
        Ok(changed)
    }

    /// Changes an incident in memory, and records what was added to its timeline.
    fn change(
        &self,
        id: &Name,
        change: impl FnOnce(&mut Incident) -> Result<(), IncidentError>,
    ) -> Result<Incident, IncidentFailure> {
        let before = self.find(id.as_str()).map_or(0, |incident| incident.timeline.len());
        let changed = self.alter(id, change)?;
        for mark in changed.timeline.iter().skip(before) {
            let action = match mark.what {
                What::Opened => "incident.open",
                What::Note => "incident.note",
                What::Contained => "incident.contained",
                What::Step => "incident.step",
                What::Graded => "incident.grade",
                What::Overdue => "incident.overdue",
                What::Closed => "incident.close",
            };
            let event = event(EventType::SecurityIncidentUpdated, action, &changed)
                .with_input("actor", mark.by.clone())
                .with_input("text", mark.text.clone());
            self.journal.record(mark.refs.iter().fold(event, Event::with_ref));
        }
        Ok(changed)
    }

    fn alter(
        &self,
        id: &Name,
        change: impl FnOnce(&mut Incident) -> Result<(), IncidentError>,
    ) -> Result<Incident, IncidentFailure> {
        let mut book = self.book();
        let mut incident = book.find(id.as_str()).cloned().ok_or(IncidentFailure::Unknown)?;
        change(&mut incident)?;
        book.put(incident.clone());
        Ok(incident)
    }

    /// Writes what has changed. What cannot be written stays in memory, is shown as such, and is tried again.
    async fn keep(self: &Arc<Self>) {
        let this = Arc::clone(self);
        let kept = tokio::task::spawn_blocking(move || {
            let _one_writer = this.disk.lock().unwrap_or_else(PoisonError::into_inner);
            let unwritten = this.book().unwritten();
            for (incident, version) in unwritten {
                if sealed::write(&this.dir, incident.id.as_str(), &incident).is_ok() {
                    this.book().written(&incident.id, version);
                }
            }
        });
        // A thread that died has written nothing, and so it is tried again.
        drop(kept.await);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn event(kind: EventType, action: &str, incident: &Incident) -> Event {
    let severity = match incident.severity {
        Sev::Sev0 => Severity::Critical,
        Sev::Sev1 => Severity::High,
        Sev::Sev2 => Severity::Medium,
        Sev::Sev3 => Severity::Low,
    };
    Event::new(kind, action)
        .with_severity(severity)
        .with_input("scope", incident.scope.to_string())
        .with_input("sev", incident.severity.as_str())
        .with_input("title", incident.title.clone())
        .with_input("rule", incident.rule.as_ref().map(ToString::to_string).unwrap_or_default())
        .with_output("step", incident.step.as_str())
        .with_ref(incident.id.to_string())
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// How often clocks are looked at: answering times are minutes and hours.
const TICK: Duration = Duration::from_secs(1);

/// Where incidents are, below the data directory.
const DIR: &str = "incidents";
