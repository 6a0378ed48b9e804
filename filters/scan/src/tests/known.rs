//! Known secrets, however they are written.

use base64::Engine as _;

use super::expand::Dice;
use super::*;

type Spell = fn(&[u8]) -> Vec<u8>;

/// Every way a whole value is written.
const SPELLINGS: &[(&str, Spell)] = &[
    ("raw", |value| value.to_vec()),
    ("JSON", |value| each(value, |byte| escaped(byte, b"\"\\"))),
    ("JSON, slashes too", |value| each(value, |byte| escaped(byte, b"\"\\/"))),
    ("JSON in JSON", |value| twice(value, |value| each(value, |byte| escaped(byte, b"\"\\")))),
    ("JSON in JSON in JSON", |value| {
        let once = twice(value, |value| each(value, |byte| escaped(byte, b"\"\\")));
        each(&once, |byte| escaped(byte, b"\"\\"))
    }),
    ("\\u of all", |value| each(value, |byte| format!("\\u{byte:04x}"))),
    ("\\U of all", |value| each(value, |byte| format!("\\u{byte:04X}"))),
    ("\\u of marks", |value| marks(value, |byte| format!("\\u{byte:04x}"))),
    ("\\U of marks", |value| marks(value, |byte| format!("\\u{byte:04X}"))),
    ("percent of all", |value| each(value, |byte| format!("%{byte:02x}"))),
    ("PERCENT of all", |value| each(value, |byte| format!("%{byte:02X}"))),
    ("percent of marks", |value| marks(value, |byte| format!("%{byte:02x}"))),
    ("PERCENT of marks", |value| marks(value, |byte| format!("%{byte:02X}"))),
    ("percent of marks, twice", |value| marks(value, |byte| format!("%25{byte:02x}"))),
    ("percent of all, twice", |value| each(value, |byte| format!("%25{byte:02X}"))),
    ("base64", |value| base64::engine::general_purpose::STANDARD.encode(value).into_bytes()),
    ("base64, one before", |value| around(value, "a")),
    ("base64, two before", |value| around(value, "ab")),
    ("base64url", |value| base64::engine::general_purpose::URL_SAFE.encode(value).into_bytes()),
    ("base64url, bare", |value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value).into_bytes()),
    ("base64 in lines", |value| {
        let text = base64::engine::general_purpose::STANDARD.encode([b"0123456789abcdef01234", value].concat());
        text.as_bytes().chunks(44).collect::<Vec<_>>().join(b"\r\n".as_slice())
    }),
    ("hex", |value| each(value, |byte| format!("{byte:02x}"))),
    ("HEX", |value| each(value, |byte| format!("{byte:02X}"))),
    ("hex with colons", |value| joined(value, ":", "")),
    ("hex with blanks", |value| joined(value, " ", "")),
    ("\\x", |value| joined(value, "", "\\x")),
    ("0x with commas", |value| joined(value, ", ", "0x")),
    ("hex with commas", |value| joined(value, ",", "")),
    ("hex with commas and blanks", |value| joined(value, ", ", "")),
    ("HTML", |value| marks(value, html)),
    ("HTML by number", |value| marks(value, |byte| format!("&#{byte};"))),
    ("HTML by hex number", |value| marks(value, |byte| format!("&#x{byte:X};"))),
    ("doubled quotes", |value| each(value, |byte| if byte == b'"' { "\"\"".to_owned() } else { plain(byte) })),
    ("shell", |value| each(value, |byte| if byte == b'\'' { "'\\''".to_owned() } else { plain(byte) })),
    ("UTF-16LE", |value| value.iter().flat_map(|byte| [*byte, 0]).collect()),
    ("UTF-16BE", |value| value.iter().flat_map(|byte| [0, *byte]).collect()),
];

const PLACES: &[(&str, &str)] = &[
    ("", ""),
    ("a=1 ", " b=2\n"),
    ("{\"msg\":\"", "\",\"n\":1}\n"),
    ("x,\"", "\",y\n"),
    ("GET /a?q=", "&x=1 HTTP/1.1"),
    ("<a b='", "'/>"),
];

