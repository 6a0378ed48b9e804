//! Why a request did not get through.

use sekisho_policy::Refusal;

use crate::Fault;

/// A filter's error: policy said no, or something broke. [`respond`](crate::respond) turns either into one answer.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// Policy said no. Boxed, because the way of a request that passes should not carry its size.
    #[error("refused: {}", .0.code())]
    Refused(Box<Refusal>),
    /// Something broke.
    #[error(transparent)]
    Broke(#[from] Fault),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}
