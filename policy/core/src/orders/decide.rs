//! The decision table.

use sekisho_safety::{Effective, Epoch, Posture, Scope};

use super::rules::{Flags, UnknownOrders};
use super::{Classified, OrderRules};
use crate::{Class, OrderRefusal, Refusal};

/// That a message may pass, by the state it was decided in. Only [`decide`] makes one.
///
/// It can be looked at:
///
/// ```
/// fn class(permit: &sekisho_policy::Permit) -> sekisho_policy::Class {
///     permit.class()
/// }
/// ```
///
/// and not made up:
///
/// ```compile_fail,E0451
/// fn forged(permit: sekisho_policy::Permit) -> sekisho_policy::Permit {
///     sekisho_policy::Permit { class: sekisho_policy::Class::Opening, ..permit }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    class: Class,
    posture: Posture,
    scope: Scope,
    epoch: Epoch,
}

impl Permit {
    /// What the message is.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.class
    }

    /// The column of the table.
    #[must_use]
    pub const fn posture(&self) -> Posture {
        self.posture
    }

    /// The scope that decided.
    #[must_use]
    pub const fn scope(&self) -> &Scope {
        &self.scope
    }

    /// That scope's epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }
}

/// Whether a message may pass in the state that is in force for it.
///
/// # Errors
///
/// [`Refusal::OrderAmbiguous`], when it can be read in two ways and the state is not ALLOW; [`Refusal::OrderRefused`], when
/// the table says no.
pub fn decide(classified: &Classified, effective: &Effective, rules: &OrderRules) -> Result<Permit, Refusal> {
    let Classified { class, legs, ambiguous, .. } = classified;
    if let Some(why) = ambiguous.as_ref().filter(|_| effective.posture != Posture::Allow) {
        return Err(Refusal::OrderAmbiguous(refused(*class, legs, effective), why.clone()));
    }
    if !permitted(*class, legs, effective.posture, rules.flags) {
        return Err(Refusal::OrderRefused(refused(*class, legs, effective)));
    }
    let Effective { posture, scope, epoch, .. } = effective.clone();
    Ok(Permit { class: *class, posture, scope, epoch })
}

impl OrderRules {
    /// Whether a message would pass in a state.
    #[must_use]
    pub fn permits(&self, classified: &Classified, posture: Posture) -> bool {
        let Classified { class, legs, ambiguous, .. } = classified;
        (ambiguous.is_none() || posture == Posture::Allow) && permitted(*class, legs, posture, self.flags)
    }
}

pub(super) fn refused(class: Class, legs: &[Class], effective: &Effective) -> OrderRefusal {
    let Effective { posture, scope, epoch, .. } = effective.clone();
    OrderRefusal { class, legs: legs.to_vec(), posture, scope, epoch }
}

/// The table of `policy/packs/orders/README.md`.
///
/// INVARIANT: what a column permits, every looser column permits.
pub(super) fn permitted(class: Class, legs: &[Class], posture: Posture, flags: Flags) -> bool {
    let allow = posture == Posture::Allow;
    let at_most_close_only = posture <= Posture::CloseOnly;
    let every_leg = || legs.iter().all(|leg| permitted(*leg, &[], posture, flags));
    match class {
        Class::ReadOnly | Class::KeepAlive => true,
        Class::Cancel => posture != Posture::EmergencyStop || !flags.seal_cancels,
        Class::ReduceEnforced | Class::AmendDown => at_most_close_only,
        Class::OppositeSide | Class::Opening => allow,
        // Without a leg that is known, an amendment may do what an opening order does.
        Class::Amend => (allow || (at_most_close_only && !legs.is_empty())) && every_leg(),
        // INVARIANT: a leg is never a batch, so this ends.
        Class::Batch => !legs.is_empty() && every_leg(),
        Class::RelaxRisk => allow && flags.allow_risk,
        Class::MoveFunds => allow && flags.allow_funds,
        Class::Unknown => allow && flags.unknown == UnknownOrders::Opening,
    }
}
