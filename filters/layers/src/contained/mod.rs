//! Keeps out what was contained: routes, upstreams and services in quarantine, secrets that were revoked.
//!
//! Unlike the safety state it knows no stages: something is contained or it is not. What lets a request pass:
//!
//! 1. neither its route, nor the upstream it goes to, nor the service as a whole is in quarantine; and
//! 2. no value of a revoked secret stands in its target or its headers, wherever policy lets credentials pass.
//!
//! Streams that are open meet a quarantine as well: whichever way a body goes, it is cut, also while it waits. Connections that
//! are no requests, or have left HTTP, [wait for it](Contained::quarantined) and end. Callers who were revoked are
//! [`access`](crate::access)'s.
//!
//! # Refuses
//!
//! | code | status | when |
//! |---|---|---|
//! | `quarantined` | 403 | the route, its upstream or the service is in quarantine |
//! | `secret_revoked` | 403 | a value of a revoked secret stands in the target or in a header |
//!
//! # Cannot see
//!
//! Revoked values in bodies: [`redact`](crate::redact) refuses them, on the routes and in the directions that it searches. An
//! order that was sent before: quarantine stops messages, it cancels nothing, and it stops cancels too.
//!
//! # Example
//!
//! ```
//! use sekisho_filters::contained::{Contained, Holds};
//! let contained = Contained::default();
//! assert!(contained.holds().is_empty());
//! contained.change(|before| Holds { routes: ["exports".into()].into(), ..before.clone() });
//! assert!(!contained.holds().is_empty());
//! ```

mod holds;

mod layer;

mod service;

mod severable;

#[cfg(test)]
mod tests;

pub use holds::{Contained, Holds};
pub use layer::ContainedLayer;
pub use service::Containment;
