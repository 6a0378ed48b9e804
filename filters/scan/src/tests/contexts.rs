//! Every example of every pack, in every context that a log line or a request may put it in: wholly masked in each.

use super::expand::{Dice, example};
use super::packs::{Detector, detectors};
use super::*;

/// A context: what it is called, how the scanner is told to read it, how a text is put into it.
struct Context {
    name: &'static str,
    shape: Shape,
    /// How the text is escaped before it stands between `before` and `after`.
    escape: Escape,
    before: &'static str,
    after: &'static str,
}

/// Places where a whole line may be quoted.
const QUOTED: &[Context] = &[
    Context { name: "json", shape: Shape::Json, escape: json, before: "{\"n\":1,\"note\":\"", after: "\",\"z\":2}" },
    Context {
        name: "json in json",
        shape: Shape::Json,
        escape: json_twice,
        before: "{\"m\":\"{\\\"note\\\":\\\"",
        after: "\\\",\\\"z\\\":1}\"}",
    },
    Context { name: "logfmt", shape: Shape::Text, escape: json, before: "level=info note=\"", after: "\" n=1" },
    Context { name: "header", shape: Shape::HeaderValue, escape: same, before: "", after: "" },
    Context { name: "header dump", shape: Shape::Text, escape: same, before: "> X-Note: ", after: "\r\n> Host: x\r\n" },
    Context {
        name: "url",
        shape: Shape::Text,
        escape: percent,
        before: "GET https://h/x?note=",
        after: "&z=1 HTTP/1.1",
    },
    Context { name: "query", shape: Shape::Query, escape: percent, before: "a=1&note=", after: "&z=1" },
    Context { name: "form", shape: Shape::Form, escape: percent, before: "a=1&note=", after: "&z=1" },
    Context { name: "yaml", shape: Shape::Text, escape: same, before: "a: 1\nnote: '", after: "'\nz: 2\n" },
    Context { name: "env", shape: Shape::Text, escape: json, before: "A=1\nNOTE=\"", after: "\"\nZ=2\n" },
    Context {
        name: "prose",
        shape: Shape::Text,
        escape: same,
        before: "12:00:01 INFO we have seen ",
        after: " in the log",
    },
];

/// A context's name, how the scanner reads it, how the value is escaped, and the text.
type Line = (&'static str, Shape, Escape, &'static str);

type Escape = fn(&str) -> String;

