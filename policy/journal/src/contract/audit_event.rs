use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{exact, moment, version};
use crate::names::{EventType, Outcome, Retention, Severity};

/// One line of the journal. The line is canonical JSON (RFC 8785): numbers are integers below 2^53, and what is not
/// known is left out, never null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditEvent {
    /// The version of this contract.
    #[schemars(transform = version)]
    pub v: u64,
    /// The entry's place in the journal: 0 for the first, without a gap.
    #[schemars(transform = exact)]
    pub seq: u64,
    /// Wall time in UTC, to the millisecond (RFC 3339), as the host believed it to be.
    #[schemars(transform = moment)]
    pub timestamp: String,
    /// Microseconds on a clock that never jumps; comparable within one `boot_id` only.
    #[schemars(transform = exact)]
    pub mono_us: u64,
    /// Which run of the clock `mono_us` belongs to.
    pub boot_id: String,
    /// Which engine wrote the entry.
    pub engine: String,
    /// What kind of thing happened.
    pub event_type: EventType,
    /// How much it matters.
    pub severity: Severity,
    /// How long the entry is kept, in years.
    pub retention: Retention,
    /// What was done or tried.
    pub action: String,
    /// Who, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub user: Option<String>,
    /// From where, masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub source_ip: Option<String>,
    /// The trace the entry belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub trace_id: Option<String>,
    /// The decision the entry belongs to: the value of the sekisho-decision header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub decision_id: Option<String>,
    /// What went in, free of secrets.
    pub inputs: BTreeMap<String, Value>,
    /// What came out, free of secrets.
    pub outputs: BTreeMap<String, Value>,
    /// What was in force before a change of configuration, free of secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "BTreeMap<String, Value>")]
    pub before: Option<BTreeMap<String, Value>>,
    /// What is in force after a change of configuration, free of secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "BTreeMap<String, Value>")]
    pub after: Option<BTreeMap<String, Value>>,
    /// How it ended.
    pub result: Outcome,
    /// How long it took, in microseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", transform = exact)]
    pub duration_us: Option<u64>,
    /// How many events alike this entry stands for; absent means one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", transform = exact)]
    pub count: Option<u64>,
    /// Other evidence this refers to: `journal:17`, `incident:ID`, `bundle:ID`, `gate:NAME`, decision ids, digests.
    pub refs: Vec<String>,
}
