//! Where a value ends, when only its beginning is known.

use crate::class;
use crate::finding::Shape;
use crate::swallow::closes;
use crate::view::View;

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    /// In quotes, each with this many backslashes.
    Quoted { quote: u8, slashes: usize },
    /// A JSON object or array.
    Tree,
    /// A JSON number or word.
    Scalar,
    /// To the end of the word.
    Bare,
}

/// A value: its text, without quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Behind the closing quote.
    pub(super) after: usize,
    pub(super) written: Written,
}

/// The value that starts at `at`; `quoted` says that its name stood in quotes with so many backslashes.
pub(super) fn value(view: &View<'_>, at: usize, quoted: Option<usize>, shape: Shape) -> Option<Value> {
    let first = view.at(at)?;
    let slashes = view.run(at, class::SLASH, 16) - at;
    if let Some(quote) = view.at(at + slashes).filter(|byte| matches!(byte, b'"' | b'\'' | b'`')) {
        let outer = quoted.is_some_and(|own| slashes < own);
        // A name in quotes is JSON's, whatever the body is said to be: curl calls all it sends a form.
        let pairs = matches!(shape, Shape::Form | Shape::Query) && quoted.is_none();
        if outer {
            return None;
        }
        if !pairs {
            return Some(in_quotes(view, at + slashes + 1, quote, slashes)).filter(|value| !is_stray(view, *value));
        }
    }
    if quoted.is_some() && matches!(first, b'{' | b'[') {
        return Some(Value { start: at, end: at, after: at, written: Written::Tree });
    }
    if quoted.is_some() {
        let end = view.run(at, class::ALNUM | class::DASH | class::DOT | class::B64_MARKS, usize::MAX);
        let ends =
            view.at(end).is_none_or(|byte| !class::is(byte, class::BARE) || matches!(byte, b',' | b']' | b'}' | b'\\'));
        if ends {
            return (end > at).then_some(Value { start: at, end, after: end, written: Written::Scalar });
        }
    }
    let end = unquoted_end(view, at, shape);
    (end > at).then_some(Value { start: at, end, after: end, written: Written::Bare })
}

fn unquoted_end(view: &View<'_>, at: usize, shape: Shape) -> usize {
    match shape {
        Shape::Form | Shape::Query => {
            let end = view.until(at, usize::MAX, |byte| byte == b'&' || class::is(byte, class::SPACE));
            let quote = usize::from(view.at(at) == Some(b'"'));
            super::phrase::end(view, at + quote)
                .or_else(|| super::phrase::groups(view, at))
                .map_or(end, |far| far.max(end))
        }
        Shape::Text | Shape::Json | Shape::HeaderValue => placeholder_end(view, at).unwrap_or_else(|| {
            let end = bare_end(view, at);
            super::phrase::end(view, at).or_else(|| super::phrase::groups(view, at)).map_or(end, |far| far.max(end))
        }),
    }
}

fn in_quotes(view: &View<'_>, start: usize, quote: u8, slashes: usize) -> Value {
    let mut end = start;
    let mut run = 0;
    while let Some(byte) = view.at(end) {
        if byte == b'\'' && quote == byte && view.starts_with(end, SHELL) {
            // a shell's way to have a quote within quotes
            (end, run) = (end + SHELL.len(), 0);
            continue;
        }
        if byte == b'\n' || byte == quote && closes(run, slashes) {
            break;
        }
        run = if byte == b'\\' { run + 1 } else { 0 };
        end += 1;
    }
    let closed = view.at(end) == Some(quote);
    Value {
        start,
        end: if closed { end - run.min(slashes) } else { end },
        after: if closed { end + 1 } else { end },
        written: Written::Quoted { quote, slashes },
    }
}

/// A quote that closes what began before the name, not one that opens a value: nothing closes it, and what follows is a blank or
/// punctuation.
fn is_stray(view: &View<'_>, value: Value) -> bool {
    let text = view.slice(value.start, value.end);
    let blank = text.first() == Some(&b' ') || !text.iter().any(|byte| class::is(*byte, class::ALNUM | class::HIGH));
    blank && value.after == value.end && !text.is_empty() && !view.is_cut(value.end)
}

