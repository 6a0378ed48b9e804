//! A labelled text: where in it the secrets are.

use std::ops::Range;

/// A secret begins behind this; no text has these two control characters otherwise.
const OPEN: char = '\u{e}';
/// A secret ends before this.
const CLOSE: char = '\u{f}';

/// Says that `text` is a secret. What is written around it later, and how it is escaped, does not matter.
pub(crate) fn secret(text: impl AsRef<str>) -> String {
    format!("{OPEN}{}{CLOSE}", text.as_ref())
}

/// Whether `letter` only marks.
pub(crate) fn is_mark(letter: char) -> bool {
    letter == OPEN || letter == CLOSE
}

/// Without the marks.
pub(crate) fn plain(marked: &str) -> String {
    marked.chars().filter(|letter| !is_mark(*letter)).collect()
}

/// One text with secrets.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) group: &'static str,
    pub(crate) place: &'static str,
    pub(crate) text: String,
    pub(crate) secrets: Vec<Range<usize>>,
}

impl Case {
    pub(crate) fn new(group: &'static str, place: &'static str, marked: &str) -> Self {
        let (mut text, mut secrets, mut begun) = (String::with_capacity(marked.len()), Vec::new(), None);
        for letter in marked.chars() {
            match letter {
                OPEN => begun = Some(text.len()),
                CLOSE => secrets.extend(begun.take().map(|from| from..text.len())),
                _ => text.push(letter),
            }
        }
        assert!(!secrets.is_empty(), "{group} in {place} has no secret: {text}");
        Self { group, place, text, secrets }
    }
}

#[test]
fn marks_become_ranges() {
    let case = Case::new("g", "p", &format!("a={} b={}", secret("xy"), secret("z")));
    assert_eq!((case.text.as_str(), case.secrets.as_slice()), ("a=xy b=z", &[2..4, 7..8][..]));
}
