//! Actions, known secrets in their encodings, and secrets without an end.

use base64::Engine as _;

use super::*;

fn with(action: Action) -> Arc<Ruleset> {
    let builder = Ruleset::builder().embedded().unwrap().default_action(action);
    Arc::new(builder.fingerprint_key([7; 32]).build().unwrap())
}

fn text(rules: &Arc<Ruleset>, shape: Shape, bytes: &str) -> String {
    String::from_utf8(redact(rules, shape, bytes.as_bytes()).bytes.into_owned()).unwrap()
}

#[test]
fn drop_field_takes_the_member_with_one_comma() {
    let rules = with(Action::DropField);
    for (shape, before, after) in [
        (Shape::Json, r#"{"a":1,"password":"x y","b":2}"#, r#"{"a":1,"b":2}"#),
        (Shape::Json, r#"{"password":"x","b":2}"#, r#"{"b":2}"#),
        (Shape::Json, r#"{"a":1,"password":"x","secret":"y"}"#, r#"{"a":1}"#),
        (Shape::Json, r#"{"password":"x","secret":"y"}"#, "{}"),
        (Shape::Form, "a=1&password=x&b=2", "a=1&b=2"),
        (Shape::Form, "password=x&b=2", "b=2"),
        (Shape::Text, "a=1 password=x b=2", "a=1 password=**** b=2"),
    ] {
        assert_eq!(text(&rules, shape, before), after);
    }
}

#[test]
fn drop_field_does_the_same_over_lines_wherever_they_are_cut() {
    let rules = with(Action::DropField);
    let before = "{\n  \"a\": 1,\n  \"password\": \"x\"\n}\n";
    for at in 0..before.len() {
        let mut scanner = Scanner::new(Arc::clone(&rules), Shape::Json);
        let mut out = Vec::new();
        scanner.push(&before.as_bytes()[..at], &mut out);
        scanner.push(&before.as_bytes()[at..], &mut out);
        scanner.finish(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), "{\n  \"a\": 1\n}\n", "cut at {at}");
    }
}

#[test]
fn hash_is_stable_and_alert_changes_nothing() {
    let hashed = text(&with(Action::Hash), Shape::Json, r#"{"password":"hunter2"}"#);
    assert_eq!(hashed.len(), r#"{"password":"hash:0123456789abcdef"}"#.len());
    assert_eq!(text(&with(Action::Hash), Shape::Json, &hashed), hashed);
    let redacted = redact(&with(Action::Alert), Shape::Text, b"password=hunter2").findings;
    assert_eq!(redacted.len(), 1);
    assert_eq!(text(&with(Action::Alert), Shape::Text, "password=hunter2"), "password=hunter2");
    assert!(!format!("{redacted:?}").contains("hunter2"));
}

#[test]
fn block_stops_before_the_value() {
    let rules = with(Action::Block);
    let redacted = redact(&rules, Shape::Text, b"a=1 password=hunter2 b=2");
    assert!(redacted.blocked);
    assert_eq!(&*redacted.bytes, b"a=1 password=");
}

#[test]
fn a_known_secret_is_found_in_every_encoding() {
    let value = known();
    let standard = base64::engine::general_purpose::STANDARD;
    let url = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let json = value.replace('"', "\\\"");
    let mut forms =
        vec![value.clone(), hex.to_uppercase(), hex, percent.to_uppercase(), percent, json.replace('/', "\\/"), json];
    for before in ["", "a", "ab", "abc"] {
        forms.push(standard.encode(format!("{before}{value}!x")));
        forms.push(url.encode(format!("{before}{value}!x")));
    }
    for form in forms {
        let rules = rules();
        let redacted = redact(&rules, Shape::Text, form.as_bytes());
        assert!(redacted.findings.iter().any(|finding| &*finding.detector == "known:demo"), "{form}");
        assert!(redacted.bytes.len() < form.len());
    }
}

#[test]
fn a_known_secret_is_masked_as_a_key_of_a_masked_tree_too() {
    let key = known().replace('"', "\\\"");
    let text = format!("{{\"credentials\":{{\"{key}\":1,\"user\":\"x\"}},\"n\":1}}");
    let expected = "{\"credentials\":{\"****\":\"****\",\"user\":\"****\"},\"n\":1}";
    assert_eq!(masked(Shape::Json, &text), expected);
}

#[test]
fn plain_known_secrets_are_refused() {
    for value in ["short", "aaaaaaaaaaaa", "ababababab"] {
        let known = KnownSecret { name: "x".to_owned(), value: Zeroizing::new(value.as_bytes().to_vec()) };
        assert!(Ruleset::builder().known(known).is_err(), "{value}");
    }
}

#[test]
fn a_key_without_an_end_is_masked_in_constant_memory() {
    let mut scanner = Scanner::new(rules(), Shape::Text);
    let mut out = Vec::new();
    scanner.push(format!("x\n-----{} PRIVATE KEY-----\n", "BEGIN").as_bytes(), &mut out);
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n".repeat(64);
    for _ in 0..2_000 {
        scanner.push(body.as_bytes(), &mut out);
    }
    scanner.finish(&mut out);
    assert_eq!(String::from_utf8_lossy(&out), "x\n****");
}

#[test]
fn a_named_value_is_masked_whole() {
    let rules = rules();
    for (name, value, expected) in [
        ("Authorization", "Bearer abcdefgh", "Bearer ****"),
        ("X-MBX-APIKEY", "abcdefghijklmnopqrst1234", "****1234"),
        ("okx-api-secret", "x y;z", "****"),
        ("Accept", "text/html", "text/html"),
        ("token_count", "17", "17"),
    ] {
        let redacted = redact_field(&rules, name, value.as_bytes(), Shape::HeaderValue);
        assert_eq!(String::from_utf8_lossy(&redacted.bytes), expected, "{name}");
    }
}

#[test]
fn rules_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Ruleset>();
}
