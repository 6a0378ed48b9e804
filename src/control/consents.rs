//! What waits for a second person besides releases of the safety state: policies that protect less, containments to be
//! lifted, evidence to be deleted before its time.

use std::fmt;
use std::sync::Arc;

use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_safety::{Agreed, Answer, Issued, Name, ReleaseError, Request, RequestView, Scope};
use sha2::{Digest as _, Sha256};

use super::pending::{Asked, Pending};
use super::preconditions::{Precondition, Preconditions};
use super::release::{Bounds, boot_ms, millis};
use super::safety::LoosenError;
use crate::evidence::Sealed;

/// What two people may agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A policy that protects less takes the place of another. Both are named by their hashes.
    Policy {
        /// In force when it was asked for.
        before: String,
        /// In force afterwards.
        after: String,
    },
    /// A containment ends.
    Lift {
        /// Which.
        id: Name,
    },
    /// The beginning of the journal is deleted before its time.
    Prune {
        /// The first entry that is left.
        to: u64,
    },
}

impl fmt::Display for Deed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy { before, after } => write!(f, "policy {after} in place of {before}"),
            Self::Lift { id } => write!(f, "lift {id}"),
            Self::Prune { to } => write!(f, "delete the journal before entry {to}"),
        }
    }
}

/// A request, and the code that its second person has to answer with.
#[derive(Clone, Debug)]
pub struct Issue {
    /// What may be shown of it.
    pub view: RequestView,
    /// For the first person to pass on.
    pub code: String,
    /// How long it holds, in seconds.
    pub expires_in_s: u64,
}

/// The book of requests.
#[derive(Debug)]
pub struct Consents {
    preconditions: Arc<Preconditions>,
    bounds: Bounds,
    open: Pending<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    request: Request,
    deed: Deed,
    evidence: Sealed,
}

impl Asked for Waiting {
    type View = RequestView;

    fn id(&self) -> String {
        self.request.id()
    }

    fn expired(&self, now_ms: u64) -> bool {
        self.request.expired(now_ms)
    }

    fn view(&self) -> RequestView {
        self.request.view()
    }
}

impl Consents {
    /// An empty book.
    #[must_use]
    pub fn new(preconditions: Arc<Preconditions>, bounds: Bounds) -> Self {
        Self { preconditions, bounds, open: Pending::new(bounds.most) }
    }

    /// Secures the evidence, and asks for a second person.
    ///
    /// # Errors
    ///
    /// When the journal does not verify or take it, the state is not stored, or an open incident has no bundle.
    pub async fn propose(&self, deed: Deed, by: &str, reason: &str) -> Result<Issue, LoosenError> {
        let mut nonce = [0; 32];
        getrandom::fill(&mut nonce).map_err(|error| LoosenError::Evidence(error.to_string()))?;
        let journal = &self.preconditions.journal;
        let event = event(&deed, "propose").with_user(by).with_input("reason", reason);
        journal.record_durable(event).await.map_err(|error| LoosenError::Evidence(error.to_string()))?;
        let evidence = journal.checkpoint().await.map_err(|error| LoosenError::Evidence(error.to_string()))?;
        let bundles = self.evidence().await?;
        let (by, reason) = (by.to_owned(), reason.to_owned());
        let bound = bound(evidence.digest, bundles);
        let asked = sekisho_safety::Asked { subject: deed.to_string(), by, reason, evidence: bound };
        let issued = Issued { nonce, now_ms: boot_ms(), ttl_ms: millis(self.bounds.ttl) };
        let request = Request::new(asked, &issued)?;
        let issue = Issue { view: request.view(), code: request.code(), expires_in_s: self.bounds.ttl.as_secs() };
        self.open.add(Waiting { request, deed, evidence }, issued.now_ms);
        Ok(issue)
    }

    /// Takes the second person's answer. What was agreed on is for the caller to do, who records it first.
    ///
    /// # Errors
    ///
    /// Why it is not agreed.
    pub async fn confirm(&self, id: &str, code: &str, by: &str) -> Result<(Agreed, Deed), LoosenError> {
        let Some(Waiting { request, deed, evidence }) = self.open.take(id) else {
            self.refused(by, id, "no such request");
            return Err(ReleaseError::Expired.into());
        };
        let seen = self.preconditions.journal.extends(&evidence.checkpoint).await;
        let bundles = self.evidence().await.ok().filter(|_| seen.is_ok());
        let answer = Answer {
            by: by.to_owned(),
            code: code.to_owned(),
            evidence: bundles.map_or([0; 32], |bundles| bound(evidence.digest, bundles)),
            now_ms: boot_ms(),
        };
        match request.confirm(&answer) {
            Ok(agreed) => Ok((agreed, deed)),
            Err(unagreed) => {
                self.refused(by, id, &format!("{deed}: {}", unagreed.why));
                if let Some(request) = unagreed.again {
                    self.open.again(Waiting { request: *request, deed, evidence });
                }
                Err(unagreed.why.into())
            }
        }
    }

    fn refused(&self, by: &str, id: &str, why: &str) {
        let refused = Event::new(EventType::SecurityAccessDenied, "consent.confirm")
            .with_severity(Severity::Medium)
            .with_user(by)
            .with_input("request", id)
            .with_output("why", why);
        self.preconditions.journal.record(refused.with_result(Outcome::Refused));
    }

    /// What waits for a second person.
    #[must_use]
    pub fn waiting(&self) -> Vec<RequestView> {
        self.open.views(boot_ms())
    }

    /// The digest of the bundles of all open incidents, if everything is so that something may be loosened.
    async fn evidence(&self) -> Result<[u8; 32], LoosenError> {
        let (found, digest) = self.preconditions.look(&Scope::Fleet).await;
        let needed = |one: &Precondition| !one.met && NEEDED.contains(&one.name);
        let missing: Vec<Precondition> = found.into_iter().filter(needed).collect();
        if missing.is_empty() { Ok(digest) } else { Err(LoosenError::NotYet(missing)) }
    }
}

fn event(deed: &Deed, step: &str) -> Event {
    let (kind, word) = match deed {
        Deed::Policy { .. } => (EventType::ConfigChanged, "policy"),
        Deed::Lift { .. } => (EventType::SecurityContainmentApplied, "lift"),
        Deed::Prune { .. } => (EventType::IntegrityRecord, "journal.prune"),
    };
    Event::new(kind, format!("{word}.{step}")).with_severity(Severity::High).with_input("subject", deed.to_string())
}

fn bound(journal: [u8; 32], bundles: [u8; 32]) -> [u8; 32] {
    Sha256::new().chain_update(journal).chain_update(bundles).finalize().into()
}

/// Gates and the stay of a stage are about orders; these are about evidence.
const NEEDED: [&str; 3] = ["stored", "journal", "evidence"];
