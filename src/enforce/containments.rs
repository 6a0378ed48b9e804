//! What is contained besides the flow of orders: people and keys that are revoked, secrets whose values are refused, routes,
//! upstreams and the service in quarantine, listeners that are closed.
//!
//! Containing acts first, is recorded at once and then stored. It ends when two people agree ([`Consents`](crate::control::Consents)):
//! that is recorded durably, stored, and only then so. All of it is one sealed file below `safety/`, numbered, and the journal
//! knows the number: one that is torn, gone or put back from an earlier day is BLOCK, for what it held is not known.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sekisho_filters::access::{Sayer, Subject};
use sekisho_filters::contained::Holds;
use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_safety::{Agreed, Cause, Containment, Level, Measure, Name, Scope, Side, Source, Switch};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Reload, ReloadError};
use crate::control::safety::now_ms;
use crate::control::{Incidents, Safety, history, probe, sealed};
use crate::data::exposure::Exposures;
use crate::evidence::{FileStore, Journal};
use crate::identity::Revoked;

/// The containments of this sidecar.
#[derive(Debug)]
pub struct Containments {
    dir: PathBuf,
    held: Mutex<Held>,
    /// Held by whoever writes. INVARIANT: taken before `held`, never while holding it.
    disk: Mutex<()>,
    with: With,
}

/// What containing is done with.
#[derive(Clone, Debug)]
pub struct With {
    /// Where it is recorded.
    pub journal: Journal,
    /// Refuses the values of secrets.
    pub reload: Arc<Reload>,
    /// Closes listeners.
    pub exposures: Arc<Exposures>,
    /// What is BLOCK when it is not known what was contained.
    pub safety: Arc<Safety>,
    /// Told of what was done for them.
    pub incidents: Arc<Incidents>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    version: u32,
    generation: u64,
    next: u64,
    /// Keys the marks of values, in hex.
    key: String,
    active: Vec<Containment>,
}

/// What somebody asks for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// What is to be contained.
    pub measure: Measure,
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
    /// For which incident.
    pub incident: Option<Name>,
    /// Of a secret: whether a new value is wanted.
    pub rotate: bool,
}

/// A containment that has happened.
#[derive(Clone, Debug, Serialize)]
pub struct Applied {
    /// What is in force.
    pub containment: Containment,
    /// Whether it was in force already.
    pub already: bool,
    /// Whether it survives a crash.
    pub durable: bool,
    /// What the hook of the secret answered, if it has one: `Some(None)` is no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hook: Option<Option<u16>>,
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ContainError {
    /// Policy has no such thing.
    #[error("there is no {0} in policy")]
    Unknown(Measure),
    /// There is no such containment.
    #[error("there is no such containment")]
    NotThere,
    /// The values of a secret cannot be searched for as revoked.
    #[error("it is noted, and its values are not refused: {0}")]
    Unsearchable(String),
    /// It cannot be made durable.
    #[error("it cannot be recorded or stored, so nothing is lifted: {0}")]
    Record(String),
}

impl Containments {
    /// Puts in force what was stored below `data`. `first` says that no state was ever stored there.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made, or the system gives no random bytes.
    pub async fn open(data: &Path, files: &FileStore, first: bool, with: With) -> io::Result<Self> {
        let dir = data.join("safety");
        sealed::private_dir(&dir)?;
        let (held, doubt) = match sealed::read::<Held>(&dir.join(NAME)) {
            Ok(Some(held)) if history::containments(files).is_none_or(|last| last.fits(held.generation)) => {
                (held, None)
            }
            Ok(Some(held)) => (held, Some(BEHIND)),
            Ok(None) if first => (Held::new()?, None),
            Ok(None) => (Held::new()?, Some(GONE)),
            Err(_torn) => (Held::new()?, Some(TORN)),
        };
        if let Some(why) = doubt {
            let (actor, reason) = ("sekisho".to_owned(), why.to_owned());
            let cause = Cause { source: Source::Unverified, actor, reason, at_ms: now_ms() };
            with.safety.tighten(Scope::Fleet, Level::switch(Switch::Block), cause).await;
            with.journal.record(Event::new(EventType::IntegrityRecord, why).with_severity(Severity::Critical));
        }
        sealed::write(&dir, NAME, &held)?;
        let this = Self { dir, held: Mutex::new(held.clone()), disk: Mutex::default(), with };
        this.enforce(&held);
        this.revoke(&held).map_err(io::Error::other)?;
        Ok(this)
    }

    /// Contains. It acts before it is recorded and stored.
    ///
    /// # Errors
    ///
    /// When policy has no such thing.
    pub async fn apply(self: &Arc<Self>, ask: Ask) -> Result<Applied, ContainError> {
        let (this, asked) = (Arc::clone(self), ask.clone());
        // Searching for a secret takes building, and the disk may be slow: requests on this thread must not wait for either.
        let acted = tokio::task::spawn_blocking(move || this.apply_now(&asked)).await;
        let mut applied = acted.unwrap_or_else(|died| Err(ContainError::Record(died.to_string())))?;
        if let Some(id) = &ask.incident {
            let text = format!("{}: {}", applied.containment.id, applied.containment.measure);
            self.with.incidents.contained(id, &ask.by, text).await;
        }
        applied.hook = self.tell(&ask, &applied.containment).await;
        Ok(applied)
    }

