//! What a receiver answers, with what it has not seen written in: which records were masked or left out on the way to it.

use super::json::Ends;
use super::varint::{self, Field, Fields, Value};

/// An OTLP answer (`Export…ServiceResponse`) whose `partial_success` says that `rejected` records more did not arrive, and why; with 0
/// it is a warning. None if it is no message.
#[must_use]
pub fn partial_success(answer: &[u8], rejected: u64, why: &str) -> Option<Vec<u8>> {
    let (mut said, mut fields) = (0, Fields::of(answer));
    while let Some(field) = fields.next() {
        if let Field { number: 1, value: Value::Bytes(partial), .. } = field.ok()? {
            said = rejected_in(partial)?;
        }
    }
    let mut partial = Vec::new();
    let all = rejected.saturating_add(said);
    if all > 0 {
        varint::write(1 << 3, &mut partial);
        varint::write(all, &mut partial);
    }
    partial.extend_from_slice(&varint::head(2, why.len()));
    partial.extend_from_slice(why.as_bytes());
    // A message that comes twice is merged: what is said last of a field counts.
    Some([answer, &varint::head(1, partial.len()), &partial].concat())
}

fn rejected_in(partial: &[u8]) -> Option<u64> {
    let (mut said, mut fields) = (0, Fields::of(partial));
    while let Some(field) = fields.next() {
        if let Field { number: 1, value: Value::Varint(count), .. } = field.ok()? {
            said = count;
        }
    }
    Some(said)
}

