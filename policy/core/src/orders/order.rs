//! What an order says of itself, beside its class: instrument, side, quantity, price, and the id its sender gave it.

use schemars::JsonSchema;
use serde::Deserialize;

use super::condition::Fields;
use super::decimal::Decimal;
use crate::Class;
use crate::check::Checker;
use crate::written::{Raw, Text};

/// An order, or one leg of a message with several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// What it is.
    pub class: Class,
    /// The instrument, as the message names it.
    pub instrument: Option<String>,
    /// Which way it goes. `None`: the message does not say, or not in words that are known.
    pub side: Option<Side>,
    /// How much. `None`: not said, or not as a plain decimal.
    pub quantity: Option<Decimal>,
    /// The limit price. `None`: not said, or not as a plain decimal.
    pub price: Option<Decimal>,
    /// Whether it has a limit price, in whatever spelling.
    pub priced: bool,
    /// Whether it waits for something before it can be carried out: a stop, a trigger.
    pub waits: bool,
    /// The id its sender gave it, where it is a new order.
    pub client_id: Option<String>,
}

/// Which way an order goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It buys.
    Buy,
    /// It sells.
    Sell,
}

/// Where an order says these things: the first field of a list that is there.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OrderFieldsWritten {
    /// The side.
    pub(crate) side: Vec<Raw<Text>>,
    /// Words for buying.
    pub(crate) buy: Vec<Raw<Text>>,
    /// Words for selling.
    pub(crate) sell: Vec<Raw<Text>>,
    /// The quantity, in units of the instrument or in contracts.
    pub(crate) quantity: Vec<Raw<Text>>,
    /// The limit price.
    pub(crate) price: Vec<Raw<Text>>,
    /// Fields that only an order has that waits for something: a stop, a trigger.
    pub(crate) waits: Vec<Raw<Text>>,
    /// The id that its sender gave it. Only the ids of new orders are looked at.
    pub(crate) client_id: Vec<Raw<Text>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OrderFields {
    side: Vec<String>,
    buy: Vec<String>,
    sell: Vec<String>,
    quantity: Vec<String>,
    price: Vec<String>,
    waits: Vec<String>,
    client_id: Vec<String>,
}

/// What a leg is read with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'m, 'r> {
    /// The fields that all legs share.
    pub(super) shared: &'r Fields<'m>,
    /// Fields that name an instrument.
    pub(super) instruments: &'r [String],
    /// An instrument that the path names.
    pub(super) in_path: Option<&'m str>,
    /// The side, where the path says it.
    pub(super) side: Option<Side>,
}

impl OrderFieldsWritten {
    pub(super) fn check(&self, path: &str, checker: &mut Checker) -> OrderFields {
        let texts = |raws: &[Raw<Text>]| raws.iter().map(|raw| raw.text().to_owned()).collect::<Vec<_>>();
        if let Some(side) = self.side.first().filter(|_| self.buy.is_empty() || self.sell.is_empty()) {
            checker.wrong(side.place(), &format!("{path}.side"), "expected words for buy and for sell beside it");
        }
        if let Some(both) = self.buy.iter().find(|buy| self.sell.iter().any(|sell| sell.text() == buy.text())) {
            checker.wrong(both.place(), &format!("{path}.buy"), "expected no word that stands under sell as well");
        }
        OrderFields {
            side: texts(&self.side),
            buy: texts(&self.buy),
            sell: texts(&self.sell),
            quantity: texts(&self.quantity),
            price: texts(&self.price),
            waits: texts(&self.waits),
            client_id: texts(&self.client_id),
        }
    }
}

impl OrderFields {
    pub(super) const fn has_ids(&self) -> bool {
        !self.client_id.is_empty()
    }

    pub(super) fn read<'m>(&self, class: Class, leg: &Fields<'m>, around: Around<'m, '_>) -> Order {
        let first = |names: &[String]| leg.first(names).or_else(|| around.shared.first(names));
        let decimal = |names: &[String]| first(names).and_then(|text| text.parse().ok());
        let side = first(&self.side).map(|word| self.side(word));
        Order {
            class,
            instrument: first(around.instruments).or(around.in_path).map(str::to_owned),
            side: side.unwrap_or(around.side),
            quantity: decimal(&self.quantity),
            price: decimal(&self.price),
            priced: first(&self.price).is_some(),
            waits: self.waits.iter().any(|name| leg.has(name) || around.shared.has(name)),
            client_id: first(&self.client_id).filter(|id| creates(class) && !id.is_empty()).map(str::to_owned),
        }
    }

    fn side(&self, word: &str) -> Option<Side> {
        let is = |words: &[String]| words.iter().any(|known| known == word);
        if is(&self.buy) { Some(Side::Buy) } else { is(&self.sell).then_some(Side::Sell) }
    }
}

/// Whether a message of this class brings a new order into the world, which its sender may have named.
const fn creates(class: Class) -> bool {
    match class {
        Class::ReduceEnforced | Class::OppositeSide | Class::Opening => true,
        Class::ReadOnly
        | Class::Cancel
        | Class::AmendDown
        | Class::Amend
        | Class::Batch
        | Class::RelaxRisk
        | Class::MoveFunds
        | Class::Unknown
        | Class::KeepAlive => false,
    }
}
