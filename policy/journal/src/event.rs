//! What happened, before it is stamped and written.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::names::{EventType, Outcome, Severity};

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
