//! The tower layers a request passes. They know tower and http, and no socket.
#![forbid(unsafe_code)]

pub mod exchange;

pub mod trip;

pub mod hop;

pub mod peer;

pub mod witness;

pub mod stop;

pub mod fault;

pub mod body;

mod trailers;

pub mod answer;

pub mod starts;

pub mod respond;

pub mod limits;

pub mod access;

pub mod contained;

pub mod redact;

pub mod order_gate;

pub use answer::{Answer, Outcome};
pub use body::Body;
pub use exchange::{DecisionId, Exchange, Route};
pub use fault::{Cause, Fault};
pub use hop::Hop;
pub use peer::PeerCertificate;
pub use starts::{Start, Starts};
pub use stop::Stop;
pub use trip::{TraceId, Trip, Waited};
pub use witness::{Deaf, Place, Witness};

/// A request behind the gate.
pub type Wire = order_gate::Permitted;

#[cfg(test)]
mod flips;
