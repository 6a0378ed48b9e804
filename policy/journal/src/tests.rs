//! What is emitted is what `docs/contracts/audit_event.schema.json` says.

use std::collections::BTreeSet;

use crate::{Event, EventType, Outcome, Retention, Severity, Stamp, line};
use serde_json::{Map, Value};

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
        .with_duration_us(1)
        .with_count(2)
        .with_ref("journal:0")
}

fn emitted(event: &Event) -> Map<String, Value> {
    let stamp = Stamp { seq: 0, wall_ms: 0, mono_ns: 0, boot_id: "b".into(), engine: "e".into() };
    let bytes = line(event, &stamp).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

/// As much of JSON Schema as the contract uses.
fn fits(schema: &Value, record: &Map<String, Value>) {
    assert_eq!(schema["additionalProperties"], Value::Bool(false));
    for required in strings(&schema["required"]) {
        assert!(record.contains_key(&required), "{required} is missing");
    }
    for (name, value) in record {
        let property = schema["properties"].get(name).unwrap_or_else(|| panic!("{name} is not in the contract"));
        let right = match property["type"].as_str() {
            Some("string") => value.is_string(),
            Some("integer") => value.is_u64(),
            Some("object") => value.is_object(),
            Some("array") => value.is_array(),
            other => panic!("{name}: {other:?} is not checked here"),
        };
        assert!(right, "{name} has another type");
        if let Some(allowed) = property["enum"].as_array() {
            assert!(allowed.contains(value), "{name}: {value} is not allowed");
        }
    }
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
