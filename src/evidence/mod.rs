//! The journal on the disk: who writes it, how it is sealed, how it is opened again.
//!
//! A [`Journal`] is a handle; one thread behind it owns the files. Records are written in groups: append to the segment,
//! sync, write the tiles, sign one checkpoint, replace the old one by it. A record counts once a checkpoint on the disk
//! covers it.
//!
//! - [`Journal::record`] never blocks and never fails: tightening and cancels do not wait for a disk. What finds the
//!   queue full is counted, and the count is a record of its own.
//! - [`Journal::tally`] is for what traffic can cause a flood of: one record and a count.
//! - [`Journal::record_durable`] and [`Journal::checkpoint`] resolve once it is on the disk: loosening waits for them.
//! - Every string passes the scanner before it is written.
//!
//! What it cannot see: whoever holds the signing seed can write another history. Checkpoints kept elsewhere show it.

mod settings;

mod clock;

mod scrub;

mod network;

mod tally;

mod queue;

mod disk;

mod keys;

mod ledger;

mod store;

mod entries;

mod recover;

pub mod seal;

pub mod bundle;

pub mod keep;

mod shared;

mod handover;

mod writer;

pub(crate) use disk::replace;
pub use keys::VERIFIER as VERIFIER_KEY;
pub use network::Network;
pub use scrub::Scrub;
pub use settings::{HandedOver, JournalError, JournalHealth, JournalSettings, OpenError, Sealed};
pub use store::{FileStore, HeldStore};
pub use tally::Kind;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sekisho_journal::{Checkpoint, Event, EventType, HANDED_OVER, Severity, Verdict, VerifierKey, verify};
use sha2::{Digest as _, Sha256};
use tokio::sync::{broadcast, oneshot};

use disk::{Disk, Files, private_dir, private_options};
use handover::left_unrecorded;
use keys::{JOURNAL, io_error};
use ledger::{Bounds, Snapshot};
use queue::Message;
use recover::{Recovered, recover};
use shared::{Shared, Trouble};
use store::SnapshotStore;
use writer::{State, Writer};

/// A handle to the journal. Clones are cheap; the writer stops when the last is gone.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    key: VerifierKey,
    root: PathBuf,
    files: FileStore,
    scrub: Arc<Scrub>,
    entries: entries::Entries,
    /// Held while the journal is read back: one reader at a time, however many ask.
    reading: tokio::sync::Mutex<()>,
}

impl Journal {
    /// Opens the journal below the data directory, or begins one if there is none. Reads and verifies all of it, which
    /// takes a second for some hundred megabytes: call it at the start, not from a task.
    ///
    /// # Errors
    ///
    /// When it is open elsewhere, its key is missing, it is not what was signed, or the disk refuses.
    pub fn open(settings: JournalSettings, scrub: Arc<Scrub>) -> Result<Self, OpenError> {
        Self::open_on(settings, scrub, |root| Box::new(Files::new(root)))
    }

