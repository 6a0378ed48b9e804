//! What may stay, and that it may not for ever.

use super::*;

fn allowing(field: Option<&str>, fingerprint: Option<&str>) -> RulesetBuilder {
    let allow = Allow {
        detector: "field-name".to_owned(),
        field: field.map(str::to_owned),
        fingerprint: fingerprint.map(str::to_owned),
        until: 100,
    };
    let known = KnownSecret { name: "demo".to_owned(), value: Zeroizing::new(known().into_bytes()) };
    let builder = Ruleset::builder().embedded().unwrap().known(known).unwrap();
    builder.fingerprint_key([7; 32]).allow(allow)
}

fn of(rules: &Arc<Ruleset>, text: &str) -> String {
    String::from_utf8_lossy(&redact(rules, Shape::Text, text.as_bytes()).bytes).into_owned()
}

#[test]
fn a_finding_stays_under_its_name_until_its_day() {
    let rules = Arc::new(allowing(Some("sample_token"), None).build().unwrap());
    let text = "sample_token=abcdefgh token=abcdefgh SAMPLE_TOKEN=abcdefgh";
    let (masked, allowed) =
        ("sample_token=**** token=**** SAMPLE_TOKEN=****", "sample_token=abcdefgh token=**** SAMPLE_TOKEN=abcdefgh");
    assert_eq!(of(&rules, text), masked, "nobody said which day it is");
    for (day, expected) in [(0, allowed), (100, allowed), (101, masked)] {
        rules.set_day(day);
        assert_eq!(of(&rules, text), expected, "{day}");
    }
    rules.set_day(1);
    let findings = redact(&rules, Shape::Text, text.as_bytes()).findings;
    let actions: Vec<Action> = findings.iter().map(|finding| finding.action).collect();
    assert_eq!(actions, [Action::Alert, Action::Mask, Action::Alert]);
}

#[test]
fn a_value_stays_by_its_fingerprint() {
    let print = redact(&rules(), Shape::Text, b"token=abcdefgh").findings[0].fingerprint.clone();
    let rules = Arc::new(allowing(None, Some(&print)).build().unwrap());
    rules.set_day(1);
    assert_eq!(of(&rules, "token=abcdefgh token=abcdefgi"), "token=abcdefgh token=****");
}

#[test]
fn a_known_secret_never_stays() {
    let allow =
        Allow { detector: "known:demo".to_owned(), field: Some("token".to_owned()), fingerprint: None, until: 100 };
    let rules = Arc::new(allowing(Some("token"), None).allow(allow).build().unwrap());
    rules.set_day(1);
    let text = format!("token=\"x{}x\"", known().replace('"', "\\\""));
    assert!(of(&rules, &text).contains("****"), "{}", of(&rules, &text));
    let known = known();
    let (_, end) = known.split_at(8);
    assert!(!of(&rules, &text).contains(end));
}

#[test]
fn a_detector_that_is_none_is_told() {
    let allow = Allow { detector: "gone".to_owned(), field: Some("x".to_owned()), fingerprint: None, until: 1 };
    let error = Ruleset::builder().allow(allow).build().unwrap_err();
    assert_eq!(error, BuildError::NoSuchDetector("gone".to_owned()));
}
