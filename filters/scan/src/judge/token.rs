//! Tokens with a shape of their own.

use crate::class;
use crate::edit::{Edit, is_masked};
use crate::finding::Confidence;
use crate::judge::Judge;
use crate::ruleset::pack::Engine;
use crate::ruleset::pattern::{Span, boundary};
use crate::swallow::Swallow;
use crate::validate;
use crate::view::View;

impl Judge<'_> {
    /// The pattern with this index, its anchor at `at`.
    pub(super) fn pattern(&self, view: &View<'_>, at: usize, index: usize) -> Option<Edit> {
        let shaped = self.rules.patterns.get(index)?;
        let span = shaped.pattern.find(view, at)?;
        // its beginning may have been taken for the end of the token before it
        let span = Span { start: span.start.max(view.floor()), ..span };
        if span.start >= span.end {
            return None;
        }
        self.spanned(view, span, shaped.detector)
    }

    fn spanned(&self, view: &View<'_>, span: Span, detector: usize) -> Option<Edit> {
        let value = view.slice(span.start, span.end);
        if is_masked(self.rules, value) {
            return None;
        }
        let check = self.rules.detector(detector)?.check;
        let confidence = match check {
            _ if span.odd => Confidence::Low,
            Some(check) if validate::passes(check, value) => Confidence::High,
            Some(_) => Confidence::Low,
            None => Confidence::Medium,
        };
        let edit = Edit::new(self.rules, view, (span.start, span.end), detector);
        Some(edit.sure(confidence).going_on(span.open.map(Swallow::Run)))
    }

    /// A token that starts exactly at `at`, whoever's.
    pub(super) fn token_at(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        if let Some(edit) = self.jwt(view, at) {
            return Some(edit);
        }
        let starting = self.rules.hunt.starting(view.at(at)?);
        starting
            .iter()
            .filter_map(|index| {
                let shaped = self.rules.patterns.get(*index)?;
                let span = shaped.pattern.find(view, at)?;
                self.spanned(view, span, shaped.detector)
            })
            .max_by_key(|edit| edit.end)
    }

    /// A JWT by its header; other base64 of JSON is looked into.
    pub(super) fn jwt(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let detector = *self.rules.engines.get(&Engine::Jwt)?;
        if !view.starts_with(at, b"eyJ") || !boundary(view, at) {
            return None;
        }
        let header = crate::decode::base64(view, at)?;
        let held = |word: &[u8]| memchr::memmem::find(&header.bytes, word).is_some();
        if !held(b"\"alg\"") && !held(b"\"enc\"") {
            return self.base64(view, &header, detector);
        }
        let set = class::B64U | class::DOT | class::EQUALS;
        let end = view.run(at, set, usize::MAX);
        let dots = view.slice(at, end).iter().filter(|byte| **byte == b'.').count();
        let open = view.is_cut(end).then_some(Swallow::Run(set));
        let confidence = if dots >= 2 { Confidence::High } else { Confidence::Low };
        let edit = Edit::new(self.rules, view, (at, end), detector).plain();
        Some(edit.sure(confidence).going_on(open))
    }

    /// A PEM private key whose `BEGIN` stands at `at`.
    pub(super) fn pem(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let detector = *self.rules.engines.get(&Engine::Pem)?;
        let start = view.run_back(at, class::DASH, 8).max(view.floor());
        let title = view.run(at, class::UPPER | class::DIGIT | class::SPACE, LONGEST_TITLE);
        let titled = memchr::memmem::find(view.slice(at, title), b"PRIVATE KEY").is_some();
        let end = view.run(title, class::DASH, 5);
        if at - start < 4 || end - title < 4 || !titled {
            return None;
        }
        let inline = !matches!(view.at(end), Some(b'\n' | b'\r'));
        Some(Edit::open((start, end), detector, Swallow::pem(inline)).sure(Confidence::High))
    }

    /// Seeds and keys that only a checksum tells from an identifier.
    pub(super) fn run(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        if at < view.floor() {
            return None;
        }
        let end = view.run(at, class::ALNUM, LONGEST_SEED + 1);
        let value = view.slice(at, end);
        let engine = if validate::is_wif(value) {
            Engine::Wif
        } else if validate::is_stellar_seed(value) {
            Engine::Stellar
        } else if validate::is_nats_seed(value) {
            Engine::Nats
        } else {
            return None;
        };
        let detector = *self.rules.engines.get(&engine)?;
        Some(Edit::new(self.rules, view, (at, end), detector).sure(Confidence::High))
    }
}

const LONGEST_TITLE: usize = 64;
const LONGEST_SEED: usize = 58;
