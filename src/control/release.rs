//! Releases under way: challenges that wait for their second person.

use std::sync::Arc;
use std::time::Duration;

use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_safety::{
    Answer, Cause, Challenge, ChallengeView, Change, Issued, Level, Proposal, ReleaseError, Scope, Source, one_looser,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::clock::since_boot;
use super::pending::{Asked, Pending};
use super::preconditions::{Precondition, Preconditions};
use super::safety::{LoosenError, now_ms, words};
use super::{BreakGlass, Safety};
use crate::evidence::{Journal, Sealed};

/// The book of challenges.
#[derive(Debug)]
pub struct Releases {
    safety: Arc<Safety>,
    journal: Journal,
    preconditions: Arc<Preconditions>,
    break_glass: Arc<BreakGlass>,
    bounds: Bounds,
    open: Pending<Waiting>,
}

/// How long, and how many.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long a challenge holds.
    pub ttl: Duration,
    /// Challenges that wait at once.
    pub most: usize,
    /// The longest that an emergency release holds.
    pub break_glass: Duration,
}

#[derive(Debug)]
struct Waiting {
    challenge: Challenge,
    evidence: Sealed,
    emergency: Option<Duration>,
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
    /// For how long, if it cannot wait for what is waived in an emergency.
    pub emergency: Option<Duration>,
}

/// What a release would do, and whether it could be proposed.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// Where.
    pub scope: Scope,
    /// From what.
    pub from: Level,
    /// To what.
    pub target: Level,
    /// What each source asks for now, and would ask for then.
    pub sources: Vec<Step>,
    /// What has to be so, and whether it is.
    pub preconditions: Vec<Precondition>,
    /// Whether the step itself is one that can be taken.
    pub refused: Option<String>,
}

/// What a release would do to one source.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Which.
    pub source: String,
    /// Who is behind it.
    pub actor: String,
    /// Why it asks.
    pub reason: String,
    /// What it asks for.
    pub from: Level,
    /// What it would ask for.
    pub to: Level,
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

impl Asked for Waiting {
    type View = ChallengeView;

    fn id(&self) -> String {
        self.challenge.id()
    }

    fn expired(&self, now_ms: u64) -> bool {
        self.challenge.expired(now_ms)
    }

    fn view(&self) -> ChallengeView {
        self.challenge.view()
    }
}

impl Releases {
    /// An empty book.
    #[must_use]
    pub fn new(preconditions: Arc<Preconditions>, break_glass: Arc<BreakGlass>, bounds: Bounds) -> Self {
        let (safety, journal) = (Arc::clone(&preconditions.safety), preconditions.journal.clone());
        Self { safety, journal, preconditions, break_glass, bounds, open: Pending::new(bounds.most) }
    }

    /// What a release of `scope` to `target`, or to the next stage, would change, and what stands in its way.
    pub async fn plan(&self, scope: Scope, target: Option<Level>) -> Plan {
        let state = self.safety.state();
        let from = state.level(&scope);
        let target = target.unwrap_or_else(|| one_looser(from));
        let (preconditions, _digest) = self.preconditions.look(&scope).await;
        let entries = state.scopes().find(|view| *view.scope == scope).map(|view| view.sources);
        let sources = entries.into_iter().flatten().map(|entry| Step {
            source: entry.source.to_string(),
            actor: entry.actor.clone(),
            reason: entry.reason.clone(),
            from: entry.level,
            to: entry.level.meet(target),
        });
        let refused = sekisho_safety::one_stage(from, target).err().map(|error| error.to_string());
        Plan { sources: sources.collect(), scope, from, target, preconditions, refused }
    }

