use std::path::Path;
use std::sync::Arc;

use sekisho_policy::Policy;
use sekisho_scan::{Ruleset, Shape};

use crate::compile;
use crate::evidence::seal::Vault;
use crate::evidence::{Journal, JournalSettings, OpenError};

/// Opens the journal. Every string passes the scanner before it is written.
pub(super) fn open_journal(
    policy: &Policy,
    data: &Path,
    rules: &Arc<Ruleset>,
    vault: Option<Arc<Vault>>,
) -> Result<Journal, OpenError> {
    let settings = &policy.journal;
    let rules = Arc::clone(rules);
    let scrub = move |text: &str| {
        let redacted = sekisho_scan::redact(&rules, Shape::Text, text.as_bytes());
        String::from_utf8_lossy(&redacted.bytes).into_owned()
    };
    let settings = JournalSettings {
        dir: data.to_path_buf(),
        origin: format!("sekisho/{}", policy.service),
        engine: compile::engine(),
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
        vault,
    };
    Journal::open(settings, Arc::new(scrub))
}
