//! What is emitted is what `docs/contracts/audit_event.schema.json` says.

use std::collections::BTreeSet;

use crate::{Event, EventType, Outcome, Retention, Severity, Stamp, contract, line};
use serde_json::{Map, Value, json};

#[test]
fn every_event_type_in_every_severity_and_outcome_fits_the_contract() {
    let schema = schema();
    for event_type in EventType::ALL {
        for severity in Severity::ALL {
            for result in Outcome::ALL {
                for event in [bare(event_type), full(event_type)] {
                    fits(&schema, &emitted(&event.with_severity(severity).with_result(result)));
                }
            }
        }
    }
}

#[test]
fn a_bare_event_has_the_required_fields_and_a_full_one_has_all() {
    let schema = schema();
    let required: BTreeSet<String> = strings(&schema["required"]);
    let known: BTreeSet<String> = schema["properties"].as_object().map(names).unwrap_or_default();
    assert_eq!(names(&emitted(&bare(EventType::Operation))), required);
    assert_eq!(names(&emitted(&full(EventType::Operation))), known);
}

#[test]
fn the_enums_of_the_contract_are_those_of_the_code() {
    let schema = schema();
    let listed = |field: &str| strings(&schema["properties"][field]["enum"]);
    assert_eq!(listed("event_type"), EventType::ALL.iter().map(ToString::to_string).collect());
    assert_eq!(listed("severity"), Severity::ALL.iter().map(ToString::to_string).collect());
    assert_eq!(listed("retention"), Retention::ALL.iter().map(ToString::to_string).collect());
    assert_eq!(listed("result"), Outcome::ALL.iter().map(ToString::to_string).collect());
}

/// `sekisho journal contract NAME` prints what belongs there.
#[test]
fn the_contracts_in_the_documentation_are_those_of_the_types() {
    let written = [
        include_str!("../../../docs/contracts/audit_event.schema.json"),
        include_str!("../../../docs/contracts/safety_state.schema.json"),
        include_str!("../../../docs/contracts/gate_results.schema.json"),
        include_str!("../../../docs/contracts/integrity_report.schema.json"),
        include_str!("../../../docs/contracts/support_bundle_manifest.schema.json"),
        include_str!("../../../docs/contracts/replay_pointers.schema.json"),
    ];
    for ((name, made), written) in contract::schemas().into_iter().zip(written) {
        assert_eq!(made, written, "docs/contracts/{name}.schema.json is not what the type says");
    }
}

#[test]
fn what_breaks_the_contract_does_not_fit_it() {
    let schema = schema();
    let validator = jsonschema::draft202012::options().build(&schema).unwrap();
    let good = Value::Object(emitted(&full(EventType::Operation)));
    assert!(validator.is_valid(&good));
    for (field, value) in [
        ("v", json!(2)),
        ("seq", json!(-1)),
        ("timestamp", json!("yesterday")),
        ("event_type", json!("invented")),
        ("user", Value::Null),
        ("refs", json!([1])),
        ("extra", json!(1)),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        assert!(!validator.is_valid(&bad), "{field}");
    }
}

#[test]
fn names_are_read_back() {
    for event_type in EventType::ALL {
        assert_eq!(event_type.name().parse(), Ok(event_type));
    }
    let error = "nonsense".parse::<EventType>().map_err(|error| error.to_string());
    assert_eq!(error, Err("`nonsense` is not a known event type".to_owned()));
}

fn bare(event_type: EventType) -> Event {
    Event::new(event_type, "act")
}

fn full(event_type: EventType) -> Event {
    bare(event_type)
        .with_user("u")
        .with_source_ip("10.0.0.xxx")
        .with_trace_id("t")
        .with_decision_id("d")
        .with_input("in", vec![1, 2])
        .with_output("out", true)
        .with_change("limit", 1, 2)
        .with_duration_us(1)
        .with_count(2)
        .with_ref("journal:0")
}

fn emitted(event: &Event) -> Map<String, Value> {
    let stamp = Stamp { seq: 0, wall_ms: 0, mono_ns: 0, boot_id: "b".into(), engine: "e".into(), retention: None };
    let bytes = line(event, &stamp).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

fn fits(schema: &Value, record: &Map<String, Value>) {
    let validator = jsonschema::draft202012::options().build(schema).unwrap();
    let record = Value::Object(record.clone());
    let faults: Vec<String> = validator.iter_errors(&record).map(|error| error.to_string()).collect();
    assert!(faults.is_empty(), "{record}: {faults:?}");
}

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/contracts/audit_event.schema.json")).unwrap()
}

fn strings(value: &Value) -> BTreeSet<String> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn names(map: &Map<String, Value>) -> BTreeSet<String> {
    map.keys().cloned().collect()
}
