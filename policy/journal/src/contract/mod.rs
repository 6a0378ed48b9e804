//! The contracts of all evidence, as types. Their JSON Schemas (2020-12) are `docs/contracts/*.schema.json`.
//!
//! Whoever emits one of these makes it out of the type, so that what is emitted and what is promised cannot differ. A
//! field is never renamed, and never changes its meaning: what must change gets a new version of its contract.

mod audit_event;

mod safety_state;

mod gate_results;

mod support_bundle_manifest;

mod replay_pointers;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::Value;

use crate::verify::Report;

pub use audit_event::AuditEvent;
pub use gate_results::{GateResult, GateResults, GateVerdict};
pub use replay_pointers::{InputPointer, JournalRange, ReplayPointers, UpstreamRange};
pub use safety_state::{
    HealthWord, ModeWord, PostureWord, SafetyLevel, SafetyScope, SafetySource, SafetyState, SafetySweep, SweepWord,
    SwitchWord,
};
pub use support_bundle_manifest::{BundleFile, BundleKind, SupportBundleManifest, Versions};

/// The name of each contract and its JSON Schema, pretty-printed with a newline at its end: the content of
/// `docs/contracts/NAME.schema.json`.
#[must_use]
pub fn schemas() -> Vec<(&'static str, String)> {
    vec![
        ("audit_event", text(schema::<AuditEvent>("audit_event"))),
        ("safety_state", text(schema::<SafetyState>("safety_state"))),
        ("gate_results", text(schema::<GateResults>("gate_results"))),
        ("integrity_report", text(schema::<Report>("integrity_report"))),
        ("support_bundle_manifest", text(schema::<SupportBundleManifest>("support_bundle_manifest"))),
        ("replay_pointers", text(schema::<ReplayPointers>("replay_pointers"))),
    ]
}

fn schema<T: JsonSchema>(name: &str) -> Schema {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), Value::from(format!("urn:sekisho:contract:{name}:{VERSION}")));
    schema.insert("title".to_owned(), Value::from(name));
    schema
}

fn text(schema: Schema) -> String {
    // Sorting makes the file the same whether or not some crate of the build asks serde_json to keep the order.
    let mut sorted = schema.to_value();
    sorted.sort_all_objects();
    let mut text = serde_json::to_string_pretty(&sorted).unwrap_or_default();
    text.push('\n');
    text
}

/// The version of all contracts.
pub const VERSION: u64 = 1;

/// An integer that every JSON reader keeps exact: below 2^53.
pub(crate) fn exact(schema: &mut Schema) {
    schema.insert("maximum".to_owned(), Value::from(9_007_199_254_740_991_u64));
    schema.insert("minimum".to_owned(), Value::from(0));
    schema.remove("format");
}

/// The time as records have it: RFC 3339 in UTC.
fn moment(schema: &mut Schema) {
    schema.insert("format".to_owned(), Value::from("date-time"));
    schema.insert("pattern".to_owned(), Value::from(MOMENT));
}

/// A SHA-256 digest in lower-case hex.
fn digest(schema: &mut Schema) {
    schema.insert("pattern".to_owned(), Value::from("^[0-9a-f]{64}$"));
}

/// The version of the contract: a constant.
pub(crate) fn version(schema: &mut Schema) {
    schema.remove("format");
    schema.remove("minimum");
    schema.insert("const".to_owned(), Value::from(VERSION));
}

const MOMENT: &str = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$";
