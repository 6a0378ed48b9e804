//! The task that seals what has become full.

use std::sync::Arc;
use std::time::Duration;

use sekisho_journal::{Event, EventType, Outcome, Severity, segment_path};
use tokio::time::MissedTickBehavior;

use super::{Vault, seal_segments};
use crate::evidence::Journal;

/// Looks for full segments now and every `interval`, and seals them. What is sealed is recorded; what cannot be is recorded
/// once, until it can.
pub async fn keep_sealed(vault: Arc<Vault>, journal: Journal, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        ticks.tick().await;
        let (vault, root) = (Arc::clone(&vault), journal.root().to_owned());
        let done = tokio::task::spawn_blocking(move || seal_segments(&vault, &root)).await;
        match done {
            Ok(Ok(sealed)) => {
                failing = false;
                for first in sealed {
                    let event = Event::new(EventType::Operation, "segment.sealed").with_ref(segment_path(first));
                    journal.record(event);
                }
            }
            Ok(Err(error)) if !failing => {
                failing = true;
                let event = Event::new(EventType::IntegrityRecord, "segment.unsealed")
                    .with_severity(Severity::High)
                    .with_result(Outcome::Failure)
                    .with_output("why", error.to_string());
                journal.record(event);
            }
            // Told already; a task that broke off is tried again.
            Ok(Err(_)) | Err(_) => {}
        }
    }
}
