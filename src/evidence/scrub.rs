//! No string gets into a record without having passed the scanner.

use std::collections::BTreeMap;

use sekisho_journal::Event;
use serde_json::{Map, Value};

/// What the scanner makes of a string: the same, or one with masks.
pub type Scrub = dyn Fn(&str) -> String + Send + Sync;

/// The event with every string in it scrubbed, names and numbers in its inputs and outputs too.
pub(super) fn scrubbed(event: Event, scrub: &Scrub) -> Event {
    let text = |text: Option<String>| text.map(|text| scrub(&text));
    Event {
        event_type: event.event_type,
        severity: event.severity,
        action: scrub(&event.action),
        user: text(event.user),
        source_ip: text(event.source_ip),
        trace_id: text(event.trace_id),
        decision_id: text(event.decision_id),
        inputs: members(event.inputs, scrub),
        outputs: members(event.outputs, scrub),
        before: event.before.map(|before| members(before, scrub)),
        after: event.after.map(|after| members(after, scrub)),
        result: event.result,
        duration_us: event.duration_us,
        count: event.count,
        refs: event.refs.iter().map(|one| scrub(one)).collect(),
    }
}

fn members(map: BTreeMap<String, Value>, scrub: &Scrub) -> BTreeMap<String, Value> {
    let mut clean = BTreeMap::new();
    for (name, member) in map {
        let mut name = scrub(&name);
        // Two names may become one mask; neither member may push the other out.
        while clean.contains_key(&name) {
            name.push('~');
        }
        clean.insert(name, value(member, scrub));
    }
    clean
}

/// What somebody said, with every string in it scrubbed, names and numbers too.
pub(super) fn value(given: Value, scrub: &Scrub) -> Value {
    match given {
        Value::Null | Value::Bool(_) => given,
        // Account and card numbers are numbers: what the scanner would mask as text must not pass as a number.
        Value::Number(number) => {
            let text = number.to_string();
            let clean = scrub(&text);
            if clean == text { Value::Number(number) } else { Value::String(clean) }
        }
        Value::String(text) => Value::String(scrub(&text)),
        Value::Array(items) => items.into_iter().map(|item| value(item, scrub)).collect(),
        Value::Object(map) => {
            Value::Object(members(map.into_iter().collect(), scrub).into_iter().collect::<Map<_, _>>())
        }
    }
}
