//! Holds orders while trading is halted.
//!
//! The gate is the last filter. It has a first look as well, [`OrderHeads`], before the body is read and searched: what is
//! refused there leaves nothing to search. What lets a request pass:
//!
//! 1. its route carries no orders; or
//! 2. its head alone does not already decide against it; and
//! 3. its body was read whole, within `limits.order_body_bytes`, and its class could be told; and
//! 4. the table of classes and states permits that class in the state of all scopes it belongs to, or, in CLOSE_ONLY, somebody
//!    vouches for a position that it can only make smaller ([`Positions`]); and
//! 5. it is within the bounds of its route; and
//! 6. after a reopening, it comes no faster than the ramp lets orders through.
//!
//! What comes out is a [`Permitted`], the only thing an upstream accepts. It gives the request away in
//! [`commence`](Permitted::commence) alone, which looks at the state once more, so an order that waited for a
//! connection while the state tightened is refused and not sent.
//!
//! # Refuses
//!
//! | code | status | when |
//! |---|---|---|
//! | `order_refused` | 403 | the state does not permit the class of the message |
//! | `order_ambiguous` | 403 | the message can be read in two ways and the state is not ALLOW |
//! | `order_forwarded_before` | 409 | an order with the same id went on before, and the state, or `limits.repeat` of the route, refuses this one |
//! | `order_beyond_bounds` | 403 | the order is beyond `limits` of its route |
//! | `order_paced` | 403 | more orders a second than `safety.ramp` lets through after a reopening or a start |
//! | `order_too_large` | 403 | the body of an order message is larger than `limits.order_body_bytes` |
//!
//! # Cannot see
//!
//! What a resting order does at the venue: BLOCK stops messages, it does not cancel what was sent before (`sweeps` may). Orders inside
//! a protocol the classifier does not read are unknown orders, not invisible ones. A call of gRPC is judged by its method
//! alone: which instrument it is for is not known, so a scope `instrument:` does not hold it.
//!
//! # Example
//!
//! A request cannot reach an upstream past the gate, since nothing else can make a `Permitted`:
//!
//! ```compile_fail
//! use sekisho_filters::{Hop, order_gate::Permitted};
//! fn forge(hop: Hop) -> Permitted {
//!     Permitted { hop, order: None }
//! }
//! ```
//!
//! An upstream asks for one in its type:
//!
//! ```
//! use sekisho_filters::{Body, order_gate::{Permitted, Unwritten}};
//! fn upstream(permitted: Permitted, connection: &Unwritten) -> Result<http::Request<Body>, sekisho_policy::Refusal> {
//!     permitted.commence(connection)
//! }
//! ```

mod bounded;

mod heads;

mod ledger;

mod keeper;

mod layer;

mod messages;

mod permitted;

mod positions;

mod rate;

mod read;

mod service;

mod view;

pub use bounded::Bounded;
pub use heads::{OrderHeads, OrderHeadsLayer};
pub use keeper::Shadowed;
pub use layer::{OrderGateLayer, OrderLimits};
pub use ledger::{Forgetful, OrderKey, OrderLedger};
pub use messages::{MessageGate, PermittedMessage};
pub use permitted::{Permitted, Unwritten};
pub use positions::{Position, Positions};
pub use read::classify;
pub use service::OrderGate;
pub use view::SafetyView;

#[cfg(test)]
pub(crate) mod tests;
