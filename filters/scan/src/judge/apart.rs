//! Names that no `=` or `:` joins to their value: tags, flags, lists, forms, sentences.

use super::named::Name;
use super::plain::{is_plain, looks_made};
use super::value::{Value, Written, value};
use crate::class;
use crate::edit::{Edit, is_masked};
use crate::finding::Shape;
use crate::judge::Judge;
use crate::view::View;

impl Judge<'_> {
    /// A piece of a name that may be forbidden stands at `at`; where is its value?
    pub(super) fn apart(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let end = view.run(at, class::NAME, MAX_NAME);
        let next = view.at(end)?;
        if !matches!(next, b' ' | b'>' | b'"' | b'\'' | b'\\' | b'\n' | b'\r' | b'`') {
            return None;
        }
        let start = view.run_back(at, class::NAME, MAX_NAME);
        let name = Name { start, end, quoted: None };
        let text = view.slice(start, end);
        if !self.rules.names.may_end(text) {
            return None;
        }
        if next != b' ' && self.rules.names.rules(text).is_empty() {
            return None;
        }
        match (next, view.before(start)) {
            (b'>' | b' ', Some(b'<' | b':')) if view.before(start) == Some(b'<') || next == b'>' => {
                self.tag(view, &name)
            }
            (b' ', _) if is_flag(view, start) => self.flag(view, &name, end),
            (b' ', _) if self.is_spoken(view, end) => self.spoken(view, &name),
            (b'`' | b'\'' | b'"', _) if self.is_spoken(view, end) => {
                self.quoted(view, &name).or_else(|| self.spoken(view, &name))
            }
            (b'\n' | b'\r', _) => self.beside(view, &name, end),
            _ => self.quoted(view, &name),
        }
    }

    /// `<password>…</`, attributes and `CDATA` between.
    fn tag(&self, view: &View<'_>, name: &Name) -> Option<Edit> {
        let rules = self.rules.names.rules(view.slice(name.start, name.end));
        let close = view.until(name.end, MAX_TAG, |byte| matches!(byte, b'>' | b'<' | b'\n'));
        if view.at(close) != Some(b'>') || view.before(close) == Some(b'/') {
            return None;
        }
        let mut start = view.run(close + 1, class::SPACE, MAX_TAG);
        let inner: &[u8] = b"<![CDATA[";
        let stop = if view.starts_with(start, inner) {
            start += inner.len();
            b']'
        } else {
            b'<'
        };
        let end = view.until(start, usize::MAX, |byte| byte == stop);
        let closed = view.is_cut(end) || stop == b']' || view.starts_with(end, b"</") || view.starts_with(end, b"<\\/");
        if rules.is_empty() || start >= end || !closed {
            return None;
        }
        let value = Value { start, end, after: end, written: Written::Quoted { quote: stop, slashes: 0 } };
        self.valued(view, name, value, &rules)
    }

    /// `--password X`, and `"--password", "X"`.
    fn flag(&self, view: &View<'_>, name: &Name, from: usize) -> Option<Edit> {
        let rules = self.rules.names.rules(view.slice(name.start, name.end));
        let from = skip(view, from, b" ,");
        if rules.is_empty() || view.at(from)? == b'-' {
            return None;
        }
        let value = value(view, from, None, Shape::Text)?;
        self.valued(view, name, value, &rules)
    }

    /// A quote follows: an element of a list, `"name":"password","value":"X"`, or a part of a multipart form.
    fn quoted(&self, view: &View<'_>, name: &Name) -> Option<Edit> {
        let slashes = view.run(name.end, class::SLASH, 64) - name.end;
        let quote = view.at(name.end + slashes).filter(|byte| matches!(byte, b'"' | b'\''))?;
        let opened = name.start.checked_sub(1 + slashes)?;
        if view.before(name.start) != Some(quote) {
            return None;
        }
        let after = name.end + slashes + 1;
        if is_flag(view, name.start) {
            return self.flag(view, name, after);
        }
        if view.before(opened) == Some(b'=') {
            return self.beside(view, name, after).or_else(|| self.part(view, name, after));
        }
        self.beside(view, &Name { quoted: Some(slashes), ..*name }, after)
    }

    /// `value` is the next name after this one.
    fn beside(&self, view: &View<'_>, name: &Name, from: usize) -> Option<Edit> {
        let rules = self.rules.names.rules(view.slice(name.start, name.end));
        let start = skip(view, from, b" ,\r\n\t\"'\\");
        let end = view.run(start, class::LETTER, 8);
        let word = view.slice(start, end);
        if rules.is_empty() || !VALUES.iter().any(|value| word.eq_ignore_ascii_case(value)) {
            return None;
        }
        let mut at = skip(view, end, b"\"'\\ ");
        if !matches!(view.at(at)?, b':' | b'=') {
            return None;
        }
        at = skip(view, at + 1, b" \t");
        let value = value(view, at, name.quoted, Shape::Text).filter(|value| value.written != Written::Tree)?;
        self.valued(view, name, value, &rules)
    }

    /// `name="password"`, an empty line, and the value up to the boundary.
    fn part(&self, view: &View<'_>, name: &Name, from: usize) -> Option<Edit> {
        let rules = self.rules.names.rules(view.slice(name.start, name.end));
        let gap = (from..from + MAX_TAG).find_map(|at| {
            let breaks: [&[u8]; 3] = [b"\r\n\r\n", b"\n\n", b"\\r\\n\\r\\n"];
            breaks.iter().find(|line| view.starts_with(at, line)).map(|line| (at + line.len(), line.starts_with(b"\\")))
        });
        let (start, escaped) = gap?;
        let mut end = start;
        while view.at(end).is_some_and(|byte| !matches!(byte, b'\n' | b'\r'))
            && !(escaped && view.at(end) == Some(b'\\'))
        {
            end += 1;
        }
        if rules.is_empty() || end == start {
            return None;
        }
        let value = Value { start, end, after: end, written: Written::Quoted { quote: b'\r', slashes: 0 } };
        self.valued(view, name, value, &rules)
    }

    /// Whether a check digit says that it is the number the name promises.
    fn is_checked(&self, view: &View<'_>, value: Value, rules: &[usize]) -> bool {
        let detector = self.rule(view, (value.start, value.end), rules);
        detector.and_then(|index| self.rules.detector(index)).is_some_and(|detector| detector.proof.checked)
    }

    fn is_spoken(&self, view: &View<'_>, end: usize) -> bool {
        let gap = skip(view, end, b" `'\"");
        gap > end
            && view.at(gap).is_some_and(|byte| !matches!(byte, b':' | b'=' | b',' | b'}' | b']' | b'>'))
            && view.at(end + usize::from(view.at(end) != Some(b' '))) == Some(b' ')
    }

    /// `the api key is X`, `password for bob is X`, `secret key X`.
    fn spoken(&self, view: &View<'_>, name: &Name) -> Option<Edit> {
        let name = super::named::spoken(view, *name);
        let rules = self.rules.names.rules(view.slice(name.start, name.end));
        if rules.is_empty() {
            return None;
        }
        let (start, said) = spoken_value(view, skip(view, name.end, b"`'\""))?;
        let bracket = usize::from(said == Said::Beside && view.at(start) == Some(b'('));
        let start = start + bracket;
        let found = value(view, start, None, Shape::Text)?;
        let found = if found.written == Written::Bare { trimmed(view, found) } else { found };
        let secret = view.slice(found.start, found.end);
        let quoted = matches!(found.written, Written::Quoted { .. });
        let told = match said {
            Said::Outright => {
                let phrase = || super::phrase::end(view, found.start).is_some();
                quoted && secret.len() >= SHORT || !is_plain(secret) || phrase()
            }
            Said::Beside if quoted && secret.len() >= LONG_QUOTED => is_mixed(secret) || looks_made(secret),
            Said::Beside => secret.len() >= LONG && (looks_made(secret) || self.is_checked(view, found, &rules)),
        };
        if !told || is_masked(self.rules, secret) {
            return None;
        }
        self.valued(view, &name, found, &rules)
    }
}

