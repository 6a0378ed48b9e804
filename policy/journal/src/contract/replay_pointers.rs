use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{digest, exact, moment, version};

/// Where the inputs of a time can be found again. It answers "what did it see" by pointing, and holds no input itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayPointers {
    /// The version of this contract.
    #[schemars(transform = version)]
    pub v: u64,
    /// Which entries of the journal it was made from.
    pub journal: JournalRange,
    /// The requests that these entries point to, in the order of the entries.
    pub inputs: Vec<InputPointer>,
    /// The requests of each upstream, by their numbers.
    pub upstreams: Vec<UpstreamRange>,
}

/// A range of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JournalRange {
    /// The journal's name.
    pub origin: String,
    /// The first entry.
    #[schemars(transform = exact)]
    pub from: u64,
    /// The first entry behind the range.
    #[schemars(transform = exact)]
    pub to: u64,
    /// The size of the signed tree that it was read from.
    #[schemars(transform = exact)]
    pub tree_size: u64,
    /// The root of that tree, in hex.
    #[schemars(transform = digest)]
    pub root: String,
}

/// A request that came in, and where it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InputPointer {
    /// The entry that points to it.
    #[schemars(transform = exact)]
    pub seq: u64,
    /// When the entry was recorded, in UTC.
    #[schemars(transform = moment)]
    pub at: String,
    /// The decision: the value of the sekisho-decision header of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub decision_id: Option<String>,
    /// The route it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub route: Option<String>,
    /// Keyed digest of the body as it came in (HMAC-SHA-256 under the fingerprint key, hex): whoever has kept the request
    /// and has the key can tell that it is this one; nobody can guess it from the digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", transform = digest)]
    pub digest: Option<String>,
    /// The length of the body, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", transform = exact)]
    pub bytes: Option<u64>,
    /// The upstream it was given to; absent if it was not forwarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub upstream: Option<String>,
    /// Its number among the order messages that this upstream was given since the sidecar began: 0 for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u64", transform = exact)]
    pub upstream_offset: Option<u64>,
}

/// The requests of one upstream within the range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpstreamRange {
    /// The upstream, as policy names it.
    pub upstream: String,
    /// The number of the first of them that an entry points to.
    #[schemars(transform = exact)]
    pub first: u64,
    /// The number of the last of them that an entry points to.
    #[schemars(transform = exact)]
    pub last: u64,
}
