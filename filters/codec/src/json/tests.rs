use proptest::prelude::*;

use super::{flatten, flatten_with_places};
use crate::{Ambiguity, FieldError, Limits};

const LIMITS: Limits = Limits { depth: 4, pairs: 8 };

fn pairs(text: &str) -> Vec<(String, String)> {
    flatten(text.as_bytes(), &LIMITS).unwrap().pairs
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.into(), value.into())
}

#[test]
fn members_and_elements_become_paths() {
    assert_eq!(
        pairs(r#" {"side":"BUY","legs":[{"qty":1.50,"ro":true},null]} "#),
        [pair("side", "BUY"), pair("legs.0.qty", "1.50"), pair("legs.0.ro", "true"), pair("legs.1", "null")]
    );
    assert_eq!(pairs(r#"[{"a":1}]"#), [pair("0.a", "1")]);
    assert_eq!(pairs("{}"), []);
}

#[test]
fn escapes_are_read() {
    assert_eq!(pairs(r#"{"s\u0069de":"\u0042UY\/\ud83d\ude00"}"#), [pair("side", "BUY/😀")]);
}

#[test]
fn what_two_readers_could_read_in_two_ways_is_said() {
    for (text, ambiguity) in [
        (r#"{"a":1,"a":2}"#, Ambiguity::Duplicate),
        (r#"{"a":1,"\u0061":2}"#, Ambiguity::Duplicate),
        (r#"{"reduceOnly":true,"reduceonly":false}"#, Ambiguity::Duplicate),
        (r#"{"a.b":1}"#, Ambiguity::Path),
        (r#"{"":1}"#, Ambiguity::Path),
        ("\u{feff}{\"a\":1}", Ambiguity::ByteOrderMark),
        (r#"{"a":1e3}"#, Ambiguity::Number),
        (r#"{"a":-0}"#, Ambiguity::Number),
        (r#"{"a":123456789012345678901}"#, Ambiguity::Number),
        (r#"{"a":" BUY"}"#, Ambiguity::Space),
        (r#"{"a":"BUY\u200b"}"#, Ambiguity::Space),
        (r#"{"a":"B\u0000"}"#, Ambiguity::Space),
        (r#"{"method\u0000":"private/buy"}"#, Ambiguity::Space),
        (r#"{" side":"BUY"}"#, Ambiguity::Space),
    ] {
        assert_eq!(flatten(text.as_bytes(), &LIMITS).unwrap().ambiguity, Some(ambiguity), "{text}");
    }
    assert_eq!(flatten(br#"{"a":-1.5,"b":"x y"}"#, &LIMITS).unwrap().ambiguity, None);
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        "{",
        "[1",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "{a:1}",
        "{'a':1}",
        "01",
        "+1",
        ".5",
        "1.",
        "0x10",
        "NaN",
        "tru",
        "\"\\x\"",
        "\"\\ud800\"",
        "\"\\u+123\"",
        "{} {}",
        "[1 2]",
        "\"a\nb\"",
        "\"a",
        "// c\n1",
        "1e",
    ] {
        assert!(matches!(flatten(text.as_bytes(), &LIMITS), Err(FieldError::Malformed(_))), "{text}");
    }
}

#[test]
fn limits_hold() {
    assert_eq!(flatten(b"[[[[[1]]]]]", &LIMITS), Err(FieldError::TooDeep));
    assert_eq!(flatten(b"[1,2,3,4,5,6,7,8,9]", &LIMITS), Err(FieldError::TooMany));
    assert_eq!(flatten(b"\"\xff\"", &LIMITS), Err(FieldError::NotText));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes: Vec<u8>) {
        drop(flatten(&bytes, &LIMITS));
    }

    #[test]
    fn nothing_like_json_makes_it_panic(text in "[\\[\\]{}\",:\\\\u0-9a-f .eE+-]{0,40}") {
        drop(flatten(text.as_bytes(), &LIMITS));
    }

    #[test]
    fn any_string_survives(text in "[^\\p{C}\\s]{1,20}") {
        let quoted: String = text.chars().flat_map(|c| {
            let mut units = [0; 2];
            c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect::<Vec<_>>()
        }).collect();
        prop_assert_eq!(pairs(&format!("[\"{quoted}\"]")), [pair("0", &text)]);
    }
}

#[test]
fn every_value_has_its_place() {
    let text = r#" {"id": "x\u0041", "args":[ {"a":1.5},{"b":[true,""]}, {} ], "n":null }"#;
    let (flat, places) = flatten_with_places(text.as_bytes(), &LIMITS).unwrap();
    let written: Vec<_> =
        flat.pairs.iter().zip(&places).map(|((name, _), place)| (&**name, text.get(place.clone()).unwrap())).collect();
    let expected =
        [("id", r#""x\u0041""#), ("args.0.a", "1.5"), ("args.1.b.0", "true"), ("args.1.b.1", "\"\""), ("n", "null")];
    assert_eq!(written, expected);
    assert_eq!(flat, flatten(text.as_bytes(), &LIMITS).unwrap());
}