/// How a sentence leads from a name to its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// `is`, `was`, `to`, `:`.
    Outright,
    /// The value is the next word.
    Beside,
}

/// Where the value of a sentence starts, whose name ends at `from`.
fn spoken_value(view: &View<'_>, from: usize) -> Option<(usize, Said)> {
    let mut at = skip(view, from, b" ");
    let (first, mut end) = word(view, at);
    let over = if OF.iter().any(|word| first.eq_ignore_ascii_case(word)) { MAX_WORDS } else { 0 };
    for _ in 0..over {
        at = skip(view, end, b" ");
        let (next, stop) = word(view, at);
        end = stop;
        if next.is_empty() {
            return None;
        }
        if IS.iter().any(|word| next.eq_ignore_ascii_case(word)) {
            break;
        }
        if next.split_last().is_some_and(|(last, word)| *last == b':' && word.iter().all(u8::is_ascii_alphanumeric)) {
            return Some((skip(view, end, b" "), Said::Outright));
        }
    }
    let (is, mut end) = word(view, at);
    if !IS.iter().any(|word| is.eq_ignore_ascii_case(word)) {
        return (over == 0).then_some((at, Said::Beside));
    }
    for _ in 0..2 {
        let next = skip(view, end, b" ");
        let (filler, stop) = word(view, next);
        if !FILLERS.iter().any(|word| filler.eq_ignore_ascii_case(word)) {
            return Some((next, Said::Outright));
        }
        end = stop;
    }
    Some((skip(view, end, b" "), Said::Outright))
}