/// Fifty values of every kind of character, some of letters and digits alone.
fn values() -> Vec<String> {
    let mut dice = Dice(23);
    let marks = "\"/'&<>+=-_.:@!#$^*()[]{}|~;, ?\\%";
    (0..50)
        .map(|round| {
            let length = 10 + dice.below(40);
            let value: String = (0..length)
                .map(|place| match round % 5 {
                    0 => dice.text("alnum", 1),
                    1 if place % 3 == 1 => marks.chars().nth(dice.below(marks.len())).unwrap().to_string(),
                    _ if place % 7 == 6 => marks.chars().nth(dice.below(marks.len())).unwrap().to_string(),
                    _ => dice.text("alnum", 1),
                })
                .collect();
            format!("{value}x")
        })
        .collect()
}

fn knowing(values: &[String]) -> Arc<Ruleset> {
    let mut builder = Ruleset::builder();
    for (index, value) in values.iter().enumerate() {
        let known = KnownSecret { name: index.to_string(), value: Zeroizing::new(value.clone().into_bytes()) };
        builder = builder.known(known).unwrap();
    }
    Arc::new(builder.build().unwrap())
}

#[test]
fn every_value_is_masked_in_every_spelling_at_every_place() {
    assert!(SPELLINGS.len() >= 24);
    let values = values();
    let rules = knowing(&values);
    let mut faults = Vec::new();
    for (index, value) in values.iter().enumerate() {
        for (name, spell) in SPELLINGS {
            for (before, after) in PLACES {
                let text = [before.as_bytes(), &spell(value.as_bytes()), after.as_bytes()].concat();
                let redacted = redact(&rules, Shape::Text, &text);
                let id = format!("known:{index}");
                let found = redacted.findings.iter().any(|finding| *finding.detector == *id);
                let left = redacted.bytes.len() <= before.len() + after.len() + 40;
                if !found || !left {
                    faults.push(format!(
                        "{name}: {value:?} in {:?} gives {:?}",
                        String::from_utf8_lossy(&text),
                        String::from_utf8_lossy(&redacted.bytes)
                    ));
                }
            }
        }
    }
    assert!(
        faults.is_empty(),
        "{}\n{} faults",
        faults.iter().take(20).cloned().collect::<Vec<_>>().join("\n"),
        faults.len()
    );
}

/// Each byte in a way of its own.
#[test]
fn any_mixture_of_escapes_is_masked_and_cuts_make_no_difference() {
    let values = values();
    let rules = knowing(&values);
    let mut dice = Dice(29);
    let mut faults = Vec::new();
    for value in values.iter().cycle().take(400) {
        let json = dice.below(2) == 0;
        let text = each(value.as_bytes(), |byte| match (dice.below(4), json) {
            (0, true) => format!("\\u{byte:04x}"),
            (1, true) => format!("\\u{byte:04X}"),
            (0, false) => format!("%{byte:02x}"),
            (1, false) => format!("%{byte:02X}"),
            (_, true) => escaped(byte, if dice.below(2) == 0 { b"\"\\/" } else { b"\"\\" }),
            (_, false) if byte.is_ascii_alphanumeric() => plain(byte),
            (_, false) => format!("%{byte:02X}"),
        });
        let text = [b"{\"a\":\"", text.as_slice(), b"\"} z\n"].concat();
        let whole = redact(&rules, Shape::Text, &text).bytes.into_owned();
        if whole.len() > 30 {
            faults.push(format!(
                "{value:?} {:?} {:?}",
                String::from_utf8_lossy(&text),
                String::from_utf8_lossy(&whole)
            ));
        }
        let at = dice.below(text.len());
        let mut scanner = Scanner::new(Arc::clone(&rules), Shape::Text);
        let mut out = Vec::new();
        scanner.push(&text[..at], &mut out);
        scanner.push(&text[at..], &mut out);
        scanner.finish(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), String::from_utf8_lossy(&whole), "cut at {at}");
    }
    assert!(
        faults.is_empty(),
        "{}\n{} faults",
        faults.iter().take(20).cloned().collect::<Vec<_>>().join("\n"),
        faults.len()
    );
}

