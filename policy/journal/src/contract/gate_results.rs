use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::exact;

/// How the gates are: the answer of `GET /v1/gates`. Later versions may add fields; those named here stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateResults {
    /// One for each gate, in the order of their names.
    pub gates: Vec<GateResult>,
}

/// How one gate is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GateResult {
    /// The gate's name.
    pub name: String,
    /// Where it counts.
    pub scope: String,
    /// What counts now: what was said last, or UNKNOWN once that is older than it may be.
    pub status: GateVerdict,
    /// Milliseconds until silence makes it UNKNOWN; 0 if it has.
    #[schemars(transform = exact)]
    pub left_ms: u64,
    /// FAILs in a row.
    #[schemars(transform = exact)]
    pub fails: u64,
    /// Who said so.
    pub by: String,
    /// Where that can be looked up.
    pub evidence: Option<String>,
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
