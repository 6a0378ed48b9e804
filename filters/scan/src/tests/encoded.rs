//! Credentials that nobody told us of, inside of encodings.

use base64::Engine as _;

use super::expand::{Dice, example};
use super::packs::detectors;
use super::*;

fn base64(text: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

fn hex(text: &[u8]) -> String {
    text.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the front of `text` is plain enough to be told by: letters that base64 has no marks for.
fn tells(text: &str) -> bool {
    text.len() >= 24 && text.bytes().take(24).all(|byte| (0x20..0x7f).contains(&byte) && !b"?>~".contains(&byte))
}

type Coded = (&'static str, fn(&str) -> String);

const CODES: &[Coded] = &[
    ("base64", |text| base64(text.as_bytes())),
    ("base64url", |text| base64(text.as_bytes()).replace('+', "-").replace('/', "_").replace('=', "")),
    ("base64, one byte on", |text| base64([b"\xf0", text.as_bytes()].concat().as_slice())),
    ("base64, two bytes on", |text| base64([b"\xf0\xf1", text.as_bytes()].concat().as_slice())),
    ("base64 in base64", |text| base64(base64(text.as_bytes()).as_bytes())),
    ("hex", |text| hex(text.as_bytes())),
    ("HEX", |text| hex(text.as_bytes()).to_uppercase()),
    ("hex in base64", |text| base64(hex(text.as_bytes()).as_bytes())),
];

/// The packs' own examples: every kind of secret, in every code, as one word of a line of JSON.
#[test]
fn every_example_is_found_in_every_code() {
    let rules = all();
    let mut dice = Dice(53);
    let mut faults = Vec::new();
    let mut tried = 0;
    for detector in detectors() {
        for template in &detector.examples {
            let (text, _) = example(template, &mut dice);
            for (name, code) in CODES.iter().filter(|_| tells(&text)) {
                tried += 1;
                let word = code(&text);
                let line = format!("{{\"n\":1,\"blob\":\"{word}\",\"z\":2}}\n");
                let redacted = redact(&rules, Shape::Json, line.as_bytes());
                let left = memchr::memmem::find(&redacted.bytes, &word.as_bytes()[4..20]).is_some();
                // what is only told stays
                let told = redacted.findings.iter().all(|finding| finding.action == Action::Alert);
                if redacted.findings.is_empty() || left && !told {
                    faults.push(format!("{}: {name} of {text:?}", detector.id));
                }
            }
        }
    }
    assert!(tried > 1000, "{tried}");
    assert!(
        faults.is_empty(),
        "{}\n{} of {tried}",
        faults.iter().take(30).cloned().collect::<Vec<_>>().join("\n"),
        faults.len()
    );
}

const CASES: &[(&str, &str)] = &[
    (
        r"body={\x22user\x22:\x22bob\x22,\x22password\x22:\x22hunter2\x22} 200",
        r"body={\x22user\x22:\x22bob\x22,\x22password\x22:\x22****\x22} 200",
    ),
    (
        "<a data='{&quot;password&quot;:&quot;hunter2&quot;,&quot;n&quot;:1}'>",
        "<a data='{&quot;password&quot;:&quot;****&quot;,&quot;n&quot;:1}'>",
    ),
    ("<a data='{&#34;token&#x22;:&#34;hunter2&#34;}'>", "<a data='{&#34;token&#x22;:&#34;****&#34;}'>"),
    (
        "<a b='&amp;quot;password&amp;quot;:&amp;quot;hunter2&amp;quot;'>",
        "<a b='&amp;quot;password&amp;quot;:&amp;quot;****&amp;quot;'>",
    ),
    ("x &lt;p&gt; Tom &amp; Jerry &quot;at&quot; 5&#39;", "x &lt;p&gt; Tom &amp; Jerry &quot;at&quot; 5&#39;"),
    (r"bytes b'\x00\x01\xff\x7fELF' end", r"bytes b'\x00\x01\xff\x7fELF' end"),
];

#[test]
fn entities_and_escapes_of_bytes_are_looked_through() {
    for (text, expected) in CASES {
        assert_eq!(masked(Shape::Text, text), *expected);
    }
}

#[test]
fn base64_of_other_things_survives() {
    let rules = rules();
    let mut dice = Dice(59);
    for text in ["an ordinary sentence, of nothing in particular", "{\"order\":17,\"side\":\"BUY\",\"price\":\"12.5\"}"]
    {
        for (_, code) in CODES {
            let line = format!("blob={} id={}", code(text), dice.text("alnum", 40));
            assert_eq!(&*redact(&rules, Shape::Text, line.as_bytes()).bytes, line.as_bytes());
        }
    }
}

#[test]
fn wrapped_base64_is_one_text() {
    let text = format!(
        "{}\npassword=correct horse7\nmore of the same, and more\n",
        "a line before that is long enough to be one"
    );
    let lines: Vec<String> = base64(text.repeat(3).as_bytes())
        .as_bytes()
        .chunks(76)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    for by in ["\n", "\r\n"] {
        let whole = format!("Content-Transfer-Encoding: base64{by}{by}{}{by}{by}--end", lines.join(by));
        assert_eq!(masked(Shape::Text, &whole), format!("Content-Transfer-Encoding: base64{by}{by}****{by}{by}--end"));
    }
}

/// Longer than what is held at once: the look goes on, in pieces that overlap.
#[test]
fn what_stands_deep_in_a_long_word_is_found_wherever_it_is_cut() {
    let rules = Arc::new(Ruleset::builder().embedded().unwrap().hold_bytes(2048).build().unwrap());
    for code in [|text: &str| base64(text.as_bytes()), |text: &str| hex(text.as_bytes())] {
        for before in [100, 1_000, 3_000, 10_000] {
            let filler = "all work and no play, ".repeat(before / 22);
            let word = code(&format!("{filler} password=hunter2x {filler}"));
            let line = format!("{{\"n\":1,\"blob\":\"{word}\",\"z\":2}}\n");
            let whole = redact(&rules, Shape::Json, line.as_bytes());
            assert!(!whole.findings.is_empty(), "behind {before}");
            let secret = code("password=hunter2x ");
            assert!(memchr::memmem::find(&whole.bytes, &secret.as_bytes()[4..20]).is_none(), "behind {before}");
            let cut = |size: usize| {
                let mut scanner = Scanner::new(Arc::clone(&rules), Shape::Json);
                let mut out = Vec::new();
                line.as_bytes().chunks(size).for_each(|piece| scanner.push(piece, &mut out));
                scanner.finish(&mut out);
                out
            };
            assert!([1, 7, 1000].into_iter().all(|size| cut(size) == *whole.bytes), "behind {before}");
        }
    }
}

#[test]
fn what_is_coded_too_deep_is_a_finding() {
    let mut text = "password=hunter2 and so on".to_owned();
    for _ in 0..5 {
        text = base64(text.as_bytes());
    }
    let line = format!("a {text} b");
    let redacted = redact(&rules(), Shape::Text, line.as_bytes());
    assert_eq!(&*redacted.bytes, b"a **** b");
    assert_eq!(&*redacted.findings[0].detector, "unscanned");
}
