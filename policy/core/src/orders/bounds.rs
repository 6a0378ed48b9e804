//! What an order may ask for, whatever the state: how much, at what price, how often.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::decimal::Decimal;
use super::{Classified, Order};
use crate::check::{Bounds, Checker};
use crate::written::{Count, Raw, Text, Time};

/// What orders may ask for. What is not given is not bounded.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BoundsWritten {
    /// New orders let through in a window.
    pub(crate) orders: Option<RateWritten>,
    /// Messages of every kind in a window. Cancels and what keeps a session alive count, and are never refused for it.
    pub(crate) messages: Option<RateWritten>,
    /// For so long an order with the id of one that went on is refused, in ALLOW too. From 1s to 24h.
    pub(crate) repeat: Option<Raw<Time>>,
    /// By instrument, as messages name it; `*` is for all the others.
    pub(crate) instruments: BTreeMap<String, InstrumentWritten>,
}

impl OrderBounds {
    /// Whether `now` lets no order pass that this does not.
    pub(crate) fn holds(&self, now: &Self) -> bool {
        let Self { orders, messages, repeat, instruments } = self;
        let rate = |before: &Option<Rate>, now: &Option<Rate>| {
            before.is_none_or(|before| now.is_some_and(|now| now.count <= before.count && now.window >= before.window))
        };
        // One that comes to be named is no longer bounded as all the others are.
        let bounded = |name: &String| {
            let before = self.named(name);
            before.is_none_or(|before| now.named(name).is_some_and(|now| before.holds(now)))
        };
        rate(orders, &now.orders)
            && rate(messages, &now.messages)
            && now.repeat >= *repeat
            && instruments.keys().chain(now.instruments.keys()).all(bounded)
    }
}

impl InstrumentBounds {
    fn holds(&self, now: &Self) -> bool {
        let Self { quantity, notional, price_min, price_max } = self;
        let most = |before: &Option<Decimal>, now: &Option<Decimal>| {
            before.is_none_or(|before| now.is_some_and(|now| now <= before))
        };
        most(quantity, &now.quantity)
            && most(notional, &now.notional)
            && now.price_min >= *price_min
            && most(price_max, &now.price_max)
    }
}

/// How many, in what time.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RateWritten {
    /// So many. From 1 to 1000000.
    pub(crate) count: Option<Raw<Count>>,
    /// In so long. Default 10s, from 1s to 1h.
    pub(crate) window: Option<Raw<Time>>,
}

/// What an order for an instrument may ask for. One that does not say what is bounded, or not as a plain decimal, is refused.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct InstrumentWritten {
    /// Largest quantity.
    pub(crate) quantity: Option<Raw<Text>>,
    /// Largest product of quantity and limit price. An order without a price is not bounded by it.
    pub(crate) notional: Option<Raw<Text>>,
    /// Lowest limit price.
    pub(crate) price_min: Option<Raw<Text>>,
    /// Highest limit price.
    pub(crate) price_max: Option<Raw<Text>>,
}

/// What orders may ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderBounds {
    /// New orders in a window.
    pub orders: Option<Rate>,
    /// Messages in a window.
    pub messages: Option<Rate>,
    /// For so long the id of an order that went on is not taken again.
    pub repeat: Option<Duration>,
    instruments: BTreeMap<String, InstrumentBounds>,
}

/// How many, in what time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many.
    pub count: u32,
    /// In so long.
    pub window: Duration,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct InstrumentBounds {
    quantity: Option<Decimal>,
    notional: Option<Decimal>,
    price_min: Option<Decimal>,
    price_max: Option<Decimal>,
}

/// Which bound an order is beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// More new orders than policy permits.
    OrderRate,
    /// More messages than policy permits.
    MessageRate,
    /// A larger quantity, or one that cannot be told.
    Quantity,
    /// A larger notional, or one that cannot be told.
    Notional,
    /// A price outside its band, or one that cannot be told.
    Price,
}

impl Beyond {
    /// The word for it in answers, metrics and the journal.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrderRate => "order_rate",
            Self::MessageRate => "message_rate",
            Self::Quantity => "quantity",
            Self::Notional => "notional",
            Self::Price => "price",
        }
    }
}

impl BoundsWritten {
    pub(super) fn check(&self, path: &str, checker: &mut Checker) -> OrderBounds {
        let mut rate = |written: &Option<RateWritten>, name: &str| {
            written.as_ref().map(|rate| rate.check(&format!("{path}.{name}"), checker))
        };
        let (orders, messages) = (rate(&self.orders, "orders"), rate(&self.messages, "messages"));
        let bounds = Bounds { default: "1h", min: "1s", max: "24h" };
        let repeat = self.repeat.as_ref().map(|raw| checker.bounded(Some(raw), &format!("{path}.repeat"), bounds));
        let instruments = self
            .instruments
            .iter()
            .map(|(name, written)| (name.clone(), written.check(&format!("{path}.instruments.{name}"), checker)));
        OrderBounds { orders, messages, repeat, instruments: instruments.collect() }
    }
}

impl RateWritten {
    fn check(&self, path: &str, checker: &mut Checker) -> Rate {
        let bounds = Bounds { default: "1000000", min: "1", max: "1000000" };
        let count = checker.bounded(self.count.as_ref(), &format!("{path}.count"), bounds);
        let bounds = Bounds { default: "10s", min: "1s", max: "1h" };
        let window = checker.bounded(self.window.as_ref(), &format!("{path}.window"), bounds);
        Rate { count: count.try_into().unwrap_or(u32::MAX), window }
    }
}

impl InstrumentWritten {
    fn check(&self, path: &str, checker: &mut Checker) -> InstrumentBounds {
        let mut decimal = |raw: &Option<Raw<Text>>, name: &str| {
            checker.parsed(raw.as_ref()?, &format!("{path}.{name}"), "expected a decimal number, as \"0.5\"")
        };
        InstrumentBounds {
            quantity: decimal(&self.quantity, "quantity"),
            notional: decimal(&self.notional, "notional"),
            price_min: decimal(&self.price_min, "price_min"),
            price_max: decimal(&self.price_max, "price_max"),
        }
    }
}

impl OrderBounds {
    /// Which bound a message is beyond by what it says.
    #[must_use]
    pub fn beyond(&self, classified: &Classified) -> Option<Beyond> {
        if self.instruments.is_empty() {
            return None;
        }
        classified.orders.iter().find_map(|order| self.of(order)?.beyond(order))
    }

    /// An instrument that is not named is every instrument, so it has the bounds of the others.
    fn of(&self, order: &Order) -> Option<&InstrumentBounds> {
        self.named(order.instrument.as_deref().unwrap_or("*"))
    }

    fn named(&self, name: &str) -> Option<&InstrumentBounds> {
        self.instruments.get(name).or_else(|| self.instruments.get("*"))
    }
}

impl InstrumentBounds {
    fn beyond(&self, order: &Order) -> Option<Beyond> {
        let Order { quantity, price, priced, .. } = order;
        let over = |most: Option<Decimal>, value: Option<Decimal>| {
            most.is_some_and(|most| value.is_none_or(|value| value > most))
        };
        if over(self.quantity, *quantity) {
            return Some(Beyond::Quantity);
        }
        if !priced {
            return None;
        }
        let notional = quantity.zip(*price).map(|(quantity, price)| quantity.times(price));
        if over(self.notional, notional) {
            return Some(Beyond::Notional);
        }
        let under = self.price_min.is_some_and(|least| price.is_none_or(|price| price < least));
        (under || over(self.price_max, *price)).then_some(Beyond::Price)
    }
}
