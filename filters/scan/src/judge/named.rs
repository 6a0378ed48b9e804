//! Values that stand under a forbidden name.

use super::value::{Value, Written, is_placeholder, value};
use crate::class;
use crate::edit::{Edit, is_masked, starts_masked};
use crate::finding::{Action, Shape};
use crate::judge::Judge;
use crate::swallow::Swallow;
use crate::view::View;

/// A name and how it stood.
struct Name {
    start: usize,
    end: usize,
    /// In quotes, with so many backslashes.
    quoted: Option<usize>,
}

impl Judge<'_> {
    /// The value behind the separator at `at`, if its name says that it is secret.
    pub(super) fn named(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let name = name(view, at)?;
        let text = view.slice(name.start, name.end);
        let rules = self.rules.names.rules(text);
        if rules.is_empty() {
            return None;
        }
        let from = value_start(view, at, name.quoted.is_some())?;
        let value = value(view, from, name.quoted, self.shape)?;
        if value.written == Written::Tree {
            return self.tree(view, &name, value, &rules);
        }
        self.valued(view, &name, value, &rules)
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

    fn valued(&self, view: &View<'_>, name: &Name, value: Value, rules: &[usize]) -> Option<Edit> {
        let text = view.slice(name.start, name.end);
        let (start, end) = self.bounds(view, value);
        let secret = view.slice(start, end);
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
    fn rule(&self, view: &View<'_>, span: (usize, usize), rules: &[usize]) -> Option<usize> {
        if let Some(edit) = self.token_at(view, span.0)
            && edit.start == span.0
            && edit.end == span.1
        {
            return Some(edit.detector);
        }
        rules
            .iter()
            .filter_map(|index| self.rules.named.get(*index))
            .find(|rule| {
                rule.value.as_ref().is_none_or(|pattern| {
                    pattern.find(view, span.0).is_some_and(|found| found.start == span.0 && found.end == span.1)
                })
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

    fn bounds(&self, view: &View<'_>, value: Value) -> (usize, usize) {
        let Some(start) = after_scheme(view, value) else {
            return (value.start, value.end);
        };
        if value.end > start {
            return (start, value.end);
        }
        let whole_line =
            view.starts_with_ignoring_case(value.start, b"digest") || view.starts_with(value.start, b"AWS4");
        let end = view.until(start, usize::MAX, |byte| match byte {
            b'\n' | b'\r' => true,
            _ if whole_line => false,
            _ => !class::is(byte, class::BARE) || byte == b'\\',
        });
        (start, end)
    }

    fn survives(&self, name: &[u8], value: &[u8], written: Written) -> bool {
        if value.is_empty() || is_masked(self.rules, value) {
            return true;
        }
        match written {
            Written::Scalar => value == b"null",
            Written::Quoted { .. } | Written::Bare | Written::Tree => {
                let directory = name.ends_with(b"PWD") && matches!(value.first(), Some(b'/' | b'~'));
                let before = written == Written::Bare && starts_masked(self.rules, value);
                directory || before || is_placeholder(value)
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

/// Behind `Bearer `, `Basic ` and their like.
fn after_scheme(view: &View<'_>, value: Value) -> Option<usize> {
    SCHEMES.iter().find_map(|scheme| {
        let end = value.start + scheme.len();
        if !view.starts_with_ignoring_case(value.start, scheme) || view.at(end) != Some(b' ') {
            return None;
        }
        let start = view.run(end, class::SPACE, 8);
        (start > end).then_some(start)
    })
}

const SCHEMES: [&[u8]; 12] = [
    b"bearer",
    b"basic",
    b"token",
    b"bot",
    b"apikey",
    b"ssws",
    b"splunk",
    b"digest",
    b"negotiate",
    b"AWS4-HMAC-SHA256",
    b"key",
    b"oauth",
];
const MAX_NAME: usize = 96;
const MAX_GAP: usize = 8;
