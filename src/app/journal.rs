use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use sekisho_policy::Policy;
use sekisho_scan::{Ruleset, Shape};

use super::StartError;
use crate::compile;
use crate::evidence::Journal;
use crate::evidence::seal::Vault;

/// Opens the journal. Every string passes the scanner before it is written.
pub(crate) fn open_journal(
    policy: &Policy,
    data: &Path,
    rules: &Arc<ArcSwap<Ruleset>>,
    vault: Option<Arc<Vault>>,
) -> Result<Journal, StartError> {
    let rules = Arc::clone(rules);
    let scrub = move |text: &str| {
        let redacted = sekisho_scan::redact(&rules.load(), Shape::Text, text.as_bytes());
        String::from_utf8_lossy(&redacted.bytes).into_owned()
    };
    Ok(Journal::open(compile::journal(policy, data, vault)?, Arc::new(scrub))?)
}
