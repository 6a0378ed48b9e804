use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::exact;

/// What is in force: the answer of `GET /v1/state`. Later versions may add fields; those named here stay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SafetyState {
    /// The strictest of all scopes and sources, in one word.
    pub posture: PostureWord,
    /// The same in its three dimensions.
    pub level: SafetyLevel,
    /// The scope that the strictest level comes from.
    pub scope: String,
    /// The epoch of that scope: grows with each release.
    #[schemars(transform = exact)]
    pub epoch: u64,
    /// Whether the state in force is on the disk.
    pub stored: bool,
    /// Why the state found at the start could not be verified, if it could not; then it began as BLOCK.
    pub unverified_at_start: Option<String>,
    /// Each scope that anything was said about.
    pub scopes: Vec<SafetyScope>,
    /// Releases that wait for their second person.
    pub releases: Vec<Value>,
    /// What is known of orders that rest at venues, by the sweeps of policy.
    #[serde(default)]
    pub sweeps: Vec<SafetySweep>,
    /// Hash of the policy in force.
    pub policy_hash: String,
}

/// How strict, in three dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SafetyLevel {
    /// The kill-switch.
    pub switch: SwitchWord,
    /// The safety mode.
    pub mode: ModeWord,
    /// The health of what watches.
    pub health: HealthWord,
}

/// One scope of the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SafetyScope {
    /// `fleet`, `account:NAME`, `venue:NAME`, `strategy:NAME` or `instrument:NAME`.
    pub scope: String,
    /// Its epoch.
    #[schemars(transform = exact)]
    pub epoch: u64,
    /// The strictest of its sources.
    pub level: SafetyLevel,
    /// The same in one word.
    pub posture: PostureWord,
    /// Who holds it there, each until it is released.
    pub sources: Vec<SafetySource>,
}

/// Who holds a scope at a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SafetySource {
    /// The kind of source: a word, or an object of one word and a name, as in `{"signal":"auth_failures"}`.
    pub source: Value,
    /// How strict it asks to be.
    pub level: SafetyLevel,
    /// The person or part behind it.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Since when, in milliseconds since 1970.
    #[schemars(transform = exact)]
    pub at_ms: u64,
}

/// What is known of the resting orders of one scope. A state of BLOCK is not flat: what rests can fill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SafetySweep {
    /// As policy names it.
    pub name: String,
    /// What has to come to BLOCK for it to be asked for anything.
    pub scope: String,
    /// What is known.
    pub status: SweepWord,
    /// How many rest, if that is known.
    #[schemars(transform = exact)]
    pub resting: Option<u64>,
    /// Since when that is the answer, in milliseconds since 1970.
    #[schemars(transform = exact)]
    pub since_ms: u64,
    /// When it was told last, in milliseconds since 1970.
    #[schemars(transform = exact)]
    pub looked_ms: u64,
}

/// What is known of resting orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SweepWord {
    /// The scope is not in BLOCK, so nobody is asked.
    Idle,
    /// Nobody has said since it came to BLOCK, or who was asked has not answered the last time.
    RestingUnknown,
    /// The last query found some.
    Resting,
    /// The last query, made after a cancellation was answered, found none.
    None,
}

/// The kill-switch. Later is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SwitchWord {
    /// Orders pass.
    Allow,
    /// Only what reduces or cancels passes.
    CloseOnly,
    /// Only reading and cancelling passes.
    Block,
}

/// The safety mode. Later is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ModeWord {
    /// Nothing is suspected.
    Normal,
    /// Something is.
    Safe,
    /// Stop everything that can be stopped.
    EmergencyStop,
}

/// Whether the monitors can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HealthWord {
    /// They report, and report well.
    Ok,
    /// They are silent.
    Unknown,
}

/// A level in one word. Later is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PostureWord {
    /// Everything policy permits.
    Allow,
    /// Reducing and cancelling.
    CloseOnly,
    /// Reading and cancelling.
    Block,
    /// Reading and cancelling, unless policy seals even that.
    EmergencyStop,
}
