//! Deletes the beginning of the journal. What is left proves that it was deleted by the rules, and the hashes still prove the rest.

use std::io;

use sekisho_journal::tile::WIDTH;
use sekisho_journal::{Event, EventType, PRUNED, Severity, segment_path, timestamp};
use sekisho_safety::Agreed;

use super::{ArchiveError, Keeper, closed, manifest, remove};
use crate::evidence::JournalError;
use crate::evidence::seal::{KEY, SEALED, now_ms};

/// Why nothing is deleted.
#[derive(Debug, thiserror::Error)]
pub enum PruneError {
    /// Something of the journal cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// The deletion cannot be recorded.
    #[error("it cannot be recorded, so nothing is deleted: {0}")]
    Record(#[from] JournalError),
    /// The archive cannot be asked.
    #[error("the archive: {0}")]
    Archive(#[from] ArchiveError),
    /// A file cannot be removed.
    #[error("a file cannot be removed: {0}")]
    Remove(#[from] io::Error),
    /// There is nothing that may go.
    #[error(
        "no full segments before entry {wanted} may go: they end at tiles of 256 entries, and have to be archived first"
    )]
    Nothing {
        /// What was asked for.
        wanted: u64,
    },
}

/// Segments that may go: all that begin before this entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beginning {
    /// The first entry that stays.
    pub(super) to: u64,
    /// The moment from which the last of them need not be kept.
    keep_until: String,
}

impl Keeper {
    /// Deletes what need not be kept any more.
    pub(super) async fn prune_due(&self) -> Result<(), PruneError> {
        let now = timestamp(now_ms());
        let Some(beginning) = self.beginning(u64::MAX, Some(now)).await? else { return Ok(()) };
        self.prune(&beginning, Event::new(EventType::IntegrityRecord, PRUNED)).await
    }

    /// The first entry that would be left if what stands before entry `until` were deleted, whether or not it has to be kept.
    ///
    /// # Errors
    ///
    /// When nothing may go.
    pub async fn would_leave(&self, until: u64) -> Result<u64, PruneError> {
        self.early(until).await.map(|beginning| beginning.to)
    }

    /// Deletes what stands before entry `until` though it has to be kept, as two people agreed. The first entry that is left.
    ///
    /// # Errors
    ///
    /// When nothing may go, or it cannot be recorded or removed.
    pub async fn prune_early(&self, agreed: &Agreed, until: u64) -> Result<u64, PruneError> {
        let beginning = self.early(until).await?;
        let event = Event::new(EventType::IntegrityRecord, PRUNED)
            .with_user(agreed.people())
            .with_input("reason", agreed.reason())
            .with_input("early", true);
        self.prune(&beginning, event).await?;
        Ok(beginning.to)
    }

    async fn early(&self, until: u64) -> Result<Beginning, PruneError> {
        self.beginning(until, None).await?.ok_or(PruneError::Nothing { wanted: until })
    }

    /// The longest beginning of the journal that ends at or before entry `until`, at a boundary of segments that is one of tiles too,
    /// has arrived in the archive, and, where a moment is given, need not be kept at that moment.
    pub(super) async fn beginning(&self, until: u64, now: Option<String>) -> Result<Option<Beginning>, PruneError> {
        let keeper = self.clone();
        let looking = tokio::task::spawn_blocking(move || keeper.look_at_beginning(until, now.as_deref()));
        looking.await.unwrap_or(Ok(None))
    }

    fn look_at_beginning(&self, until: u64, now: Option<&str>) -> Result<Option<Beginning>, PruneError> {
        let files = self.journal.files();
        let arrived = match &self.archive {
            Some(archive) => self.arrived(archive)?,
            None => u64::MAX,
        };
        let (mut found, mut keep_until) = (None, String::new());
        for first in closed(&files).map_err(PruneError::Unreadable)? {
            let manifest = manifest(&files, self.journal.verifier_key(), first).map_err(PruneError::Unreadable)?;
            let Some(manifest) = manifest else { break };
            let due = now.is_none_or(|now| manifest.keep_until.as_str() < now);
            if !due || manifest.end > arrived.min(until) {
                break;
            }
            keep_until = keep_until.max(manifest.keep_until);
            if manifest.end.is_multiple_of(WIDTH as u64) {
                found = Some(Beginning { to: manifest.end, keep_until: keep_until.clone() });
            }
        }
        Ok(found)
    }

    /// Records the deletion, as `event` and durably, and then deletes. A crash in between is made good at the next look.
    pub(super) async fn prune(&self, beginning: &Beginning, event: Event) -> Result<(), PruneError> {
        let event = event
            .with_severity(Severity::High)
            .with_input("to", beginning.to)
            .with_input("keep_until", beginning.keep_until.clone());
        self.journal.record_durable(event).await?;
        let (keeper, to) = (self.clone(), beginning.to);
        let removing = tokio::task::spawn_blocking(move || keeper.remove_before(to));
        removing.await.unwrap_or_else(|_| Err(io::Error::other("the removal broke off")))?;
        Ok(())
    }

    fn remove_before(&self, to: u64) -> io::Result<()> {
        // The oldest first: whatever is left is the end of the journal.
        for first in
            closed(&self.journal.files()).map_err(io::Error::other)?.into_iter().take_while(|first| *first < to)
        {
            for ending in ["", SEALED, KEY] {
                remove(&self.journal.root().join(format!("{}{ending}", segment_path(first))))?;
            }
        }
        Ok(())
    }
}
