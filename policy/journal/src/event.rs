//! What happened, before it is stamped and written.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// Something that happened and must be provable later.
///
/// Strings in here may still hold what must not be written: the writer passes every one of them through the scanner
/// first. Therefore `Debug` shows the type of the event and nothing else.
#[derive(Clone, PartialEq)]
pub struct Event {
    /// What kind of thing happened; decides how long the record is kept.
    pub event_type: EventType,
    /// How much it matters.
    pub severity: Severity,
    /// The verb: what was done or tried.
    pub action: String,
    /// Who, if known: the principal's name, never a credential.
    pub user: Option<String>,
    /// From where, already masked by the caller (`192.168.xxx.xxx`).
    pub source_ip: Option<String>,
    /// The trace this belongs to.
    pub trace_id: Option<String>,
    /// The decision this belongs to: the value of the `sekisho-decision` header.
    pub decision_id: Option<String>,
    /// What went in. Integers, strings, booleans, null, lists and objects only.
    pub inputs: BTreeMap<String, Value>,
    /// What came out; the same kinds of value.
    pub outputs: BTreeMap<String, Value>,
    /// What was in force before a change of configuration; the same kinds of value.
    pub before: Option<BTreeMap<String, Value>>,
    /// What is in force after it.
    pub after: Option<BTreeMap<String, Value>>,
    /// How it ended.
    pub result: Outcome,
    /// How long it took, in microseconds.
    pub duration_us: Option<u64>,
    /// How many alike this one record stands for; absent means one.
    pub count: Option<u64>,
    /// Other evidence this refers to: decision ids, incident ids, `journal:17`, digests.
    pub refs: Vec<String>,
}

impl Event {
    /// An event of severity `INFO` that succeeded, with nothing else said.
    #[must_use]
    pub fn new(event_type: EventType, action: impl Into<String>) -> Self {
        Self {
            event_type,
            severity: Severity::Info,
            action: action.into(),
            user: None,
            source_ip: None,
            trace_id: None,
            decision_id: None,
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
            before: None,
            after: None,
            result: Outcome::Success,
            duration_us: None,
            count: None,
            refs: Vec::new(),
        }
    }

    /// Sets how much it matters.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Sets who did it.
    #[must_use]
    pub fn with_user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets where it came from; the address must already be masked.
    #[must_use]
    pub fn with_source_ip(mut self, masked: impl Into<String>) -> Self {
        self.source_ip = Some(masked.into());
        self
    }

    /// Sets the trace it belongs to.
    #[must_use]
    pub fn with_trace_id(mut self, trace_id: impl Into<String>) -> Self {
        self.trace_id = Some(trace_id.into());
        self
    }

    /// Sets the decision it belongs to.
    #[must_use]
    pub fn with_decision_id(mut self, decision_id: impl Into<String>) -> Self {
        self.decision_id = Some(decision_id.into());
        self
    }

    /// Adds one named input.
    #[must_use]
    pub fn with_input(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.inputs.insert(name.into(), value.into());
        self
    }

    /// Adds one named output.
    #[must_use]
    pub fn with_output(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.outputs.insert(name.into(), value.into());
        self
    }

    /// Adds one named value as it was before a change, and as it is after it.
    #[must_use]
    pub fn with_change(mut self, name: &str, before: impl Into<Value>, after: impl Into<Value>) -> Self {
        self.before.get_or_insert_default().insert(name.to_owned(), before.into());
        self.after.get_or_insert_default().insert(name.to_owned(), after.into());
        self
    }

    /// Sets how it ended.
    #[must_use]
    pub fn with_result(mut self, result: Outcome) -> Self {
        self.result = result;
        self
    }

    /// Sets how long it took, in microseconds.
    #[must_use]
    pub fn with_duration_us(mut self, duration_us: u64) -> Self {
        self.duration_us = Some(duration_us);
        self
    }

    /// Says that this one record stands for `count` alike.
    #[must_use]
    pub fn with_count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Adds a reference to other evidence.
    #[must_use]
    pub fn with_ref(mut self, reference: impl Into<String>) -> Self {
        self.refs.push(reference.into());
        self
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("event_type", &self.event_type).finish_non_exhaustive()
    }
}

/// The kinds of event. The first eight are the fixed contract of the specification (§8); the rest are the events of
/// the audit table (§5.1) and of the journal itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A symptom was seen.
    SecurityAlertRaised,
    /// Something was contained: state tightened, session or secret revoked, stream quarantined.
    SecurityContainmentApplied,
    /// The scanner found what must not be there.
    SecuritySecretGuardTriggered,
    /// Access that matters was refused.
    SecurityAccessDenied,
    /// An incident was opened.
    SecurityIncidentOpened,
    /// An incident was worked on: a remark, a step, another grade.
    SecurityIncidentUpdated,
    /// An incident was closed.
    SecurityIncidentClosed,
    /// A support bundle was made.
    SupportBundleCreated,
    /// The integrity of data or journal was looked at, or restored.
    IntegrityRecord,
    /// A gate gave a result.
    GateRecord,
    /// Somebody proved who they are, or failed to.
    Authentication,
    /// What is in force was changed.
    ConfigChanged,
    /// The safety state became stricter.
    StateTightened,
    /// A loosening of the safety state was proposed.
    StateReleaseProposed,
    /// The safety state was loosened.
    StateReleased,
    /// An operation of the engine.
    Operation,
    /// Nothing happened, and the writer is alive.
    Heartbeat,
    /// Records are missing here, and how many.
    Gap,
}

