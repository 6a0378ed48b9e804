//! Values that stand under a forbidden name.

use super::header::{after_scheme, cookies, unknown_scheme};
use super::plain::is_plain;
use super::reference::{is_fill, refers};
use super::value::{Value, Written, is_placeholder, value};
use crate::class;
use crate::edit::{Edit, MASK, is_masked, starts_masked};
use crate::finding::{Action, Shape};
use crate::judge::Judge;
use crate::swallow::Swallow;
use crate::view::View;

/// A name and how it stood.
#[derive(Clone, Copy)]
pub(super) struct Name {
    pub(super) start: usize,
    pub(super) end: usize,
    /// In quotes, with so many backslashes.
    pub(super) quoted: Option<usize>,
}

impl Judge<'_> {
    /// The value behind the separator at `at`, if its name says that it is secret.
    pub(super) fn named(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let mut name = name(view, at)?;
        // `arn:aws:secretsmanager:eu:123:secret:prod/x` names one and holds none
        let part_of_name = view.before(name.start) == Some(b':')
            && view.before(name.start - 1).is_some_and(|byte| byte.is_ascii_digit());
        let mut rules = self.rules.names.rules(view.slice(name.start, name.end));
        if name.quoted.is_none() && view.before(name.start) == Some(b' ') {
            let wide = spoken(view, name);
            let more = self.rules.names.rules(view.slice(wide.start, wide.end));
            if more.len() > rules.len() {
                (name, rules) = (wide, more);
            }
        }
        if rules.is_empty() {
            return None;
        }
        let empty = view.at(at) == Some(b'=') && view.at(at + 1) == Some(b' ') && view.before(at) != Some(b' ');
        if name.quoted.is_none() && (empty || part_of_name) {
            return None;
        }
        let found = match listed(view, at, &name).or_else(|| numbered(view, at)) {
            Some(value) => value,
            None => {
                let from = value_start(view, at, name.quoted.is_some())?;
                value(view, from, name.quoted, self.shape)?
            }
        };
        if found.written == Written::Tree {
            return self.tree(view, &name, found, &rules);
        }
        if is_label(view, &name, found) {
            return None;
        }
        self.valued(view, &name, found, &rules)
    }

    /// The value of a field whose name came apart from it.
    pub(crate) fn field(&self, view: &View<'_>, name: &[u8]) -> Option<Edit> {
        let rules = self.rules.names.rules(name);
        if rules.is_empty() || view.end() == 0 {
            return None;
        }
        let value = Value { start: 0, end: view.end(), after: view.end(), written: Written::Bare };
        let start = after_scheme(view, value).unwrap_or(0);
        let detector = self.rule(view, (start, value.end), &rules)?;
        self.edit(view, (start, value.end), detector, name)
    }

    pub(super) fn valued(&self, view: &View<'_>, name: &Name, value: Value, rules: &[usize]) -> Option<Edit> {
        let text = view.slice(name.start, name.end);
        if let Some((start, indent)) = block(view, name, value) {
            let line = view.until(start, usize::MAX, |byte| matches!(byte, b'\n' | b'\r'));
            let detector = self.rule(view, (start, line), rules)?;
            let mut edit = Edit::open((start, start), detector, Swallow::block(indent));
            edit.field = Some(String::from_utf8_lossy(text).into_owned());
            return (!view.starts_with(start, MASK)).then_some(edit);
        }
        let (start, mut end) = self.bounds(view, text, value);
        if value.written == Written::Bare
            && let Some(token) = self.token_at(view, start).filter(|token| token.start == start)
        {
            // a token may hold what would end a word
            end = end.max(token.end);
        }
        let secret = view.slice(start, end);
        if let Some(begin) = memchr::memmem::find(secret, b"-----BEGIN ")
            && let Some(mut key) = self.pem(view, start + begin + DASHES)
        {
            // it goes on behind the end of the line that ends the value
            key.start = start.max(view.floor());
            key.field = Some(String::from_utf8_lossy(text).into_owned());
            return Some(key);
        }
        if self.survives(text, secret, value.written) {
            return None;
        }
        let detector = self.rule(view, (start, end), rules)?;
        let mut edit = self.edit(view, (start, end), detector, text)?;
        if value.written == Written::Scalar {
            edit.quotes = name.quoted;
        }
        if self.rules.action(detector) == Action::DropField {
            edit.member = self.member(view, name, value);
        }
        let open = view.is_cut(value.end).then(|| match value.written {
            Written::Quoted { quote, slashes } => Swallow::quoted(quote, slashes, slashes_at_end(view, start)),
            Written::Scalar | Written::Tree => Swallow::Run(class::BARE),
            Written::Bare => Swallow::Run(class::BARE | class::QUOTE),
        });
        Some(edit.going_on(open))
    }

    /// The label: the value's own if it has a shape, else that of the first rule that accepts it.
    pub(super) fn rule(&self, view: &View<'_>, span: (usize, usize), rules: &[usize]) -> Option<usize> {
        if let Some(edit) = self.token_at(view, span.0)
            && edit.start == span.0
            && edit.end == span.1
        {
            return Some(edit.detector);
        }
        let inner = View::whole(view.slice(span.0, span.1), self.work);
        rules
            .iter()
            .filter_map(|index| self.rules.named.get(*index))
            .find(|rule| {
                let shaped = rule
                    .value
                    .as_ref()
                    .is_none_or(|pattern| pattern.find(&inner, 0).is_some_and(|found| found.end == inner.end()));
                shaped && self.proven(view, span, rule.detector).is_some()
            })
            .map(|rule| rule.detector)
    }

    fn edit(&self, view: &View<'_>, span: (usize, usize), detector: usize, name: &[u8]) -> Option<Edit> {
        if is_masked(self.rules, view.slice(span.0, span.1)) {
            return None;
        }
        let mut edit = Edit::new(self.rules, view, span, detector);
        edit.field = Some(String::from_utf8_lossy(name).into_owned());
        Some(edit)
    }

    fn bounds(&self, view: &View<'_>, name: &[u8], value: Value) -> (usize, usize) {
        let Some(start) = after_scheme(view, value).or_else(|| unknown_scheme(view, name, value)) else {
            return cookies(view, name, value).unwrap_or((value.start, value.end));
        };
        if value.end > start {
            return (start, value.end);
        }
        let whole_line = WHOLE_LINE.iter().any(|scheme| view.starts_with_ignoring_case(value.start, scheme));
        let end = view.until(start, usize::MAX, |byte| match byte {
            b'\n' | b'\r' => true,
            _ if whole_line => false,
            _ => !class::is(byte, class::BARE) || byte == b'\\',
        });
        (start, end)
    }

    pub(super) fn survives(&self, name: &[u8], value: &[u8], written: Written) -> bool {
        if value.is_empty() || is_masked(self.rules, value) {
            return true;
        }
        match written {
            Written::Scalar => {
                let word = !matches!(value, b"true" | b"false") && value.iter().all(u8::is_ascii_alphabetic);
                value == b"null"
                    || is_count(name, value)
                    || word && is_plain(value)
                    || refers(value) && !value.iter().all(u8::is_ascii_digit)
            }
            Written::Quoted { .. } | Written::Bare | Written::Tree => {
                let directory = name.ends_with(b"PWD") && matches!(value.first(), Some(b'/' | b'~'));
                let before = written == Written::Bare && starts_masked(self.rules, value);
                let bare =
                    written == Written::Bare && (refers(value) || is_asset(name, value) || is_itself(name, value));
                let counted = (written == Written::Bare || value.len() == 1) && is_count(name, value);
                directory || before || is_placeholder(value) || bare || counted || is_fill(value)
            }
        }
    }

    fn tree(&self, view: &View<'_>, name: &Name, value: Value, rules: &[usize]) -> Option<Edit> {
        let detector =
            rules.iter().filter_map(|index| self.rules.named.get(*index)).find(|rule| rule.value.is_none())?.detector;
        let span = (value.start, value.start);
        let mut edit = Edit::open(span, detector, Swallow::tree(name.quoted.unwrap_or_default())).unshown();
        edit.field = Some(String::from_utf8_lossy(view.slice(name.start, name.end)).into_owned());
        Some(edit)
    }

    /// The member with one of its commas, or the pair with one of its ampersands; none where that is not certain.
    fn member(&self, view: &View<'_>, name: &Name, value: Value) -> Option<(usize, usize)> {
        let (separator, open, close): (u8, &[u8], &[u8]) = match self.shape {
            Shape::Form | Shape::Query => (b'&', b"", b""),
            Shape::Json | Shape::Text if name.quoted.is_some() => (b',', b"{", b"}"),
            Shape::Text | Shape::Json | Shape::HeaderValue => return None,
        };
        let start = name.start - name.quoted.map_or(0, |slashes| slashes + 1);
        let before = view.run_back(start, class::SPACE, 64);
        let after = view.run(value.after, class::SPACE, 64);
        let next = view.at(after);
        let closed = next == Some(separator)
            || next.is_some_and(|byte| close.contains(&byte))
            || next.is_none() && close.is_empty();
        if view.is_cut(after) || !closed {
            return None;
        }
        match view.before(before) {
            Some(byte) if byte == separator && before > view.floor() => Some((before - 1, value.after)),
            previous => {
                let first = previous.is_none_or(|byte| open.contains(&byte) || byte == separator || open.is_empty());
                let end = if next == Some(separator) { after + 1 } else { value.after };
                (first && start >= view.floor()).then_some((start, end))
            }
        }
    }
}

