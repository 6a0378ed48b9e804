//! The one thread that owns the files.

use std::collections::VecDeque;
use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sekisho_journal::{Event, EventType, KeyChain, Outcome, RecordError, Severity, Stamp, line};
use tokio::sync::oneshot;

use super::clock::Moment;
use super::handover::Turn;
use super::ledger::{Ledger, Snapshot, Unsealed};
use super::queue::{Message, Taken};
use super::recover::Mending;
use super::scrub::{Scrub, scrubbed};
use super::settings::{JournalError, JournalSettings};
use super::shared::{Shared, Trouble};
use super::store::FileStore;

/// Takes from the queue, writes in groups, answers who waits.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) settings: JournalSettings,
    pub(super) scrub: Arc<Scrub>,
    pub(super) ledger: Ledger,
    pub(super) chain: KeyChain,
    pub(super) files: FileStore,
    /// Held, never read: while it is open no other process writes this journal.
    pub(super) lock: File,
    pub(super) state: State,
}

/// What waits to be written, and for whom.
pub(super) struct State {
    backlog: VecDeque<Entry>,
    lost: u64,
    /// Since when the oldest entry of the backlog waits.
    since: Option<Instant>,
    /// When the last commit was, or the thread began.
    last: Instant,
    retry: Option<Retry>,
    mending: Option<Mending>,
    seals: Vec<oneshot::Sender<Result<Snapshot, JournalError>>>,
    pub(super) turn: Turn,
    closing: Option<oneshot::Sender<Result<(), JournalError>>>,
    /// What kept the last records from the disk when the journal was closed.
    unsaved: Option<Trouble>,
    ended: bool,
}

struct Entry {
    moment: Moment,
    event: Event,
    answer: Option<oneshot::Sender<Result<u64, JournalError>>>,
}

#[derive(Clone, Copy)]
struct Retry {
    at: Instant,
    pause: Duration,
    attempts: u64,
}

impl State {
    pub(super) fn new(now: Instant, mending: Option<Mending>) -> Self {
        Self {
            backlog: VecDeque::new(),
            lost: 0,
            since: None,
            last: now,
            retry: None,
            mending,
            seals: Vec::new(),
            turn: Turn::default(),
            closing: None,
            unsaved: None,
            ended: false,
        }
    }
}

impl Writer {
    /// Works until the journal is closed. What it was opened with (`notes`) is written first.
    pub(super) fn run(mut self, notes: Vec<Event>) {
        let moment = self.shared.clock.now();
        notes.into_iter().for_each(|event| self.push(moment, event, None));
        loop {
            let taken = self.shared.queue.take(self.wake_at(), self.settings.batch);
            let now = Instant::now();
            self.admit(taken, now);
            self.elapse(now);
            if self.is_due(now) {
                self.commit(now);
            }
            if self.state.ended {
                break;
            }
        }
        self.end();
    }

    fn admit(&mut self, taken: Taken, now: Instant) {
        if taken.lost > 0 {
            self.state.lost += taken.lost;
            self.state.since.get_or_insert(now);
        }
        self.state.ended |= taken.closed;
        for message in taken.messages {
            match message {
                Message::Record(moment, event) => {
                    let clean = scrubbed(*event, self.scrub.as_ref());
                    self.push(moment, clean, None);
                }
                Message::Durable(moment, event, answer) => {
                    let clean = scrubbed(*event, self.scrub.as_ref());
                    self.push(moment, clean, Some(answer));
                }
                Message::Checkpoint(answer) => self.state.seals.push(answer),
                Message::HandOver(moment, event, answer) => {
                    let clean = scrubbed(*event, self.scrub.as_ref());
                    self.state.turn.asked.push((moment, clean, answer));
                }
                Message::Close(answer) => {
                    self.shared.queue.close();
                    self.state.closing = Some(answer);
                }
            }
        }
        if self.is_asked() {
            let sums = self.shared.tally().drain();
            self.push_sums(sums);
        }
    }

    /// What time alone brings: the ends of windows, and the word that the writer is alive.
    fn elapse(&mut self, now: Instant) {
        let sums = self.shared.tally().ended(now);
        self.push_sums(sums);
        let silent = self.state.backlog.is_empty() && self.state.retry.is_none();
        if silent && now >= self.state.last + self.settings.heartbeat {
            self.push_all(vec![Event::new(EventType::Heartbeat, "journal.alive")]);
        }
    }

    fn push_sums(&mut self, sums: Vec<Event>) {
        let clean = sums.into_iter().map(|event| scrubbed(event, self.scrub.as_ref())).collect();
        self.push_all(clean);
    }

    fn push_all(&mut self, events: Vec<Event>) {
        let moment = self.shared.clock.now();
        events.into_iter().for_each(|event| self.push(moment, event, None));
    }