    fn apply_now(&self, ask: &Ask) -> Result<Applied, ContainError> {
        let (held, containment, already) = {
            let mut held = self.lock();
            let marks = self.marks(&ask.measure, &held)?;
            let (containment, already) = held.take(ask, marks);
            (held.clone(), containment, already)
        };
        self.enforce(&held);
        let refused = if containment.marks.is_empty() { Ok(()) } else { self.revoke(&held) };
        let event = event("containment.apply", &containment)
            .with_input("actor", ask.by.clone())
            .with_input("reason", ask.reason.clone())
            .with_output("generation", held.generation)
            .with_output("already", already);
        self.with.journal.record(ask.incident.iter().fold(event, |event, id| event.with_ref(id.to_string())));
        let durable = self.store().is_ok();
        refused.map_err(|error| ContainError::Unsearchable(error.to_string()))?;
        Ok(Applied { containment, already, durable, hook: None })
    }

    /// Ends what two people agreed to end: recorded durably, stored, and only then so.
    ///
    /// # Errors
    ///
    /// When there is no such containment any more, or it cannot be recorded or stored. It holds on then.
    pub async fn lift(self: &Arc<Self>, agreed: &Agreed, id: &Name) -> Result<Containment, ContainError> {
        let (mut held, containment) = {
            let held = self.lock().clone();
            let containment = held.active.iter().find(|one| one.id == *id).cloned().ok_or(ContainError::NotThere)?;
            (held, containment)
        };
        held.generation = held.generation.saturating_add(1);
        let event = event("containment.lift", &containment).with_user(agreed.people());
        let recorded = self.with.journal.record_durable(event.clone().with_output("generation", held.generation)).await;
        recorded.map_err(|error| ContainError::Record(error.to_string()))?;
        let (this, id) = (Arc::clone(self), id.clone());
        let lifted = tokio::task::spawn_blocking(move || this.lift_now(&id)).await;
        let lifted = lifted.unwrap_or_else(|died| Err(io::Error::other(died)));
        if let Err(error) = lifted {
            self.with.journal.record(event.with_result(Outcome::Failure));
            return Err(ContainError::Record(error.to_string()));
        }
        Ok(containment)
    }

    fn lift_now(&self, id: &Name) -> io::Result<()> {
        let _one_writer = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held = self.lock().clone();
        held.generation = held.generation.saturating_add(1);
        held.active.retain(|one| one.id != *id);
        sealed::write(&self.dir, NAME, &held)?;
        let now = {
            let mut now = self.lock();
            // Whoever contained something meanwhile keeps it.
            now.generation = now.generation.saturating_add(1);
            now.active.retain(|one| one.id != *id);
            now.clone()
        };
        self.enforce(&now);
        self.revoke(&now).map_err(io::Error::other)?;
        if now.generation == held.generation { Ok(()) } else { sealed::write(&self.dir, NAME, &now) }
    }

    /// What containing is done with.
    #[must_use]
    pub const fn with(&self) -> &With {
        &self.with
    }

    /// All that is contained, the oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Containment> {
        self.lock().active.clone()
    }

    /// Of a secret, the marks of its values. Whatever is named has to be in policy, except people and keys, who may be gone.
    fn marks(&self, measure: &Measure, held: &Held) -> Result<Vec<String>, ContainError> {
        let policy = self.with.reload.policy.load_full();
        let unknown = || ContainError::Unknown(measure.clone());
        let known = match measure {
            Measure::Secret(name) => {
                return self.with.reload.marks(name.as_str(), &held.key()).ok_or_else(unknown);
            }
            Measure::Route(name) => {
                let streams = policy.streams.iter().map(|stream| &stream.name);
                let others = streams.chain(policy.fix.iter().map(|fix| &fix.name));
                policy.routes.iter().map(|route| &route.name).chain(others).any(|known| **known == *name.as_str())
            }
            Measure::Upstream(name) => policy.upstreams.iter().any(|upstream| *upstream.name == *name.as_str()),
            Measure::Exposure(side) => self.with.exposures.has(*side),
            Measure::Person(_) | Measure::Key(_) | Measure::Service => true,
        };
        if known { Ok(Vec::new()) } else { Err(unknown()) }
    }

