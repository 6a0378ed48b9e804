//! Two people: whatever protects less than before is asked for by one and agreed to by another.
//!
//! A [`Request`] is bound to its subject, which says exactly what would be done, and to the evidence that was secured before
//! it was made. An [`Agreed`] cannot be made by hand:
//!
//! ```compile_fail
//! let forged = sekisho_safety::Agreed { subject: "anything".to_owned(), reason: "x".to_owned(), by: ["ann".to_owned(), "bob".to_owned()] };
//! ```
//!
//! and is spent by whoever acts on it:
//!
//! ```
//! use sekisho_safety::{Agreed, Answer, Asked, Issued, Request};
//! let asked = Asked { subject: "lift con-000001".into(), by: "ann".into(), reason: "over".into(), evidence: [7; 32] };
//! let request = Request::new(asked, &Issued { nonce: [1; 32], now_ms: 0, ttl_ms: 1_000 }).unwrap();
//! let answer = Answer { by: "bob".into(), code: request.code(), evidence: [7; 32], now_ms: 1 };
//! let agreed: Agreed = request.confirm(&answer).unwrap();
//! assert_eq!((agreed.subject(), agreed.people()), ("lift con-000001", "ann and bob".to_owned()));
//! ```

use serde::Serialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::ReleaseError;
use crate::release::{Answer, Issued, hex, person};

/// What a first person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Exactly what would be done.
    pub subject: String,
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Digest of the evidence that was secured and verified before asking.
    pub evidence: [u8; 32],
}

/// Waits for a second person.
#[derive(Clone, Debug)]
pub struct Request {
    asked: Asked,
    expires_ms: u64,
    digest: [u8; 32],
    failures: u8,
}

/// A request as it may be shown. The code is not among it.
#[derive(Clone, Debug, Serialize)]
pub struct RequestView {
    /// Names it.
    pub id: String,
    /// Exactly what would be done.
    pub subject: String,
    /// Who asked.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Digest of the evidence, in hex.
    pub evidence: String,
    /// Until when it holds, on the clock it was issued with, in milliseconds.
    pub expires_ms: u64,
}

/// What two people agreed on.
#[derive(Debug)]
pub struct Agreed {
    subject: String,
    reason: String,
    by: [String; 2],
}

/// An answer that agreed to nothing.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Unagreed {
    /// Why.
    pub why: ReleaseError,
    /// The request, if it can be answered again.
    pub again: Option<Box<Request>>,
}

impl Request {
    /// Asks for a second person.
    ///
    /// # Errors
    ///
    /// When nobody is named.
    pub fn new(asked: Asked, issued: &Issued) -> Result<Self, ReleaseError> {
        if person(&asked.by).is_empty() {
            return Err(ReleaseError::Nobody);
        }
        let expires_ms = issued.now_ms.saturating_add(issued.ttl_ms);
        let bound = format!("{expires_ms}\n{}", asked.subject);
        let digest = Sha256::new().chain_update(issued.nonce).chain_update(asked.evidence).chain_update(bound);
        Ok(Self { asked, expires_ms, digest: digest.finalize().into(), failures: 0 })
    }

    /// Names it: 16 hex digits.
    #[must_use]
    pub fn id(&self) -> String {
        hex(self.digest.iter().take(8))
    }

    /// What the second person has to answer with: two groups of five hex digits. The first person learns it and nobody else.
    #[must_use]
    pub fn code(&self) -> String {
        let mut code = hex(self.digest.iter().skip(8).take(5));
        code.insert(5, '-');
        code
    }

    /// What may be shown of it.
    #[must_use]
    pub fn view(&self) -> RequestView {
        let Asked { subject, by, reason, evidence } = self.asked.clone();
        RequestView { id: self.id(), subject, by, reason, evidence: hex(evidence.iter()), expires_ms: self.expires_ms }
    }

    /// Whether it can no longer be answered.
    #[must_use]
    pub const fn expired(&self, now_ms: u64) -> bool {
        now_ms >= self.expires_ms
    }