/// Places where a value stands under its name; `{}` is the name, `[]` the value.
const NAMED: &[Line] = &[
    ("json", Shape::Json, json, r#"{"n":1,"{}":"[]","z":2}"#),
    ("json in json", Shape::Json, json_twice, r#"{"m":"{\"n\":1,\"{}\":\"[]\",\"z\":2}"}"#),
    ("json text", Shape::Text, json, "12:00:01 INFO sent {\"{}\": \"[]\", \"z\": 2} to it"),
    ("logfmt", Shape::Text, same, "level=info {}=[] n=1"),
    ("logfmt quoted", Shape::Text, json, "level=info {}=\"[]\" n=1"),
    ("header dump", Shape::Text, same, "> {}: []\r\n> Host: x\r\n"),
    ("url", Shape::Text, percent, "GET https://h/x?a=1&{}=[]&z=1 HTTP/1.1"),
    ("query", Shape::Query, percent, "a=1&{}=[]&z=1"),
    ("form", Shape::Form, percent, "a=1&{}=[]&z=1"),
    ("yaml", Shape::Text, same, "a: 1\n{}: []\nz: 2\n"),
    ("yaml list", Shape::Text, same, "a:\n  - {}: '[]'\n    z: 2\n"),
    ("yaml block", Shape::Text, same, "a: 1\n{}: |\n  []\nz: 2\n"),
    ("env", Shape::Text, same, "A=1\nexport {}=[]\nZ=2\n"),
    ("toml", Shape::Text, json, "[a]\n{} = \"[]\"\nz = 2\n"),
    ("prose", Shape::Text, same, "I think the {} is [] and not more"),
    ("prose colon", Shape::Text, same, "here is the {}: [] ok"),
    ("python", Shape::Text, same, "{'a': 1, '{}': '[]', 'z': None}"),
    ("xml", Shape::Text, same, "<a><{}>[]</{}><z>1</z></a>"),
    ("xml attribute", Shape::Text, same, "<a x=\"1\" {}=\"[]\" z=\"1\"/>"),
    ("flag", Shape::Text, same, "run --{} [] --z 1"),
    ("flag glued", Shape::Text, same, "run --{}=[] --z=1"),
    ("multipart", Shape::Text, same, "--b\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n[]\r\n--b--\r\n"),
    ("name and value", Shape::Json, json, r#"[{"name":"{}","value":"[]"}]"#),
];

/// Contexts without a separator: only names with a stem in them are looked for there.
const APART: &[&str] = &["prose", "xml", "flag", "multipart", "name and value"];

#[test]
fn every_example_is_masked_wherever_it_is_quoted() {
    let mut faults = Faults::default();
    let mut dice = Dice(21);
    for detector in detectors() {
        for template in &detector.examples {
            let (text, secrets) = example(template, &mut dice);
            for context in QUOTED {
                // one line stays one line
                if text.contains('\n') && matches!(context.name, "header" | "header dump" | "yaml" | "env" | "prose") {
                    continue;
                }
                // quotes of a text that is not escaped would end the value that holds it
                if text.contains('\'') && context.name == "yaml" {
                    continue;
                }
                let line = format!("{}{}{}", context.before, (context.escape)(&text), context.after);
                faults.check(&detector, (context.name, context.escape), (context.shape, &line), &secrets);
            }
        }
    }
    faults.none();
}

#[test]
fn every_value_is_masked_wherever_it_stands_under_its_name() {
    let mut faults = Faults::default();
    let mut dice = Dice(22);
    for detector in detectors().into_iter().filter(|detector| detector.near.is_empty()) {
        let examples: Vec<String> =
            detector.examples.iter().flat_map(|template| example(template, &mut dice).1).collect();
        for name in &detector.names {
            let Some(value) = examples.get(dice.below(examples.len().max(1))) else { continue };
            for context in NAMED {
                faults.named(&detector, context, name, value);
            }
        }
    }
    faults.none();
}

#[test]
fn every_forbidden_name_masks_a_value_without_a_shape() {
    let mut faults = Faults::default();
    let mut dice = Dice(23);
    let detector = Detector::default();
    for name in ruleset::names::FORBIDDEN {
        let value = format!("{}{}", dice.text("lower", 1), dice.text("alnum", 22));
        for prefix in ["", "db_", "prod-"] {
            for context in NAMED {
                faults.named(&detector, context, &format!("{prefix}{name}"), &value);
            }
        }
    }
    faults.none();
}

#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn named(&mut self, detector: &Detector, context: &Line, name: &str, value: &str) {
        let (context, shape, escape, template) = *context;
        let stems = hunt::words::STEMS.iter().filter_map(|stem| std::str::from_utf8(stem).ok());
        if APART.contains(&context) && !stems.into_iter().any(|stem| name.contains(stem)) {
            return;
        }
        let line = template.replace("{}", name).replace("[]", &escape(value));
        self.check(detector, (context, escape), (shape, &line), &[value.to_owned()]);
    }

    fn check(&mut self, detector: &Detector, context: (&str, Escape), line: (Shape, &str), secrets: &[String]) {
        let (context, escape) = context;
        let redacted = redact(&all(), line.0, line.1.as_bytes());
        for secret in secrets {
            if detector.leaks_as(secret, &redacted.bytes, escape) {
                let shown = String::from_utf8_lossy(&redacted.bytes);
                self.0.push(format!("{} in {context}: {:?} gives {shown:?}", detector.id, line.1));
            }
        }
    }

    fn none(self) {
        assert!(self.0.is_empty(), "{}\n{} faults", self.0.join("\n"), self.0.len());
    }
}

fn same(text: &str) -> String {
    text.to_owned()
}

fn json(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{0}'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            _ => out.push(letter),
        }
    }
    out
}

fn json_twice(text: &str) -> String {
    json(&json(text))
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}
