//! Tokens with a shape of their own.

use crate::class;
use crate::edit::{Edit, MASK, is_masked};
use crate::finding::Confidence;
use crate::judge::Judge;
use crate::ruleset::pack::{Check, Engine};
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
        let span = Span { start: span.start.max(view.floor()), end: escaped_end(view, span.end), ..span };
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
        let proven = self.proven(view, (span.start, span.end), detector)?;
        let confidence = if span.odd { Confidence::Low } else { proven };
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
            return self.base64(view, &header);
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
        let set = class::UPPER | class::DIGIT | class::SPACE | class::PERCENT | class::B64_MARKS;
        let title = view.run(at, set, LONGEST_TITLE);
        let words = view.slice(at, title);
        let spaces: [&[u8]; 3] = [b"PRIVATE KEY", b"PRIVATE+KEY", b"PRIVATE%20KEY"];
        let titled = spaces.iter().any(|word| memchr::memmem::find(words, word).is_some());
        let end = view.run(title, class::DASH, 5);
        if at - start < 4 || end - title < 4 || !titled {
            return None;
        }
        let inline = !matches!(view.at(end), Some(b'\n' | b'\r'));
        Some(Edit::open((start, end), detector, Swallow::pem(inline)).sure(Confidence::High))
    }

    /// The private part of a PuTTY key, whose `Private-Lines:` stands at `at`.
    pub(super) fn putty(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let detector = *self.rules.engines.get(&Engine::Putty)?;
        let marked = view.starts_with(at, b"Private-Lines:");
        let count = view.run(at + 14, class::SPACE, 4);
        let start = view.run(count, class::DIGIT, 8);
        if !marked || start == count || view.starts_with(start, MASK) {
            return None;
        }
        Some(Edit::open((start, start), detector, Swallow::until(b"Private-")).sure(Confidence::High))
    }

    /// An IPv4 address whose first dot stands at `at`: the last two parts are not shown.
    pub(super) fn address(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let detector = *self.rules.engines.get(&Engine::Ipv4)?;
        let start = view.run_back(at, class::DIGIT | class::DOT, 4);
        let end = view.run(at, class::DIGIT | class::DOT, 13);
        let parts: Vec<&[u8]> = view.slice(start, end).split(|byte| *byte == b'.').collect();
        let [first, second, third, fourth] = *parts.as_slice() else {
            return None;
        };
        let part = |digits: &[u8]| {
            let number = digits.iter().fold(0_u32, |all, digit| all * 10 + u32::from(digit - b'0'));
            (1..=3).contains(&digits.len()) && number < 256 && (digits.len() == 1 || digits.first() != Some(&b'0'))
        };
        let apart = view.before(start).is_none_or(|byte| !class::is(byte, class::NAME));
        let over = view.at(end).is_some_and(|byte| class::is(byte, class::NAME));
        if ![first, second, third, fourth].into_iter().all(part) || !apart || over {
            return None;
        }
        let shown = [first, b".", second, b".xxx.xxx"].concat();
        Some(Edit::new(self.rules, view, (start, end), detector).showing(shown))
    }

    /// Seeds and keys whose letters, and their number, are rare enough to be told without a name. A checksum that fails only says that
    /// somebody made a mistake, except where the shape alone says too little.
    pub(super) fn run(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        if at < view.floor() {
            return None;
        }
        let end = view.run(at, class::ALNUM, LONGEST_SEED + 1);
        let value = view.slice(at, end);
        if let Some(edit) = self.split_key(view, at, end) {
            return Some(edit);
        }
        let kinds: [(Engine, Shape); 5] = [
            (Engine::Wif, validate::wif),
            (Engine::Stellar, validate::stellar_seed),
            (Engine::Nats, validate::nats_seed),
            (Engine::Xrp, validate::xrp_seed),
            (Engine::Iban, |value| validate::passes(Check::Iban, value).then_some(true)),
        ];
        let (engine, passes) = kinds.iter().find_map(|(engine, shape)| Some((*engine, shape(value)?)))?;
        let detector = *self.rules.engines.get(&engine)?;
        let confidence = if passes { Confidence::High } else { Confidence::Low };
        Some(Edit::new(self.rules, view, (at, end), detector).sure(confidence))
    }
}

impl Judge<'_> {
    /// Hex digits from `at` to `end`, 32 of them, and twice eight behind dashes.
    fn split_key(&self, view: &View<'_>, at: usize, end: usize) -> Option<Edit> {
        let detector = *self.rules.engines.get(&Engine::Mailgun).filter(|_| end - at == 32)?;
        let hex = |from: usize, most: usize| view.run(from, class::HEX_LOWER, most);
        let (first, second, third) = (hex(at, 33), hex(end + 1, 9), hex(end + 10, 9));
        let dashes = view.at(end) == Some(b'-') && view.at(end + 9) == Some(b'-');
        let whole = first == end && second == end + 9 && third == end + 18;
        let ends = view.at(third).is_none_or(|byte| !class::is(byte, class::B64U));
        (dashes && whole && ends && at >= view.floor())
            .then(|| Edit::new(self.rules, view, (at, third), detector).sure(Confidence::High))
    }
}

/// Whether a value passes its checksum; none if its shape is another.
type Shape = fn(&[u8]) -> Option<bool>;

/// A token that ends at a percent escape goes on behind it: what may stand there unescaped has ended it already.
fn escaped_end(view: &View<'_>, end: usize) -> usize {
    let hex = class::HEX_LOWER | class::HEX_UPPER;
    let marks: [&[u8]; 6] = [b"%3D", b"%3d", b"%2B", b"%2b", b"%2F", b"%2f"];
    if !marks.iter().any(|mark| view.starts_with(end, mark)) || view.run(end + 1, hex, 2) != end + 3 {
        return end;
    }
    view.run(end, class::B64U | class::DOT | class::PERCENT, usize::MAX)
}

const LONGEST_TITLE: usize = 64;
const LONGEST_SEED: usize = 58;
