//! How the journal goes over to another signing key.
//!
//! First the seed of the new key lies beside the old one, then the statement of both keys is on the disk, then the entry that records
//! it is written and covered by the first checkpoint of the new key, and only then its seed takes the place of the old one. From the
//! statement on there is no way back: whatever breaks off is brought to its end, by the next attempt to write or the next start.

use std::time::Instant;

use sekisho_journal::{EventType, HANDED_OVER, Handover, KeyChain, STATEMENT, SignerKey};
use tokio::sync::oneshot;

use super::clock::Moment;
use super::settings::{HandedOver, JournalError};
use super::shared::Trouble;
use super::writer::{Writer, stamped};
use super::{Event, keys};

/// Somebody who waits for a handover: when it was asked for, what its entry says besides, and where to tell them.
type Asked = (Moment, Event, oneshot::Sender<Result<HandedOver, JournalError>>);

/// What a handover has still to do.
#[derive(Default)]
pub(super) struct Turn {
    /// Who waits for one.
    pub(super) asked: Vec<Asked>,
    /// The key that signs, when its statement is on the disk.
    next: Option<SignerKey>,
    /// What is stated and has no entry yet, and what the entry says besides.
    pub(super) unrecorded: Option<(Moment, Event, Handover)>,
    /// Whether the new seed has still to take the place of the old one.
    unpromoted: bool,
}

impl Writer {
    /// Goes over to another key if somebody asked for it. There is no backlog: the entry is the next one.
    pub(super) fn hand_over(&mut self, now: Instant) {
        let mut asked = std::mem::take(&mut self.state.turn.asked).into_iter();
        let Some((moment, event, answer)) = asked.next() else { return };
        // One is enough for all who ask at once.
        let mut waiting = vec![answer];
        waiting.extend(asked.map(|(_, _, answer)| answer));
        let done = self.begin_handover(moment, event).and_then(|()| {
            let settled = self.settle();
            settled.map_err(|trouble| {
                self.failed(now, trouble);
                JournalError::Disk(trouble.words())
            })
        });
        let seq = self.ledger.size().saturating_sub(1);
        for answer in waiting {
            let told = match &done {
                Ok(()) => Ok(HandedOver { seq, key: self.chain.newest().clone() }),
                Err(JournalError::Disk(words)) => Err(JournalError::Disk(words)),
                Err(_) => Err(JournalError::Disk("the new key cannot be made")),
            };
            drop(answer.send(told));
        }
    }

    fn begin_handover(&mut self, moment: Moment, event: Event) -> Result<(), JournalError> {
        let failed = |_| JournalError::Disk("the new key cannot be made");
        let (data, origin) = (&self.settings.dir, &self.settings.origin);
        let next = keys::make_next(data, origin, self.settings.vault.as_deref()).map_err(failed)?;
        let stated = Handover::sign(self.ledger.size(), self.ledger.signer(), &next);
        let stated = stated.map_err(|_| JournalError::Disk("the new key cannot be made"))?;
        let mut chain = self.chain.clone();
        chain.hand_over(stated.clone()).map_err(|_| JournalError::Disk("the new key cannot be made"))?;
        self.chain = chain;
        self.state.turn.next = Some(next);
        self.state.turn.unrecorded = Some((moment, event, stated));
        Ok(())
    }

    /// The steps that are left of a handover, up to where its entry is kept to be sealed before anything else.
    pub(super) fn turn(&mut self) -> Result<(), Trouble> {
        if self.state.turn.next.is_some() {
            let stated = self.ledger.hand_over(&self.chain.text(), &mut self.state.turn.next);
            stated.map_err(|error| Trouble::of(&error))?;
        }
        if let Some((moment, event, stated)) = self.state.turn.unrecorded.take() {
            let event = recorded(event, &stated);
            self.ledger.keep(vec![stamped(&self.shared, &self.settings, &event, (stated.seq, moment))]);
            self.state.turn.unpromoted = true;
        }
        Ok(())
    }

    /// Once the entry is sealed, the new seed takes the place of the old one. If that fails, the next start does it.
    pub(super) fn turned(&mut self) {
        if std::mem::take(&mut self.state.turn.unpromoted) {
            let promoted = keys::promote(&self.settings.dir, self.settings.vault.as_deref());
            if let Err(error) = promoted.and_then(|()| keys::publish(&self.settings.dir, &self.chain)) {
                tracing::warn!("the journal's new seed lies beside the old one until the next start: {error}");
            }
        }
    }
}

/// The entry of a handover: its event with what identifies both keys.
fn recorded(event: Event, stated: &Handover) -> Event {
    let id = |key: &sekisho_journal::VerifierKey| key.id().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    Event { event_type: EventType::IntegrityRecord, action: HANDED_OVER.to_owned(), ..event }
        .with_change("key", id(&stated.old), id(&stated.new))
        .with_output(STATEMENT, stated.digest())
}

/// The statement that a crash left without its entry, if the journal of `size` entries ends there.
pub(super) fn left_unrecorded(chain: &KeyChain, size: u64) -> Option<Handover> {
    chain.handovers().last().filter(|last| last.seq == size).cloned()
}
