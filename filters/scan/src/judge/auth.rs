//! `Basic` and `Bearer`, wherever they stand.

use crate::class;
use crate::edit::{Edit, is_masked};
use crate::finding::Confidence;
use crate::judge::Judge;
use crate::ruleset::pack::Engine;
use crate::swallow::Swallow;
use crate::validate;
use crate::view::View;

impl Judge<'_> {
    /// `asic ` stands at `at`: base64 of `user:password` must follow.
    pub(super) fn basic(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let detector = *self.rules.engines.get(&Engine::Basic)?;
        if !matches!(view.before(at), Some(b'b' | b'B')) {
            return None;
        }
        let start = view.run(at + 5, class::SPACE, 4);
        let set = class::B64 | class::B64U | class::EQUALS;
        let end = view.run(start, set, usize::MAX);
        let text = view.slice(start, end);
        let plain: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'=').collect();
        if !(validate::is_pair(text) || view.is_cut(end)) || plain.len() < SHORTEST {
            return None;
        }
        let open = view.is_cut(end).then_some(Swallow::Run(set));
        Some(Edit::new(self.rules, view, (start, end), detector).plain().sure(Confidence::High).going_on(open))
    }

    /// `earer ` stands at `at`: a token of RFC 6750 must follow that is more than a word.
    pub(super) fn bearer(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let detector = *self.rules.engines.get(&Engine::Bearer)?;
        if !matches!(view.before(at), Some(b'b' | b'B')) {
            return None;
        }
        let start = view.run(at + 6, class::SPACE, 4);
        if let Some(edit) = self.token_at(view, start) {
            return Some(edit);
        }
        let end = view.run(start, class::TOKEN68, usize::MAX);
        let value = view.slice(start, end);
        let word = value.iter().all(|byte| class::is(*byte, class::LETTER | class::DASH | class::DOT))
            && value.len() < LONG_WORD;
        let named = value.contains(&b'=') && !value.ends_with(b"=");
        if value.len() < SHORTEST || word || named || is_masked(self.rules, value) {
            return None;
        }
        let open = view.is_cut(end).then_some(Swallow::Run(class::TOKEN68));
        Some(Edit::new(self.rules, view, (start, end), detector).going_on(open))
    }
}

const SHORTEST: usize = 8;
const LONG_WORD: usize = 24;
