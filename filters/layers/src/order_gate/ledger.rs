//! Orders that went on, by the ids that their senders gave them.

use std::fmt::Debug;
use std::time::Duration;

use http::HeaderMap;
use sekisho_policy::{Classified, Forwarded, OrderRules};
use sekisho_safety::Scope;

use crate::Exchange;

/// Names an order: a keyed hash of whose it is and of the id its sender gave it.
pub type OrderKey = [u8; 16];

/// Remembers which orders went on to a venue and what came back. Called on a request's own path: it must not wait for a disk.
pub trait OrderLedger: Debug + Send + Sync {
    /// The key of an id, by `parts` that tell accounts apart.
    fn key(&self, parts: &[&[u8]]) -> OrderKey;

    /// Whether anything is remembered at all. While nothing is, no message has to be read to find its id.
    fn is_empty(&self) -> bool;

    /// How long ago that was.
    fn age(&self, known: Forwarded) -> Duration;

    /// What is known of an order.
    fn find(&self, key: &OrderKey) -> Option<Forwarded>;

    /// An order is about to leave. It is remembered before its first byte does.
    fn leaves(&self, key: &OrderKey);

    /// It was answered with this status.
    fn answered(&self, key: &OrderKey, status: u16);

    /// Not a byte of it has left after all. Told only by whom told that it [`leaves`](Self::leaves); an order that left more than
    /// once is remembered all the same.
    fn stayed(&self, key: &OrderKey);
}

/// Remembers nothing, for what has no orders of anybody: a measurement, a test.
#[derive(Clone, Copy, Debug)]
pub struct Forgetful;

impl OrderLedger for Forgetful {
    fn key(&self, _parts: &[&[u8]]) -> OrderKey {
        OrderKey::default()
    }

    fn is_empty(&self) -> bool {
        true
    }

    fn age(&self, _known: Forwarded) -> Duration {
        Duration::ZERO
    }

    fn find(&self, _key: &OrderKey) -> Option<Forwarded> {
        None
    }

    fn leaves(&self, _key: &OrderKey) {}

    fn answered(&self, _key: &OrderKey, _status: u16) {}

    fn stayed(&self, _key: &OrderKey) {}
}

/// The keys of the new orders in a message.
pub(super) fn keys_of(
    ledger: &dyn OrderLedger,
    exchange: &Exchange,
    sender: &[u8],
    classified: &Classified,
) -> Vec<OrderKey> {
    let Some(orders) = &exchange.route.orders else { return Vec::new() };
    let account = orders.scopes.iter().find_map(|scope| match scope {
        Scope::Account(name) => Some(name.to_string()),
        Scope::Fleet | Scope::Venue(_) | Scope::Strategy(_) | Scope::Instrument(_) => None,
    });
    let account = account.unwrap_or_else(|| exchange.route.upstream.to_string());
    let ids = classified.orders.iter().filter_map(|order| order.client_id.as_deref());
    ids.map(|id| ledger.key(&[account.as_bytes(), sender, id.as_bytes()])).collect()
}

/// Whose request it is, among those of one route, as far as its head tells.
pub(super) fn sender<'h>(rules: &OrderRules, headers: &'h HeaderMap) -> &'h [u8] {
    let credential = rules.account_header().and_then(|name| headers.get(name));
    credential.map_or(&b""[..], |value| value.as_bytes())
}
