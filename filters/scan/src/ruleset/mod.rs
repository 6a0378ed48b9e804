//! Detectors, compiled once and shared.

pub(crate) mod allow;

mod forms;

pub(crate) mod known;

pub(crate) mod names;

pub(crate) mod pack;

pub(crate) mod pattern;

mod spelling;

mod windows;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::finding::{Action, Category, Severity};
use crate::hunt::Hunt;
use allow::{Allow, Allowed};
use known::{Known, KnownError, KnownSecret};
use names::Names;
use pack::{Engine, PackError};
use pattern::Pattern;

/// A compiled set of detectors: immutable, shared between scanners.
pub struct Ruleset {
    pub(crate) detectors: Vec<Detector>,
    pub(crate) patterns: Vec<Shaped>,
    pub(crate) named: Vec<Named>,
    pub(crate) names: Names,
    pub(crate) engines: BTreeMap<Engine, usize>,
    pub(crate) known: Known,
    pub(crate) hunt: Hunt,
    pub(crate) key: Option<Zeroizing<[u8; 32]>>,
    pub(crate) hold: usize,
    /// The detector of what was not looked into.
    pub(crate) unscanned: usize,
    pub(crate) allowed: Allowed,
    /// Every place is asked for everything.
    #[cfg(test)]
    pub(crate) slow: bool,
}

/// One detector's label.
#[derive(Debug, Clone)]
pub(crate) struct Detector {
    pub(crate) id: Arc<str>,
    pub(crate) title: String,
    pub(crate) category: Category,
    pub(crate) severity: Severity,
    pub(crate) action: Option<Action>,
    pub(crate) keep: Vec<String>,
    pub(crate) check: Option<pack::Check>,
    pub(crate) proof: pack::Proof,
}

/// A pattern and whose it is.
#[derive(Debug)]
pub(crate) struct Shaped {
    pub(crate) detector: usize,
    pub(crate) pattern: Pattern,
}

/// A field name's rule: whose it is, and what the value must look like.
#[derive(Debug)]
pub(crate) struct Named {
    pub(crate) detector: usize,
    pub(crate) value: Option<Pattern>,
}

impl fmt::Debug for Ruleset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ruleset")
            .field("detectors", &self.detectors.len())
            .field("known", &self.known.len())
            .finish_non_exhaustive()
    }
}

impl Ruleset {
    /// An empty builder.
    #[must_use]
    pub fn builder() -> RulesetBuilder {
        RulesetBuilder::default()
    }

    /// Id, category, severity and title of every detector.
    pub fn detectors(&self) -> impl Iterator<Item = (&str, Category, Severity, &str)> {
        self.detectors
            .iter()
            .map(|detector| (&*detector.id, detector.category, detector.severity, detector.title.as_str()))
    }

    /// Tells which day it is, in days since 1970: what may stay until a day stays until its end. Without it nothing may.
    pub fn set_day(&self, day: u32) {
        self.allowed.set_day(day);
    }

    pub(crate) fn detector(&self, index: usize) -> Option<&Detector> {
        self.detectors.get(index)
    }

    pub(crate) fn action(&self, index: usize) -> Action {
        self.detector(index).and_then(|detector| detector.action).unwrap_or(Action::Mask)
    }
}

/// Why a ruleset cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An action was given for a detector that no pack has.
    #[error("`{0}` is not a detector")]
    NoSuchDetector(String),
    /// A keyed tag was asked for and there is no key.
    #[error("the action `hash` needs a fingerprint key")]
    NoKey,
    /// A literal cannot be looked for.
    #[error("the anchors cannot be compiled: {0}")]
    Anchors(String),
}

/// Gathers detectors; [`RulesetBuilder::build`] compiles them.
#[derive(Debug)]
pub struct RulesetBuilder {
    packs: Vec<pack::Detector>,
    known: Vec<KnownSecret>,
    field_names: Vec<String>,
    default_action: Action,
    actions: BTreeMap<String, Action>,
    disabled: Vec<String>,
    key: Option<Zeroizing<[u8; 32]>>,
    hold: usize,
    allow: Vec<Allow>,
}

