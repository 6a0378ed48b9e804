//! What a document that is no sound YAML, or of the wrong shape, is told: where, and what was expected, but nothing of
//! what stands there.

use serde_saphyr::Error;

use crate::check::PolicyError;
use crate::written::Place;

/// The error of the reader, without the values it quotes.
pub(crate) fn unreadable(file: &str, yaml: &str, error: &Error) -> PolicyError {
    let place = error
        .location()
        .map_or(Place::START, |location| Place { line: location.line().max(1), column: location.column().max(1) });
    PolicyError {
        file: file.to_owned(),
        line: place.line,
        column: place.column,
        path: path_at(yaml, place.line),
        message: message_of(error.without_snippet()),
    }
}

fn message_of(error: &Error) -> String {
    if let Error::SerdeUnknownField { expected, .. } = error {
        return format!("unknown field, expected one of {}", expected.join(", "));
    }
    if let Error::SerdeMissingField { field, .. } = error {
        return format!("expected a field `{field}`");
    }
    if let Error::DuplicateMappingKey { .. } = error {
        return "expected each key once".to_owned();
    }
    if let Error::SerdeInvalidType { expected, .. } = error {
        return format!("expected {expected}");
    }
    if matches!(error, Error::Budget { .. } | Error::AliasReplayLimitExceeded { .. }) {
        return "expected a smaller document".to_owned();
    }
    if matches!(error, Error::MergeKeyNotAllowed { .. }) {
        return "expected no merge key".to_owned();
    }
    let text = error.to_string();
    if text.contains("tabs disallowed") {
        return "expected spaces, found a tab".to_owned();
    }
    match text.as_str() {
        text if text.contains("mapping") || text.contains("map") => "expected a map",
        text if text.contains("sequence") => "expected a list",
        _ => "expected YAML",
    }
    .to_owned()
}

/// The keys above a line of block YAML, as a path. A guess by indentation: good for people, nothing depends on it.
fn path_at(yaml: &str, line: u64) -> String {
    let count = usize::try_from(line).unwrap_or(usize::MAX);
    let mut path = Vec::new();
    let mut limit = usize::MAX;
    for text in yaml.lines().take(count).collect::<Vec<_>>().into_iter().rev() {
        let Some((indent, key)) = key_of(text) else { continue };
        if indent < limit {
            limit = indent;
            path.push(key);
        }
        if indent == 0 {
            break;
        }
    }
    path.reverse();
    // A key that we do not know may be a value in the wrong place.
    let schema = crate::Policy::json_schema();
    let known = |key: &&str| schema.contains(&format!("\"{key}\": {{"));
    let unknown_last = path.last().is_some_and(|key| !known(key));
    let path = path.iter().map(|key| if known(key) { key } else { "*" });
    let mut path: Vec<_> = path.collect();
    if unknown_last {
        path.pop();
    }
    path.join(".")
}

fn key_of(line: &str) -> Option<(usize, &str)> {
    let text = line.trim_start();
    let item = text.trim_start_matches("- ");
    let indent = line.len().saturating_sub(item.len());
    let (key, _) = item.split_once(':')?;
    let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (!key.is_empty() && key.len() <= 64 && key.bytes().all(sound)).then_some((indent, key))
}
