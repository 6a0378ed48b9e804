//! What every source asks for, in every scope, and what that comes to.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::release::{Confirmed, ReleaseError};
use crate::{Level, Name, Posture, Scope, Switch};

/// Who asked for a level. Each source is its own entry and stays until it is released.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A person, by CLI, API or console.
    Operator,
    /// A detection signal.
    Signal(Name),
    /// The sentinel file.
    File,
    /// A signal of the operating system to the process.
    ProcessSignal,
    /// Another sidecar.
    Peer(Name),
    /// The state could not be loaded or verified.
    Unverified,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operator => f.write_str("operator"),
            Self::Signal(name) => write!(f, "signal:{name}"),
            Self::File => f.write_str("file"),
            Self::ProcessSignal => f.write_str("process_signal"),
            Self::Peer(name) => write!(f, "peer:{name}"),
            Self::Unverified => f.write_str("unverified"),
        }
    }
}

/// Why a level was asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// Who asks.
    pub source: Source,
    /// The person or part behind the source. Cut at 128 bytes.
    pub actor: String,
    /// In their words. Cut at 512 bytes.
    pub reason: String,
    /// Wall time, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Counts the rightful loosenings of one scope.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Epoch(pub(crate) u64);

impl Epoch {
    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The whole safety state of one sidecar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    scopes: BTreeMap<Scope, Scoped>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scoped {
    epoch: Epoch,
    sources: Vec<Entry>,
}

/// What one source asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who.
    pub source: Source,
    /// How strict.
    pub level: Level,
    /// The person or part behind it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when, in milliseconds since 1970.
    pub at_ms: u64,
}

/// What is in force for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The strictest of all that applies.
    pub level: Level,
    /// The column of the decision table.
    pub posture: Posture,
    /// The widest scope that is as strict as that.
    pub scope: Scope,
    /// That scope's epoch.
    pub epoch: Epoch,
}

/// What a tightening or a release did to one scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Where.
    pub scope: Scope,
    /// In force there before.
    pub before: Level,
    /// In force there now.
    pub after: Level,
    /// The scope's epoch now.
    pub epoch: Epoch,
}

impl Change {
    /// Whether anything is different.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.before != self.after
    }
}

/// One scope, to be shown.
#[derive(Clone, Copy, Debug)]
pub struct ScopeView<'a> {
    /// Which.
    pub scope: &'a Scope,
    /// Its epoch.
    pub epoch: Epoch,
    /// What is asked for there.
    pub level: Level,
    /// By whom.
    pub sources: &'a [Entry],
}

impl State {
    /// A state in which nothing is asked for. Dangerous: to start from it is to loosen, so only a store that was
    /// created on purpose and by people may.
    #[must_use]
    pub const fn danger_open() -> Self {
        Self { scopes: BTreeMap::new() }
    }

    /// What a missing, torn or unverifiable state is taken to be: BLOCK for the whole fleet.
    #[must_use]
    pub fn unverified(reason: &str, at_ms: u64) -> Self {
        let mut state = Self::danger_open();
        let cause = Cause { source: Source::Unverified, actor: "sekisho".to_owned(), reason: reason.to_owned(), at_ms };
        state.tighten(Scope::Fleet, Level::switch(Switch::Block), cause);
        state
    }

    /// Tightens. It never loosens and never fails: where a bound on scopes or sources is reached, what is asked for
    /// is asked for more widely instead.
    pub fn tighten(&mut self, scope: Scope, level: Level, cause: Cause) -> Change {
        let known = self.scopes.contains_key(&scope);
        let scope = if known || self.scopes.len() < MAX_SCOPES { scope } else { Scope::Fleet };
        let scoped = self.scopes.entry(scope.clone()).or_default();
        let before = scoped.level();
        scoped.tighten(Entry {
            source: cause.source,
            level,
            actor: cut(cause.actor, MAX_ACTOR),
            reason: cut(cause.reason, MAX_REASON),
            at_ms: cause.at_ms,
        });
        Change { before, after: scoped.level(), epoch: scoped.epoch, scope }
    }

    /// What is in force for a message of `scopes`; the fleet always applies.
    #[must_use]
    pub fn effective(&self, scopes: &[Scope]) -> Effective {
        let fleet = [Scope::Fleet];
        let mut level = Level::OPEN;
        let mut deciding = (Scope::Fleet, Posture::Allow, self.epoch(&Scope::Fleet));
        for scope in fleet.iter().chain(scopes) {
            let Some(scoped) = self.scopes.get(scope) else { continue };
            let here = scoped.level();
            level = level.join(here);
            if here.posture() > deciding.1 {
                deciding = (scope.clone(), here.posture(), scoped.epoch);
            }
        }
        Effective { level, posture: level.posture(), scope: deciding.0, epoch: deciding.2 }
    }

