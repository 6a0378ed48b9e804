//! What can break on the way of a request, and whose it is.

use std::error::Error;

use sekisho_policy::Refusal;

/// The cause below a [`Fault`], kept for our log and never shown to a client.
pub type Cause = Box<dyn Error + Send + Sync>;

/// Something broke: a connection, a body, or us. What policy says no to before a byte has left is a refusal instead.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The client went away, or sent what cannot be read.
    #[error("the client's side broke: {0}")]
    Downstream(Cause),
    /// The upstream could not be reached, or broke off.
    #[error("the upstream's side broke: {0}")]
    Upstream(Cause),
    /// A body was cut on purpose: the refusal came when its first bytes may already have left.
    #[error("cut by policy: {}", .0.code())]
    Cut(Box<Refusal>),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Cut(Box::new(refusal))
    }
}
