use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{digest, exact, moment, version};
use crate::contract::JournalRange;

/// What is in a support bundle, file by file. Its signed form is the one thing that a verifier starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SupportBundleManifest {
    /// The version of this contract.
    #[schemars(transform = version)]
    pub v: u64,
    /// The bundle's name.
    pub id: String,
    /// The incident it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub incident: Option<String>,
    /// The service whose sidecar made it.
    pub service: String,
    /// Who asked for it.
    pub created_by: String,
    /// The wall time of the last entry of the journal that it covers, in UTC: not the time of the making, so that the
    /// same evidence makes the same bundle.
    #[schemars(transform = moment)]
    pub as_of: String,
    /// The signed note of the checkpoint that everything in the bundle is taken at.
    pub checkpoint: String,
    /// The key that the checkpoint and the manifest are signed with: `name+hexid+base64`.
    pub verifier_key: String,
    /// Which entries of the journal are in it.
    pub journal: JournalRange,
    /// Hash of the policy that was in force, in hex.
    pub policy_hash: String,
    /// What made it.
    pub versions: Versions,
    /// Every file of the bundle but the manifest and its signature, in the order of their paths.
    pub files: Vec<BundleFile>,
    /// Other evidence: `incident:ID`, `journal:17`, digests.
    pub refs: Vec<String>,
}

/// One file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BundleFile {
    /// Its path in the bundle, relative and with `/`.
    pub path: String,
    /// What it is.
    pub kind: BundleKind,
    /// Its length in bytes.
    #[schemars(transform = exact)]
    pub bytes: u64,
    /// Its SHA-256, in hex.
    #[schemars(transform = digest)]
    pub sha256: String,
}

/// What a file of a bundle is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BundleKind {
    /// Entries of the journal, as they were signed.
    AuditEvents,
    /// Proofs that these entries are in the signed tree.
    Proofs,
    /// The statements by which the journal's key was handed over; absent while it has had one only.
    Keys,
    /// The transitions of the safety state.
    SafetyTransitions,
    /// What the gates said.
    GateResults,
    /// What the verifier said of the journal.
    IntegrityReport,
    /// Where the inputs of the time can be found.
    ReplayPointers,
    /// Logs, redacted.
    Logs,
    /// A snapshot of the metrics.
    Metrics,
    /// The policy that was in force.
    Policy,
    /// The incident with its timeline.
    Incident,
}

/// What made a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// Of the engine.
    pub engine: String,
    /// Of the contracts.
    #[schemars(transform = version)]
    pub contracts: u64,
}