impl EventType {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 18] = [
        Self::SecurityAlertRaised,
        Self::SecurityContainmentApplied,
        Self::SecuritySecretGuardTriggered,
        Self::SecurityAccessDenied,
        Self::SecurityIncidentOpened,
        Self::SecurityIncidentUpdated,
        Self::SecurityIncidentClosed,
        Self::SupportBundleCreated,
        Self::IntegrityRecord,
        Self::GateRecord,
        Self::Authentication,
        Self::ConfigChanged,
        Self::StateTightened,
        Self::StateReleaseProposed,
        Self::StateReleased,
        Self::Operation,
        Self::Heartbeat,
        Self::Gap,
    ];

    /// The name in the record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::SecurityAlertRaised => "security.alert.raised",
            Self::SecurityContainmentApplied => "security.containment.applied",
            Self::SecuritySecretGuardTriggered => "security.secret.guard.triggered",
            Self::SecurityAccessDenied => "security.access.denied",
            Self::SecurityIncidentOpened => "security.incident.opened",
            Self::SecurityIncidentUpdated => "security.incident.updated",
            Self::SecurityIncidentClosed => "security.incident.closed",
            Self::SupportBundleCreated => "support_bundle.created",
            Self::IntegrityRecord => "integrity.record",
            Self::GateRecord => "gate.record",
            Self::Authentication => "authentication",
            Self::ConfigChanged => "config.changed",
            Self::StateTightened => "state.tightened",
            Self::StateReleaseProposed => "state.release.proposed",
            Self::StateReleased => "state.released",
            Self::Operation => "operation",
            Self::Heartbeat => "heartbeat",
            Self::Gap => "gap",
        }
    }

    /// How long such a record is kept: the audit table gives authentication and authorisation two years, data access
    /// and configuration seven, operations one. What the specification names as evidence is kept for seven.
    #[must_use]
    pub const fn retention(self) -> Retention {
        match self {
            Self::Operation | Self::Heartbeat => Retention::Y1,
            Self::Authentication | Self::SecurityAccessDenied => Retention::Y2,
            Self::SecurityAlertRaised
            | Self::SecurityContainmentApplied
            | Self::SecuritySecretGuardTriggered
            | Self::SecurityIncidentOpened
            | Self::SecurityIncidentUpdated
            | Self::SecurityIncidentClosed
            | Self::SupportBundleCreated
            | Self::IntegrityRecord
            | Self::GateRecord
            | Self::ConfigChanged
            | Self::StateTightened
            | Self::StateReleaseProposed
            | Self::StateReleased
            | Self::Gap => Retention::Y7,
        }
    }
}

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// For the record.
    Info,
    /// Worth a look some day.
    Low,
    /// Worth a look within a day.
    Medium,
    /// Worth a look within hours.
    High,
    /// Worth waking somebody.
    Critical,
}

impl Severity {
    /// Every severity, from the least to the most.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The name in the record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How long a record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Retention {
    /// One year.
    Y1,
    /// Two years.
    Y2,
    /// Seven years.
    Y7,
}

impl Retention {
    /// Every class, from the shortest to the longest.
    pub const ALL: [Self; 3] = [Self::Y1, Self::Y2, Self::Y7];

    /// The name in the record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Y1 => "1y",
            Self::Y2 => "2y",
            Self::Y7 => "7y",
        }
    }
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It was tried and broke.
    Failure,
    /// Policy said no.
    Refused,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Success, Self::Failure, Self::Refused];

    /// The name in the record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Refused => "refused",
        }
    }
}

/// A name that stands for nothing here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is not a known {kind}")]
pub struct UnknownName {
    kind: &'static str,
    given: String,
}

/// Text and serde forms of the four closed enums, all from `name()`.
macro_rules! named {
    ($type:ty, $kind:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(given: &str) -> Result<Self, UnknownName> {
                let found = Self::ALL.into_iter().find(|one| one.name() == given);
                found.ok_or_else(|| UnknownName { kind: $kind, given: given.chars().take(64).collect() })
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let name = String::deserialize(deserializer)?;
                name.parse().map_err(serde::de::Error::custom)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($type))
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let names: Vec<&str> = Self::ALL.iter().map(|one| one.name()).collect();
                json_schema!({ "type": "string", "enum": names })
            }
        }
    };
}

named!(EventType, "event type");
named!(Severity, "severity");
named!(Retention, "retention class");
named!(Outcome, "outcome");