    /// Secures the evidence, and issues a challenge bound to it.
    ///
    /// # Errors
    ///
    /// When the step is not one stage, a precondition fails, or the journal does not verify.
    pub async fn propose(&self, ask: Ask) -> Result<Issue, LoosenError> {
        let target = ask.target.unwrap_or_else(|| one_looser(self.safety.state().level(&ask.scope)));
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|error| LoosenError::Evidence(error.to_string()))?;
        self.record("propose", &ask, target, Outcome::Success).await?;
        let evidence = self.seal().await?;
        sekisho_safety::one_stage(self.safety.state().level(&ask.scope), target)?;
        let emergency = ask.emergency.map(|time| time.min(self.bounds.break_glass));
        let (found, bundles) = self.preconditions.look(&ask.scope).await;
        let missing = |one: &Precondition| !one.met && (!one.waived_in_emergency || emergency.is_none());
        let missing: Vec<Precondition> = found.into_iter().filter(missing).collect();
        if !missing.is_empty() {
            return Err(LoosenError::NotYet(missing));
        }
        let bound = bound(evidence.digest, bundles, emergency);
        let proposal = Proposal { scope: ask.scope, target, by: ask.by, reason: ask.reason, evidence: bound };
        let issued = Issued { nonce, now_ms: boot_ms(), ttl_ms: millis(self.bounds.ttl) };
        let challenge = self.safety.state().propose(proposal, &issued)?;
        let issue = Issue { view: challenge.view(), code: challenge.code(), ttl: self.bounds.ttl };
        self.open.add(Waiting { challenge, evidence, emergency }, issued.now_ms);
        Ok(issue)
    }

    /// Checks the second person's answer, and loosens.
    ///
    /// # Errors
    ///
    /// Why it does not.
    pub async fn confirm(&self, id: &str, code: &str, by: &str) -> Result<Change, LoosenError> {
        let Some(Waiting { challenge, evidence, emergency }) = self.open.take(id) else {
            return Err(ReleaseError::Expired.into());
        };
        let view = challenge.view();
        let seen = self.journal.extends(&evidence.checkpoint).await;
        let bundles = self.preconditions.evidence(&view.scope).await;
        let answer = Answer {
            by: by.to_owned(),
            code: code.to_owned(),
            evidence: if seen.is_ok() { bound(evidence.digest, bundles, emergency) } else { [0; 32] },
            now_ms: boot_ms(),
        };
        match challenge.confirm(&answer, &self.safety.state()) {
            Ok(confirmed) => {
                let actor = format!("{} and {by}", view.by);
                if let Some(time) = emergency {
                    self.break_glass.note(&view.scope, view.from, time)?;
                }
                let (reason, at_ms) = (view.reason.clone(), now_ms());
                let cause = Cause { source: Source::Operator, actor: actor.clone(), reason, at_ms };
                let change = self.safety.release(confirmed, cause).await?;
                if let Some(time) = emergency {
                    self.break_glass.tell(&change, &actor, &view.reason, time).await;
                }
                Ok(change)
            }
            Err(unconfirmed) => {
                if let Some(challenge) = unconfirmed.again {
                    self.open.again(Waiting { challenge: *challenge, evidence, emergency });
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
        self.open.views(boot_ms())
    }

    async fn record(&self, action: &str, ask: &Ask, target: Level, result: Outcome) -> Result<(), LoosenError> {
        let event = Event::new(EventType::StateReleaseProposed, action)
            .with_severity(Severity::Medium)
            .with_user(ask.by.clone())
            .with_input("scope", ask.scope.to_string())
            .with_input("target", words(target))
            .with_input("reason", ask.reason.clone())
            .with_input("emergency", ask.emergency.is_some())
            .with_result(result);
        let recorded = self.journal.record_durable(event).await;
        recorded.map(|_seq| ()).map_err(|error| LoosenError::Evidence(error.to_string()))
    }

    async fn seal(&self) -> Result<Sealed, LoosenError> {
        self.journal.checkpoint().await.map_err(|error| LoosenError::Evidence(error.to_string()))
    }
}

/// One digest of all that a challenge is bound to besides scope, step and epoch.
fn bound(journal: [u8; 32], bundles: [u8; 32], emergency: Option<Duration>) -> [u8; 32] {
    let seconds = emergency.map_or(0, |time| time.as_secs());
    Sha256::new().chain_update(journal).chain_update(bundles).chain_update(seconds.to_be_bytes()).finalize().into()
}

/// A clock that never goes back: wall time set by anybody must not make an old challenge young.
pub(super) fn boot_ms() -> u64 {
    millis(since_boot())
}

pub(super) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
