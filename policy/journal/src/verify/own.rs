//! What entries say of the journal itself.

use serde_json::Value;

use crate::chain::{HANDED_OVER, STATEMENT};
use crate::names::EventType;

/// What an entry says of the journal it is in.
pub(super) enum Own {
    /// Its key was handed over by the statement with this digest.
    HandedOver(String),
    /// The entries before this one were pruned.
    Pruned(u64),
}

/// Reads a canonical line; `None` if it speaks of something else.
pub(super) fn read(line: &[u8]) -> Option<Own> {
    // Names stand in order, and none that an entry has comes before `action`.
    if !line.starts_with(BEGINNING) {
        return None;
    }
    let entry: Value = serde_json::from_slice(line).ok()?;
    let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str);
    if text("/event_type") != Some(EventType::IntegrityRecord.name()) {
        return None;
    }
    match text("/action")? {
        HANDED_OVER => {
            let digest = entry.get("outputs").and_then(|outputs| outputs.get(STATEMENT)).and_then(Value::as_str);
            Some(Own::HandedOver(digest.unwrap_or_default().to_owned()))
        }
        PRUNED => Some(Own::Pruned(entry.pointer("/inputs/to").and_then(Value::as_u64).unwrap_or_default())),
        _ => None,
    }
}

/// The action of the entry that records pruning; its input `to` is the first entry that is left.
pub const PRUNED: &str = "journal.pruned";

const BEGINNING: &[u8] = b"{\"action\":\"journal.";