/// A block of YAML (`|`, `>-`): where its text starts, and how far its name is indented.
fn block(view: &View<'_>, name: &Name, value: Value) -> Option<(usize, usize)> {
    let mark = view.slice(value.start, value.end);
    let marked = matches!(mark, [b'|' | b'>'] | [b'|' | b'>', b'+' | b'-' | b'1'..=b'9']);
    if !marked || value.written != Written::Bare {
        return None;
    }
    let line = view.run_back(name.start, class::SPACE | class::DASH, MAX_NAME);
    let indent = view.slice(line, name.start).iter().rev().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count();
    let line = view.run(value.end, class::SPACE, MAX_NAME);
    let before = view.slice(value.end, line);
    let own = before.iter().rposition(|byte| *byte == b'\n')?;
    (before.len() - own - 1 > indent).then_some((line, indent))
}

/// `Name:[value]`, as Go prints a map of headers.
fn listed(view: &View<'_>, at: usize, name: &Name) -> Option<Value> {
    if name.quoted.is_some() || !view.starts_with(at, b":[") {
        return None;
    }
    let start = at + 2;
    let end = view.until(start, MAX_LISTED, |byte| matches!(byte, b']' | b'[' | b'"' | b'{' | b'\n'));
    let closed = view.at(end) == Some(b']') && end > start;
    closed.then_some(Value { start, end, after: end + 1, written: Written::Quoted { quote: b']', slashes: 0 } })
}

