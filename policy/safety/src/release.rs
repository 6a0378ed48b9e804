//! The only way to loosen: propose, be challenged, and have a second person confirm.
//!
//! A [`Confirmed`] cannot be made by hand:
//!
//! ```compile_fail
//! use sekisho_safety::{Confirmed, Epoch, Level, Scope};
//! let forged = Confirmed { scope: Scope::Fleet, from: Level::OPEN, target: Level::OPEN, epoch: Epoch::default() };
//! ```
//!
//! nor be spent twice:
//!
//! ```compile_fail
//! use sekisho_safety::{Confirmed, State};
//! fn spend(state: &mut State, confirmed: Confirmed) {
//!     let _ = state.release(confirmed);
//!     let _ = state.release(confirmed);
//! }
//! ```
//!
//! It can be had, and spent once:
//!
//! ```
//! use sekisho_safety::{Confirmed, State};
//! fn spend(state: &mut State, confirmed: Confirmed) {
//!     let _ = state.release(confirmed);
//! }
//! ```

use serde::Serialize;

use crate::consent::{Asked, Request, RequestView, may_answer_again};
use crate::{Change, Epoch, Health, Level, Mode, Scope, State, Switch};

/// What a first person asks for.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Where.
    pub scope: Scope,
    /// How strict it shall be afterwards: one stage looser than now, in one or more dimensions.
    pub target: Level,
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Digest of the evidence that was secured and verified before asking.
    pub evidence: [u8; 32],
}

/// What only the process can give: chance and time.
#[derive(Clone, Debug)]
pub struct Issued {
    /// Fresh random bytes.
    pub nonce: [u8; 32],
    /// Now, in milliseconds of a clock that never goes back.
    pub now_ms: u64,
    /// How long the challenge holds, in milliseconds.
    pub ttl_ms: u64,
}

/// Waits for a second person. It is bound to one scope, one step, one epoch and one piece of evidence.
#[derive(Clone, Debug)]
pub struct Challenge {
    scope: Scope,
    from: Level,
    target: Level,
    epoch: Epoch,
    request: Request,
}

/// A challenge as it may be shown. The code is not among it.
#[derive(Clone, Debug, Serialize)]
pub struct ChallengeView {
    /// Names it.
    pub id: String,
    /// Where it would loosen.
    pub scope: Scope,
    /// From what.
    pub from: Level,
    /// To what.
    pub target: Level,
    /// In which epoch.
    pub epoch: Epoch,
    /// Digest of the evidence, in hex.
    pub evidence: String,
    /// Who proposed it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Until when it holds, on the clock it was issued with, in milliseconds.
    pub expires_ms: u64,
}

/// What the second person answers.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Who answers.
    pub by: String,
    /// The code of the challenge, passed on by the first person.
    pub code: String,
    /// Digest of the evidence as it verifies now.
    pub evidence: [u8; 32],
    /// Now, on the clock of [`Issued`].
    pub now_ms: u64,
}

/// A loosening that two people agreed on. [`State::release`] spends it.
#[derive(Debug)]
pub struct Confirmed {
    pub(crate) scope: Scope,
    pub(crate) from: Level,
    pub(crate) target: Level,
    pub(crate) epoch: Epoch,
}

/// An answer that confirmed nothing.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct Unconfirmed {
    /// Why.
    pub why: ReleaseError,
    /// The challenge, if it can be answered again.
    pub again: Option<Box<Challenge>>,
}

/// Why nothing was loosened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// The target is not looser than what is in force.
    #[error("nothing to release: the target is not looser than what is in force")]
    NotLooser,
    /// The target is stricter somewhere.
    #[error("a release cannot tighten: the target is stricter than what is in force")]
    Stricter,
    /// The target skips a stage.
    #[error("one stage at a time: BLOCK to CLOSE_ONLY to ALLOW, EMERGENCY_STOP to SAFE to NORMAL")]
    TooFar,
    /// The proposer has no name.
    #[error("a person has to be named")]
    Nobody,
    /// The proposer answered their own challenge.
    #[error("a second person has to confirm")]
    SamePerson,
    /// The challenge is too old.
    #[error("the challenge has expired, propose again")]
    Expired,
    /// The code does not match.
    #[error("the code does not match the challenge")]
    WrongCode,
    /// The code did not match too often; the challenge is gone.
    #[error("the code did not match too often, propose again")]
    TooManyAttempts,
    /// The evidence is another than at the proposal.
    #[error("the evidence is not the one the challenge is bound to")]
    OtherEvidence,
    /// The state is another than at the proposal.
    #[error("the state has changed since the proposal, propose again")]
    Moved,
}

