use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sekisho_codec::json;
use sekisho_policy::{Class, Classified, MessageView, OrderRules, OrderView, Refusal};

use super::OrderGateLayer;
use super::keeper::Keeper;
use super::permitted::Order;
use crate::{Exchange, Start};

/// Judges the messages of a connection that has left HTTP, each as the gate judges a request.
#[derive(Clone, Debug)]
pub struct MessageGate {
    keeper: Arc<Keeper>,
}

/// A message that the gate has let through. Only the gate makes one.
pub struct PermittedMessage {
    keeper: Arc<Keeper>,
    order: Option<Order>,
    /// Whether the ledger knows that it may have left.
    leaves: AtomicBool,
}

impl OrderGateLayer {
    /// What judges messages as this layer's gate judges requests.
    #[must_use]
    pub fn messages(&self) -> MessageGate {
        MessageGate { keeper: Arc::clone(&self.keeper) }
    }
}

impl MessageGate {
    /// A message that carries no orders, whatever is in it: its route has none.
    #[must_use]
    pub fn unheld(&self) -> PermittedMessage {
        self.permitted(None)
    }

    /// Judges a message of a WebSocket that was opened at `path`. `None` is a binary one, which can be read in any way.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn socket(
        &self,
        exchange: &Arc<Exchange>,
        path: &str,
        text: Option<&str>,
    ) -> Result<PermittedMessage, Refusal> {
        if exchange.route.orders.is_none() {
            return Ok(self.unheld());
        }
        if text.is_some_and(|text| text.len() > self.keeper.limits.body_bytes) {
            return Err(Refusal::OrderTooLarge);
        }
        let text = text.unwrap_or_default();
        let (pairs, ambiguity) = match json::flatten(text.as_bytes(), &self.keeper.limits.fields) {
            Ok(flat) => (flat.pairs, flat.ambiguity.map(|ambiguity| ambiguity.to_string())),
            Err(why) => (Vec::new(), Some(why.to_string())),
        };
        let view = MessageView { host: &exchange.host, path, text, body: &pairs, ambiguity: ambiguity.as_deref() };
        // Who has logged in on the connection is not known here.
        self.decided(exchange, Some(b""), |rules| rules.classify_message(&view))
    }

    /// Judges a message that has been read: `view` is as rules see it, and `sender` whose it is. Without one its ids are not looked
    /// for: it is known to be one that may come again.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub fn read(
        &self,
        exchange: &Arc<Exchange>,
        view: &OrderView<'_>,
        sender: Option<&[u8]>,
    ) -> Result<PermittedMessage, Refusal> {
        if exchange.route.orders.is_none() {
            return Ok(self.unheld());
        }
        self.decided(exchange, sender, |rules| rules.classify(view))
    }

    fn decided(
        &self,
        exchange: &Arc<Exchange>,
        sender: Option<&[u8]>,
        classify: impl Fn(&OrderRules) -> Classified,
    ) -> Result<PermittedMessage, Refusal> {
        self.keeper.judge(exchange, sender, classify).map(|order| self.permitted(Some(order)))
    }

    fn permitted(&self, order: Option<Order>) -> PermittedMessage {
        PermittedMessage { keeper: Arc::clone(&self.keeper), order, leaves: AtomicBool::new(false) }
    }
}

impl PermittedMessage {
    /// The last look at the state: call it whenever a first byte of the message could be written, and hold what it returns
    /// until the last one is. A message of which nothing could be written yet is to be looked at again.
    ///
    /// # Errors
    ///
    /// The refusal, when the state has tightened since the gate let the message through.
    pub fn commence(&self) -> Result<Option<Start>, Refusal> {
        let Some(order) = &self.order else { return Ok(None) };
        // INVARIANT: announced before the state is read, so a flip either is seen here or waits for this message.
        let start = order.safety.starts().begin();
        if let Err(refusal) = order.decide() {
            self.stayed();
            return Err(refusal);
        }
        // From here on it may leave: a crash must not forget that.
        if !self.leaves.swap(true, Ordering::Relaxed) {
            order.keys.iter().for_each(|key| order.ledger.leaves(key));
        }
        Ok(Some(start))
    }

    /// Tells that not a byte of it has left, and that none will.
    pub fn stayed(&self) {
        if let Some(order) = self.order.as_ref().filter(|_| self.leaves.swap(false, Ordering::Relaxed)) {
            order.keys.iter().for_each(|key| order.ledger.stayed(key));
        }
    }

    /// Whether it has been judged as an order message.
    #[must_use]
    pub const fn is_order(&self) -> bool {
        self.order.is_some()
    }

    /// The class of an order message.
    #[must_use]
    pub fn class(&self) -> Option<Class> {
        self.order.as_ref().map(|order| order.classified.class)
    }

    /// Tells that it has gone on.
    pub fn forwarded(&self) {
        if let Some(order) = &self.order {
            self.keeper.witness.forwarded(&order.exchange, order.classified.class);
        }
    }
}

impl fmt::Debug for PermittedMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermittedMessage").field("order", &self.order).finish_non_exhaustive()
    }
}