    fn enforce(&self, held: &Held) {
        let names = |of: fn(&Measure) -> Option<&Name>| -> HashSet<String> {
            held.active.iter().filter_map(|one| of(&one.measure)).map(|name| name.as_str().to_owned()).collect()
        };
        let holds = Holds {
            routes: names(|measure| if let Measure::Route(name) = measure { Some(name) } else { None }),
            upstreams: names(|measure| if let Measure::Upstream(name) = measure { Some(name) } else { None }),
            service: held.active.iter().any(|one| one.measure == Measure::Service),
            secrets: None,
        };
        let reload = &self.with.reload;
        reload.contained.change(|before| Holds { secrets: before.secrets.clone(), ..holds.clone() });
        reload.door.revocations().replace(Sayer::Containment, held.active.iter().flat_map(subjects).collect());
        for side in [Side::Ingress, Side::Egress] {
            let closed = held.active.iter().any(|one| one.measure == Measure::Exposure(side));
            if let Err(error) = self.with.exposures.set(side, !closed) {
                tracing::error!("the listener of {} stays closed: {error}", side.as_str());
            }
        }
    }

    /// Refuses the values that are marked, and no others.
    fn revoke(&self, held: &Held) -> Result<(), ReloadError> {
        let marks: HashSet<String> = held.active.iter().flat_map(|one| one.marks.clone()).collect();
        self.with.reload.revoke(Revoked::new(held.key(), marks))
    }

    /// Tells whoever policy names for this secret.
    async fn tell(&self, ask: &Ask, containment: &Containment) -> Option<Option<u16>> {
        let Measure::Secret(name) = &ask.measure else { return None };
        let policy = self.with.reload.policy.load_full();
        let hook = policy.secrets.iter().find(|secret| secret.name == name.as_str())?.hook.clone()?;
        let action = if ask.rotate { "rotate" } else { "revoke" };
        let body = serde_json::json!({
            "action": action, "secret": name, "containment": containment.id, "by": ask.by, "reason": ask.reason
        });
        let status = probe::tell(&hook.authority, &hook.path, body.to_string(), HOOK_PATIENCE).await;
        let done = status.is_some_and(|status| (200..300).contains(&status));
        let told = event("secret.hook", containment)
            .with_input("do", action)
            .with_output("status", status.unwrap_or_default())
            .with_result(if done { Outcome::Success } else { Outcome::Failure });
        self.with.journal.record(told);
        Some(status)
    }

    /// Writes what is in force by now.
    fn store(&self) -> io::Result<()> {
        let _one_writer = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.lock().clone();
        sealed::write(&self.dir, NAME, &held)
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn new() -> io::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(io::Error::other)?;
        let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self { version: 1, generation: 0, next: 1, key, active: Vec::new() })
    }

    fn key(&self) -> Zeroizing<[u8; 32]> {
        let digit = |at: usize| self.key.as_bytes().get(at).and_then(|digit| char::from(*digit).to_digit(16));
        let byte = |at: usize| Some(digit(2 * at)? * 16 + digit(2 * at + 1)?);
        Zeroizing::new(std::array::from_fn(|at| byte(at).and_then(|byte| u8::try_from(byte).ok()).unwrap_or_default()))
    }

    /// Adds what is asked for, or says what contains it already.
    fn take(&mut self, ask: &Ask, marks: Vec<String>) -> (Containment, bool) {
        // Where there is no more room it is asked for more widely instead.
        let measure = if self.active.len() < MOST { ask.measure.clone() } else { Measure::Service };
        let known =
            self.active.iter().find(|one| one.measure == measure && marks.iter().all(|mark| one.marks.contains(mark)));
        if let Some(known) = known {
            return (known.clone(), true);
        }
        let id = Name::numbered("con", self.next);
        let (by, reason) = (cut(&ask.by), cut(&ask.reason));
        let containment = Containment { id, measure, by, reason, at_ms: now_ms(), marks };
        self.next = self.next.saturating_add(1);
        self.generation = self.generation.saturating_add(1);
        self.active.push(containment.clone());
        (containment, false)
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("active", &self.active).finish_non_exhaustive()
    }
}

/// Who is not let in any more. A name is taken as it is written and in lower case: nobody is spared by how it was spelled.
fn subjects(containment: &Containment) -> Vec<Subject> {
    match &containment.measure {
        Measure::Person(name) => vec![Subject::Person(name.to_string()), Subject::Person(name.as_str().to_lowercase())],
        Measure::Key(name) => vec![Subject::Credential(name.as_str().to_ascii_lowercase())],
        Measure::Secret(_) | Measure::Route(_) | Measure::Upstream(_) | Measure::Service | Measure::Exposure(_) => {
            Vec::new()
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}

fn event(action: &str, containment: &Containment) -> Event {
    Event::new(EventType::SecurityContainmentApplied, action)
        .with_severity(Severity::High)
        .with_input("measure", containment.measure.to_string())
        .with_ref(containment.id.to_string())
}

const NAME: &str = "containments";
const MOST: usize = 1024;
const MAX_TEXT: usize = 500;
const HOOK_PATIENCE: Duration = Duration::from_secs(5);
const TORN: &str = "the stored containments do not verify";
const GONE: &str = "the stored containments are gone";
const BEHIND: &str = "the stored containments are older than the journal: they were put back";
