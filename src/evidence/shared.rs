//! What the writer's thread and the handles both see.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;

use super::clock::Clock;
use super::queue::Queue;
use super::settings::{JournalHealth, JournalSettings};
use super::tally::Tally;

/// What the writer's thread and the handles both see.
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) clock: Clock,
    pub(super) sealed: AtomicU64,
    tally: Mutex<Tally>,
    lines: broadcast::Sender<Arc<str>>,
    recent: Mutex<VecDeque<Arc<str>>>,
    health: AtomicU8,
    /// When the write under way began, on the clock's scale; 0 if none is.
    busy_since: AtomicU64,
}

/// What is wrong with the journal, as a number that fits an atomic.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    None = 0,
    Full = 1,
    ReadOnly = 2,
    Write = 3,
    Damaged = 4,
    Stopped = 5,
}

impl Trouble {
    pub(super) fn of(error: &std::io::Error) -> Self {
        let kind = error.kind();
        if matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
            Self::Full
        } else if matches!(kind, ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied) {
            Self::ReadOnly
        } else {
            Self::Write
        }
    }

    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Full => "the disk is full",
            Self::ReadOnly => "the directory cannot be written",
            Self::Write => "a write failed",
            Self::Damaged => "the journal does not verify",
            Self::Stopped => "the writer has stopped",
        }
    }

    const ALL: [Self; 6] = [Self::None, Self::Full, Self::ReadOnly, Self::Write, Self::Damaged, Self::Stopped];
}

impl Shared {
    pub(super) fn new(settings: &JournalSettings) -> Self {
        Self {
            queue: Queue::new(settings.queue),
            tally: Mutex::new(Tally::new(settings.aggregate_window, settings.aggregate_keys)),
            clock: Clock::new(),
            sealed: AtomicU64::new(0),
            lines: broadcast::Sender::new(RECENT),
            recent: Mutex::default(),
            health: AtomicU8::new(0),
            busy_since: AtomicU64::new(0),
        }
    }

    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn health(&self) -> JournalHealth {
        let code = self.health.load(Ordering::Relaxed);
        let trouble = Trouble::ALL.into_iter().find(|trouble| *trouble as u8 == code);
        let trouble = trouble.unwrap_or(Trouble::Stopped);
        if trouble != Trouble::None {
            return JournalHealth::Failing(trouble.words());
        }
        if self.is_stalled() {
            return JournalHealth::Failing("a write does not return");
        }
        JournalHealth::Ok
    }

    /// Damage and the end of the writer stay; a write that works again makes the rest well.
    pub(super) fn set_health(&self, trouble: Trouble) {
        let keeps = |now| now == Trouble::Damaged as u8 || now == Trouble::Stopped as u8;
        let now = self.health.load(Ordering::Relaxed);
        if !keeps(now) || keeps(trouble as u8) {
            self.health.store(trouble as u8, Ordering::Relaxed);
        }
    }

    pub(super) fn busy(&self, is_busy: bool) {
        let now = if is_busy { self.clock.now().mono_ns.max(1) } else { 0 };
        self.busy_since.store(now, Ordering::Relaxed);
    }

    fn is_stalled(&self) -> bool {
        let since = self.busy_since.load(Ordering::Relaxed);
        since != 0 && self.clock.now().mono_ns.saturating_sub(since) > STALL_NS
    }

    /// Hands out lines that are sealed.
    pub(super) fn publish(&self, lines: &[Vec<u8>]) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines {
            let line: Arc<str> = String::from_utf8_lossy(line).into();
            if recent.len() == RECENT {
                recent.pop_front();
            }
            recent.push_back(line.clone());
            // Err means that nobody listens.
            drop(self.lines.send(line));
        }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<str>> {
        self.lines.subscribe()
    }

    pub(super) fn recent(&self, count: usize) -> Vec<Arc<str>> {
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.iter().skip(recent.len().saturating_sub(count)).cloned().collect()
    }
}

/// How many sealed lines are kept for a newcomer, and how far a listener may fall behind.
const RECENT: usize = 1024;

/// A write that takes longer than this is trouble: ten seconds.
const STALL_NS: u64 = 10_000_000_000;
