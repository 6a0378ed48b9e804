//! What goes into a bundle from the journal, as it was at one checkpoint.

use std::collections::BTreeMap;

use sekisho_journal::bundle::{Files, SliceProof, prove};
use sekisho_journal::contract::{BundleKind, InputPointer, JournalRange, ReplayPointers, UpstreamRange, VERSION};
use sekisho_journal::tile::Reader;
use sekisho_journal::{
    Checkpoint, EventType, KEYS, SEGMENTS, SignerKey, Store, VerifierKey, leaf_hash, segment_first, segment_path, walk,
};
use serde_json::Value;

use super::{Ask, BundleError};
use crate::evidence::{FileStore, HeldStore};

/// What was collected.
pub(super) struct Collected {
    pub(super) files: Files,
    pub(super) range: JournalRange,
    pub(super) as_of: String,
    pub(super) note: String,
}

pub(super) fn collect(
    files: &FileStore,
    checkpoint: &Checkpoint,
    signer: &SignerKey,
    ask: &Ask,
    most: u64,
) -> Result<Collected, BundleError> {
    let note = checkpoint.sign(signer);
    let size = checkpoint.size;
    let held = HeldStore::new(files, note.clone().into_bytes(), size);
    let (from, lines) = lines(&held, size, ask, most)?;
    let range = JournalRange {
        origin: checkpoint.origin.clone(),
        from,
        to: from + lines.len() as u64,
        tree_size: size,
        root: checkpoint.root.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let unreadable = |error: &dyn std::fmt::Display| BundleError::Unreadable(error.to_string());
    let proof = prove(&Reader::new(&held, size), (range.from, range.to), size).map_err(|error| unreadable(&error))?;
    let entries: Vec<Value> = lines.iter().map(|line| serde_json::from_slice(line).unwrap_or_default()).collect();
    let of_types = |types: &[EventType]| {
        let named = |entry: &Value| types.iter().any(|one| entry.get("event_type") == Some(&Value::from(one.name())));
        let wanted = lines.iter().zip(&entries).filter(|(_, entry)| named(entry)).map(|(line, _)| line.clone());
        joined(wanted.collect())
    };
    let as_of = entries.last().and_then(|entry| entry.get("timestamp")).and_then(Value::as_str).unwrap_or(NEVER);
    let report = integrity(&held, signer.verifier());
    let pointers = pointers(&range, &entries);
    let json = |value: Result<Vec<u8>, serde_json::Error>| value.map_err(|error| unreadable(&error));
    let made = [
        (BundleKind::AuditEvents, joined(lines.clone())),
        (BundleKind::Proofs, json(serde_json::to_vec(&proof))?),
        (BundleKind::SafetyTransitions, of_types(&TRANSITIONS)),
        (BundleKind::GateResults, of_types(&[EventType::GateRecord])),
        (BundleKind::IntegrityReport, json(serde_json::to_vec(&report))?),
        (BundleKind::ReplayPointers, json(serde_json::to_vec(&pointers))?),
    ];
    let keys = held.read(KEYS).map_err(BundleError::Unreadable)?.filter(|keys| !keys.is_empty());
    let all = made.into_iter().chain(keys.map(|keys| (BundleKind::Keys, keys)));
    let files = all.map(|(kind, bytes)| (kind.path().to_owned(), (kind, bytes))).collect();
    Ok(Collected { files, range, as_of: as_of.to_owned(), note })
}

/// The first entry of the range, and its lines.
fn lines(store: &dyn Store, size: u64, ask: &Ask, most: u64) -> Result<(u64, Vec<Vec<u8>>), BundleError> {
    let end = ask.to.unwrap_or(size);
    let all = store.list(SEGMENTS).map_err(BundleError::Unreadable)?;
    let mut segments: Vec<u64> = all.iter().filter_map(|name| segment_first(name)).collect();
    segments.sort_unstable();
    // What was pruned is in no bundle.
    let start = ask.from.unwrap_or(0).max(segments.first().copied().unwrap_or(0).min(end));
    if start > end || end > size {
        return Err(BundleError::Range { size });
    }
    segments.retain(|first| *first < end);
    let begin = segments.partition_point(|first| *first <= start).saturating_sub(1);
    let mut seen = ask.incident.is_none() || ask.from.is_some();
    let (mut from, mut bytes, mut lines) = (start, 0, Vec::new());
    for first in segments.into_iter().skip(begin) {
        let segment = store.read(&segment_path(first)).map_err(BundleError::Unreadable)?.unwrap_or_default();
        for (seq, line) in (first..end).zip(segment.split(|byte| *byte == b'\n')).filter(|(seq, _)| *seq >= start) {
            if !seen && names(line, ask) {
                (seen, from) = (true, seq);
            }
            if !seen || line.is_empty() {
                continue;
            }
            bytes += line.len() as u64 + 1;
            if bytes > most {
                return Err(BundleError::TooLarge { most });
            }
            lines.push(line.to_vec());
        }
    }
    let from = if seen { from } else { end };
    if lines.len() as u64 == end - from {
        Ok((from, lines))
    } else {
        Err(BundleError::Unreadable("entries are missing".to_owned()))
    }
}

fn names(line: &[u8], ask: &Ask) -> bool {
    let id = ask.incident.as_deref().unwrap_or_default().as_bytes();
    !id.is_empty() && line.windows(id.len()).any(|window| window == id)
}

/// Masks what the scanner finds in entries now and did not when they were written; their hashes stay provable.
pub(super) fn mask_events(files: &mut Files, mask: impl Fn(&[u8]) -> Vec<u8>) -> Result<(), BundleError> {
    let broken = |error: serde_json::Error| BundleError::Unreadable(error.to_string());
    let path = BundleKind::Proofs.path();
    let Some((_, bytes)) = files.get(path) else { return Ok(()) };
    let mut proof: SliceProof = serde_json::from_slice(bytes).map_err(broken)?;
    let mut changed = BTreeMap::new();
    let events = files.get(BundleKind::AuditEvents.path()).map(|(_, bytes)| bytes.clone()).unwrap_or_default();
    for (seq, line) in (proof.from..proof.to).zip(events.split(|byte| *byte == b'\n')) {
        let masked = mask(line);
        if masked != line {
            proof.masked.insert(seq, leaf_hash(line).iter().map(|byte| format!("{byte:02x}")).collect());
            changed.insert(line.to_vec(), masked);
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    for kind in [BundleKind::AuditEvents, BundleKind::SafetyTransitions, BundleKind::GateResults] {
        if let Some((_, bytes)) = files.get_mut(kind.path()) {
            let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            *bytes = joined(lines.map(|line| changed.get(line).cloned().unwrap_or_else(|| line.to_vec())).collect());
        }
    }
    files.insert(path.to_owned(), (BundleKind::Proofs, serde_json::to_vec(&proof).map_err(broken)?));
    Ok(())
}

fn joined(lines: Vec<Vec<u8>>) -> Vec<u8> {
    lines.into_iter().flat_map(|line| [line, b"\n".to_vec()].concat()).collect()
}

/// The verifier's word on the journal at this checkpoint. What lies behind it is not of this bundle.
fn integrity(held: &HeldStore<'_>, key: &VerifierKey) -> sekisho_journal::Report {
    let mut walked = walk(held, key, None);
    walked.tail = sekisho_journal::Tail::default();
    walked.into_report()
}

fn pointers(range: &JournalRange, entries: &[Value]) -> ReplayPointers {
    let mut upstreams: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut inputs = Vec::new();
    for entry in entries.iter().filter(|entry| entry.get("decision_id").is_some()) {
        let text = |pointer: &str| entry.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let number = |pointer: &str| entry.pointer(pointer).and_then(Value::as_u64);
        let input = InputPointer {
            seq: number("/seq").unwrap_or_default(),
            at: text("/timestamp").unwrap_or_default(),
            decision_id: text("/decision_id"),
            route: text("/inputs/route"),
            digest: text("/inputs/digest"),
            bytes: number("/inputs/bytes"),
            upstream: text("/outputs/upstream"),
            upstream_offset: number("/outputs/upstream_offset"),
        };
        if let (Some(upstream), Some(offset)) = (&input.upstream, input.upstream_offset) {
            let seen = upstreams.entry(upstream.clone()).or_insert((offset, offset));
            *seen = (seen.0.min(offset), seen.1.max(offset));
        }
        inputs.push(input);
    }
    let upstreams = upstreams.into_iter().map(|(upstream, (first, last))| UpstreamRange { upstream, first, last });
    ReplayPointers { v: VERSION, journal: range.clone(), inputs, upstreams: upstreams.collect() }
}

/// What changes, or is asked to change, the safety state.
const TRANSITIONS: [EventType; 4] = [
    EventType::StateTightened,
    EventType::StateReleaseProposed,
    EventType::StateReleased,
    EventType::SecurityContainmentApplied,
];

/// The time of an empty stretch.
const NEVER: &str = "1970-01-01T00:00:00.000Z";
