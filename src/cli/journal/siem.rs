//! Entries in the words of other systems: Elastic Common Schema, and the Open Cybersecurity Schema Framework.

use sekisho_journal::contract::AuditEvent;
use sekisho_journal::{EventType, Outcome, Severity, wall_ms};
use serde_json::{Map, Value, json};

/// Elastic Common Schema 8.17. What it has no field for is under `sekisho`.
pub(super) fn ecs(entry: &AuditEvent) -> Value {
    let (kind, category, what) = match entry.event_type {
        EventType::SecurityAlertRaised | EventType::SecuritySecretGuardTriggered => {
            ("alert", "intrusion_detection", "info")
        }
        EventType::Authentication => ("event", "authentication", "start"),
        EventType::SecurityAccessDenied => ("event", "web", "denied"),
        EventType::Heartbeat | EventType::Gap | EventType::IntegrityRecord | EventType::GateRecord => {
            ("state", "host", "info")
        }
        EventType::SecurityContainmentApplied
        | EventType::SecurityIncidentOpened
        | EventType::SecurityIncidentUpdated
        | EventType::SecurityIncidentClosed
        | EventType::SupportBundleCreated
        | EventType::ConfigChanged
        | EventType::StateTightened
        | EventType::StateReleaseProposed
        | EventType::StateReleased
        | EventType::Operation => ("event", "configuration", "change"),
    };
    let outcome = if entry.result == Outcome::Success { "success" } else { "failure" };
    known(json!({
        "@timestamp": entry.timestamp,
        "ecs": { "version": "8.17.0" },
        "event": known(json!({
            "kind": kind,
            "category": [category],
            "type": [what],
            "action": entry.action,
            "outcome": outcome,
            "severity": severity_id(entry.severity),
            "sequence": entry.seq,
            "dataset": format!("sekisho.{}", entry.event_type),
            "duration": entry.duration_us.map(|us| us.saturating_mul(1000)),
        })),
        "message": format!("{} {} {}", entry.event_type, entry.action, entry.result),
        "observer": { "product": "sekisho", "version": entry.engine },
        "source": entry.source_ip.as_ref().map(|address| json!({ "address": address })),
        "user": entry.user.as_ref().map(|name| json!({ "name": name })),
        "trace": entry.trace_id.as_ref().map(|id| json!({ "id": id })),
        "sekisho": entry,
    }))
}

/// Open Cybersecurity Schema Framework 1.3. What it has no attribute for is under `unmapped`.
pub(super) fn ocsf(entry: &AuditEvent) -> Value {
    let class = Class::of(entry);
    let mut event = json!({
        "metadata": {
            "version": "1.3.0",
            "product": { "name": "sekisho", "vendor_name": "sekisho", "version": entry.engine },
            "sequence": entry.seq,
            "uid": reference(entry),
            "original_time": entry.timestamp,
        },
        "class_uid": class.uid,
        "category_uid": class.uid / 1000,
        "activity_id": class.activity,
        "activity_name": entry.action,
        "type_uid": class.uid * 100 + class.activity,
        "time": wall_ms(&entry.timestamp).unwrap_or_default(),
        "severity_id": severity_id(entry.severity),
        "status_id": if entry.result == Outcome::Success { 1 } else { 2 },
        "count": entry.count.unwrap_or(1),
        "message": format!("{} {}", entry.event_type, entry.action),
        "unmapped": entry,
    });
    if let (Some(fields), Value::Object(more)) = (event.as_object_mut(), class.fields) {
        fields.extend(more);
    }
    event
}

/// A class of the framework, the activity in it, and the attributes that this class asks for.
struct Class {
    uid: u32,
    activity: u32,
    fields: Value,
}

impl Class {
    fn of(entry: &AuditEvent) -> Self {
        let user = entry.user.as_deref().unwrap_or(UNKNOWN);
        let source = entry.source_ip.as_deref().unwrap_or(UNKNOWN);
        let info = json!({ "uid": reference(entry), "title": format!("{} {}", entry.event_type, entry.action) });
        let incident = |activity, status| Self {
            uid: INCIDENT_FINDING,
            activity,
            fields: json!({ "finding_info_list": [info.clone()], "status_id": status }),
        };
        match entry.event_type {
            EventType::Authentication => {
                let fields = json!({ "user": { "name": user }, "src_endpoint": { "name": source } });
                Self { uid: AUTHENTICATION, activity: 1, fields }
            }
            EventType::SecurityAccessDenied => {
                let fields = json!({
                    "actor": { "user": { "name": user } },
                    "api": { "operation": entry.action },
                    "src_endpoint": { "name": source },
                });
                Self { uid: API_ACTIVITY, activity: OTHER, fields }
            }
            EventType::SecurityAlertRaised | EventType::SecuritySecretGuardTriggered => {
                Self { uid: DETECTION_FINDING, activity: 1, fields: json!({ "finding_info": info }) }
            }
            EventType::SecurityIncidentOpened => incident(1, NEW),
            EventType::SecurityIncidentUpdated => incident(2, IN_PROGRESS),
            EventType::SecurityIncidentClosed => incident(3, CLOSED),
            EventType::SecurityContainmentApplied
            | EventType::SupportBundleCreated
            | EventType::IntegrityRecord
            | EventType::GateRecord
            | EventType::ConfigChanged
            | EventType::StateTightened
            | EventType::StateReleaseProposed
            | EventType::StateReleased
            | EventType::Operation
            | EventType::Heartbeat
            | EventType::Gap => {
                let fields = json!({ "app": { "name": "sekisho", "version": entry.engine }, "actor": { "user": { "name": user } } });
                Self { uid: APPLICATION_LIFECYCLE, activity: OTHER, fields }
            }
        }
    }
}

