use std::sync::Arc;

use sekisho_codec::framing::{Place, Texts};
use sekisho_scan::{Action, Finding, Ruleset, Shape, redact};

use super::coding::sniff;

/// All texts of a message, written one below the other: a message in which nothing is found is scanned in one go, and that is nearly
/// every message. A text under a name is written as a member of a JSON object, so that it reads as it would there.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    pub(super) text: Vec<u8>,
    /// Where each begins.
    starts: Vec<usize>,
    /// How long it may become. What stands under long names or many takes more room here than in the message.
    most: usize,
    /// It would have become longer.
    over: bool,
}

impl Leaves {
    /// Begins anew, for a message of `bytes`.
    pub(super) fn begin(&mut self, bytes: usize) {
        self.text.clear();
        self.starts.clear();
        self.most = bytes.saturating_mul(SPREAD).saturating_add(ROOM);
        self.over = false;
    }

    /// Whether not all of the message is here.
    pub(super) const fn is_over(&self) -> bool {
        self.over
    }

    fn write(&mut self, place: &Place<'_>, value: &Value<'_>) {
        self.over |= self.text.len() > self.most;
        if self.over {
            return;
        }
        self.starts.push(self.text.len());
        spell(place, value, &mut self.text);
        self.text.push(b'\n');
    }

    /// The one at `offset`.
    fn at(&self, offset: u64) -> usize {
        let offset = usize::try_from(offset).unwrap_or(usize::MAX);
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    fn start(&self, leaf: usize) -> usize {
        self.starts.get(leaf).copied().unwrap_or_default()
    }
}

impl Texts for Leaves {
    fn text(&mut self, place: &Place<'_>, text: &[u8]) -> Option<Vec<u8>> {
        self.write(place, &Value::Text(text));
        None
    }

    fn number(&mut self, place: &Place<'_>, written: &str) -> Option<Vec<u8>> {
        self.write(place, &Value::Number(written));
        None
    }

    fn enter(&mut self) {}

    fn leave(&mut self) -> bool {
        true
    }
}

#[derive(Debug)]
enum Value<'v> {
    Text(&'v [u8]),
    Number(&'v str),
}

/// `"name":"value"`, or `"outer":{"inner":"value"}`, or the bare value where it stands under no name.
fn spell(place: &Place<'_>, value: &Value<'_>, out: &mut Vec<u8>) {
    let mut names = 0;
    for name in place.names() {
        out.extend_from_slice(if names == 0 { b"\"" } else { b"{\"" });
        // The name itself is told as a text, and whole.
        escape(name.get(name.len().saturating_sub(LONGEST_NAME)..).unwrap_or_default(), out);
        out.extend_from_slice(b"\":");
        names += 1;
    }
    match value {
        Value::Text(text) if names == 0 => out.extend_from_slice(text),
        Value::Text(text) => {
            out.push(b'"');
            escape(text, out);
            out.push(b'"');
        }
        Value::Number(written) => out.extend_from_slice(written.as_bytes()),
    }
    out.extend(std::iter::repeat_n(b'}', usize::saturating_sub(names, 1)));
}

/// As within a JSON string. What is not UTF-8 stays as it is: it is read as bytes.
fn escape(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\')) {
        let (before, after) = rest.split_at(at);
        out.extend_from_slice(before);
        let Some((byte, after)) = after.split_first() else { return };
        match byte {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            other => out.extend_from_slice(format!("\\u{other:04x}").as_bytes()),
        }
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// What [`escape`] wrote, and the masks of the scanner in it, which need no escape.
fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        match bytes.next()? {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'u' => {
                let digits: Vec<u8> = bytes.by_ref().take(4).copied().collect();
                out.push(u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?);
            }
            other => out.push(*other),
        }
    }
    Some(out)
}

/// Goes through a message in which something was found, and masks it where it stands.
#[derive(Debug)]
pub(super) struct Edits<'l> {
    rules: &'l Arc<Ruleset>,
    leaves: &'l Leaves,
    /// Findings in [`Leaves::text`], with the first and the last text each is in, in their order.
    hits: Vec<Hit>,
    /// Those before this end before the text at hand.
    behind: usize,
    next: usize,
    /// Whether records in which something was found are left out.
    drops: bool,
    found: bool,
    /// Records that were left out, by their number among those of this walk, with how they begin.
    pub(super) dropped: Vec<Dropped>,
    record: usize,
    begins: Vec<u8>,
}

/// A record that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) number: usize,
    /// Its first line, if it is short.
    pub(super) begins: Vec<u8>,
}

#[derive(Debug)]
struct Hit {
    finding: Finding,
    first: usize,
    last: usize,
}

