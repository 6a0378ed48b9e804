//! The closed lists of words in a record.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