impl Default for RulesetBuilder {
    fn default() -> Self {
        Self {
            packs: Vec::new(),
            known: Vec::new(),
            field_names: Vec::new(),
            default_action: Action::Mask,
            actions: BTreeMap::new(),
            disabled: Vec::new(),
            key: None,
            hold: DEFAULT_HOLD,
            allow: Vec::new(),
        }
    }
}

impl RulesetBuilder {
    /// Adds the packs that are compiled in, and the default list of forbidden field names.
    ///
    /// # Errors
    /// None that a test would not have shown.
    pub fn embedded(mut self) -> Result<Self, PackError> {
        for (name, yaml) in pack::EMBEDDED {
            self = self.pack(name, yaml)?;
        }
        self.field_names.extend(names::FORBIDDEN.iter().map(|name| (*name).to_owned()));
        Ok(self)
    }

    /// Adds a pack; `name` is only for error messages.
    ///
    /// # Errors
    /// When the pack is not understood; the error says where.
    pub fn pack(mut self, name: &str, yaml: &str) -> Result<Self, PackError> {
        self.packs.extend(pack::parse(name, yaml)?);
        Ok(self)
    }

    /// Adds a value that must not leave, in any encoding. It cannot be disabled.
    ///
    /// # Errors
    /// When the value is so short or so plain that masking it would destroy texts.
    pub fn known(mut self, secret: KnownSecret) -> Result<Self, KnownError> {
        known::check(&secret)?;
        self.known.push(secret);
        Ok(self)
    }

    /// Adds forbidden field names.
    #[must_use]
    pub fn field_names(mut self, names: &[String]) -> Self {
        self.field_names.extend(names.iter().cloned());
        self
    }

    /// What is done where neither [`Self::action`] nor the pack says otherwise. At first [`Action::Mask`].
    #[must_use]
    pub fn default_action(mut self, action: Action) -> Self {
        self.default_action = action;
        self
    }

    /// What is done for one detector.
    #[must_use]
    pub fn action(mut self, detector: &str, action: Action) -> Self {
        self.actions.insert(detector.to_owned(), action);
        self
    }

    /// Leaves a detector out. Known secrets and `unscanned` cannot be left out.
    #[must_use]
    pub fn disable(mut self, detector: &str) -> Self {
        self.disabled.push(detector.to_owned());
        self
    }

    /// The key of fingerprints and `hash` tags.
    #[must_use]
    pub fn fingerprint_key(mut self, key: [u8; 32]) -> Self {
        self.key = Some(Zeroizing::new(key));
        self
    }

    /// How much a scanner holds back at most for one candidate, in bytes; 256 at least, 16 KiB unless told. A candidate that reaches
    /// it is masked from its start on, by its own detector or, if it could still have been something else, as `unscanned`.
    #[must_use]
    pub fn hold_bytes(mut self, bytes: usize) -> Self {
        self.hold = bytes.max(256);
        self
    }

    /// Lets a finding stay until a day; without effect on known secrets and on `unscanned`, and until [`Ruleset::set_day`] was called.
    #[must_use]
    pub fn allow(mut self, allow: Allow) -> Self {
        self.allow.push(allow);
        self
    }

    /// Compiles.
    ///
    /// # Errors
    /// When an action names no detector, or `hash` is asked for without a key.
    pub fn build(self) -> Result<Ruleset, BuildError> {
        let mut parts = Parts::default();
        for detector in &self.packs {
            let on = !detector.off || self.actions.contains_key(&detector.id);
            if on && !self.disabled.contains(&detector.id) {
                parts.add(detector);
            }
        }
        parts.add_field_names(&self.field_names, self.disabled.iter().any(|id| id == FIELD_NAME));
        let known = parts.add_known(&self.known);
        let unscanned =
            parts.builtin(UNSCANNED, "Text that could not be searched", Category::Unscanned, Severity::High);
        self.give_actions(&mut parts.detectors)?;
        let allowed = Allowed::new(&self.allow, &parts.detectors, |id| self.has(id))?;
        let hunt = Hunt::new(&parts.patterns, &parts.engines, parts.names.tails()).map_err(BuildError::Anchors)?;
        Ok(Ruleset {
            detectors: parts.detectors,
            patterns: parts.patterns,
            named: parts.named,
            names: parts.names,
            engines: parts.engines,
            known,
            hunt,
            key: self.key,
            hold: self.hold,
            unscanned,
            allowed,
            #[cfg(test)]
            slow: false,
        })
    }