    fn push(&mut self, moment: Moment, event: Event, answer: Option<oneshot::Sender<Result<u64, JournalError>>>) {
        self.state.since.get_or_insert_with(Instant::now);
        self.state.backlog.push_back(Entry { moment, event, answer });
        // While the disk is in trouble the newest are kept: the oldest are on their way to being history.
        while self.state.backlog.len() > self.settings.ring.max(self.settings.batch) {
            let Some(oldest) = self.state.backlog.pop_front() else {
                break;
            };
            // A gap that could not be written is still a gap, of the same width.
            let is_gap = oldest.event.event_type == EventType::Gap;
            self.state.lost += oldest.event.count.filter(|_| is_gap).unwrap_or(1);
            if let Some(answer) = oldest.answer {
                drop(answer.send(Err(JournalError::Full)));
            }
        }
    }

    /// Whether somebody waits.
    fn is_asked(&self) -> bool {
        let state = &self.state;
        state.ended || state.closing.is_some() || !state.seals.is_empty() || !state.turn.asked.is_empty()
    }

    fn is_due(&self, now: Instant) -> bool {
        let state = &self.state;
        if self.is_asked() || state.backlog.iter().any(|entry| entry.answer.is_some()) {
            return true;
        }
        if let Some(retry) = state.retry {
            return now >= retry.at;
        }
        let waited = state.since.is_some_and(|since| now >= since + self.settings.flush_interval);
        waited || state.backlog.len() >= self.settings.batch
    }

    fn wake_at(&self) -> Instant {
        let state = &self.state;
        let flush = match state.retry {
            Some(retry) => Some(retry.at),
            None => state.since.map(|since| since + self.settings.flush_interval),
        };
        // Only silence brings a heartbeat; one that is overdue while something waits would make the thread spin.
        let silent = state.backlog.is_empty() && state.retry.is_none();
        let beat = silent.then(|| state.last + self.settings.heartbeat);
        let times = [beat, flush, self.shared.tally().next_end()];
        times.into_iter().flatten().min().unwrap_or_else(|| Instant::now() + self.settings.heartbeat)
    }

    /// Writes the whole backlog, group by group.
    fn commit(&mut self, now: Instant) {
        self.shared.busy(true);
        let settled = self.settle();
        self.shared.busy(false);
        if let Err(trouble) = settled {
            return self.failed(now, trouble);
        }
        self.note_lost();
        if self.state.backlog.is_empty() {
            // Nothing is left of what could not be written; that it can be written now is worth a record, and a try.
            self.note_recovery();
        }
        while !self.state.backlog.is_empty() {
            let lines = self.lines(now);
            self.shared.busy(true);
            let written = self.ledger.commit(&lines, now);
            self.shared.busy(false);
            match written {
                Ok(()) => self.written(&lines),
                Err(Unsealed { error, kept }) => {
                    let trouble = Trouble::of(&error);
                    if kept {
                        self.forget(lines.len(), trouble);
                    }
                    return self.failed(now, trouble);
                }
            }
            self.note_recovery();
            self.note_lost();
        }
        self.state.since = None;
        self.hand_over(now);
        self.hand_out();
    }

    /// First what a crash, or an attempt of which nobody knows how it ended, left behind.
    pub(super) fn settle(&mut self) -> Result<(), Trouble> {
        if let Some(mending) = &self.state.mending {
            mending.apply(&self.files, &mut self.ledger).map_err(|error| Trouble::of(&error))?;
            self.state.mending = None;
        }
        self.turn()?;
        let lines = self.ledger.settle().map_err(|unsealed| Trouble::of(&unsealed.error))?;
        self.shared.sealed.store(self.ledger.size(), Ordering::Relaxed);
        self.shared.publish(&lines);
        self.turned();
        Ok(())
    }

    /// The ledger has kept the first `count` of the backlog, and will write them. Who waits for one is told that it is not
    /// on the disk: it may turn up, and nobody will have acted on it.
    fn forget(&mut self, count: usize, trouble: Trouble) {
        let count = count.min(self.state.backlog.len());
        for entry in self.state.backlog.drain(..count) {
            if let Some(answer) = entry.answer {
                drop(answer.send(Err(JournalError::Disk(trouble.words()))));
            }
        }
    }

    /// The next group, as lines. What cannot be a line is replaced by a record that says so.
    fn lines(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let room = usize::try_from(self.ledger.room(now)).unwrap_or(usize::MAX);
        let count = room.min(self.settings.batch.max(1));
        let mut lines = Vec::new();
        for (seq, entry) in (self.ledger.size()..).zip(self.state.backlog.iter_mut().take(count)) {
            let stamp = stamp(&self.shared, &self.settings, entry.event.event_type, (seq, entry.moment));
            let written = line(&entry.event, &stamp).or_else(|error| {
                entry.event = unwritable(&entry.event, &error);
                if let Some(answer) = entry.answer.take() {
                    drop(answer.send(Err(JournalError::Unwritable(error))));
                }
                line(&entry.event, &stamp)
            });
            // The stand-in is short and holds strings only; if even it fails, the engine's name is to blame.
            lines.push(written.unwrap_or_else(|_| format!("{{\"seq\":{seq}}}").into_bytes()));
        }
        lines
    }