/// Whether a plain word only labels something: a time series (`metric{secret="orders"}`), or the key of a store (`'token:orders'`).
fn is_label(view: &View<'_>, name: &Name, value: Value) -> bool {
    let text = view.slice(value.start, value.end);
    if name.quoted.is_some() || !is_plain(text) || text.len() > LONGEST_LABEL {
        return false;
    }
    let series = matches!(value.written, Written::Quoted { .. })
        && view.before(value.start - 1) == Some(b'=')
        && match view.before(name.start) {
            Some(b'{') => view.before(name.start - 1).is_some_and(|byte| class::is(byte, class::WORD)),
            Some(b',') => view.before(name.start - 1) == Some(b'"'),
            _ => false,
        };
    let quote = view.before(name.start).filter(|byte| class::is(*byte, class::QUOTE));
    let password = view.slice(name.start, name.end).to_ascii_lowercase().windows(4).any(|piece| piece == b"pass");
    let key = value.written == Written::Bare && quote.is_some() && view.at(value.end) == quote && !password;
    series || key
}

fn slashes_at_end(view: &View<'_>, start: usize) -> usize {
    view.end() - view.run_back(view.end(), class::SLASH, 64).max(start)
}

/// The name before the separator at `at`.
fn name(view: &View<'_>, at: usize) -> Option<Name> {
    let end = view.run_back(at, class::SPACE, MAX_GAP);
    if let Some(quote) = view.before(end).filter(|byte| matches!(byte, b'"' | b'\'')) {
        let slashes = view.slashes_before(end - 1);
        let last = end - 1 - slashes;
        let mut start = last;
        while last - start < MAX_NAME && view.before(start).is_some_and(|byte| byte != quote && byte != b'\n') {
            start -= 1;
        }
        if view.before(start) == Some(quote) && start < last {
            return Some(Name { start, end: last, quoted: Some(slashes) });
        }
        return None;
    }
    let bracket = usize::from(view.before(end) == Some(b']'));
    let last = end - bracket;
    let start = view.run_back(last, class::NAME | class::HIGH, MAX_NAME);
    (start < last).then_some(Name { start, end: last, quoted: None })
}

