//! Which entries somebody wants to see.

use clap::Args;
use sekisho_journal::contract::AuditEvent;
use sekisho_journal::{CHECKPOINT, EventType, SEGMENTS, Severity, Store, segment_first, segment_path};

use super::{Stop, environment};

/// Which entries. What is not said lets everything through.
#[derive(Clone, Debug, Args)]
pub(super) struct Filter {
    /// The first entry.
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    pub(super) from: u64,
    /// The first entry that is not wanted any more.
    #[arg(long, value_name = "SEQ", default_value_t = u64::MAX, hide_default_value = true)]
    to: u64,
    /// Only entries of this type, such as `state.tightened`; may be given several times.
    #[arg(long = "type", value_name = "TYPE")]
    event_type: Vec<EventType>,
    /// Only entries of at least this severity: info, low, medium, high, critical.
    #[arg(long, value_name = "SEVERITY")]
    severity: Option<Severity>,
    /// Not before this time, in UTC: `2026-01-31`, `2026-01-31T08:15`, ...
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only what this person or key did.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only what belongs to this incident.
    #[arg(long, value_name = "ID")]
    incident: Option<String>,
}

impl Filter {
    /// Whether it lets an entry through.
    pub(super) fn admits(&self, entry: &AuditEvent) -> bool {
        let text = |value: Option<&serde_json::Value>, wanted: &str| value.and_then(|v| v.as_str()) == Some(wanted);
        let by = |wanted: &String| entry.user.as_ref() == Some(wanted) || text(entry.inputs.get("actor"), wanted);
        let of = |wanted: &String| {
            let named = format!("incident:{wanted}");
            entry.refs.iter().any(|one| *one == named || one == wanted)
                || text(entry.inputs.get("incident"), wanted)
                || text(entry.outputs.get("incident"), wanted)
        };
        (self.from..self.to).contains(&entry.seq)
            && (self.event_type.is_empty() || self.event_type.contains(&entry.event_type))
            && self.severity.is_none_or(|least| entry.severity >= least)
            // Times are written in one way, so they compare as texts, and a shorter one is the beginning of its span.
            && self.since.as_ref().is_none_or(|since| entry.timestamp.as_str() >= since.as_str())
            && self.until.as_ref().is_none_or(|until| entry.timestamp.as_str() < until.as_str())
            && self.actor.as_ref().is_none_or(by)
            && self.incident.as_ref().is_none_or(of)
    }

    /// Calls `each` with the entries it lets through, line and meaning, until that says to stop.
    pub(super) fn each(
        &self,
        store: &dyn Store,
        mut each: impl FnMut(&[u8], &AuditEvent) -> Result<bool, Stop>,
    ) -> Result<(), Stop> {
        let names = store.list(SEGMENTS).map_err(environment)?;
        let mut segments: Vec<u64> = names.iter().filter_map(|name| segment_first(name)).collect();
        segments.sort_unstable();
        let sealed = sealed(store)?;
        // The segment that holds `from` is the last one that does not begin behind it.
        let start = segments.partition_point(|first| *first <= self.from).saturating_sub(1);
        for first in segments.into_iter().skip(start).take_while(|first| *first < self.to) {
            let bytes = store.read(&segment_path(first)).map_err(environment)?.unwrap_or_default();
            let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            for (_, line) in (first..sealed).zip(lines) {
                // What cannot be read as a record is for `verify` to tell.
                let Ok(entry) = serde_json::from_slice::<AuditEvent>(line) else { continue };
                if self.admits(&entry) && !each(line, &entry)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// How many entries the checkpoint says are sealed; what lies behind does not count yet.
pub(super) fn sealed(store: &dyn Store) -> Result<u64, Stop> {
    let note = store.read(CHECKPOINT).map_err(environment)?.unwrap_or_default();
    let size = String::from_utf8_lossy(&note).lines().nth(1).and_then(|size| size.parse().ok());
    size.ok_or_else(|| environment("the journal has no checkpoint".to_owned()))
}
