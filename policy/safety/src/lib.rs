//! The safety lattice: what tightens, what loosens, and who must agree.
//!
//! A [`State`] holds, for each [`Scope`], what every [`Source`] asks for. What is in force is the strictest of all:
//! joining is commutative, associative and idempotent, so neither order nor repetition can loosen anything.
//!
//! - [`State::tighten`] always works, at once, for anybody.
//! - [`State::release`] asks for a [`Confirmed`], which can only be had by a second person answering a [`Challenge`].
//! - [`State::decode`] turns anything missing or torn into an error that the caller must answer with
//!   [`State::unverified`], which is BLOCK.
//!
//! - Anything else that protects less asks for an [`Agreed`], which two people make of a [`Request`].
//! - A [`Measure`] is what can be contained besides the flow of orders.
//! - An [`Incident`] says what is suspected and how far it has been worked through.
//!
//! This crate knows no file, socket or clock: time is an argument.
#![forbid(unsafe_code)]

mod level;

mod scope;

mod state;

mod release;

mod consent;

mod containment;

mod seal;

mod incident;

mod lease;

mod ramp;

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests;

pub use consent::{Agreed, Asked, Request, RequestView, Unagreed};
pub use containment::{BadMeasure, Containment, Measure, Side};
pub use incident::{Incident, IncidentError, Mark, Opening, Review, Sev, Step, What};
pub use lease::{Lease, Terms};
pub use level::{Health, Level, Mode, Posture, Switch, UnknownWord};
pub use ramp::{Ramp, Slope};
pub use release::{
    Answer, Challenge, ChallengeView, Confirmed, Issued, Proposal, ReleaseError, Unconfirmed, one_looser, one_stage,
};
pub use scope::{BadName, BadScope, Name, Scope};
pub use seal::Torn;
pub use state::{Cause, Change, Effective, Entry, Epoch, ScopeView, Source, State};