    fn written(&mut self, lines: &[Vec<u8>]) {
        let size = self.ledger.size();
        let first = size - lines.len() as u64;
        self.shared.sealed.store(size, Ordering::Relaxed);
        self.shared.publish(lines);
        for (seq, entry) in (first..).zip(self.state.backlog.drain(..lines.len())) {
            if let Some(answer) = entry.answer {
                drop(answer.send(Ok(seq)));
            }
        }
        self.state.last = Instant::now();
        self.shared.set_health(Trouble::None);
    }

    /// Nothing of the group counts. Who waits is told so, and what they wanted recorded is forgotten: they will not act.
    pub(super) fn failed(&mut self, now: Instant, trouble: Trouble) {
        self.shared.set_health(trouble);
        let before = self.state.retry.map_or((FIRST_PAUSE, 0), |retry| (retry.pause * 2, retry.attempts));
        let pause = before.0.min(LONGEST_PAUSE);
        self.state.retry = Some(Retry { at: now + pause, pause, attempts: before.1 + 1 });
        self.state.backlog.retain_mut(|entry| match entry.answer.take() {
            Some(answer) => {
                drop(answer.send(Err(JournalError::Disk(trouble.words()))));
                false
            }
            None => true,
        });
        for seal in self.state.seals.drain(..) {
            drop(seal.send(Err(JournalError::Disk(trouble.words()))));
        }
        for (_, _, answer) in self.state.turn.asked.drain(..) {
            drop(answer.send(Err(JournalError::Disk(trouble.words()))));
        }
        if self.state.closing.is_some() {
            self.state.unsaved = Some(trouble);
            self.state.ended = true;
        }
    }

    fn note_recovery(&mut self) {
        if let Some(retry) = self.state.retry.take() {
            let event = Event::new(EventType::IntegrityRecord, "journal.write.recovered")
                .with_severity(Severity::High)
                .with_input("failed_attempts", retry.attempts);
            self.push_all(vec![event]);
        }
    }

    fn note_lost(&mut self) {
        if self.state.lost > 0 {
            let event = Event::new(EventType::Gap, "journal.records.lost")
                .with_severity(Severity::High)
                .with_result(Outcome::Failure)
                .with_count(std::mem::take(&mut self.state.lost));
            self.push_all(vec![event]);
        }
    }

    fn hand_out(&mut self) {
        for seal in self.state.seals.drain(..) {
            let snapshot = self.ledger.snapshot(&self.files);
            drop(seal.send(snapshot.map_err(|_| JournalError::Disk("the journal cannot be read"))));
        }
        self.state.ended |= self.state.closing.is_some();
    }

    fn end(self) {
        let Self { shared, ledger, lock, mut state, .. } = self;
        shared.set_health(Trouble::Stopped);
        // Files first, then the lock, then the answer: who is told may open the journal again.
        drop(ledger);
        drop(lock);
        if let Some(closing) = state.closing.take() {
            let unsaved = state.unsaved.map(|trouble| JournalError::Disk(trouble.words()));
            drop(closing.send(unsaved.map_or(Ok(()), Err)));
        }
    }
}

/// The line of an event of our own making, which is short and holds strings only.
pub(super) fn stamped(shared: &Shared, settings: &JournalSettings, event: &Event, at: (u64, Moment)) -> Vec<u8> {
    let seq = at.0;
    // If even that fails, the engine's name is to blame.
    line(event, &stamp(shared, settings, event.event_type, at))
        .unwrap_or_else(|_| format!("{{\"seq\":{seq}}}").into_bytes())
}

fn stamp(shared: &Shared, settings: &JournalSettings, kind: EventType, (seq, moment): (u64, Moment)) -> Stamp {
    Stamp {
        seq,
        wall_ms: moment.wall_ms,
        mono_ns: moment.mono_ns,
        boot_id: shared.clock.boot_id.clone(),
        engine: settings.engine.clone(),
        retention: settings.retention.get(&kind).copied(),
    }
}

fn unwritable(event: &Event, error: &RecordError) -> Event {
    Event::new(EventType::IntegrityRecord, "journal.record.unwritable")
        .with_severity(Severity::High)
        .with_result(Outcome::Failure)
        .with_input("event_type", event.event_type.name())
        .with_output("why", error.to_string())
}

/// The pause before the first retry; it doubles each time.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between retries.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