impl State {
    /// Opens the way to loosen one scope by one stage.
    ///
    /// # Errors
    ///
    /// When the target is not exactly one stage looser, or nobody is named.
    pub fn propose(&self, proposal: Proposal, issued: &Issued) -> Result<Challenge, ReleaseError> {
        let from = self.level(&proposal.scope);
        one_stage(from, proposal.target)?;
        let Proposal { scope, target, by, reason, evidence } = proposal;
        let epoch = self.epoch(&scope);
        let subject = format!("release {scope} from {from:?} to {target:?} in epoch {epoch}");
        let request = Request::new(Asked { subject, by, reason, evidence }, issued)?;
        Ok(Challenge { scope, from, target, epoch, request })
    }
}

impl Challenge {
    /// Names the challenge: 16 hex digits.
    #[must_use]
    pub fn id(&self) -> String {
        self.request.id()
    }

    /// What the second person has to answer with: two groups of five hex digits. The first person learns it and nobody else.
    #[must_use]
    pub fn code(&self) -> String {
        self.request.code()
    }

    /// What may be shown of it.
    #[must_use]
    pub fn view(&self) -> ChallengeView {
        let RequestView { id, subject: _, by, reason, evidence, expires_ms } = self.request.view();
        let (scope, from, target, epoch) = (self.scope.clone(), self.from, self.target, self.epoch);
        ChallengeView { id, scope, from, target, epoch, evidence, by, reason, expires_ms }
    }

    /// Whether it can no longer be answered.
    #[must_use]
    pub const fn expired(&self, now_ms: u64) -> bool {
        self.request.expired(now_ms)
    }

    /// Checks the answer of the second person.
    ///
    /// # Errors
    ///
    /// [`Unconfirmed`], with the challenge if it can be answered again.
    pub fn confirm(mut self, answer: &Answer, state: &State) -> Result<Confirmed, Unconfirmed> {
        let moved = state.epoch(&self.scope) != self.epoch || state.level(&self.scope) != self.from;
        let taken = match self.request.take(answer) {
            Err(ReleaseError::Expired) => Err(ReleaseError::Expired),
            _ if moved => Err(ReleaseError::Moved),
            taken => taken,
        };
        match taken {
            Ok(()) => {
                let Self { scope, from, target, epoch, request: _ } = self;
                Ok(Confirmed { scope, from, target, epoch })
            }
            Err(why) => {
                let again = may_answer_again(why).then(|| Box::new(self));
                Err(Unconfirmed { why, again })
            }
        }
    }
}

impl Confirmed {
    /// What spending it will do, to be recorded before it is done.
    #[must_use]
    pub fn change(&self) -> Change {
        let epoch = self.epoch.next();
        Change { scope: self.scope.clone(), before: self.from, after: self.target, epoch }
    }
}

/// Whether `target` is one stage looser than `from`.
///
/// # Errors
///
/// When it is stricter somewhere, not looser anywhere, or further away.
pub fn one_stage(from: Level, target: Level) -> Result<(), ReleaseError> {
    if !from.covers(target) {
        return Err(ReleaseError::Stricter);
    }
    if from == target {
        return Err(ReleaseError::NotLooser);
    }
    let near = target.switch >= from.switch.looser() && target.mode >= from.mode.looser();
    // Both at once would take BLOCK in SAFE to ALLOW in NORMAL with two signatures instead of four.
    let both = target.switch < from.switch && target.mode < from.mode;
    if near && !both { Ok(()) } else { Err(ReleaseError::TooFar) }
}

/// One person by whatever spelling: `Ann`, `ann` and ` ANN ` are the same.
pub(crate) fn person(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

pub(crate) fn hex<'a>(bytes: impl Iterator<Item = &'a u8>) -> String {
    bytes.flat_map(|byte| [byte >> 4, byte & 15]).filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

/// The next stage on the way to open, which is what is proposed when no target is named: the mode leaves EMERGENCY_STOP
/// first, then the switch opens, then the mode.
#[must_use]
pub fn one_looser(level: Level) -> Level {
    let switch_first = level.mode != Mode::EmergencyStop && level.switch != Switch::Allow;
    let (switch, mode) =
        if switch_first { (level.switch.looser(), level.mode) } else { (level.switch, level.mode.looser()) };
    Level { switch, mode, health: Health::Ok }
}