/// The end of `{{ name }}`, `${name}` or `<name>`, spaces and all.
fn placeholder_end(view: &View<'_>, start: usize) -> Option<usize> {
    let close: &[u8] = if view.starts_with(start, b"{{") {
        b"}}"
    } else if view.starts_with(start, b"${") {
        b"}"
    } else if view.starts_with(start, b"<") {
        b">"
    } else {
        return None;
    };
    let mut end = start;
    while end - start < LONGEST_PLACEHOLDER && view.at(end).is_some_and(|byte| byte != b'\n') {
        if view.starts_with(end, close) {
            end += close.len();
            let alone = view
                .at(end)
                .is_none_or(|byte| !class::is(byte, class::BARE) || matches!(byte, b',' | b';' | b'&' | b')' | b'}'));
            return (alone && is_placeholder(view.slice(start, end))).then_some(end);
        }
        end += 1;
    }
    None
}

/// The end of a bare word: at a space, a quote, or punctuation that what follows shows to be no part of it.
fn bare_end(view: &View<'_>, start: usize) -> usize {
    let bare = |at: usize| view.at(at).filter(|byte| class::is(*byte, class::BARE));
    let mut at = start;
    let mut open = 0_usize;
    // brackets before this were seen to be followed by more of the word
    let mut inside = start;
    while let Some(byte) = bare(at) {
        let mut next = at + 1;
        let cut = match byte {
            b'&' => true,
            b'|' => is_pair(view, next),
            b';' | b',' => bare(next).is_none() || is_pair(view, next),
            b'(' | b'[' | b'{' => {
                open += 1;
                false
            }
            b')' | b']' | b'}' => {
                let closed = open == 0 && at >= inside;
                if closed {
                    inside = view.until(at, usize::MAX, |byte| !closes_word(byte));
                }
                open = open.saturating_sub(1);
                closed && bare(inside).is_none()
            }
            b'-' => view.starts_with(at, PEM),
            b'<' => view.at(next) == Some(b'/'),
            b'\\' => {
                next = view.run(at, class::SLASH, usize::MAX);
                matches!(view.at(next), Some(b'n' | b'r' | b't' | b'"' | b'\''))
            }
            _ => false,
        };
        if cut {
            break;
        }
        at = next;
    }
    at
}

fn closes_word(byte: u8) -> bool {
    matches!(byte, b')' | b']' | b'}' | b',' | b';' | b'.' | b':')
}

/// Whether `name=` or `name:` stands at `at`.
fn is_pair(view: &View<'_>, at: usize) -> bool {
    let end = view.run(at, class::NAME, usize::MAX);
    end > at && matches!(view.at(end), Some(b'=' | b':'))
}

/// A reference to a secret rather than one, or no value at all.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    const WORDS: [&[u8]; 12] = [
        b"null",
        b"none",
        b"nil",
        b"undefined",
        b"true",
        b"false",
        b"yes",
        b"no",
        b"chauthtok",
        // `xauth:amd64`: a package, and what it was built for
        b"amd64",
        b"arm64",
        b"i386",
    ];
    let plain = |value: &[u8]| {
        !value.is_empty()
            && value.iter().all(|byte| class::is(*byte, class::WORD | class::DOT | class::DASH | class::SPACE))
    };
    let upper =
        |value: &[u8]| !value.is_empty() && value.iter().all(|byte| class::is(*byte, class::UPPER | class::UNDERSCORE));
    let wordy = |value: &[u8]| {
        !value.is_empty()
            && value.iter().all(|byte| class::is(*byte, class::LETTER | class::UNDERSCORE | class::DASH | class::SPACE))
    };
    if WORDS.iter().any(|word| value.eq_ignore_ascii_case(word)) {
        return true;
    }
    match value {
        [b'$', b'{', b'{', inner @ .., b'}', b'}']
        | [b'$', b'{', inner @ .., b'}']
        | [b'{', b'{', inner @ .., b'}', b'}'] => plain(inner),
        [b'<', inner @ .., b'>'] => wordy(inner),
        [b'%', inner @ .., b'%'] | [b'$', inner @ ..] => upper(inner),
        _ => false,
    }
}

/// A value that runs into a PEM block must not take its marker away.
const PEM: &[u8] = b"-----BEGIN";
const SHELL: &[u8] = b"'\\''";
const LONGEST_PLACEHOLDER: usize = 64;