    /// Whether there is such a detector, if only one that is off.
    fn has(&self, id: &str) -> bool {
        self.disabled.iter().any(|disabled| disabled == id) || self.packs.iter().any(|detector| detector.id == id)
    }

    fn give_actions(&self, detectors: &mut [Detector]) -> Result<(), BuildError> {
        for id in self.actions.keys() {
            if !detectors.iter().any(|detector| *detector.id == **id) && !self.has(id) {
                return Err(BuildError::NoSuchDetector(id.clone()));
            }
        }
        for detector in detectors {
            let action = self.actions.get(&*detector.id).copied();
            let action = action.or(detector.action).unwrap_or(self.default_action);
            if action == Action::Hash && self.key.is_none() {
                return Err(BuildError::NoKey);
            }
            detector.action = Some(action);
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Parts {
    detectors: Vec<Detector>,
    patterns: Vec<Shaped>,
    named: Vec<Named>,
    names: Names,
    engines: BTreeMap<Engine, usize>,
}

impl Parts {
    fn add(&mut self, written: &pack::Detector) {
        let index = self.detectors.len();
        self.detectors.push(Detector {
            id: written.id.as_str().into(),
            title: written.title.clone(),
            category: written.category,
            severity: written.severity,
            action: written.action,
            keep: written.keep.clone(),
            check: written.check,
            proof: written.proof.clone(),
        });
        if let Some(engine) = written.engine {
            self.engines.insert(engine, index);
        }
        for pattern in &written.patterns {
            self.patterns.push(Shaped { detector: index, pattern: pattern.clone() });
        }
        if written.names.is_empty() {
            return;
        }
        let values: Vec<Option<Pattern>> =
            if written.values.is_empty() { vec![None] } else { written.values.iter().cloned().map(Some).collect() };
        for value in values {
            let rule = self.named.len();
            self.named.push(Named { detector: index, value });
            for name in &written.names {
                self.names.add(name, rule);
            }
        }
    }

    fn add_field_names(&mut self, names: &[String], disabled: bool) {
        if disabled || names.is_empty() {
            return;
        }
        let index = self.builtin(FIELD_NAME, "Value under a forbidden field name", Category::FieldName, Severity::High);
        let rule = self.named.len();
        self.named.push(Named { detector: index, value: None });
        for name in names {
            self.names.add(name, rule);
        }
        self.engines.insert(Engine::FieldName, index);
    }

    fn add_known(&mut self, secrets: &[KnownSecret]) -> Known {
        let mut known = Vec::new();
        for secret in secrets {
            let id = format!("{KNOWN_PREFIX}{}", secret.name);
            known.push((self.builtin(&id, "Known secret", Category::KnownSecret, Severity::Critical), secret));
        }
        Known::new(&known)
    }

    fn builtin(&mut self, id: &str, title: &str, category: Category, severity: Severity) -> usize {
        self.detectors.push(Detector {
            id: id.into(),
            title: title.to_owned(),
            category,
            severity,
            action: None,
            keep: Vec::new(),
            check: None,
            proof: pack::Proof::default(),
        });
        self.detectors.len() - 1
    }
}

const DEFAULT_HOLD: usize = 16 * 1024;
const FIELD_NAME: &str = "field-name";
const UNSCANNED: &str = "unscanned";
const KNOWN_PREFIX: &str = "known:";