fn reference(entry: &AuditEvent) -> String {
    format!("journal:{}", entry.seq)
}

/// Without what is not known.
fn known(value: Value) -> Value {
    let Value::Object(map) = value else { return value };
    map.into_iter().filter(|(_, member)| !member.is_null()).collect::<Map<_, _>>().into()
}

/// As both schemas have it: 1 informational to 5 critical.
const fn severity_id(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

const UNKNOWN: &str = "unknown";
const OTHER: u32 = 99;
const DETECTION_FINDING: u32 = 2004;
const INCIDENT_FINDING: u32 = 2005;
const AUTHENTICATION: u32 = 3002;
const APPLICATION_LIFECYCLE: u32 = 6002;
const API_ACTIVITY: u32 = 6003;

/// The states of an incident.
const NEW: u8 = 1;
const IN_PROGRESS: u8 = 2;
const CLOSED: u8 = 5;

#[cfg(test)]
mod tests {
    use sekisho_journal::{Event, Stamp, line};

    use super::*;

    /// What every class asks for, and then each of its own, as the schema says (requirement: required).
    const EVERY: [&str; 7] = [
        "/activity_id",
        "/category_uid",
        "/class_uid",
        "/metadata/product",
        "/metadata/version",
        "/severity_id",
        "/time",
    ];
    const EACH: [(u32, &[&str]); 5] = [
        (DETECTION_FINDING, &["/finding_info/title", "/finding_info/uid"]),
        (INCIDENT_FINDING, &["/finding_info_list/0/title", "/finding_info_list/0/uid", "/status_id"]),
        (AUTHENTICATION, &["/user/name"]),
        (APPLICATION_LIFECYCLE, &["/app/name"]),
        (API_ACTIVITY, &["/actor/user/name", "/api/operation", "/src_endpoint/name"]),
    ];

    /// An entry of each type, once bare and once with all it can have.
    fn entries() -> Vec<AuditEvent> {
        let mut all = Vec::new();
        for (seq, kind) in (0..).zip(EventType::ALL) {
            let bare = Event::new(kind, "done");
            let full =
                bare.clone().with_user("ann").with_source_ip("10.0.xxx.xxx").with_trace_id("t").with_duration_us(7);
            for event in [bare, full] {
                let stamp = Stamp {
                    seq,
                    wall_ms: 1_705_314_600_123,
                    mono_ns: 1,
                    boot_id: "b".into(),
                    engine: "e".into(),
                    retention: None,
                };
                all.push(serde_json::from_slice(&line(&event, &stamp).unwrap()).unwrap());
            }
        }
        all
    }

    fn no_null(value: &Value, what: &str) {
        match value {
            Value::Null => panic!("{what} is null"),
            Value::Array(items) => items.iter().for_each(|item| no_null(item, what)),
            Value::Object(map) => map.iter().for_each(|(name, member)| no_null(member, &format!("{what}.{name}"))),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_class_of_ocsf_has_what_it_asks_for() {
        let mut seen = std::collections::BTreeSet::new();
        for entry in entries() {
            let event = ocsf(&entry);
            let uid = u32::try_from(event["class_uid"].as_u64().unwrap()).unwrap();
            let (_, own) = EACH.iter().find(|(class, _)| *class == uid).unwrap();
            for wanted in EVERY.iter().chain(*own) {
                assert!(event.pointer(wanted).is_some_and(|value| !value.is_null()), "{uid}: {wanted}: {event}");
            }
            assert_eq!(event["time"], 1_705_314_600_123_u64);
            assert_eq!(
                event["type_uid"],
                event["class_uid"].as_u64().unwrap() * 100 + event["activity_id"].as_u64().unwrap()
            );
            no_null(&event, "event");
            seen.insert(uid);
        }
        assert_eq!(seen.len(), EACH.len());
    }

    #[test]
    fn ecs_has_its_core_and_nothing_that_is_not_known() {
        for entry in entries() {
            let document = ecs(&entry);
            for wanted in
                ["/@timestamp", "/ecs/version", "/event/kind", "/event/category/0", "/event/type/0", "/message"]
            {
                assert!(document.pointer(wanted).is_some(), "{wanted}: {document}");
            }
            no_null(&document, "document");
        }
    }
}