/// The same in JSON, for an answer that says nothing of the kind yet. `count` is the name that the signal has for rejected records.
#[must_use]
pub fn partial_success_json(answer: &[u8], rejected: u64, count: &str, why: &str) -> Option<Vec<u8>> {
    let said: Vec<u8> = answer.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let nothing = matches!(said.as_slice(), b"" | b"{}" | b"{\"partialSuccess\":{}}" | b"{\"partialSuccess\":null}");
    nothing.then(|| format!(r#"{{"partialSuccess":{{"{count}":"{rejected}","errorMessage":"{why}"}}}}"#).into_bytes())
}

/// An answer to `_bulk` with an item more at each of the places given, in their order, and `errors` true. None if it is not such an answer.
#[must_use]
pub fn bulk_items(answer: &[u8], more: &[(usize, String)]) -> Option<Vec<u8>> {
    let (start, end) = items(answer)?;
    let inside = answer.get(start..end)?;
    let mut there = elements(inside)?.into_iter();
    let mut more = more.iter().peekable();
    let mut all: Vec<&[u8]> = Vec::new();
    loop {
        match more.next_if(|(place, _)| *place <= all.len()) {
            Some((_, item)) => all.push(item.as_bytes()),
            None => match there.next() {
                Some(item) => all.push(item),
                None => break,
            },
        }
    }
    let behind = more.next().is_none();
    let out = [answer.get(..start)?, &all.join(&b","[..]), answer.get(end..)?].concat();
    behind.then(|| with_errors(&out)).flatten()
}

/// Where the elements of `items` stand, an array at the top of the answer.
fn items(answer: &[u8]) -> Option<(usize, usize)> {
    let name = answer.windows(ITEMS.len()).position(|window| window == ITEMS)?;
    let open = name + ITEMS.len() + answer.get(name + ITEMS.len()..)?.iter().position(|byte| *byte == b'[')?;
    let between = answer.get(name + ITEMS.len()..open)?;
    let mut ends = Ends::default();
    let length = ends.next(answer.get(open..)?, true, DEPTH).ok()??;
    let plain = between.iter().all(|byte| byte.is_ascii_whitespace() || *byte == b':');
    plain.then_some((open + 1, open + length - 1))
}

fn elements(inside: &[u8]) -> Option<Vec<&[u8]>> {
    let (mut ends, mut at, mut found) = (Ends::default(), 0, Vec::new());
    while let Some(end) = ends.next(inside, true, DEPTH).ok()? {
        let element = inside.get(at..end)?.trim_ascii_start();
        found.push(element.strip_prefix(b",").unwrap_or(element).trim_ascii());
        at = end;
    }
    inside.get(at..)?.trim_ascii().is_empty().then_some(found)
}

fn with_errors(answer: &[u8]) -> Option<Vec<u8>> {
    let (_, end) = items(answer)?;
    let start = answer.windows(ITEMS.len()).position(|window| window == ITEMS)?;
    let outside = |at: &usize| *at < start || *at > end;
    let found = answer.windows(NO_ERRORS.len()).enumerate().filter(|(_, window)| *window == NO_ERRORS);
    let Some(at) = found.map(|(at, _)| at).find(outside) else { return Some(answer.to_vec()) };
    Some([answer.get(..at)?, b"\"errors\":true", answer.get(at + NO_ERRORS.len()..)?].concat())
}

const ITEMS: &[u8] = b"\"items\"";
/// As Elasticsearch writes it; OpenSearch too.
const NO_ERRORS: &[u8] = b"\"errors\":false";
const DEPTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_success_is_merged_with_what_is_there() {
        let fresh = partial_success(b"", 0, "masked").unwrap();
        assert_eq!(fresh, b"\x0A\x08\x12\x06masked");
        let dropped = partial_success(b"", 300, "gone").unwrap();
        assert_eq!(dropped, b"\x0A\x09\x08\xAC\x02\x12\x04gone");
        let more = partial_success(&dropped, 2, "and more").unwrap();
        assert_eq!(more, [&dropped[..], b"\x0A\x0D\x08\xAE\x02\x12\x08and more"].concat());
        assert_eq!(partial_success(b"\x0A\x05", 1, "x"), None);
    }

    #[test]
    fn a_partial_success_in_json_stands_where_nothing_did() {
        let wanted = br#"{"partialSuccess":{"rejectedSpans":"2","errorMessage":"x"}}"#;
        for nothing in ["", "{}", " { } ", "{\"partialSuccess\": {}}"] {
            let said = partial_success_json(nothing.as_bytes(), 2, "rejectedSpans", "x");
            assert_eq!(said.as_deref(), Some(&wanted[..]), "{nothing}");
        }
        assert_eq!(partial_success_json(br#"{"partialSuccess":{"rejectedSpans":"1"}}"#, 2, "rejectedSpans", "x"), None);
    }

    #[test]
    fn items_stand_where_their_actions_stood() {
        let answer = br#"{"took":3,"errors":false,"items":[{"index":{"_id":"a,]"}} , {"index":{}}]}"#;
        let at = |places: &[usize]| -> Option<String> {
            let more: Vec<_> = places.iter().map(|place| (*place, format!("N{place}"))).collect();
            bulk_items(answer, &more).map(|out| String::from_utf8(out).unwrap())
        };
        let head = r#"{"took":3,"errors":true,"items":["#;
        let (a, b) = (r#"{"index":{"_id":"a,]"}}"#, r#"{"index":{}}"#);
        assert_eq!(at(&[0]), Some(format!("{head}N0,{a},{b}]}}")));
        assert_eq!(at(&[1, 2]), Some(format!("{head}{a},N1,N2,{b}]}}")));
        assert_eq!(at(&[0, 3]), Some(format!("{head}N0,{a},{b},N3]}}")));
        assert_eq!(at(&[7]), None);
        assert_eq!(
            bulk_items(br#"{"took":1,"errors":true,"items":[]}"#, &[(0, "N".into())]).unwrap(),
            br#"{"took":1,"errors":true,"items":[N]}"#
        );
        for other in ["", "{}", r#"{"items":{"a":[]}}"#, r#"{"items":[1"#] {
            assert_eq!(bulk_items(other.as_bytes(), &[(0, String::new())]), None, "{other}");
        }
    }
}
