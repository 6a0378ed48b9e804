//! Deleting evidence that has still to be kept: a dangerous operation, for two people.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sekisho_journal::{Event, EventType, Outcome, PRUNED, Severity};
use subtle::ConstantTimeEq as _;

use super::prune::Beginning;
use super::{Keeper, PruneError};
use crate::evidence::JournalError;

/// Proposals to delete, each waiting for a second person. In memory only: a restart forgets them.
#[derive(Debug)]
pub struct Early {
    keeper: Keeper,
    ttl: Duration,
    waiting: Mutex<Vec<Waiting>>,
}

#[derive(Debug)]
struct Waiting {
    id: String,
    code: String,
    by: String,
    reason: String,
    until: u64,
    expires: Duration,
    wrong: u8,
}

/// What the first person passes on.
#[derive(Clone, Debug)]
pub struct Proposed {
    /// Which proposal.
    pub id: String,
    /// What the second person has to say.
    pub code: String,
    /// The first entry that would be left.
    pub to: u64,
    /// How long it holds.
    pub ttl: Duration,
}

/// Why nothing is deleted.
#[derive(Debug, thiserror::Error)]
pub enum EarlyError {
    /// It cannot be done.
    #[error(transparent)]
    Prune(#[from] PruneError),
    /// It cannot be recorded.
    #[error("it cannot be recorded, so nothing is done: {0}")]
    Record(#[from] JournalError),
    /// The system gives no random bytes.
    #[error("random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// Not there, over, or tried too often.
    #[error("there is no such proposal, or it has expired: propose it again")]
    Unknown,
    /// The person who proposed it.
    #[error("a second person has to confirm it")]
    SamePerson,
    /// Not the code.
    #[error("that is not the code")]
    WrongCode,
}

impl Early {
    /// No proposals. One holds for `ttl`.
    #[must_use]
    pub fn new(keeper: Keeper, ttl: Duration) -> Self {
        Self { keeper, ttl, waiting: Mutex::default() }
    }

    /// Records that `by` wants the entries before `until` deleted, and waits for a second person. `now` is a clock that counts suspend
    /// and cannot be set, here and below.
    ///
    /// # Errors
    ///
    /// When nothing may go, or it cannot be recorded.
    pub async fn propose(&self, until: u64, (by, reason): (&str, &str), now: Duration) -> Result<Proposed, EarlyError> {
        let beginning = self.beginning(until).await?;
        let (id, code) = (random()?, random()?);
        let event = Event::new(EventType::IntegrityRecord, "journal.prune.proposed")
            .with_severity(Severity::Critical)
            .with_user(by)
            .with_input("to", beginning.to)
            .with_input("reason", reason);
        self.keeper.journal.record_durable(event).await?;
        let expires = now + self.ttl;
        let mut waiting = self.lock();
        waiting.retain(|one| one.expires > now);
        // The oldest stands first.
        if waiting.len() >= MOST {
            waiting.remove(0);
        }
        let (by, reason) = (by.to_owned(), reason.to_owned());
        waiting.push(Waiting {
            id: id.clone(),
            code: code.clone(),
            by,
            reason,
            until: beginning.to,
            expires,
            wrong: 0,
        });
        Ok(Proposed { id, code, to: beginning.to, ttl: self.ttl })
    }

    /// Deletes what was proposed, if `by` is somebody else and says the code. The first entry that is left.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub async fn confirm(&self, (id, code): (&str, &str), by: &str, now: Duration) -> Result<u64, EarlyError> {
        let agreed = match self.agree((id, code), by, now) {
            Ok(agreed) => agreed,
            Err(why) => {
                let event = Event::new(EventType::SecurityAccessDenied, "journal.prune.confirm")
                    .with_severity(Severity::High)
                    .with_user(by)
                    .with_output("why", why.to_string())
                    .with_result(Outcome::Refused);
                self.keeper.journal.record(event);
                return Err(why);
            }
        };
        let beginning = self.beginning(agreed.until).await?;
        let event = Event::new(EventType::IntegrityRecord, PRUNED)
            .with_user(format!("{} and {by}", agreed.by))
            .with_input("reason", agreed.reason)
            .with_input("early", true);
        self.keeper.prune(&beginning, event).await?;
        Ok(beginning.to)
    }

    /// Takes the proposal, if it is answered as it should be. Each can be tried a few times only.
    fn agree(&self, (id, code): (&str, &str), by: &str, now: Duration) -> Result<Waiting, EarlyError> {
        let mut waiting = self.lock();
        let at = waiting.iter().position(|one| one.id == id && one.expires > now).ok_or(EarlyError::Unknown)?;
        let mut one = waiting.remove(at);
        let right = bool::from(one.code.as_bytes().ct_eq(code.as_bytes()));
        if right && one.by != by {
            return Ok(one);
        }
        one.wrong += 1;
        let why = if right { EarlyError::SamePerson } else { EarlyError::WrongCode };
        if one.wrong < TRIES {
            waiting.push(one);
        }
        Err(why)
    }

    async fn beginning(&self, until: u64) -> Result<Beginning, PruneError> {
        self.keeper.beginning(until, None).await?.ok_or(PruneError::Nothing { wanted: until })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn random() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Proposals that wait at once.
const MOST: usize = 16;

/// Wrong answers that end a proposal.
const TRIES: u8 = 3;
