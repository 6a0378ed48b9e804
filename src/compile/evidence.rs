//! How evidence is kept, as policy says.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sekisho_journal::{EventType, Retention};
use sekisho_policy::{KeepFor, Policy};

use super::{CompileError, engine};
use crate::evidence::keep::Keeper;
use crate::evidence::seal::Vault;
use crate::evidence::{Journal, JournalSettings};

/// For how long records are kept, where that is not what the contract says.
///
/// # Errors
///
/// When a type of event is none.
pub fn kept(policy: &Policy) -> Result<BTreeMap<EventType, Retention>, CompileError> {
    let one = |(word, keep): (&String, &KeepFor)| {
        let bad = |_unknown| CompileError::Word {
            place: "retention.keep".to_owned(),
            word: word.clone(),
            what: "type of event; `sekisho journal contract audit_event` lists them",
        };
        let class = match keep {
            KeepFor::OneYear => Retention::Y1,
            KeepFor::TwoYears => Retention::Y2,
            KeepFor::SevenYears => Retention::Y7,
        };
        Ok((word.parse().map_err(bad)?, class))
    };
    policy.retention.keep.iter().map(one).collect()
}

/// How the journal below `data` is kept.
///
/// # Errors
///
/// As [`kept`].
pub fn journal(policy: &Policy, data: &Path, vault: Option<Arc<Vault>>) -> Result<JournalSettings, CompileError> {
    let settings = &policy.journal;
    Ok(JournalSettings {
        dir: data.to_path_buf(),
        origin: format!("sekisho/{}", policy.service),
        engine: engine(),
        flush_interval: settings.flush_interval,
        batch: settings.batch,
        queue: settings.queue,
        segment_records: settings.segment_records,
        segment_bytes: settings.segment_bytes,
        segment_age: settings.segment_age,
        heartbeat: settings.heartbeat,
        aggregate_window: settings.aggregate_window,
        aggregate_keys: settings.aggregate_keys,
        ring: settings.ring,
        retention: kept(policy)?,
        vault,
    })
}

/// What looks after full segments of the journal.
pub fn keeper(policy: &Policy, data: &Path, journal: &Journal, vault: Option<&Arc<Vault>>) -> Keeper {
    Keeper {
        data: data.to_path_buf(),
        journal: journal.clone(),
        vault: vault.cloned(),
        archive: policy.retention.archive.clone(),
        prune: policy.retention.prune,
        interval: policy.at_rest.seal_interval,
    }
}
