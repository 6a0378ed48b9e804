use std::sync::Arc;
use std::time::Instant;

use http::Request;
use http_body_util::{BodyExt, Limited};
use sekisho_policy::{Class, Classified, Forwarded, OrderRules, Refusal, decide};
use sekisho_safety::{Effective, Posture};

use super::ledger::{keys_of, sender};
use super::permitted::Order;
use super::{OrderKey, OrderLedger, OrderLimits, Positions, SafetyView, read};
use crate::exchange::Orders;
use crate::witness::Witness;
use crate::{Body, Exchange, Fault, Hop, Outcome, Stop};

/// Who decides, whatever stands behind the gate.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) safety: Arc<dyn SafetyView>,
    pub(super) witness: Arc<dyn Witness>,
    pub(super) ledger: Arc<dyn OrderLedger>,
    pub(super) limits: OrderLimits,
}

/// How a shadow's verdict stands to the one that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shadowed {
    /// Both say the same.
    Same,
    /// The shadow would have refused what passes.
    Stricter,
    /// The shadow would have let pass what is refused.
    Looser,
}

impl Shadowed {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Same, Self::Stricter, Self::Looser];

    /// The word for it in metrics and the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Stricter => "stricter",
            Self::Looser => "looser",
        }
    }
}

impl Keeper {
    /// Reads an order message as far as is needed, and decides.
    pub(super) async fn admit(&self, hop: Hop) -> Result<(Hop, Order), Stop> {
        let Hop { exchange, request } = hop;
        let (head, body) = request.into_parts();
        let body = self.read(body).await?;
        exchange.input.keep(&body);
        let sender = exchange.route.orders.as_ref().map(|orders| sender(&orders.rules, &head.headers));
        let order = self.judge(&exchange, sender, |rules| {
            read::classify(rules, &exchange.host, (&head, &body), &self.limits.fields)
        })?;
        let request = Request::from_parts(head, Body::full(body));
        Ok((Hop { exchange, request }, order))
    }

    /// What a message is, by `classify`, and whether it may go on. `sender` tells accounts of one route apart; a message without
    /// one has no id that is looked for.
    pub(super) fn judge(
        &self,
        exchange: &Arc<Exchange>,
        sender: Option<&[u8]>,
        classify: impl Fn(&OrderRules) -> Classified,
    ) -> Result<Order, Refusal> {
        let Some(orders) = &exchange.route.orders else { return Err(Refusal::NoRoute) };
        let classified = classify(&orders.rules);
        let keys = sender.map(|sender| keys_of(self.ledger.as_ref(), exchange, sender, &classified));
        let shadow = orders.shadow.as_deref().map(|rules| (rules, classify(rules)));
        let mut order = Order {
            exchange: Arc::clone(exchange),
            classified,
            safety: Arc::clone(&self.safety),
            ledger: Arc::clone(&self.ledger),
            keys: keys.unwrap_or_default(),
            left: Arc::default(),
            reservation: None,
        };
        let decided = self.decide(&mut order);
        if let Some((rules, found)) = shadow {
            let posture = order.effective().posture;
            let shadowed = match (decided.is_ok(), rules.permits(&found, posture)) {
                (true, false) => Shadowed::Stricter,
                (false, true) => Shadowed::Looser,
                (true, true) | (false, false) => Shadowed::Same,
            };
            self.witness.shadowed(exchange, (order.classified.class, found.class), shadowed);
        }
        decided.map(|()| order)
    }

