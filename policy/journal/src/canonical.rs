//! Canonical JSON (RFC 8785), for the values a record may hold.
//!
//! Numbers are integers that every JSON reader keeps exact (|n| < 2^53); a fraction or a larger number is refused, so
//! the hard part of the standard, how to print a float, does not arise.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use crate::record::RecordError;
use crate::strict;

/// Writes `value` in its one canonical form.
///
/// # Errors
///
/// A number that is no integer below 2^53, or nesting deeper than 32.
pub(crate) fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), RecordError> {
    write_at(value, out, 0)
}

/// Reads `line` and checks that it is the canonical form of what it says.
///
/// # Errors
///
/// When it is no JSON, or would have been written differently.
pub fn check(line: &[u8]) -> Result<Value, NotCanonical> {
    let value: Value = serde_json::from_slice(line).map_err(|_| NotCanonical::NotJson)?;
    let mut again = Vec::with_capacity(line.len());
    write(&value, &mut again).map_err(NotCanonical::Unwritable)?;
    if again == line { Ok(value) } else { Err(NotCanonical::Different) }
}

/// Checks that `line` is canonical, and reads the number that it gives itself (`seq`).
///
/// # Errors
///
/// As [`check`].
pub(crate) fn sequence(line: &[u8]) -> Result<Option<u64>, NotCanonical> {
    match strict::sequence(line) {
        Some(seq) => Ok(seq),
        // The slow way has the last word, and knows why not.
        None => check(line).map(|value| value.get("seq").and_then(Value::as_u64)),
    }
}

/// Why a line is not canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCanonical {
    /// No JSON at all.
    #[error("the line is not JSON")]
    NotJson,
    /// JSON, but written in another way: order of keys, blanks, escapes, repeated keys.
    #[error("the line is JSON but not in canonical form")]
    Different,
    /// JSON with a value that no record may hold.
    #[error("the line holds what no record may hold: {0}")]
    Unwritable(RecordError),
}

fn write_at(value: &Value, out: &mut Vec<u8>, depth: usize) -> Result<(), RecordError> {
    if depth > MAX_DEPTH {
        return Err(RecordError::TooDeep);
    }
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => write_number(number, out)?,
        Value::String(text) => write_string(text, out),
        Value::Array(items) => write_array(items, out, depth)?,
        Value::Object(map) => write_object(map, out, depth)?,
    }
    Ok(())
}

fn write_number(number: &Number, out: &mut Vec<u8>) -> Result<(), RecordError> {
    let exact = match (number.as_u64(), number.as_i64()) {
        (Some(n), _) => n < EXACT,
        (None, Some(n)) => n.unsigned_abs() < EXACT,
        (None, None) => false,
    };
    if !exact {
        return Err(RecordError::Number);
    }
    out.extend_from_slice(number.to_string().as_bytes());
    Ok(())
}

fn write_array(items: &[Value], out: &mut Vec<u8>, depth: usize) -> Result<(), RecordError> {
    out.push(b'[');
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write_at(item, out, depth + 1)?;
    }
    out.push(b']');
    Ok(())
}

fn write_object(map: &Map<String, Value>, out: &mut Vec<u8>, depth: usize) -> Result<(), RecordError> {
    let mut members: Vec<(&String, &Value)> = map.iter().collect();
    // By UTF-16 code units, as the standard asks: above the BMP that differs from the order of the bytes.
    if !members.is_sorted_by(|(left, _), (right, _)| order(left, right).is_lt()) {
        members.sort_by(|(left, _), (right, _)| order(left, right));
    }
    out.push(b'{');
    for (n, (name, value)) in members.into_iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write_string(name, out);
        out.push(b':');
        write_at(value, out, depth + 1)?;
    }
    out.push(b'}');
    Ok(())
}

fn order(left: &str, right: &str) -> Ordering {
    // Nearly all names are ASCII, where both orders are one.
    if left.is_ascii() && right.is_ascii() { left.cmp(right) } else { left.encode_utf16().cmp(right.encode_utf16()) }
}

fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0x00..=0x1f)) {
        let (plain, escaped) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = escaped.split_first() else { break };
        write_escape(*byte, out);
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn write_escape(byte: u8, out: &mut Vec<u8>) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        0x08 => out.extend_from_slice(b"\\b"),
        b'\t' => out.extend_from_slice(b"\\t"),
        b'\n' => out.extend_from_slice(b"\\n"),
        0x0c => out.extend_from_slice(b"\\f"),
        b'\r' => out.extend_from_slice(b"\\r"),
        other => out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
    }
}

/// Integers from here on are not exact in every JSON reader.
pub(crate) const EXACT: u64 = 1 << 53;

/// Records are shallow; what nests deeper is an attack or a mistake.
pub(crate) const MAX_DEPTH: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> Result<String, RecordError> {
        let mut out = Vec::new();
        write(&serde_json::from_str(text).unwrap(), &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn keys_are_sorted_by_utf16_code_units() {
        // the example of RFC 8785 §3.2.3
        let text = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
            "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
        let written = canonical(text).unwrap();
        let order: Vec<usize> = ["Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew"]
            .iter()
            .map(|word| written.find(word).unwrap())
            .collect();
        assert!(order.is_sorted(), "{written}");
    }

    #[test]
    fn strings_are_escaped_as_the_standard_says() {
        let text = r#"{"s":"\u20ac$\u000f\u000aA'B\u0042\u0022\u005c\\\"\/\u0008\u0009\u000c\u000d\u007f"}"#;
        let expected = "{\"s\":\"\u{20ac}$\\u000f\\nA'BB\\\"\\\\\\\\\\\"/\\b\\t\\f\\r\u{7f}\"}";
        assert_eq!(canonical(text).unwrap(), expected);
    }

    #[test]
    fn only_exact_integers_pass() {
        assert_eq!(
            canonical("[9007199254740991,-9007199254740991,0]").unwrap(),
            "[9007199254740991,-9007199254740991,0]"
        );
        for text in ["9007199254740992", "-9007199254740992", "1.5", "1e3", "1.0", "-0", "18446744073709551615"] {
            assert_eq!(canonical(text), Err(RecordError::Number), "{text}");
        }
    }

    #[test]
    fn what_is_written_otherwise_is_told_apart() {
        assert!(check(br#"{"a":1,"b":[null,true,"x"]}"#).is_ok());
        for line in [
            &br#"{"b":1,"a":2}"#[..],
            br#"{"a": 1}"#,
            br#"{"a":1,"a":1}"#,
            br#"{"a":"\u0041"}"#,
            br#"{"a":"\/"}"#,
            b"{\"a\":1}\r",
        ] {
            assert_eq!(check(line), Err(NotCanonical::Different), "{line:?}");
        }
        assert_eq!(check(b"{\"a\":\"\xff\"}"), Err(NotCanonical::NotJson));
        assert_eq!(check(b"{\"a\":1"), Err(NotCanonical::NotJson));
        assert_eq!(check(b"1.5"), Err(NotCanonical::Unwritable(RecordError::Number)));
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = format!("{}{}", "[".repeat(40), "]".repeat(40));
        assert_eq!(canonical(&deep), Err(RecordError::TooDeep));
    }
}
