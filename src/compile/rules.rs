//! What the scanner looks for, and with which values.

pub mod warnings;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sekisho_policy::{ActionName, Policy};
use sekisho_scan::{Action, Allow, KnownSecret, Ruleset, RulesetBuilder};
use zeroize::Zeroizing;

use super::CompileError;
use crate::identity::{KnownValues, Revoked, resolve};

/// The detectors of `policy`, with the known secrets it refers to.
///
/// # Errors
///
/// When a secret cannot be read or is too weak to be searched for, or a detector is not known.
pub fn ruleset(policy: &Policy) -> Result<Ruleset, CompileError> {
    knowing(policy, &KnownValues::default().read(policy)?, &Revoked::default())
}

/// The detectors of `policy`, with secrets whose values are `known`. Those that are `revoked` are refused, whatever policy says.
///
/// # Errors
///
/// When a value is too weak to be searched for, or a detector is not known.
pub fn knowing(policy: &Policy, known: &KnownValues, revoked: &Revoked) -> Result<Ruleset, CompileError> {
    let detectors = &policy.detectors;
    let failed = |error: &dyn std::fmt::Display| CompileError::Detectors(error.to_string());
    let mut builder = Ruleset::builder().embedded().map_err(|error| failed(&error))?;
    for path in &detectors.packs {
        builder = builder.pack(&path.display().to_string(), &pack(path)?).map_err(|error| failed(&error))?;
    }
    builder = builder.field_names(&detectors.fields).default_action(action(detectors.default_action));
    builder = builder.hold_bytes(policy.limits.scan_hold_bytes);
    for id in &detectors.disable {
        builder = builder.disable(id);
    }
    // A secret all of whose values were revoked is looked for under another name, and what policy says of it counts no more.
    let live = |id: &str| {
        let named = id.strip_prefix("known:");
        let mut values = known.iter().filter(|(name, _)| Some(*name) == named).peekable();
        values.peek().is_none() || values.any(|(_, value)| !revoked.holds(value))
    };
    for (id, name) in detectors.actions.iter().filter(|(id, _)| live(id)) {
        builder = builder.action(id, action(*name));
    }
    builder = add_known(builder, known.iter().filter(|(_, value)| !revoked.holds(value)), "")?;
    let gone = || known.iter().filter(|(_, value)| revoked.holds(value));
    for (name, _) in gone() {
        builder = builder.action(&format!("known:{name}{REVOKED}"), Action::Block);
    }
    builder = add_known(builder, gone(), REVOKED)?;
    if let Some(key) = fingerprint_key(policy)? {
        builder = builder.fingerprint_key(key);
    }
    for allow in &detectors.allow {
        let (detector, field, fingerprint) = (allow.detector.clone(), allow.field.clone(), allow.fingerprint.clone());
        builder = builder.allow(Allow { detector, field, fingerprint, until: allow.until });
    }
    let rules = builder.build().map_err(|error| failed(&error))?;
    rules.set_day(warnings::today());
    Ok(rules)
}

/// The key of fingerprints and of digests of inputs, if policy names one.
///
/// # Errors
///
/// When it cannot be read.
pub fn fingerprint_key(policy: &Policy) -> Result<Option<[u8; 32]>, CompileError> {
    let Some(source) = &policy.detectors.fingerprint_key else { return Ok(None) };
    let key = resolve("detectors.fingerprint_key", &source.source)?;
    Ok(Some(<sha2::Sha256 as sha2::Digest>::digest(&*key).into()))
}

/// What finds the values that are `revoked` and nothing else; `None` if there are none.
///
/// # Errors
///
/// When it does not compile.
pub fn revoked(known: &KnownValues, revoked: &Revoked) -> Result<Option<Ruleset>, CompileError> {
    let mut gone = known.iter().filter(|(_, value)| revoked.holds(value)).peekable();
    if gone.peek().is_none() {
        return Ok(None);
    }
    let builder = add_known(Ruleset::builder(), gone, REVOKED)?;
    builder.build().map(Some).map_err(|error| CompileError::Detectors(error.to_string()))
}

fn add_known<'v>(
    mut builder: RulesetBuilder,
    values: impl Iterator<Item = (&'v str, &'v Zeroizing<Vec<u8>>)>,
    ending: &str,
) -> Result<RulesetBuilder, CompileError> {
    for (name, value) in values {
        let known = KnownSecret { name: format!("{name}{ending}"), value: value.clone() };
        builder = builder
            .known(known)
            .map_err(|why| CompileError::Unsearchable { name: name.to_owned(), why: why.to_string() })?;
    }
    Ok(builder)
}

/// The text of a pack, of a size that a pack may have.
fn pack(path: &Path) -> Result<String, CompileError> {
    let failed =
        |why: &dyn std::fmt::Display| CompileError::Detectors(format!("cannot read `{}`: {why}", path.display()));
    let mut text = String::new();
    let file = File::open(path).map_err(|error| failed(&error))?;
    file.take(MAX_PACK + 1).read_to_string(&mut text).map_err(|error| failed(&error))?;
    if text.len() as u64 > MAX_PACK {
        return Err(failed(&"a pack is at most 4 MiB: divide it"));
    }
    Ok(text)
}

const fn action(name: ActionName) -> Action {
    match name {
        ActionName::Mask => Action::Mask,
        ActionName::Hash => Action::Hash,
        ActionName::DropField => Action::DropField,
        ActionName::Block => Action::Block,
        ActionName::Alert => Action::Alert,
    }
}

const MAX_PACK: u64 = 4 << 20;

/// What the names of revoked values end with, where findings are told.
const REVOKED: &str = ".revoked";