    /// By the state, by what is known of the id, by what somebody vouches for, by the bounds of the route.
    fn decide(&self, order: &mut Order) -> Result<(), Refusal> {
        let exchange = Arc::clone(&order.exchange);
        let Some(orders) = &exchange.route.orders else { return Err(Refusal::NoRoute) };
        if let Err(refusal) = order.decide() {
            if let Some(known) = self.known(&order.keys) {
                return Err(Refusal::OrderForwardedBefore(known));
            }
            let reserve = |positions: &Arc<Positions>| positions.reserve(&order.classified, Instant::now());
            order.reservation = orders.positions.as_ref().and_then(reserve).map(Arc::new);
            // Without one, or in a stricter state, this says no once more.
            order.decide().map_err(|_again| refusal)?;
        }
        if let Some(known) = self.known(&order.keys) {
            self.witness.replayed(&exchange, known);
            if orders.bounds.policy.repeat.is_some_and(|repeat| self.ledger.age(known) <= repeat) {
                return Err(Refusal::OrderForwardedBefore(known));
            }
        }
        let near = orders.bounds.admit(&order.classified, Instant::now()).map_err(Refusal::OrderBeyondBounds)?;
        near.into_iter().for_each(|(bound, share)| self.witness.nears(&exchange, bound, share));
        // Last, because whatever passes here is counted.
        if may_open(order.classified.class) && !self.safety.paces() {
            return Err(Refusal::OrderPaced);
        }
        Ok(())
    }

    fn known(&self, keys: &[OrderKey]) -> Option<Forwarded> {
        keys.iter().find_map(|key| self.ledger.find(key))
    }

    async fn read(&self, body: Body) -> Result<bytes::Bytes, Stop> {
        match Limited::new(body, self.limits.body_bytes).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) => match error.downcast::<Fault>() {
                Ok(fault) => Err(Stop::Broke(*fault)),
                Err(_too_long) => Err(Refusal::OrderTooLarge.into()),
            },
        }
    }

    /// What became of an order that was let through, and was told to leave.
    pub(super) fn ended(&self, keys: &[OrderKey], outcome: &Outcome) {
        let stayed = match outcome {
            Ok(response) => {
                let status = response.status().as_u16();
                keys.iter().for_each(|key| self.ledger.answered(key, status));
                return;
            }
            Err(Stop::Refused(refusal)) => refusal.forwarded() == Some(false),
            // What broke before it was sent. Once something of an order has left, that it broke is an unknown outcome.
            Err(Stop::Broke(Fault::Upstream(_))) => true,
            Err(Stop::Broke(Fault::Downstream(_) | Fault::Cut(_))) => false,
        };
        if stayed {
            keys.iter().for_each(|key| self.ledger.stayed(key));
        }
    }
}

/// Whether the whole message has to be read although its head decides: its id may be known, or somebody vouches for a position.
pub(super) fn needs_more(orders: &Orders, ledger: &dyn OrderLedger, posture: Posture) -> bool {
    let vouched = orders.positions.is_some() && posture == Posture::CloseOnly;
    vouched || (orders.rules.has_ids() && !ledger.is_empty())
}

/// What a ramp holds to a rate: everything that CLOSE_ONLY would refuse.
const fn may_open(class: Class) -> bool {
    let harmless =
        matches!(class, Class::ReadOnly | Class::Cancel | Class::ReduceEnforced | Class::AmendDown | Class::KeepAlive);
    !harmless
}

impl Order {
    /// Whether the state that is in force for it lets it pass.
    pub(super) fn decide(&self) -> Result<(), Refusal> {
        let Some(orders) = &self.exchange.route.orders else { return Ok(()) };
        let effective = self.effective();
        match decide(&self.classified, &effective, &orders.rules) {
            // What was held back for it is still there, and closing is what the state is for.
            Err(Refusal::OrderRefused(_)) if self.reservation.is_some() && effective.posture == Posture::CloseOnly => {
                Ok(())
            }
            decided => decided.map(|_permit| ()),
        }
    }

    pub(super) fn effective(&self) -> Effective {
        let of_route = self.exchange.route.orders.iter().flat_map(|orders| &orders.scopes);
        let scopes: Vec<_> = of_route.chain(&self.classified.scopes).cloned().collect();
        self.safety.effective(&scopes)
    }
}
