//! How formats write a text that is not plain. Marks of secrets pass through all of them.

use crate::case::is_mark;

/// Inside the quotes of a JSON string; good for C-like literals too.
pub(crate) fn json(text: &str) -> String {
    let one = |letter: char| match letter {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        _ if letter.is_control() && !is_mark(letter) => format!("\\u{:04x}", u32::from(letter)),
        _ => letter.to_string(),
    };
    text.chars().map(one).collect()
}

pub(crate) fn percent(text: &str) -> String {
    let keep = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter) || is_mark(letter);
    let escaped = |letter: char| letter.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    text.chars().map(|letter| if keep(letter) { letter.to_string() } else { escaped(letter) }).collect()
}

pub(crate) fn xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A field of a CSV record.
pub(crate) fn csv(text: &str) -> String {
    let must = text.contains([',', '"', '\n']);
    if must { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// A word of a shell command line, in single quotes where it has to be.
pub(crate) fn shell(text: &str) -> String {
    let safe = |letter: char| letter.is_ascii_alphanumeric() || "-._~/:=@+,%".contains(letter) || is_mark(letter);
    if text.chars().all(safe) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// A value of logfmt.
pub(crate) fn logfmt(text: &str) -> String {
    let must = text.contains([' ', '"', '=', '\n']);
    if must { format!("\"{}\"", json(text)) } else { text.to_owned() }
}

/// One line: what a line break would be becomes a space.
pub(crate) fn line(text: &str) -> String {
    text.replace("\r\n", " ").replace('\n', " ")
}

#[test]
fn each_escapes_what_its_format_cannot_hold() {
    assert_eq!(json("a\"\\\n\u{e}\u{1}"), "a\\\"\\\\\\n\u{e}\\u0001");
    assert_eq!(percent("a b/\u{f}é"), "a%20b%2F\u{f}%C3%A9");
    assert_eq!(xml("<a&\">"), "&lt;a&amp;&quot;&gt;");
    assert_eq!(csv("a,\"b"), "\"a,\"\"b\"");
    assert_eq!(shell("it's"), r"'it'\''s'");
    assert_eq!(logfmt("a b"), "\"a b\"");
}
