use std::sync::Arc;

use tower::Layer;

use super::{Access, Door};
use crate::Witness;

/// Builds [`Access`].
#[derive(Clone, Debug)]
pub struct AccessLayer {
    door: Arc<Door>,
    witness: Arc<dyn Witness>,
}

impl AccessLayer {
    /// Asks at `door`, and tells `witness` who failed.
    #[must_use]
    pub const fn new(door: Arc<Door>, witness: Arc<dyn Witness>) -> Self {
        Self { door, witness }
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = Access<S>;

    fn layer(&self, inner: S) -> Access<S> {
        Access { inner, door: Arc::clone(&self.door), witness: Arc::clone(&self.witness) }
    }
}
