//! Packs of users: what they can say, and what is refused at load.

use super::*;

const HEAD: &str =
    "pack: own\ndetectors:\n  - id: desk-key\n    title: Key of a desk\n    category: credential\n    severity: high\n";

fn build(body: &str) -> Result<Arc<Ruleset>, PackError> {
    let builder = Ruleset::builder().pack("own.yaml", &format!("{HEAD}{body}"))?;
    Ok(Arc::new(builder.build().unwrap()))
}

#[test]
fn a_pack_of_ones_own_says_shape_name_entropy_and_words_near() {
    let rules = build(
        "    match:\n      - 'desk_{alnum:12}'\n    names: ['desk-id']\n    values: ['{hex:8}']\n    near: ['login']\n",
    );
    for (text, expected) in [
        ("login desk_abcdefghijkl x", "login ****ijkl x"),
        ("orders desk_abcdefghijkl x", "orders desk_abcdefghijkl x"),
        ("login desk_id=0123abcd x", "login desk_id=**** x"),
        ("login desk_id=0123 x", "login desk_id=0123 x"),
    ] {
        let redacted = redact(rules.as_ref().unwrap(), Shape::Text, text.as_bytes());
        assert_eq!(String::from_utf8_lossy(&redacted.bytes), expected);
    }
    let rules = build("    match: ['desk_{alnum:8}']\n    entropy: 2.5\n    unless: ['test']\n").unwrap();
    for (text, found) in [("desk_aaaaaaaa", 0), ("desk_a1b2c3d4", 1), ("test desk_a1b2c3d4", 0)] {
        assert_eq!(redact(&rules, Shape::Text, text.as_bytes()).findings.len(), found, "{text}");
    }
}

#[test]
fn what_would_cost_every_reader_is_refused_with_its_place() {
    let fault = |body: &str| build(body).unwrap_err().to_string();
    let long = "x".repeat(2000);
    for (body, place, expected) in [
        ("    match: ['e{alnum:20}']\n", "own.yaml:7:13", "a literal of at least 3 bytes"),
        ("    match: ['{alnum:20}']\n", "own.yaml:7:13", "a literal of at least 3 bytes"),
        ("    match: ['the{alnum:20}']\n", "own.yaml:7:13", "rare in text"),
        ("    match: ['2026{alnum:20}']\n", "own.yaml:7:13", "rare in text"),
        ("    match: ['----{alnum:20}']\n", "own.yaml:7:13", "rare in text"),
        ("    match: ['desk_{alnum:1-9999999}']\n", "own.yaml:7:13", "at most 65536"),
        ("    match: ['desk_{alnum:9-2}']\n", "own.yaml:7:13", "lengths that rise"),
        ("    match: ['desk_{letters:9}']\n", "own.yaml:7:13", "a class, one of digit"),
        ("    match: ['{alnum:1-9000}desk_']\n", "own.yaml:7:13", "before the literal"),
        ("    names: ['a b']\n", "own.yaml:7:13", "a name of 2 to 64"),
        ("    entropy: 9\n    names: ['desk']\n", "own.yaml:7:14", "from 0 to 8"),
        ("    nams: ['desk']\n", "own.yaml:7:5", "nams"),
        ("    near: ['x']\n", "own.yaml:3:9", "`match` or `names` or `engine`"),
        (&format!("    match: ['{long}']\n"), "own.yaml:7:13", "at most 1024 bytes"),
    ] {
        let told = fault(body);
        assert!(told.starts_with(place) && told.contains(expected), "{body}: {told}");
    }
}