    /// Takes the answer of the second person.
    ///
    /// # Errors
    ///
    /// [`Unagreed`], with the request if it can be answered again.
    pub fn confirm(mut self, answer: &Answer) -> Result<Agreed, Unagreed> {
        match self.take(answer) {
            Ok(()) => {
                let Asked { subject, reason, by, evidence: _ } = self.asked;
                Ok(Agreed { subject, reason, by: [by, answer.by.clone()] })
            }
            Err(why) => {
                let again = may_answer_again(why).then(|| Box::new(self));
                Err(Unagreed { why, again })
            }
        }
    }

    /// Looks at an answer, and counts it if its code is wrong.
    pub(crate) fn take(&mut self, answer: &Answer) -> Result<(), ReleaseError> {
        if self.expired(answer.now_ms) {
            return Err(ReleaseError::Expired);
        }
        if self.asked.evidence != answer.evidence {
            return Err(ReleaseError::OtherEvidence);
        }
        let second = person(&answer.by);
        if second.is_empty() {
            return Err(ReleaseError::Nobody);
        }
        if second == person(&self.asked.by) {
            return Err(ReleaseError::SamePerson);
        }
        if self.code().as_bytes().ct_eq(answer.code.trim().to_ascii_lowercase().as_bytes()).into() {
            return Ok(());
        }
        self.failures = self.failures.saturating_add(1);
        let gone = self.failures >= MAX_FAILURES;
        Err(if gone { ReleaseError::TooManyAttempts } else { ReleaseError::WrongCode })
    }
}

impl Agreed {
    /// Exactly what was agreed on.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Why, as the first person said.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Both, as `ann and bob`.
    #[must_use]
    pub fn people(&self) -> String {
        self.by.join(" and ")
    }
}

/// Whether a request outlives an answer that was refused for this.
pub(crate) fn may_answer_again(why: ReleaseError) -> bool {
    matches!(why, ReleaseError::Nobody | ReleaseError::SamePerson | ReleaseError::WrongCode)
}

const MAX_FAILURES: u8 = 5;

#[cfg(test)]
mod tests {
    use super::{Asked, Request};
    use crate::{Answer, Issued, ReleaseError};

    fn request() -> Request {
        let asked = Asked { subject: "lift".into(), by: "Ann".into(), reason: "over".into(), evidence: [7; 32] };
        Request::new(asked, &Issued { nonce: [1; 32], now_ms: 10, ttl_ms: 100 }).unwrap()
    }

    fn answer(by: &str, code: &str, evidence: u8, now_ms: u64) -> Answer {
        Answer { by: by.to_owned(), code: code.to_owned(), evidence: [evidence; 32], now_ms }
    }

    #[test]
    fn only_a_second_person_with_the_code_and_the_evidence_in_time_agrees() {
        let code = request().code();
        for (answer, why, again) in [
            (answer(" ann ", &code, 7, 20), ReleaseError::SamePerson, true),
            (answer(" ", &code, 7, 20), ReleaseError::Nobody, true),
            (answer("bob", "00000-00000", 7, 20), ReleaseError::WrongCode, true),
            (answer("bob", &code, 8, 20), ReleaseError::OtherEvidence, false),
            (answer("bob", &code, 7, 110), ReleaseError::Expired, false),
        ] {
            let unagreed = request().confirm(&answer).unwrap_err();
            assert_eq!((unagreed.why, unagreed.again.is_some()), (why, again));
        }
        assert_eq!(request().confirm(&answer("bob", &code.to_uppercase(), 7, 109)).unwrap().people(), "Ann and bob");
    }

    #[test]
    fn whoever_guesses_has_five_guesses() {
        let (mut request, code) = (request(), request().code());
        for _ in 0..4 {
            request = *request.confirm(&answer("bob", "nope", 7, 20)).unwrap_err().again.unwrap();
        }
        let last = request.confirm(&answer("bob", "nope", 7, 20)).unwrap_err();
        assert_eq!((last.why, last.again.is_none(), code.len()), (ReleaseError::TooManyAttempts, true, 11));
    }

    #[test]
    fn what_is_asked_for_is_bound_to_the_code() {
        let other = Asked { subject: "lift all".into(), by: "Ann".into(), reason: "over".into(), evidence: [7; 32] };
        let other = Request::new(other, &Issued { nonce: [1; 32], now_ms: 10, ttl_ms: 100 }).unwrap();
        assert_ne!((other.id(), other.code()), (request().id(), request().code()));
    }
}
