//! Why something was decided: the record of a decision, the rule it went by, and what was in force.

use sekisho_journal::{SEGMENTS, Store as _, segment_first, segment_path};
use sekisho_policy::Refusal;
use serde::Serialize;
use serde_json::Value;

use crate::evidence::FileStore;

/// A decision, as far as it is known.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The id of the decision.
    pub decision: String,
    /// The records that name it, the oldest first. Values in them are masked, as everything in the journal is.
    pub records: Vec<Value>,
    /// The rule: the code of the refusal or of the find.
    pub rule: Option<Rule>,
    /// The hash of the policy that was in force.
    pub policy_hash: Option<String>,
    /// The last change of the safety state before it, of any scope.
    pub state: Option<Value>,
}

/// A rule, and where it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rule {
    /// Its code.
    pub code: String,
    /// Its page, for refusals.
    pub runbook: Option<String>,
}

/// Looks through the journal, from its end, for `decision`. `None`: no record names it. Of a flood only the first is recorded
/// by its id, the others as a number. Blocks on the disk.
pub fn explain(store: &FileStore, decision: &str) -> Option<Explanation> {
    let mut segments: Vec<u64> = store.list(SEGMENTS).ok()?.iter().filter_map(|name| segment_first(name)).collect();
    segments.sort_unstable();
    let named = format!(r#""decision_id":"{decision}""#);
    let mut search = Search { named, records: Vec::new(), policy_hash: None, state: None };
    for first in segments.into_iter().rev() {
        let Ok(Some(bytes)) = store.read(&segment_path(first)) else { continue };
        if bytes
            .rsplit(|byte| *byte == b'\n')
            .filter_map(|line| str::from_utf8(line).ok())
            .any(|line| search.take(line))
        {
            break;
        }
    }
    let Search { mut records, policy_hash, state, .. } = search;
    records.reverse();
    let rule = records.first().and_then(|record| record.get("action")).and_then(Value::as_str).map(rule);
    (!records.is_empty()).then(|| Explanation { decision: decision.to_owned(), records, rule, policy_hash, state })
}

struct Search {
    named: String,
    records: Vec<Value>,
    policy_hash: Option<String>,
    state: Option<Value>,
}

impl Search {
    /// Whether everything is found, with this line.
    fn take(&mut self, line: &str) -> bool {
        if line.contains(&self.named) {
            self.records.extend(serde_json::from_str(line));
        } else if !self.records.is_empty() {
            self.around(line);
        }
        !self.records.is_empty() && self.policy_hash.is_some() && (self.state.is_some() || is_start(line))
    }

    /// What was in force: the last that was said of it before.
    fn around(&mut self, line: &str) {
        let success = line.contains(r#""result":"success""#);
        let state =
            line.contains(r#""event_type":"state.tightened""#) || line.contains(r#""event_type":"state.released""#);
        if state && success && self.state.is_none() {
            self.state = serde_json::from_str(line).ok();
        }
        let reload = line.contains(r#""action":"policy.reload""#) && success;
        if self.policy_hash.is_none() && (reload || is_start(line)) {
            let record: Value = serde_json::from_str(line).unwrap_or_default();
            let hash = record.pointer("/after/policy_hash").or_else(|| record.pointer("/inputs/policy_hash"));
            self.policy_hash = hash.and_then(Value::as_str).map(str::to_owned);
        }
    }
}

fn is_start(line: &str) -> bool {
    line.contains(r#""action":"start""#) && line.contains(r#""event_type":"operation""#)
}

fn rule(action: &str) -> Rule {
    let refusal = Refusal::ALL_CODES.contains(&action);
    Rule { code: action.to_owned(), runbook: refusal.then(|| format!("docs/runbooks/{action}.md")) }
}

#[cfg(test)]
mod tests {
    use super::Search;

    fn search(lines: &[&str]) -> (usize, Option<String>, bool, usize) {
        let mut search =
            Search { named: r#""decision_id":"a-1""#.into(), records: vec![], policy_hash: None, state: None };
        let read = lines.iter().rev().position(|line| search.take(line)).map_or(lines.len(), |at| at + 1);
        (search.records.len(), search.policy_hash, search.state.is_some(), read)
    }

    #[test]
    fn what_was_in_force_is_what_was_said_last_before_it() {
        let start = r#"{"action":"start","event_type":"operation","inputs":{"policy_hash":"old"},"result":"success"}"#;
        let reload = r#"{"action":"policy.reload","after":{"policy_hash":"new"},"result":"success"}"#;
        let refused = r#"{"action":"policy.reload","inputs":{"policy_hash":"bad"},"result":"refused"}"#;
        let state = r#"{"event_type":"state.tightened","result":"success"}"#;
        let it = r#"{"action":"order_refused","decision_id":"a-1"}"#;
        assert_eq!(search(&[start, state, it, reload]), (1, Some("old".into()), true, 4));
        assert_eq!(search(&[start, state, reload, refused, it, it, state]), (2, Some("new".into()), true, 6));
        assert_eq!(search(&[start, it]), (1, Some("old".into()), false, 2), "nothing before the start matters");
        assert_eq!(search(&[start, state, reload]), (0, None, false, 3));
    }
}