#[test]
fn ten_thousand_at_once_are_found_and_ordinary_text_survives() {
    let mut dice = Dice(31);
    let values: Vec<String> = (0..10_000).map(|_| dice.text("alnum", 32)).collect();
    let rules = knowing(&values);
    for value in values.iter().step_by(997) {
        let text = format!("level=info id={} key {value} end", dice.text("hex", 64));
        let redacted = redact(&rules, Shape::Text, text.as_bytes());
        assert_eq!(redacted.findings.len(), 1, "{text}");
        assert!(memchr::memmem::find(&redacted.bytes, &value.as_bytes()[..8]).is_none());
    }
    let clean = (0..2_000).map(|_| dice.text("hex", 64)).collect::<Vec<_>>().join(" id=");
    assert_eq!(&*redact(&rules, Shape::Text, clean.as_bytes()).bytes, clean.as_bytes());
}

/// Else a text of nothing but that beginning would be compared with all of them, again and again.
#[test]
fn values_that_begin_alike_are_told_by_what_follows() {
    let mut dice = Dice(61);
    let values: Vec<String> = (0..1_000).map(|_| format!("venue-live-{}", dice.text("alnum", 30))).collect();
    let rules = knowing(&values);
    assert!(rules.known.crowd() <= 64, "{}", rules.known.crowd());
    for value in values.iter().step_by(97) {
        // there a line ends within the characters that tell these values from each other
        for (name, spell) in SPELLINGS.iter().filter(|(name, _)| *name != "base64 in lines") {
            let text = [b"key ", spell(value.as_bytes()).as_slice(), b" end\n"].concat();
            let redacted = redact(&rules, Shape::Text, &text);
            let shown = String::from_utf8_lossy(&redacted.bytes);
            assert!(redacted.findings.len() == 1 && shown.len() < 30, "{name} of {value}: {shown}");
        }
    }
}

#[test]
fn a_line_of_a_value_of_several_is_masked_alone() {
    let mut dice = Dice(37);
    let lines = [dice.text("alnum", 30), dice.text("alnum", 30), "short".to_owned()];
    let rules = knowing(&[lines.join("\n")]);
    for line in lines.iter().take(2) {
        let text = format!("a {line} b short c");
        assert_eq!(String::from_utf8_lossy(&redact(&rules, Shape::Text, text.as_bytes()).bytes).len(), 20, "{text}");
    }
}

#[test]
fn a_value_of_several_lines_is_masked_wherever_it_is_cut() {
    let mut dice = Dice(41);
    let value = ["ab".to_owned(), dice.text("alnum", 6), "cd".to_owned()].join("\n");
    let rules = knowing(std::slice::from_ref(&value));
    let text = format!("it is\n{value}\nnow\n");
    for at in 0..text.len() {
        let mut scanner = Scanner::new(Arc::clone(&rules), Shape::Text);
        let mut out = Vec::new();
        scanner.push(&text.as_bytes()[..at], &mut out);
        scanner.push(&text.as_bytes()[at..], &mut out);
        scanner.finish(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), "it is\n****\nnow\n", "cut at {at}");
    }
}

fn each(value: &[u8], mut spell: impl FnMut(u8) -> String) -> Vec<u8> {
    value.iter().flat_map(|byte| spell(*byte).into_bytes()).collect()
}

fn marks(value: &[u8], spell: impl Fn(u8) -> String) -> Vec<u8> {
    each(value, |byte| if byte.is_ascii_alphanumeric() { plain(byte) } else { spell(byte) })
}

fn twice(value: &[u8], spell: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    spell(&spell(value))
}

fn plain(byte: u8) -> String {
    char::from(byte).to_string()
}

fn escaped(byte: u8, which: &[u8]) -> String {
    if which.contains(&byte) { format!("\\{}", char::from(byte)) } else { plain(byte) }
}

fn around(value: &[u8], before: &str) -> Vec<u8> {
    let text = [before.as_bytes(), value, b"!x"].concat();
    base64::engine::general_purpose::STANDARD.encode(text).into_bytes()
}

fn joined(value: &[u8], between: &str, before: &str) -> Vec<u8> {
    let all: Vec<String> = value.iter().map(|byte| format!("{before}{byte:02x}")).collect();
    all.join(between).into_bytes()
}

fn html(byte: u8) -> String {
    match byte {
        b'"' => "&quot;".to_owned(),
        b'\'' => "&apos;".to_owned(),
        b'&' => "&amp;".to_owned(),
        b'<' => "&lt;".to_owned(),
        b'>' => "&gt;".to_owned(),
        _ => plain(byte),
    }
}
