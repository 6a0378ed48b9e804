use std::time::Instant;

use sekisho_policy::{Beyond, Class, Classified, OrderBounds};

use super::rate::{Counted, Room};

/// The bounds of a route, and what was counted against them.
#[derive(Debug)]
pub struct Bounded {
    pub(super) policy: OrderBounds,
    orders: Option<Counted>,
    messages: Option<Counted>,
}

/// A rate that comes near its bound: which, and the share of it in percent.
pub(super) type Near = (Beyond, u8);

impl Bounded {
    /// Counts from nothing.
    #[must_use]
    pub fn new(policy: OrderBounds) -> Self {
        let now = Instant::now();
        let counted = |rate| Counted::new(rate, now);
        Self { orders: policy.orders.map(counted), messages: policy.messages.map(counted), policy }
    }

    /// Counts a message that the state permits, unless it is beyond a bound; and what it brought near to one.
    pub(super) fn admit(&self, classified: &Classified, now: Instant) -> Result<Vec<Near>, Beyond> {
        let mut near = Vec::new();
        if let Some(beyond) = self.policy.beyond(classified) {
            return Err(beyond);
        }
        let orders = u32::try_from(classified.orders.len()).unwrap_or(u32::MAX);
        let vital = matches!(classified.class, Class::Cancel | Class::KeepAlive);
        let counts = [(Beyond::MessageRate, &self.messages, 1), (Beyond::OrderRate, &self.orders, orders)];
        for (what, counted, number) in counts {
            let Some(counted) = counted.as_ref().filter(|_| number > 0) else { continue };
            match counted.count(number, now) {
                Room::Within => {}
                Room::Nears(share) => near.push((what, share)),
                // A cancel passes whatever was counted.
                Room::None if vital => {}
                Room::None => return Err(what),
            }
        }
        Ok(near)
    }
}

impl Default for Bounded {
    fn default() -> Self {
        Self::new(OrderBounds::default())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use sekisho_policy::Policy;

    use super::*;

    fn message(class: Class, orders: Vec<sekisho_policy::Order>) -> Classified {
        Classified { class, legs: vec![], orders, scopes: vec![], ambiguous: None }
    }

    fn order(quantity: &str, price: Option<&str>) -> sekisho_policy::Order {
        sekisho_policy::Order {
            class: Class::Opening,
            instrument: Some("BTC".into()),
            side: None,
            quantity: quantity.parse().ok(),
            price: price.and_then(|price| price.parse().ok()),
            priced: price.is_some(),
            waits: false,
            client_id: None,
        }
    }

    fn bounds(limits: &str) -> OrderBounds {
        let policy = format!(
            "version: 1\nservice: s\nlisteners: {{egress: 127.0.0.1:1}}\nupstreams: {{u: {{url: 'http://127.0.0.1:2'}}}}\n\
             routes: [{{name: r, listener: egress, upstream: u, orders: {{pack: generic, limits: {limits}}}}}]\n"
        );
        let policy = Policy::parse("p", &policy).unwrap_or_else(|errors| panic!("{errors}"));
        policy.routes[0].orders.as_ref().unwrap().bounds.clone()
    }

    #[test]
    fn what_an_order_asks_for_is_bounded_by_its_instrument() {
        let bounds = bounds(
            "{instruments: {BTC: {quantity: '2', notional: '100', price_min: '10', price_max: '60'}, '*': {quantity: '1'}}}",
        );
        let other = |instrument: Option<&str>, quantity| sekisho_policy::Order {
            instrument: instrument.map(Into::into),
            ..order(quantity, None)
        };
        for (order, expected) in [
            (order("2", Some("50")), None),
            (order("2.1", Some("20")), Some(Beyond::Quantity)),
            (order("1e0", None), Some(Beyond::Quantity)),
            (order("2", Some("51")), Some(Beyond::Notional)),
            (order("1", Some("9.99")), Some(Beyond::Price)),
            (order("1", Some("61")), Some(Beyond::Price)),
            (order("1", Some("1e2")), Some(Beyond::Notional)),
            (order("1", None), None),
            (other(Some("ETH"), "1"), None),
            (other(Some("ETH"), "1.5"), Some(Beyond::Quantity)),
            (other(None, "1.5"), Some(Beyond::Quantity)),
        ] {
            let bounded = Bounded::new(bounds.clone());
            let outcome = bounded.admit(&message(Class::Opening, vec![order.clone()]), Instant::now());
            assert_eq!(outcome.err(), expected, "{order:?}");
        }
    }

    #[test]
    fn a_rate_stops_orders_and_never_a_cancel() {
        let now = Instant::now();
        let bounded = Bounded::new(bounds("{orders: {count: 2}, messages: {count: 3}}"));
        let opening = message(Class::Opening, vec![order("1", None)]);
        assert_eq!(bounded.admit(&opening, now), Ok(vec![(Beyond::OrderRate, 50)]));
        assert_eq!(bounded.admit(&opening, now), Ok(vec![(Beyond::MessageRate, 50), (Beyond::OrderRate, 90)]));
        assert_eq!(bounded.admit(&opening, now), Err(Beyond::OrderRate));
        assert_eq!(bounded.admit(&opening, now), Err(Beyond::MessageRate));
        assert_eq!(bounded.admit(&message(Class::ReadOnly, vec![]), now), Err(Beyond::MessageRate));
        assert_eq!(bounded.admit(&message(Class::Cancel, vec![]), now), Ok(vec![]));
        let batch = message(Class::Batch, vec![order("1", None); 3]);
        assert_eq!(bounded.admit(&batch, now + Duration::from_secs(12)), Err(Beyond::OrderRate), "all or none");
    }
}
