use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{exact, moment, version};

/// What the gates and monitors said last: the answer of `GET /v1/gates`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateResults {
    /// The version of this contract.
    #[schemars(transform = version)]
    pub v: u64,
    /// When this was put together, in UTC.
    #[schemars(transform = moment)]
    pub at: String,
    /// One for each gate, in the order of their names.
    pub gates: Vec<GateResult>,
}

/// What one gate said last, and whether it still counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateResult {
    /// The gate's name.
    pub name: String,
    /// What counts now: what it said last, or UNKNOWN once that is older than its time to live.
    pub result: GateVerdict,
    /// What it said last; absent if it never said anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "GateVerdict")]
    pub reported: Option<GateVerdict>,
    /// When it said so, in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", transform = moment)]
    pub reported_at: Option<String>,
    /// How long a result counts, in milliseconds.
    #[schemars(transform = exact)]
    pub ttl_ms: u64,
    /// What it says about why, free of secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub reason: Option<String>,
    /// Other evidence: `journal:17`, digests, names of reports.
    #[serde(default)]
    pub refs: Vec<String>,
}

/// The word of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum GateVerdict {
    /// As it should be.
    Pass,
    /// Nobody knows, which is not a pass.
    Unknown,
    /// Not as it should be.
    Fail,
}
