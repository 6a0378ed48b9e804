//! The bounded way from everybody to the one writer.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use sekisho_journal::Event;
use tokio::sync::oneshot;

use super::clock::Moment;
use super::ledger::Snapshot;
use super::settings::{HandedOver, JournalError};

/// Something for the writer to do.
pub(super) enum Message {
    /// Write this when it suits.
    Record(Moment, Box<Event>),
    /// Write this now and say so.
    Durable(Moment, Box<Event>, oneshot::Sender<Result<u64, JournalError>>),
    /// Write what there is and hand out where it ends.
    Checkpoint(oneshot::Sender<Result<Snapshot, JournalError>>),
    /// Write what there is and go over to another signing key; the event is what the entry says besides.
    HandOver(Moment, Box<Event>, oneshot::Sender<Result<HandedOver, JournalError>>),
    /// Write what there is and stop.
    Close(oneshot::Sender<Result<(), JournalError>>),
}

/// What the writer takes in one go.
#[derive(Default)]
pub(super) struct Taken {
    pub(super) messages: Vec<Message>,
    /// Records that found the queue full since the last time.
    pub(super) lost: u64,
    /// Nobody will send any more.
    pub(super) closed: bool,
}

/// A queue that never blocks its senders. What somebody waits for has a few places of its own, so that a flood of records
/// cannot keep it out.
pub(super) struct Queue {
    inner: Mutex<Inner>,
    filled: Condvar,
    bound: usize,
}

#[derive(Default)]
struct Inner {
    messages: VecDeque<Message>,
    lost: u64,
    closed: bool,
}

impl Queue {
    pub(super) fn new(bound: usize) -> Self {
        Self { inner: Mutex::default(), filled: Condvar::new(), bound }
    }

    /// Adds a record, or counts it as lost.
    pub(super) fn record(&self, moment: Moment, event: Event) {
        let mut inner = self.lock();
        if inner.closed || inner.messages.len() >= self.bound {
            inner.lost += 1;
        } else {
            inner.messages.push_back(Message::Record(moment, Box::new(event)));
            self.filled.notify_one();
        }
    }

    /// Adds what somebody waits for.
    pub(super) fn ask(&self, message: Message) -> Result<(), JournalError> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(JournalError::Closed);
        }
        if inner.messages.len() >= self.bound + RESERVED {
            return Err(JournalError::Full);
        }
        inner.messages.push_back(message);
        self.filled.notify_one();
        Ok(())
    }

    /// No more from now on; what is in the queue is still taken.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
    }

    /// Up to `most` messages; waits until there is one, the queue is closed, or it is `until`.
    pub(super) fn take(&self, until: Instant, most: usize) -> Taken {
        let mut inner = self.lock();
        while inner.messages.is_empty() && !inner.closed {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.filled.wait_timeout(inner, left);
            inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = inner.messages.len().min(most.max(1));
        let messages: Vec<Message> = inner.messages.drain(..count).collect();
        let closed = inner.closed && inner.messages.is_empty();
        Taken { messages, lost: std::mem::take(&mut inner.lost), closed }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Places beyond the bound for what somebody waits for.
const RESERVED: usize = 64;
