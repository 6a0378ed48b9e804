//! What the scanner looks for, and what it does with what it finds.

mod allow;

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::secrets::{SecretRef, reference};
use crate::check::Checker;
use crate::written::{ActionWord, Raw, Reference, Text};
pub use allow::Allow;
use allow::AllowWritten;

/// What the scanner looks for, and what it does with what it finds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DetectorsWritten {
    /// Detectors that are off, by their id.
    pub(crate) disable: Vec<Raw<Text>>,
    /// Names of fields whose values are masked, beside the known ones.
    pub(crate) fields: Vec<Raw<Text>>,
    /// Packs of your own detectors, by their absolute paths; the shape is that of the packs that ship.
    pub(crate) packs: Vec<Raw<Text>>,
    /// What is done with a finding. Default mask.
    pub(crate) default_action: Option<Raw<ActionWord>>,
    /// What is done with a finding of one detector, by its id.
    pub(crate) actions: BTreeMap<String, Raw<ActionWord>>,
    /// Findings that may stay, each until a day.
    pub(crate) allow: Vec<AllowWritten>,
    /// The key of fingerprints: 32 bytes or more. Absent: one that lasts as long as the process.
    pub(crate) fingerprint_key: Option<Raw<Reference>>,
}

/// What the scanner looks for, and what it does with what it finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detectors {
    /// Detectors that are off, by their id.
    pub disable: Vec<String>,
    /// Names of fields whose values are masked, beside the known ones.
    pub fields: Vec<String>,
    /// Packs of detectors beside those that ship.
    pub packs: Vec<PathBuf>,
    /// What is done with a finding.
    pub default_action: ActionName,
    /// What is done with a finding of one detector, by its id.
    pub actions: BTreeMap<String, ActionName>,
    /// Findings that may stay, each until a day.
    pub allow: Vec<Allow>,
    /// The key of fingerprints.
    pub fingerprint_key: Option<SecretRef>,
}

/// What is done with a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionName {
    /// A mask takes its place.
    Mask,
    /// A keyed fingerprint takes its place.
    Hash,
    /// The whole value of the field goes.
    DropField,
    /// The whole message is refused.
    Block,
    /// It stays and is reported.
    Alert,
}

impl DetectorsWritten {
    pub(crate) fn check(&self, checker: &mut Checker) -> Detectors {
        let names = |raws: &[Raw<Text>], field: &str, checker: &mut Checker| {
            let one = |(index, raw)| text(raw, &format!("detectors.{field}[{index}]"), checker);
            raws.iter().enumerate().filter_map(one).collect()
        };
        let disable = names(&self.disable, "disable", checker);
        let fields = names(&self.fields, "fields", checker);
        let packs = self.packs.iter().enumerate();
        let packs =
            packs.filter_map(|(index, raw)| checker.path(Some(raw), &format!("detectors.packs[{index}]"))).collect();
        let action =
            self.default_action.as_ref().and_then(|raw| checker.choice(raw, "detectors.default_action", &ACTIONS));
        let mut actions = BTreeMap::new();
        for (id, raw) in &self.actions {
            let action = checker.choice(raw, "detectors.actions", &ACTIONS);
            actions.extend(action.map(|action| (id.clone(), action)));
        }
        let keyed = self.fingerprint_key.is_some();
        let allow = self.allow.iter().enumerate().filter_map(|(index, one)| one.check(index, keyed, checker)).collect();
        let source = self.fingerprint_key.as_ref().and_then(|raw| reference(raw, "detectors.fingerprint_key", checker));
        Detectors {
            disable,
            fields,
            packs,
            default_action: action.unwrap_or(ActionName::Mask),
            actions,
            allow,
            fingerprint_key: source.map(|source| SecretRef { name: "fingerprint-key".to_owned(), source, hook: None }),
        }
    }
}

fn text(raw: &Raw<Text>, path: &str, checker: &mut Checker) -> Option<String> {
    let text = raw.text();
    let sound = !text.is_empty() && text.len() <= 64 && !text.contains(char::is_whitespace);
    if !sound {
        checker.wrong(raw.place(), path, "expected 1 to 64 characters without a space");
    }
    sound.then(|| text.to_owned())
}

const ACTIONS: [(&str, ActionName); 5] = [
    ("mask", ActionName::Mask),
    ("hash", ActionName::Hash),
    ("drop_field", ActionName::DropField),
    ("block", ActionName::Block),
    ("alert", ActionName::Alert),
];