    fn open_on(
        settings: JournalSettings,
        scrub: Arc<Scrub>,
        disk: impl FnOnce(&Path) -> Box<dyn Disk>,
    ) -> Result<Self, OpenError> {
        let root = settings.dir.join(JOURNAL);
        for dir in [&settings.dir, &root, &root.join("segments")] {
            private_dir(dir).map_err(io_error("cannot make", dir))?;
        }
        let lock = locked(&root.join("lock"))?;
        let (signer, chain) = keys::signer(&settings.dir, &settings.origin, settings.vault.as_deref())?;
        let key = signer.verifier().clone();
        let files = FileStore::new(&root).with_vault(settings.vault.clone());
        let recovered = recover(&files, signer, &chain, (disk(&root), Bounds::of(&settings)))?;
        let Recovered { ledger, mending, notes, is_tail_empty } = recovered;
        let shared = Arc::new(Shared::new(&settings));
        shared.sealed.store(ledger.size(), Ordering::Relaxed);
        let mut state = State::new(Instant::now(), mending);
        if is_tail_empty {
            let left = left_unrecorded(&chain, ledger.size());
            let finished = || Event::new(EventType::IntegrityRecord, HANDED_OVER).with_severity(Severity::High);
            state.turn.unrecorded = left.map(|stated| (shared.clock.now(), finished(), stated));
        }
        let writer = Writer {
            shared: shared.clone(),
            settings,
            scrub: scrub.clone(),
            ledger,
            chain,
            files: files.clone(),
            lock,
            state,
        };
        let thread = std::thread::Builder::new().name("journal".to_owned());
        thread.spawn(move || writer.run(notes)).map_err(io_error("cannot begin to write", &root))?;
        let inner = Inner {
            shared,
            key,
            root,
            files,
            scrub,
            entries: entries::Entries::default(),
            reading: tokio::sync::Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Records an event. Never blocks; if the queue is full it is counted as lost, and the journal will say so.
    pub fn record(&self, event: Event) {
        let shared = &self.inner.shared;
        shared.queue.record(shared.clock.now(), event);
    }

    /// Records what traffic can cause a flood of. The first of a kind within a window is the record that `complete` makes of it;
    /// of the rest only a sum is written, when the window ends. `weight` is how many alike this one stands for.
    pub fn tally(&self, kind: &Kind, weight: u64, complete: impl FnOnce(Event) -> Event) {
        if self.inner.shared.tally().admit(kind, weight, Instant::now) {
            let event = kind.event();
            self.record(complete(if weight == 1 { event } else { event.with_count(weight) }));
        }
    }

    /// Records an event and waits until it is on the disk under a signed checkpoint. The number of its entry.
    ///
    /// # Errors
    ///
    /// When it is not. It may still turn up if the machine crashes at that moment, or after [`JournalError::Stalled`].
    pub async fn record_durable(&self, event: Event) -> Result<u64, JournalError> {
        let (answer, answered) = oneshot::channel();
        let now = self.inner.shared.clock.now();
        self.inner.shared.queue.ask(Message::Durable(now, Box::new(event), answer))?;
        wait(answered).await
    }

    /// Goes over to a new signing key, and records who asked for it and why: the old key and the new sign a statement of it.
    ///
    /// # Errors
    ///
    /// When it is not on the disk. From the moment the statement is, it comes to its end with the next write or the next start.
    pub async fn hand_over(&self, by: &str, reason: &str) -> Result<HandedOver, JournalError> {
        let event = Event::new(EventType::IntegrityRecord, HANDED_OVER)
            .with_severity(Severity::High)
            .with_user(by)
            .with_input("reason", reason);
        let (answer, answered) = oneshot::channel();
        let now = self.inner.shared.clock.now();
        self.inner.shared.queue.ask(Message::HandOver(now, Box::new(event), answer))?;
        wait(answered).await
    }

    /// Seals what was recorded so far, then reads the whole journal back from the disk and verifies it up to there.
    ///
    /// # Errors
    ///
    /// When it cannot be written, cannot be read, or does not verify; the last makes the journal's health fail for good.
    pub async fn checkpoint(&self) -> Result<Sealed, JournalError> {
        self.seal(None).await
    }

    /// Seals and verifies as [`checkpoint`](Self::checkpoint) does, and that the journal continues `earlier`.
    ///
    /// # Errors
    ///
    /// As there, and when what `earlier` covered is no longer what it was.
    pub async fn extends(&self, earlier: &Checkpoint) -> Result<Sealed, JournalError> {
        self.seal(Some(earlier.clone())).await
    }

    async fn seal(&self, earlier: Option<Checkpoint>) -> Result<Sealed, JournalError> {
        let _reading = self.inner.reading.lock().await;
        let (answer, answered) = oneshot::channel();
        self.inner.shared.queue.ask(Message::Checkpoint(answer))?;
        let snapshot: Snapshot = wait(answered).await?;
        let checkpoint = snapshot.checkpoint.clone();
        let store = SnapshotStore::new(self.inner.files.clone(), snapshot);
        let (key, pinned) = (self.inner.key.clone(), earlier.unwrap_or_else(|| checkpoint.clone()));
        let verified = tokio::task::spawn_blocking(move || verify(&store, &key, Some(&pinned)));
        let report = verified.await.map_err(|_| JournalError::Disk("the verifier broke off"))?;
        match report.verdict {
            Verdict::Pass => {
                let digest = Sha256::digest(checkpoint.text()).into();
                Ok(Sealed { checkpoint, digest })
            }
            Verdict::Fail => {
                self.inner.shared.set_health(Trouble::Damaged);
                Err(JournalError::Damaged(Box::new(report)))
            }
            Verdict::Unknown => Err(JournalError::Disk("the journal cannot be read")),
        }
    }

    /// What somebody said, as it may be kept: every string in it passed the scanner, as in a record.
    #[must_use]
    pub fn scrubbed(&self, said: serde_json::Value) -> serde_json::Value {
        scrub::value(said, self.inner.scrub.as_ref())
    }

    /// What every string passes before it is written.
    #[must_use]
    pub fn scrub(&self) -> Arc<Scrub> {
        Arc::clone(&self.inner.scrub)
    }

    /// The directory that it is in.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// The files of this journal, as they are now.
    #[must_use]
    pub fn files(&self) -> FileStore {
        self.inner.files.clone()
    }

    /// The lines of the entries from `from` to before `to`, as they lie there; `None` if they were pruned. Blocks.
    ///
    /// # Errors
    ///
    /// When one of them is not there, or cannot be read; for a human.
    pub fn entries(&self, from: u64, to: u64) -> Result<Option<Vec<Vec<u8>>>, String> {
        self.inner.entries.read(&self.inner.files, from, to)
    }

    /// Whether records reach the disk.
    #[must_use]
    pub fn health(&self) -> JournalHealth {
        self.inner.shared.health()
    }

    /// Lines as they are sealed. A listener that falls 1024 behind misses some and is told how many.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<str>> {
        self.inner.shared.subscribe()
    }

    /// The last `count` lines sealed since the start, the oldest first; at most 1024.
    #[must_use]
    pub fn recent(&self, count: usize) -> Vec<Arc<str>> {
        self.inner.shared.recent(count)
    }

    /// How many entries are sealed.
    #[must_use]
    pub fn sealed_size(&self) -> u64 {
        self.inner.shared.sealed.load(Ordering::Relaxed)
    }

    /// The key to verify this journal with.
    #[must_use]
    pub fn verifier_key(&self) -> &VerifierKey {
        &self.inner.key
    }

    /// Writes and seals what there is and stops the writer; other handles can record no more.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub async fn close(self) -> Result<(), JournalError> {
        let (answer, answered) = oneshot::channel();
        self.inner.shared.queue.ask(Message::Close(answer))?;
        wait(answered).await
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").field("root", &self.inner.root).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}

async fn wait<T>(answered: oneshot::Receiver<Result<T, JournalError>>) -> Result<T, JournalError> {
    match tokio::time::timeout(PATIENCE, answered).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err(JournalError::Closed),
        Err(_) => Err(JournalError::Stalled),
    }
}

fn locked(path: &Path) -> Result<File, OpenError> {
    let file = private_options().create(true).truncate(false).open(path);
    let file = file.map_err(io_error("cannot open", path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked),
        Err(TryLockError::Error(source)) => Err(io_error("cannot lock", path)(source)),
    }
}

/// How long somebody waits for the disk before they are told that it did not answer.
const PATIENCE: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests;
