//! Releases under way: challenges that wait for their second person.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_safety::{
    Answer, Cause, Challenge, ChallengeView, Change, Issued, Level, Proposal, ReleaseError, Scope, Source, one_looser,
};

use super::Safety;
use super::safety::{LoosenError, now_ms, words};
use crate::evidence::{Journal, Sealed};

/// The book of challenges. It lives in memory only: a restart forgets them, and they are proposed again.
#[derive(Debug)]
pub struct Releases {
    safety: Arc<Safety>,
    journal: Journal,
    open: Mutex<Vec<Waiting>>,
    started: Instant,
    ttl: Duration,
    most: usize,
}

#[derive(Debug)]
struct Waiting {
    challenge: Challenge,
    evidence: Sealed,
}

/// What a first person asks for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Where.
    pub scope: Scope,
    /// To what; `None` is the next stage.
    pub target: Option<Level>,
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A challenge, and the code its second person has to answer with.
#[derive(Clone, Debug)]
pub struct Issue {
    /// What may be shown of it.
    pub view: ChallengeView,
    /// For the first person to pass on.
    pub code: String,
    /// How long it holds.
    pub ttl: Duration,
}

impl Releases {
    /// A book of at most `most` challenges, each of which holds for `ttl`.
    #[must_use]
    pub fn new(safety: Arc<Safety>, journal: Journal, ttl: Duration, most: usize) -> Self {
        Self { safety, journal, open: Mutex::default(), started: Instant::now(), ttl, most }
    }

    /// Secures the evidence, and issues a challenge bound to it.
    ///
    /// # Errors
    ///
    /// When the step is not one stage, or the journal does not verify.
    pub async fn propose(&self, ask: Ask) -> Result<Issue, LoosenError> {
        let target = ask.target.unwrap_or_else(|| one_looser(self.safety.state().level(&ask.scope)));
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|error| LoosenError::Evidence(error.to_string()))?;
        self.record("propose", &ask, target, Outcome::Success).await?;
        let evidence = self.seal().await?;
        let proposal = Proposal { scope: ask.scope, target, by: ask.by, reason: ask.reason, evidence: evidence.digest };
        let issued = Issued { nonce, now_ms: self.now_ms(), ttl_ms: millis(self.ttl) };
        let challenge = self.safety.state().propose(proposal, &issued)?;
        let issue = Issue { view: challenge.view(), code: challenge.code(), ttl: self.ttl };
        let mut open = self.lock();
        open.retain(|waiting| !waiting.challenge.expired(issued.now_ms));
        if open.len() >= self.most {
            // The oldest stands first.
            open.drain(..1);
        }
        open.push(Waiting { challenge, evidence });
        Ok(issue)
    }

    /// Checks the second person's answer, and loosens.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub async fn confirm(&self, id: &str, code: &str, by: &str) -> Result<Change, LoosenError> {
        let Some(Waiting { challenge, evidence }) = self.take(id) else {
            return Err(ReleaseError::Expired.into());
        };
        let seen = self.journal.extends(&evidence.checkpoint).await;
        let answer = Answer {
            by: by.to_owned(),
            code: code.to_owned(),
            evidence: if seen.is_ok() { evidence.digest } else { [0; 32] },
            now_ms: self.now_ms(),
        };
        let proposer = challenge.view().by;
        let reason = challenge.view().reason;
        match challenge.confirm(&answer, &self.safety.state()) {
            Ok(confirmed) => {
                let actor = format!("{proposer} and {by}");
                let cause = Cause { source: Source::Operator, actor, reason, at_ms: now_ms() };
                self.safety.release(confirmed, cause).await
            }
            Err(unconfirmed) => {
                if let Some(challenge) = unconfirmed.again {
                    self.lock().push(Waiting { challenge: *challenge, evidence });
                }
                let event = Event::new(EventType::SecurityAccessDenied, "release.confirm")
                    .with_severity(Severity::Medium)
                    .with_user(by)
                    .with_input("challenge", id)
                    .with_output("why", unconfirmed.why.to_string())
                    .with_result(Outcome::Refused);
                self.journal.record(event);
                Err(unconfirmed.why.into())
            }
        }
    }

    /// What waits for a second person.
    #[must_use]
    pub fn waiting(&self) -> Vec<ChallengeView> {
        let now = self.now_ms();
        let open = self.lock();
        open.iter().filter(|waiting| !waiting.challenge.expired(now)).map(|waiting| waiting.challenge.view()).collect()
    }

    fn take(&self, id: &str) -> Option<Waiting> {
        let mut open = self.lock();
        let at = open.iter().position(|waiting| waiting.challenge.id() == id)?;
        Some(open.remove(at))
    }

    async fn record(&self, action: &str, ask: &Ask, target: Level, result: Outcome) -> Result<(), LoosenError> {
        let event = Event::new(EventType::StateReleaseProposed, action)
            .with_severity(Severity::Medium)
            .with_user(ask.by.clone())
            .with_input("scope", ask.scope.to_string())
            .with_input("target", words(target))
            .with_input("reason", ask.reason.clone())
            .with_result(result);
        let recorded = self.journal.record_durable(event).await;
        recorded.map(|_seq| ()).map_err(|error| LoosenError::Evidence(error.to_string()))
    }

    async fn seal(&self) -> Result<Sealed, LoosenError> {
        self.journal.checkpoint().await.map_err(|error| LoosenError::Evidence(error.to_string()))
    }

    /// A clock that never goes back: wall time set by anybody must not make an old challenge young.
    fn now_ms(&self) -> u64 {
        millis(self.started.elapsed())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
