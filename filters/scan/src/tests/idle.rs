//! A pause lets go of what is told already, and of nothing that may be a secret's beginning.

use super::expand::Dice;
use super::*;

/// What has come out when `first` came and then nothing, and what when `second` came after the pause.
fn pause(rules: &Arc<Ruleset>, first: &[u8], second: &[u8]) -> (String, String) {
    let mut scanner = Scanner::new(Arc::clone(rules), Shape::Text);
    let mut out = Vec::new();
    scanner.push(first, &mut out);
    scanner.flush_idle(&mut out);
    let early = String::from_utf8_lossy(&out).into_owned();
    scanner.push(second, &mut out);
    scanner.finish(&mut out);
    (early, String::from_utf8_lossy(&out).into_owned())
}

#[test]
fn what_can_be_no_part_of_a_secret_goes() {
    for (first, early) in [
        ("all is well, passw", "all is well, "),
        ("Continue? [y/n] ", "Continue? [y/n] "),
        ("login password=hunter2 ok, go on ", "login password=**** ok, go on "),
        ("token=\"a b\" seen, next ", "token=\"****\" seen, next "),
        ("data: {\"n\":1}\n\n", "data: {\"n\":1}\n\n"),
        ("see http", "see "),
        ("see http: ", "see http: "),
    ] {
        assert_eq!(pause(&rules(), first.as_bytes(), b"").0, early, "{first}");
    }
}

#[test]
fn nothing_goes_of_what_may_become_one() {
    let marker = |word: &str| format!("-----{word} PRIVATE KEY-----");
    let key = format!("{}\nMIIE MIIE\n{}", marker("BEGIN"), marker("END"));
    for (text, expected) in [
        ("a password=\"correct horse, b!\" z".to_owned(), "a password=\"****\" z"),
        ("a password = 'x y; z' z".to_owned(), "a password = '****' z"),
        (format!("a {key} z"), "a **** z"),
        (format!("a AKIA{} z", "Q7".repeat(8)), "a AKIA****Q7Q7 z"),
        ("a http://u:secret;pass@h z".to_owned(), "a http://u:****@h z"),
        ("a {\"credentials\": [1, 2]} z".to_owned(), "a {\"credentials\": [\"****\", \"****\"]} z"),
        ("a Basic dXNlcjpwYXNzd29yZDEy z".to_owned(), "a Basic **** z"),
        ("a pass%77ord=x,y%2cz z".to_owned(), "a pass%77ord=**** z"),
    ] {
        for at in 0..text.len() {
            let (early, whole) = pause(&rules(), &text.as_bytes()[..at], &text.as_bytes()[at..]);
            assert_eq!(whole, expected, "a pause at {at} of {text}");
            assert!(expected.starts_with(&early), "a pause at {at} of {text} let go {early}");
        }
    }
}

#[test]
fn nothing_goes_of_a_known_secret_of_several_words() {
    let value = ["correct", "horse,", "b", "\nst!"].join(" ");
    let known = KnownSecret { name: "phrase".to_owned(), value: Zeroizing::new(value.clone().into_bytes()) };
    let rules = Arc::new(Ruleset::builder().embedded().unwrap().known(known).unwrap().build().unwrap());
    let text = format!("it is {value} now");
    for at in 0..text.len() {
        let (early, whole) = pause(&rules, &text.as_bytes()[..at], &text.as_bytes()[at..]);
        assert_eq!(whole, "it is **** now", "a pause at {at}");
        assert!("it is **** now".starts_with(&early), "a pause at {at} let go {early}");
    }
}

#[test]
fn nothing_goes_of_a_known_secret_whose_spelling_has_delimiters() {
    let value = ["Zq7", "wK2", "mN9", "xR4", "tB6"].concat();
    let known = KnownSecret { name: "spelled".to_owned(), value: Zeroizing::new(value.clone().into_bytes()) };
    let rules = Arc::new(Ruleset::builder().known(known).unwrap().build().unwrap());
    let spell = |join: &str, way: fn(u8) -> String| value.bytes().map(way).collect::<Vec<_>>().join(join);
    for spelling in [
        value.replacen('Z', "&#90;", 1),
        value.replacen('q', "&#x71;", 1),
        spell(" ", |byte| format!("{byte:02x}")),
        format!("0x{}", spell(",0x", |byte| format!("{byte:02X}"))),
        spell(", ", |byte| format!("0x{byte:02x}")),
    ] {
        let text = format!("it is {spelling} now");
        let expected = String::from_utf8(redact(&rules, Shape::Text, text.as_bytes()).bytes.to_vec()).unwrap();
        assert!(expected.contains("****"), "{expected}");
        for at in 0..text.len() {
            let (early, whole) = pause(&rules, &text.as_bytes()[..at], &text.as_bytes()[at..]);
            assert_eq!(whole, expected, "a pause at {at} of {text}");
            assert!(expected.starts_with(&early), "a pause at {at} of {text} let go {early}");
        }
    }
}

/// However much came through, and whatever it was.
#[test]
fn a_stream_that_waits_keeps_little() {
    let mut dice = Dice(67);
    for text in [
        "level=info msg=tick seq=17\n".repeat(60_000).into_bytes(),
        vec![0; 1_000_000],
        "id,password\n1,x\n".repeat(50_000).into_bytes(),
        format!("token={}", "x".repeat(1_000_000)).into_bytes(),
        format!("token=eyJ.eyJ.0x{}", "-".repeat(1_000_000)).into_bytes(),
        (0..3_000).flat_map(|_| corpus::text(&mut dice, 3)).collect(),
    ] {
        let mut scanner = Scanner::new(rules(), Shape::Text);
        let mut out = Vec::new();
        scanner.push(&text, &mut out);
        assert!(scanner.room() <= 96 * 1024, "{} after {:?}", scanner.room(), String::from_utf8_lossy(&text[..20]));
        scanner.flush_idle(&mut out);
        assert!(
            scanner.room() <= 64 * 1024,
            "{} idle after {:?}",
            scanner.room(),
            String::from_utf8_lossy(&text[..20])
        );
    }
}
