//! The packs that come with the program.

use super::OrderRules;
use super::written::RulesWritten;
use crate::check::Checker;
use crate::policy::read;

/// A pack by its name. `None`, when there is none of that name.
pub(super) fn compiled(name: &str) -> Option<OrderRules> {
    let (_, yaml) = PACKS.iter().find(|(pack, _)| *pack == name)?;
    let written: RulesWritten = read(name, yaml).ok()?;
    let mut checker = Checker::new(name);
    let rules = written.check(name, "", &mut checker);
    // A test compiles every pack, so this is sound unless somebody has changed the program.
    checker.finish().ok()?;
    Some(rules)
}

pub(super) fn names() -> Vec<&'static str> {
    PACKS.iter().map(|(name, _)| *name).collect()
}

pub(super) const PACKS: [(&str, &str); 10] = [
    ("generic", include_str!("../../../packs/orders/generic.yaml")),
    ("binance", include_str!("../../../packs/orders/binance.yaml")),
    ("okx", include_str!("../../../packs/orders/okx.yaml")),
    ("bybit", include_str!("../../../packs/orders/bybit.yaml")),
    ("kraken", include_str!("../../../packs/orders/kraken.yaml")),
    ("kraken_futures", include_str!("../../../packs/orders/kraken_futures.yaml")),
    ("coinbase", include_str!("../../../packs/orders/coinbase.yaml")),
    ("deribit", include_str!("../../../packs/orders/deribit.yaml")),
    ("alpaca", include_str!("../../../packs/orders/alpaca.yaml")),
    ("fix", include_str!("../../../packs/orders/fix.yaml")),
];
