use std::sync::Arc;

use sekisho_codec::Limits;
use tower::Layer;

use super::keeper::Keeper;
use super::{OrderGate, OrderLedger, SafetyView};
use crate::witness::Witness;

/// Builds [`OrderGate`].
#[derive(Clone, Debug)]
pub struct OrderGateLayer {
    pub(super) keeper: Arc<Keeper>,
}

/// How much of an order message is read.
#[derive(Clone, Debug)]
pub struct OrderLimits {
    /// Largest body of an order message, in bytes (`limits.order_body_bytes`).
    pub body_bytes: usize,
    /// Depth and number of fields (`limits.json_depth`, `limits.json_pairs`).
    pub fields: Limits,
}

impl OrderGateLayer {
    /// A gate that asks `safety`, tells `witness`, and writes what leaves into `ledger`.
    #[must_use]
    pub fn new(
        safety: Arc<dyn SafetyView>,
        witness: Arc<dyn Witness>,
        ledger: Arc<dyn OrderLedger>,
        limits: OrderLimits,
    ) -> Self {
        Self { keeper: Arc::new(Keeper { safety, witness, ledger, limits }) }
    }
}

impl<S> Layer<S> for OrderGateLayer {
    type Service = OrderGate<S>;

    fn layer(&self, inner: S) -> OrderGate<S> {
        OrderGate { inner, keeper: Arc::clone(&self.keeper) }
    }
}