    /// Loosens one scope by one stage. The confirmation is spent.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Moved`] when the scope is no longer as it was when the challenge was issued; nothing changes.
    pub fn release(&mut self, confirmed: Confirmed) -> Result<Change, ReleaseError> {
        let Confirmed { scope, from, target, epoch } = confirmed;
        let scoped = self.scopes.get_mut(&scope).ok_or(ReleaseError::Moved)?;
        if scoped.epoch != epoch || scoped.level() != from {
            return Err(ReleaseError::Moved);
        }
        scoped.release(target);
        Ok(Change { before: from, after: scoped.level(), epoch: scoped.epoch, scope })
    }

    /// The join of two states: of each scope the newer epoch, and in the same epoch the stricter of every source.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let mut merged = self.clone();
        for (scope, theirs) in &other.scopes {
            merged.scopes.entry(scope.clone()).or_default().merge(theirs);
        }
        merged
    }

    /// Every scope something was ever asked for in.
    pub fn scopes(&self) -> impl Iterator<Item = ScopeView<'_>> {
        self.scopes.iter().map(|(scope, scoped)| ScopeView {
            scope,
            epoch: scoped.epoch,
            level: scoped.level(),
            sources: &scoped.sources,
        })
    }

    /// What is asked for in one scope alone.
    #[must_use]
    pub fn level(&self, scope: &Scope) -> Level {
        self.scopes.get(scope).map_or(Level::OPEN, Scoped::level)
    }

    pub(crate) fn epoch(&self, scope: &Scope) -> Epoch {
        self.scopes.get(scope).map_or(Epoch::default(), |scoped| scoped.epoch)
    }

    /// Whether it could have been made by the operations above: bounds kept, one entry a source, in order.
    pub(crate) fn is_sound(&self) -> bool {
        self.scopes.len() <= MAX_SCOPES + 1
            && self.scopes.values().all(|scoped| {
                scoped.sources.len() <= MAX_SOURCES + 1
                    && scoped.sources.windows(2).all(|pair| matches!(pair, [a, b] if a.source < b.source))
            })
    }
}

impl Scoped {
    fn level(&self) -> Level {
        self.sources.iter().fold(Level::OPEN, |level, entry| level.join(entry.level))
    }

    fn tighten(&mut self, mut entry: Entry) {
        // INVARIANT: sources are sorted and each is there once.
        match self.sources.binary_search_by(|known| known.source.cmp(&entry.source)) {
            Ok(at) => {
                if let Some(known) = self.sources.get_mut(at).filter(|known| !known.level.covers(entry.level)) {
                    entry.level = entry.level.join(known.level);
                    *known = entry;
                }
            }
            Err(at) if self.sources.len() < MAX_SOURCES => self.sources.insert(at, entry),
            Err(_full) => {
                entry.source = Source::Unverified;
                match self.sources.iter_mut().find(|known| known.source == Source::Unverified) {
                    Some(known) => known.level = known.level.join(entry.level),
                    None => self.sources.push(entry),
                }
            }
        }
    }

    fn release(&mut self, target: Level) {
        for entry in &mut self.sources {
            entry.level = entry.level.meet(target);
        }
        self.sources.retain(|entry| entry.level != Level::OPEN);
        self.epoch = self.epoch.next();
    }

    fn merge(&mut self, theirs: &Self) {
        if theirs.epoch > self.epoch {
            *self = theirs.clone();
            return;
        }
        if theirs.epoch < self.epoch {
            return;
        }
        for entry in &theirs.sources {
            match self.sources.binary_search_by(|known| known.source.cmp(&entry.source)) {
                Ok(at) => {
                    if let Some(known) = self.sources.get_mut(at) {
                        known.merge(entry);
                    }
                }
                Err(at) => self.sources.insert(at, entry.clone()),
            }
        }
    }
}

impl Entry {
    /// The stricter level, and the later cause: both sides of a merge choose alike.
    fn merge(&mut self, other: &Self) {
        let level = self.level.join(other.level);
        if other.later() > self.later() {
            *self = other.clone();
        }
        self.level = level;
    }

    fn later(&self) -> (u64, &str, &str) {
        (self.at_ms, &self.actor, &self.reason)
    }
}

pub(crate) fn cut(mut text: String, most: usize) -> String {
    let end = (0..=most.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.truncate(end);
    text
}

const MAX_SCOPES: usize = 1024;
const MAX_SOURCES: usize = 64;
const MAX_ACTOR: usize = 128;
const MAX_REASON: usize = 512;
