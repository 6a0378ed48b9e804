//! Headers, values by their end, messages of WebSockets, and refusals in a venue's own words.

use serde_json::Value;

use super::packs::{PACKS, compiled};
use super::written::RulesWritten;
use super::*;
use crate::check::Checker;
use crate::policy::read;
use crate::{Class, Refusal};

fn inline(yaml: &str) -> Result<OrderRules, String> {
    let written: RulesWritten = read("inline", yaml).map_err(|errors| errors.to_string())?;
    let mut checker = Checker::new("inline");
    let rules = written.check("inline", "", &mut checker);
    checker.finish().map(|()| rules).map_err(|errors| errors.to_string())
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn class(rules: &OrderRules, headers: &[(&str, &str)], body: &[(&str, &str)]) -> Class {
    let (headers, body) = (owned(headers), owned(body));
    let view = OrderView {
        method: "POST",
        host: "venue.test",
        path: "/do",
        query: &[],
        body: &body,
        headers: &headers,
        ambiguity: None,
    };
    let found = rules.classify(&view);
    if found.ambiguous.is_some() { Class::Unknown } else { found.class }
}

#[test]
fn a_header_can_say_what_a_message_is() {
    let rules = inline(
        "rules:\n  - {methods: [POST], paths: [/do], headers: {X-Do: [Cancel]}, class: cancel}\n  - {methods: [POST], paths: [/do], class: opening}\n",
    )
    .unwrap();
    assert_eq!(rules.headers().collect::<Vec<_>>(), ["x-do"]);
    for (headers, expected) in [
        (&[("x-do", "Cancel")][..], Class::Cancel),
        (&[("x-do", "cancel")], Class::Opening),
        (&[], Class::Opening),
        (&[("x-do", "Cancel"), ("x-do", "Open")], Class::Unknown),
    ] {
        assert_eq!(class(&rules, headers, &[]), expected, "{headers:?}");
    }
}

#[test]
fn a_value_may_be_known_by_its_end_and_may_be_one_that_must_not_be() {
    let rules = inline(
        "rules:\n  - {methods: [POST], paths: [/do], unless: {what: ['*-C', plain]}, class: reduce_enforced}\n  - {methods: [POST], paths: [/do], class: opening}\n",
    )
    .unwrap();
    for (body, expected) in [
        (&[("what", "BTC-C")][..], Class::Opening),
        (&[("what", "plain")], Class::Opening),
        (&[("what", "BTC-CALL")], Class::ReduceEnforced),
        (&[], Class::ReduceEnforced),
    ] {
        assert_eq!(class(&rules, &[], body), expected, "{body:?}");
    }
}

#[test]
fn what_is_wrong_with_a_shape_or_a_socket_is_said() {
    for (yaml, why) in [
        (
            "refusal: {refused: {status: 503, body: '{\"a\":1}'}}",
            "expected 200, or 400 to 499 and not 408, 418, 425 or 429",
        ),
        (
            "refusal: {refused: {status: 429, body: '{\"a\":1}'}}",
            "expected 200, or 400 to 499 and not 408, 418, 425 or 429",
        ),
        ("refusal: {unknown: {status: 400, body: '[]'}}", "expected a JSON object"),
        ("refusal: {refused: {status: 400}}", "expected: it must be given"),
        ("websocket: {operation: []}", "expected at least one field"),
        ("websocket: {operation: [op], refused: 'no'}", "expected a JSON object"),
        ("order: {side: [side], buy: [b]}", "expected words for buy and for sell beside it"),
        ("order: {side: [side], buy: [b], sell: [b]}", "expected no word that stands under sell as well"),
    ] {
        let error = inline(yaml).map(|_| ()).unwrap_err();
        assert!(error.contains(why), "{yaml}: {error}");
    }
}

#[test]
fn every_venue_refuses_in_its_own_words() {
    for (name, _) in PACKS.iter().filter(|(name, _)| !matches!(*name, "generic" | "fix")) {
        let rules = compiled(name).unwrap();
        let shape = rules.shape(&Refusal::OrderTooLarge).unwrap_or_else(|| panic!("{name} has no shape"));
        let body: Value = serde_json::from_str(&shape.body("why: not", r#"{"code":"x"}"#)).unwrap();
        assert_eq!(body["sekisho"]["code"], "x", "{name}");
        assert!(body.to_string().contains("why: not") || *name == "kraken_futures", "{name}: {body}");
    }
    assert!(compiled("generic").unwrap().shape(&Refusal::OrderTooLarge).is_none());
}

#[test]
fn an_answer_on_a_websocket_repeats_the_id_and_nothing_that_is_more_than_an_id() {
    let binance = compiled("binance").unwrap();
    let answer = |text: &str| -> Value {
        serde_json::from_str(&binance.refused_message(text, "no", r#"{"code":"x"}"#).unwrap()).unwrap()
    };
    let told = answer(r#"{"id":"a\"b","method":"order.place"}"#);
    assert_eq!(
        (&told["id"], &told["error"]["msg"], &told["sekisho"]["code"]),
        (&"a\"b".into(), &"no".into(), &"x".into())
    );
    assert_eq!(answer(r#"{"id":17,"method":"order.place"}"#)["id"], 17);
    for text in ["", "ping", "[]", r#"{"id":{"a":1}}"#, r#"{"id":[1]}"#, &format!(r#"{{"id":"{}"}}"#, "x".repeat(200))]
    {
        assert_eq!(answer(text)["id"], Value::Null, "{text}");
    }
    let okx = compiled("okx").unwrap();
    let text = r#"{"id":"1","op":"order\",\"x\":\"","args":[]}"#;
    let told: Value = serde_json::from_str(&okx.refused_message(text, "no", "null").unwrap()).unwrap();
    assert_eq!((&told["op"], &told["x"]), (&"".into(), &Value::Null), "an operation that is none is not repeated");
    assert!(compiled("generic").unwrap().refused_message("{}", "no", "null").is_none());
}

#[test]
fn a_word_that_keeps_a_connection_alive_is_known_and_no_other() {
    let okx = compiled("okx").unwrap();
    let view =
        |text| MessageView { host: "venue.test", path: "/ws/v5/private", text, body: &[], ambiguity: Some("not JSON") };
    assert_eq!(okx.classify_message(&view("ping")).class, Class::KeepAlive);
    for text in ["PING", "ping ", "order", ""] {
        assert_eq!(okx.classify_message(&view(text)).class, Class::Unknown, "{text}");
    }
    let generic = compiled("generic").unwrap();
    assert_eq!(generic.classify_message(&view("ping")).class, Class::Unknown);
}
