//! What is beyond the bound is a finding, and nothing of it goes out unseen.

use super::*;

const HOLD: usize = 1024;

fn bounded(action: Action) -> Arc<Ruleset> {
    let builder = Ruleset::builder().embedded().unwrap().hold_bytes(HOLD).action("unscanned", action);
    Arc::new(builder.build().unwrap())
}

/// Every look goes to the end of the hold, and finds nothing.
fn beyond() -> String {
    format!("start {}{}\nend password=hunter2 x", "a://b:c".repeat(HOLD), "d@e")
}

fn of(redacted: &Redacted<'_>) -> Vec<String> {
    redacted.findings.iter().map(|finding| finding.detector.to_string()).collect()
}

#[test]
fn the_rest_of_the_line_is_masked() {
    let text = beyond();
    let redacted = redact(&bounded(Action::Mask), Shape::Text, text.as_bytes());
    assert_eq!(String::from_utf8_lossy(&redacted.bytes), "start ****\nend password=**** x");
    assert_eq!(of(&redacted), ["unscanned", "connection-string"]);
    assert_eq!(redacted.findings[0].category, Category::Unscanned);
    assert_eq!(redacted.findings[0].offset, 6);
}

#[test]
fn so_it_is_where_the_credit_is_used_up_within_the_hold() {
    let text = format!("start {}\nend", "a://b:c".repeat(1000));
    let redacted = redact(&rules(), Shape::Text, text.as_bytes());
    assert_eq!(of(&redacted), ["unscanned"]);
    assert_eq!(&*redacted.bytes, b"start ****\nend");
}

#[test]
fn policy_may_only_tell_or_refuse() {
    let text = beyond();
    let redacted = redact(&bounded(Action::Alert), Shape::Text, text.as_bytes());
    assert_eq!(String::from_utf8_lossy(&redacted.bytes), text.replace("hunter2", "****"));
    assert_eq!(of(&redacted), ["unscanned", "connection-string"]);
    let redacted = redact(&bounded(Action::Block), Shape::Text, text.as_bytes());
    assert!(redacted.blocked);
    assert_eq!(&*redacted.bytes, b"start ");
}

#[test]
fn it_is_there_without_any_pack_and_cannot_be_left_out() {
    let rules = Ruleset::builder().disable("unscanned").build().unwrap();
    assert!(rules.detectors().any(|(id, ..)| id == "unscanned"));
}

#[test]
fn what_is_longer_than_the_hold_does_not_go_out() {
    let rules = bounded(Action::Mask);
    let long = "pw".repeat(HOLD);
    for (text, expected) in [
        (format!("x postgres://u:{long}@h/x y\nz"), "x ****\nz"),
        (format!("x \"eyJhIjoi{}\" y\nz", "eHh4".repeat(HOLD)), "x \"****\nz"),
    ] {
        let redacted = redact(&rules, Shape::Text, text.as_bytes());
        assert_eq!(String::from_utf8_lossy(&redacted.bytes), expected);
        assert_eq!(of(&redacted), ["unscanned"]);
    }
}

#[test]
fn what_begins_in_it_is_not_let_out_behind_it() {
    let marker = |word: &str| format!("-----{word} PRIVATE KEY-----");
    let key = format!("{}\nMIIE\nMIIE\n{}", marker("BEGIN"), marker("END"));
    let line = "a://b:c".repeat(2 * HOLD);
    for (tail, expected) in [
        (format!(" {key} x\ny"), "****\ny"),
        (" password:\n hunter2\ny".to_owned(), "****\ny"),
        (" {\"password\":{\n\"a\":\"b\"\ny".to_owned(), "****\ny"),
    ] {
        let redacted =
            redact(&bounded(Action::Mask), Shape::Text, format!("{line}{tail}").as_bytes()).bytes.into_owned();
        assert_eq!(String::from_utf8_lossy(&redacted), expected);
    }
}

#[test]
fn what_is_encoded_too_deep_is_a_finding() {
    let mut text = "password=hunter2".to_owned();
    for round in 0..6 {
        text = if round == 0 { text.replace('o', "%6f") } else { text.replace('%', "%25") };
    }
    let text = format!("a {text} b");
    let redacted = redact(&rules(), Shape::Text, text.as_bytes());
    assert_eq!(of(&redacted), ["unscanned"], "{}", String::from_utf8_lossy(&redacted.bytes));
    assert_eq!(&*redacted.bytes, b"a **** b");
}
