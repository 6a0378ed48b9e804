//! What a record says of the input it is about, so that whoever has kept that can find it again: never the input itself.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hmac::{Hmac, Mac as _};
use sekisho_filters::Exchange;
use sekisho_journal::Event;
use sha2::Sha256;

/// Makes the fields of a record that replay pointers are made of.
#[derive(Default)]
pub(super) struct Pointers {
    key: Option<[u8; 32]>,
    /// Order messages that each upstream was given since the start.
    given: Mutex<BTreeMap<Arc<str>, u64>>,
}

impl std::fmt::Debug for Pointers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pointers").finish_non_exhaustive()
    }
}

impl Pointers {
    pub(super) fn new(key: Option<[u8; 32]>) -> Self {
        Self { key, given: Mutex::default() }
    }

    /// The decision, the trace, and of a body that was read whole its length and, with a key, its keyed digest.
    pub(super) fn of(&self, exchange: &Exchange, event: Event) -> Event {
        let event = event.with_decision_id(exchange.decision.to_string());
        let event = match exchange.trip.trace() {
            Some(trace) => event.with_trace_id(trace.to_string()),
            None => event,
        };
        let Some(body) = exchange.input.body() else { return event };
        let event = event.with_input("bytes", body.len() as u64);
        match self.key.as_ref().and_then(|key| digest(key, body)) {
            Some(digest) => event.with_input("digest", digest),
            None => event,
        }
    }

    /// The number of an order message among all that this upstream was given: 0 for the first.
    pub(super) fn given(&self, upstream: &Arc<str>) -> u64 {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        match given.get_mut(upstream) {
            Some(count) => {
                *count += 1;
                *count
            }
            None => {
                given.insert(Arc::clone(upstream), 0);
                0
            }
        }
    }
}

fn digest(key: &[u8; 32], body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(body);
    Some(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}
