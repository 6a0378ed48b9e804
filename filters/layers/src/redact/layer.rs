use std::sync::Arc;
use std::time::Duration;

use sekisho_codec::gzip::Budget;
use sekisho_scan::Ruleset;
use tower::Layer;

use super::Redact;
use super::service::Searcher;
use crate::Witness;

/// Builds [`Redact`].
#[derive(Clone, Debug)]
pub struct RedactLayer {
    searcher: Arc<Searcher>,
}

/// How much of a message is held and decoded.
#[derive(Clone, Debug)]
pub struct RedactLimits {
    /// Bodies up to this many bytes are looked at whole before their first byte leaves.
    pub buffered_body_bytes: usize,
    /// How much a gzip body may decode to.
    pub decoded: Budget,
    /// After this long without a byte, what was held back of a stream goes on.
    pub idle_flush: Duration,
}

impl RedactLayer {
    /// Searches with `rules`, and tells `witness` what was found.
    #[must_use]
    pub fn new(rules: Arc<Ruleset>, witness: Arc<dyn Witness>, limits: RedactLimits) -> Self {
        Self { searcher: Arc::new(Searcher { rules, witness, limits }) }
    }
}

impl<S> Layer<S> for RedactLayer {
    type Service = Redact<S>;

    fn layer(&self, inner: S) -> Redact<S> {
        Redact { inner, searcher: Arc::clone(&self.searcher) }
    }
}
