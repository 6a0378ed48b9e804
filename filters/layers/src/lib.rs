//! The tower layers a request passes. They know tower and http, and no socket.
#![forbid(unsafe_code)]

use std::future::Future;
use std::pin::Pin;

pub mod exchange;

pub mod witness;

pub mod stop;

pub mod fault;

pub mod body;

pub mod starts;

pub mod respond;

pub mod limits;

pub mod access;

pub mod redact;

pub mod order_gate;

pub use body::Body;
pub use exchange::{DecisionId, Exchange, Route};
pub use fault::{Cause, Fault};
pub use starts::{Start, Starts};
pub use stop::Stop;
pub use witness::{Place, Witness};

/// A request between filters, before the gate.
pub type Hop = http::Request<Body>;

/// A request behind the gate.
pub type Wire = order_gate::Permitted;

/// What a filter's call becomes.
pub type Answer = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Stop>> + Send>>;

/// The call of a filter that refuses without looking further.
fn refused(refusal: sekisho_policy::Refusal) -> Answer {
    Box::pin(std::future::ready(Err(refusal.into())))
}