impl<'l> Edits<'l> {
    pub(super) fn new(rules: &'l Arc<Ruleset>, leaves: &'l Leaves, found: Vec<Finding>, drops: bool) -> Self {
        let hit = |finding: Finding| {
            let first = leaves.at(finding.offset);
            let last = leaves.at(finding.offset.saturating_add(finding.length.saturating_sub(1)));
            Hit { finding, first, last: last.max(first) }
        };
        let mut hits: Vec<Hit> = found.into_iter().map(hit).collect();
        hits.sort_by_key(|hit| hit.first);
        let (dropped, begins) = (Vec::new(), Vec::new());
        Self { rules, leaves, hits, behind: 0, next: 0, drops, found: false, dropped, record: 0, begins }
    }

    /// How many records went by.
    pub(super) const fn records(&self) -> usize {
        self.record
    }

    /// What was found, each with the way to the text it is in.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.hits.into_iter().map(|hit| hit.finding).collect()
    }

    /// Whether something is to be masked in the text at hand, and where in its spelling.
    fn spans(&mut self, place: &Place<'_>) -> Vec<(usize, usize)> {
        let leaf = self.next;
        self.next += 1;
        let start = self.leaves.start(leaf);
        let mut spans = Vec::new();
        while self.hits.get(self.behind).is_some_and(|hit| hit.last < leaf) {
            self.behind += 1;
        }
        let hits = self.hits.iter_mut().skip(self.behind).take_while(|hit| hit.first <= leaf);
        for hit in hits.filter(|hit| leaf <= hit.last) {
            if hit.first == leaf && !place.path.is_empty() {
                hit.finding.field = Some(place.to_string().chars().take(LONGEST_FIELD).collect());
            }
            if hit.finding.action != Action::Alert {
                let from = usize::try_from(hit.finding.offset).unwrap_or(usize::MAX).saturating_sub(start);
                let length = usize::try_from(hit.finding.length).unwrap_or(usize::MAX);
                spans.push((from, from.saturating_add(length)));
            }
        }
        self.found |= !spans.is_empty();
        spans
    }

    fn masked(&self, place: &Place<'_>, value: &Value<'_>) -> Vec<u8> {
        let mut names = place.names().peekable();
        if let (None, Value::Text(text)) = (names.peek(), value) {
            let redacted = redact(self.rules, sniff(text), text);
            // What is found among its neighbours only cannot be told from them.
            return if redacted.blocked || *redacted.bytes == **text { MASK.to_vec() } else { redacted.bytes.into() };
        }
        let mut spelled = Vec::new();
        spell(place, value, &mut spelled);
        let redacted = redact(self.rules, Shape::Json, &spelled);
        let inner =
            (!redacted.blocked && *redacted.bytes != *spelled).then(|| within(place, &redacted.bytes)).flatten();
        inner.and_then(unescape).unwrap_or_else(|| MASK.to_vec())
    }
}

/// What stands between the quotes of the value, if all around it is what it was.
fn within<'s>(place: &Place<'_>, spelled: &'s [u8]) -> Option<&'s [u8]> {
    let mut around = Vec::new();
    spell(place, &Value::Number("\""), &mut around);
    let quote = around.len() - place.names().count().saturating_sub(1);
    let (before, after) = around.split_at_checked(quote)?;
    spelled.strip_prefix(before)?.strip_suffix(after)?.strip_suffix(b"\"")
}

impl Texts for Edits<'_> {
    fn text(&mut self, place: &Place<'_>, text: &[u8]) -> Option<Vec<u8>> {
        if self.drops {
            let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
            self.begins = line.get(..LONGEST_BEGIN.min(line.len())).unwrap_or_default().to_vec();
        }
        let spans = self.spans(place);
        if spans.is_empty() {
            return None;
        }
        if !place.fixed {
            return Some(self.masked(place, &Value::Text(text)));
        }
        let mut stars = text.to_vec();
        let all = place.names().next().is_some().then_some((0, text.len()));
        for (from, to) in all.into_iter().chain(spans) {
            stars.iter_mut().take(to).skip(from).for_each(|byte| *byte = b'*');
        }
        Some(stars)
    }

    fn number(&mut self, place: &Place<'_>, written: &str) -> Option<Vec<u8>> {
        let spans = self.spans(place);
        (!spans.is_empty()).then(|| self.masked(place, &Value::Number(written)))
    }

    fn enter(&mut self) {
        self.found = false;
    }

    fn leave(&mut self) -> bool {
        let drop = self.drops && self.found;
        if drop {
            self.dropped.push(Dropped { number: self.record, begins: std::mem::take(&mut self.begins) });
        }
        self.record += 1;
        self.found = false;
        !drop
    }
}

const MASK: &[u8] = b"****";
/// No name that is forbidden is longer than this.
const LONGEST_NAME: usize = 256;
/// More of the way to a text is not told.
const LONGEST_FIELD: usize = 256;
/// How many times as long as the message its texts may become, each under its names.
const SPREAD: usize = 16;
/// And besides.
const ROOM: usize = 1 << 20;
const LONGEST_BEGIN: usize = 1024;

#[cfg(test)]
mod tests;