/// Behind `=`, `:`, `=>`, `:=`, `==` and spaces.
fn value_start(view: &View<'_>, at: usize, quoted: bool) -> Option<usize> {
    let mut from = at + 1;
    match (view.at(at), view.at(from)) {
        (_, Some(b'=')) | (Some(b'='), Some(b'>')) => from += 1,
        (Some(b':'), Some(b':')) => return None,
        _ => {}
    }
    while let Some(byte) = view.at(from) {
        let skipped = matches!(byte, b' ' | b'\t') || quoted && matches!(byte, b'\n' | b'\r');
        if !skipped {
            return Some(from);
        }
        from += 1;
    }
    None
}

/// With the words before it: `Secret Key: …`, `binance api secret: …`.
pub(super) fn spoken(view: &View<'_>, name: Name) -> Name {
    let wide = view.run_back(name.start, class::WORD | class::SPACE, MAX_SPOKEN);
    let line = view.slice(wide, name.start).iter().rposition(|byte| matches!(byte, b'\n' | b'\r'));
    Name { start: line.map_or(wide, |at| wide + at + 1), ..name }
}

/// `token=USDC`, `token=0x…`: in markets a token is a thing to trade.
fn is_asset(name: &[u8], value: &[u8]) -> bool {
    let ticker = (2..=6).contains(&value.len()) && value.iter().all(u8::is_ascii_uppercase);
    let address = value.len() == 42 && value.starts_with(b"0x");
    (ticker || address) && name.to_ascii_lowercase().ends_with(b"token")
}

/// `client.APIKey = apiKey`: a variable named for what it holds.
fn is_itself(name: &[u8], value: &[u8]) -> bool {
    let folded = |text: &[u8]| -> Vec<u8> {
        text.iter().filter(|byte| byte.is_ascii_alphanumeric()).map(u8::to_ascii_lowercase).collect()
    };
    let value = value.strip_suffix(b",").or(value.strip_suffix(b";")).unwrap_or(value);
    let joined = value.contains(&b'_')
        || value.array_windows::<2>().any(|[a, b]| a.is_ascii_lowercase() && b.is_ascii_uppercase());
    joined && folded(name).ends_with(&folded(value))
}

/// The words of a phrase behind the separator at `at`, a number before each.
fn numbered(view: &View<'_>, at: usize) -> Option<Value> {
    let start = super::phrase::first_of_list(view, at + 1)?;
    let end = super::phrase::end(view, start)?;
    Some(Value { start, end, after: end, written: Written::Bare })
}

/// `pass=12`: tests that passed; `accesskey="n"`: a letter on a keyboard.
fn is_count(name: &[u8], value: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"pass") && value.len() <= 4 && value.iter().all(u8::is_ascii_digit)
        || name.eq_ignore_ascii_case(b"accesskey") && value.len() == 1
}

const WHOLE_LINE: [&[u8]; 6] = [b"digest", b"AWS4", b"deri-hmac", b"hawk", b"oauth", b"signature"];
/// Dashes before the `BEGIN` of a key.
const DASHES: usize = 5;
const MAX_SPOKEN: usize = 32;
const MAX_LISTED: usize = 4096;
const LONGEST_LABEL: usize = 32;
const MAX_NAME: usize = 96;
const MAX_GAP: usize = 8;
