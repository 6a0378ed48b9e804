use std::sync::Arc;

use tower::Layer;

use super::Respond;
use crate::Witness;

/// Builds [`Respond`].
#[derive(Clone, Debug)]
pub struct RespondLayer {
    witness: Arc<dyn Witness>,
}

impl RespondLayer {
    /// Answers, and tells `witness` why.
    #[must_use]
    pub const fn new(witness: Arc<dyn Witness>) -> Self {
        Self { witness }
    }
}

impl<S> Layer<S> for RespondLayer {
    type Service = Respond<S>;

    fn layer(&self, inner: S) -> Respond<S> {
        Respond::new(inner, Arc::clone(&self.witness))
    }
}
