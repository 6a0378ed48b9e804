use std::sync::Arc;

use tower::Layer;

use super::{Contained, Containment};

/// Builds [`Containment`].
#[derive(Clone, Debug)]
pub struct ContainedLayer {
    contained: Arc<Contained>,
}

impl ContainedLayer {
    /// Keeps out what is `contained`.
    #[must_use]
    pub const fn new(contained: Arc<Contained>) -> Self {
        Self { contained }
    }
}

impl<S> Layer<S> for ContainedLayer {
    type Service = Containment<S>;

    fn layer(&self, inner: S) -> Containment<S> {
        Containment { inner, contained: Arc::clone(&self.contained) }
    }
}