fn word<'v>(view: &View<'v>, at: usize) -> (&'v [u8], usize) {
    let end = view.run(at, class::BARE, MAX_NAME);
    (view.slice(at, end), end)
}

/// Without the full stop or comma of the sentence.
fn trimmed(view: &View<'_>, value: Value) -> Value {
    if view.is_cut(value.end) {
        return value;
    }
    let text = view.slice(value.start, value.end);
    let kept = text.iter().rposition(|byte| !matches!(byte, b'.' | b',' | b';' | b':' | b')'));
    Value { end: kept.map_or(value.end, |last| value.start + last + 1), ..value }
}

/// Digits among letters, and no blank.
fn is_mixed(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits > 0 && digits < text.len() && text.iter().all(|byte| class::is(*byte, class::BARE))
}

/// Whether the name that starts at `start` is a flag: its dashes belong to the name.
fn is_flag(view: &View<'_>, start: usize) -> bool {
    view.at(start) == Some(b'-')
}

fn skip(view: &View<'_>, from: usize, set: &[u8]) -> usize {
    view.until(from, MAX_GAP, |byte| !set.contains(&byte))
}

const VALUES: [&[u8]; 3] = [b"value", b"val", b"secret"];
const IS: [&[u8]; 9] = [b"is", b"was", b"are", b"as", b"to", b"equals", b"is:", b"->", b"=>"];
const OF: [&[u8]; 6] = [b"for", b"of", b"on", b"at", b"from", b"in"];
const FILLERS: [&[u8]; 7] = [b"now", b"set", b"to", b"still", b"currently", b"simply", b"just"];
/// Shorter words after `is` are told only in quotes, and not even then.
const SHORT: usize = 3;
/// A word that merely follows a name is a value when it is this long and no word.
const LONG: usize = 10;
/// As [`LONG`], in quotes.
const LONG_QUOTED: usize = 8;
const MAX_NAME: usize = 96;
const MAX_WORDS: usize = 6;
const MAX_TAG: usize = 256;
const MAX_GAP: usize = 32;
