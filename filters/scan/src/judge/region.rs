//! Encoded regions: decoded, looked through, and the findings carried back to where the bytes came from.

use crate::class;
use crate::decode::{self, Decoded};
use crate::edit::Edit;
use crate::finding::{Action, Confidence};
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

    /// A line with `\u00` escapes.
    pub(super) fn unicode(&self, view: &View<'_>, at: usize) -> Verdict {
        let decoded = decode::unicode(view, at);
        self.inside(view, &decoded, None)
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
    pub(super) fn base64(&self, view: &View<'_>, decoded: &Decoded, fallback: usize) -> Option<Edit> {
        if !boundary(view, decoded.start) {
            return None;
        }
        let found = self.deeper().all(&decoded.bytes);
        let first = found.iter().find(|edit| self.rules.action(edit.detector) != Action::Alert).or(found.first())?;
        let set = class::B64 | class::B64U | class::EQUALS;
        let end = view.run(decoded.end, class::EQUALS, 2);
        let open = view.is_cut(end).then_some(Swallow::Run(set));
        let detector = if self.rules.detector(first.detector).is_some() { first.detector } else { fallback };
        let mut edit = Edit::new(self.rules, view, (decoded.start, end), detector).plain().going_on(open);
        edit.field.clone_from(&first.field);
        Some(edit.sure(Confidence::Medium))
    }

    fn inside(&self, view: &View<'_>, decoded: &Decoded, open: Option<&Swallow>) -> Verdict {
        let mut verdict = Verdict { edits: Vec::new(), decoded: decoded.end };
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

const OVERLAP: usize = 512;
