//! Encoded regions: decoded, looked through, and the findings carried back to where the bytes came from.

use crate::class::{self, Class};
use crate::decode::{self, Decoded};
use crate::edit::Edit;
use crate::finding::{Action, Confidence};
use crate::hunt::{Hit, Kind};
use crate::judge::{Judge, Verdict};
use crate::ruleset::pattern::boundary;
use crate::swallow::Swallow;
use crate::view::View;

impl Judge<'_> {
    /// A word with percent escapes that need not be.
    pub(super) fn percent(&self, view: &View<'_>, at: usize) -> Verdict {
        let decoded = decode::percent(view, at);
        let open = view.is_cut(decoded.end).then_some(Swallow::Run(class::BARE));
        self.inside(view, &decoded, open.as_ref())
    }

    /// A line with escapes of bytes, or with entities.
    pub(super) fn escaped(&self, view: &View<'_>, at: usize, entities: bool) -> Verdict {
        let decoded = if entities { decode::entities(view, at) } else { decode::escapes(view, at) };
        let mut verdict = self.inside(view, &decoded, None);
        if entities {
            // quotes around a mask would end the attribute that the text stands in
            verdict.edits.iter_mut().for_each(|edit| edit.quotes = None);
        }
        verdict
    }

    /// ASCII written as UTF-16.
    pub(super) fn utf16(&self, view: &View<'_>, at: usize) -> Verdict {
        let Some(decoded) = decode::utf16(view, at) else {
            return Verdict::default();
        };
        let mut verdict = self.inside(view, &decoded, None);
        for edit in &mut verdict.edits {
            edit.wide = true;
            edit.quotes = None;
            edit.swallow = None;
            edit.end = edit.end.saturating_sub(1).max(edit.start);
        }
        verdict
    }

    /// Base64 that holds a secret is masked as one.
    pub(super) fn base64(&self, view: &View<'_>, decoded: &Decoded) -> Option<Edit> {
        if !boundary(view, decoded.start) {
            return None;
        }
        self.held(view, decoded, BASE64)
    }

    /// A word whose base64, from `phase` letters behind its beginning on, is text.
    pub(super) fn base64_text(&self, view: &View<'_>, at: usize, phase: usize) -> Verdict {
        let Some((mut decoded, line)) = decode::base64_lines(view, at + phase) else {
            return Verdict::default();
        };
        let from = if line > decoded.start { line } else { on(decoded.start, decoded.end, 4) };
        decoded.start = decoded.start.min(at);
        self.coded(view, &decoded, BASE64, Hit { at: from, kind: Kind::Base64(0) })
    }

    /// A word whose hex digits, from `phase` behind its beginning on, spell text.
    pub(super) fn hex_text(&self, view: &View<'_>, at: usize, phase: usize) -> Verdict {
        let mut decoded = decode::hex_text(view, at + phase);
        let from = on(decoded.start, decoded.end, 2);
        decoded.start = at;
        self.coded(view, &decoded, class::HEX_LOWER | class::HEX_UPPER, Hit { at: from, kind: Kind::Hex(0) })
    }

    /// A word in a code of `set`: if more of it follows than was seen, the look goes on at `next`.
    fn coded(&self, view: &View<'_>, decoded: &Decoded, set: Class, next: Hit) -> Verdict {
        let mut verdict = Verdict::from(self.held(view, decoded, set));
        verdict.decoded = decoded.end;
        if verdict.edits.is_empty() && view.is_cut(decoded.end) {
            verdict.decoded = next.at;
            verdict.more.push(next);
        }
        verdict
    }

    fn held(&self, view: &View<'_>, decoded: &Decoded, set: Class) -> Option<Edit> {
        let found = self.deeper().all(&decoded.bytes);
        let first = found.iter().find(|edit| self.rules.action(edit.detector) != Action::Alert).or(found.first())?;
        let end = view.run(decoded.end, class::EQUALS, 2);
        let open = view.is_cut(end).then_some(Swallow::Run(set | class::EQUALS));
        let start = decoded.start.max(view.floor());
        let mut edit = Edit::new(self.rules, view, (start, end), first.detector).plain().going_on(open);
        edit.field.clone_from(&first.field);
        Some(edit.sure(Confidence::Medium))
    }

    fn inside(&self, view: &View<'_>, decoded: &Decoded, open: Option<&Swallow>) -> Verdict {
        let mut verdict = Verdict { decoded: decoded.end, ..Verdict::default() };
        if view.is_cut(decoded.end) {
            verdict.decoded = decoded.end.saturating_sub(OVERLAP).max(decoded.start + 1);
        }
        if decoded.bytes.len() == decoded.end - decoded.start {
            // nothing was an escape after all: it would look the same at every depth
            return verdict;
        }
        for mut edit in self.deeper().all(&decoded.bytes) {
            let at_end = edit.end >= decoded.bytes.len();
            edit.start = decoded.place(edit.start);
            edit.end = decoded.place(edit.end);
            edit.member = None;
            if edit.end <= view.floor() {
                continue;
            }
            if edit.start < view.floor() {
                edit.start = view.floor();
            }
            if at_end && edit.swallow.is_none() {
                edit = edit.going_on(open.cloned());
            }
            verdict.edits.push(edit);
        }
        verdict
    }

    fn deeper(&self) -> Self {
        Self { depth: self.depth + 1, ..*self }
    }
}

/// Where the look at a piece of code goes on that starts at `start`, in steps of `step`, so that what stands across its end is seen.
fn on(start: usize, end: usize, step: usize) -> usize {
    let length = end - start;
    let back = length.saturating_sub(OVERLAP).max(length / 2);
    start + back / step * step
}

const BASE64: Class = class::B64 | class::B64U;
const OVERLAP: usize = 512;
