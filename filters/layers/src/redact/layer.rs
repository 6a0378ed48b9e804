use std::sync::Arc;
use std::time::Duration;

use sekisho_codec::coding::Budget;
use sekisho_codec::framing::Bounds;
use sekisho_policy::StreamFormat;
use sekisho_scan::Ruleset;
use tower::Layer;

use super::memory::Memory;
use super::service::Searcher;
use super::{Feed, Redact};
use crate::{Exchange, Witness};

/// Builds [`Redact`].
#[derive(Clone, Debug)]
pub struct RedactLayer {
    pub(super) searcher: Arc<Searcher>,
}

/// How much of a message is held and decoded.
#[derive(Clone, Debug)]
pub struct RedactLimits {
    /// Bodies up to this many bytes are looked at whole before their first byte leaves.
    pub buffered_body_bytes: usize,
    /// How much a coded body may decode to.
    pub decoded: Budget,
    /// How much of a body is taken apart, and held to be.
    pub units: Bounds,
    /// How many codings a body may have, one over the other.
    pub codings: usize,
    /// Bytes of memory for decoders and encoders of all bodies under way.
    pub coding_memory_bytes: usize,
    /// After this long without a byte, what was held back of a stream goes on.
    pub idle_flush: Duration,
    /// Seconds after which those should come again for whom there was no memory.
    pub retry_after_s: u64,
}

impl RedactLayer {
    /// Searches with `rules`, and tells `witness` what was found.
    #[must_use]
    pub fn new(rules: Arc<Ruleset>, witness: Arc<dyn Witness>, limits: RedactLimits) -> Self {
        let memory = Memory::new(limits.coding_memory_bytes);
        Self { searcher: Arc::new(Searcher { rules, witness, limits, memory }) }
    }

    /// Searches one connection that is not HTTP, on behalf of `exchange`.
    #[must_use]
    pub fn feed(&self, exchange: Arc<Exchange>, format: StreamFormat) -> Feed {
        Feed::new(Arc::clone(&self.searcher), exchange, format)
    }

    /// The same, telling `witness` instead.
    #[must_use]
    pub fn telling(&self, witness: Arc<dyn Witness>) -> Self {
        let Searcher { rules, limits, memory, .. } = &*self.searcher;
        let (rules, memory) = (Arc::clone(rules), Arc::clone(memory));
        Self { searcher: Arc::new(Searcher { rules, witness, limits: limits.clone(), memory }) }
    }

    /// The same with other rules and limits. The memory for coded bodies is one for both.
    #[must_use]
    pub fn under(&self, rules: Arc<Ruleset>, limits: RedactLimits) -> Self {
        let Searcher { witness, memory, .. } = &*self.searcher;
        let (witness, memory) = (Arc::clone(witness), Arc::clone(memory));
        Self { searcher: Arc::new(Searcher { rules, witness, limits, memory }) }
    }
}

impl<S> Layer<S> for RedactLayer {
    type Service = Redact<S>;

    fn layer(&self, inner: S) -> Redact<S> {
        Redact { inner, searcher: Arc::clone(&self.searcher) }
    }
}
