use std::fmt::Debug;

use sekisho_safety::{Effective, Scope};

use crate::Starts;

/// The safety state as the gate sees it.
pub trait SafetyView: Debug + Send + Sync {
    /// The strictest of all that applies to `scopes` and to the fleet, now.
    fn effective(&self, scopes: &[Scope]) -> Effective;

    /// Where orders announce that they are about to begin.
    fn starts(&self) -> &Starts;

    /// Whether one more order that may open something passes now, by rate; it is counted if so.
    fn paces(&self) -> bool {
        true
    }
}
