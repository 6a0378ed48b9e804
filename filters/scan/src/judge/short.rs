//! Values that little tells: a name of two letters or of another script, the parts of a token, the fields of a line.

use super::named::Name;
use super::value::{is_placeholder, value};
use crate::class;
use crate::edit::{Edit, is_masked};
use crate::finding::Confidence;
use crate::hunt::words::SHORT;
use crate::judge::Judge;
use crate::ruleset::pack::Engine;
use crate::ruleset::pattern::boundary;
use crate::view::View;

impl Judge<'_> {
    /// One of the short names stands at `at`; what is behind it is a password.
    pub(super) fn short(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let word = SHORT.iter().find(|word| view.starts_with(at, word))?;
        if word.is_ascii() && !boundary(view, at) {
            return None;
        }
        let name = word.iter().take_while(|byte| class::is(**byte, class::LETTER | class::HIGH)).count();
        let mut from = at + name;
        from = view.run(from, class::SPACE, MAX_GAP);
        from += SEPARATORS.iter().find(|mark| view.starts_with(from, mark))?.len();
        from = view.until(from, MAX_GAP, |byte| byte != b' ');
        let rules = self.rules.names.rules(b"password");
        let found = value(view, from, None, self.shape)?;
        if rules.is_empty() {
            return None;
        }
        self.valued(view, &Name { start: at, end: at + name, quoted: None }, found, &rules)
    }

    /// Three parts with dots between, of which the first is the base64 of an account's number, starting at `at`.
    pub(super) fn discord(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let detector = *self.rules.engines.get(&Engine::Discord)?;
        let first = view.run(at, class::B64U, LONGEST_NUMBER + 1);
        let second = view.run(first + 1, class::B64U, STAMP + 1);
        let end = view.run(second + 1, class::B64U, usize::MAX);
        let dots = view.at(first) == Some(b'.') && view.at(second) == Some(b'.');
        if !dots || !boundary(view, at) || second - first != STAMP + 1 || end - second <= SHORTEST_SUM {
            return None;
        }
        let number = crate::decode::plain(view.slice(at, first))?;
        if !(17..=20).contains(&number.len()) || !number.iter().all(u8::is_ascii_digit) {
            return None;
        }
        Some(Edit::new(self.rules, view, (at, end), detector).sure(Confidence::High))
    }

    /// `host:port:database:user:password`, the port at `at`.
    pub(super) fn pgpass(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let detector = *self.rules.engines.get(&Engine::Pgpass)?;
        let field = class::NAME | class::STAR;
        let host = view.run_back(at, field, LONGEST_FIELD);
        let apart = view.before(host).is_none_or(|byte| !matches!(byte, b':' | b'/' | b'@'));
        let mut end = view.run(at + 1, field, LONGEST_FIELD);
        for _ in 0..2 {
            let next = view.run(end + 1, field, LONGEST_FIELD);
            if view.at(end) != Some(b':') || next == end + 1 {
                return None;
            }
            end = next;
        }
        let start = end + 1;
        let stop = view.run(start, class::BARE, usize::MAX);
        let secret = view.slice(start, stop);
        let told = view.at(end) == Some(b':') && secret.len() >= SHORTEST_PASSWORD;
        if !apart || host == at || !told || is_masked(self.rules, secret) || is_placeholder(secret) {
            return None;
        }
        Some(Edit::new(self.rules, view, (start, stop), detector).sure(Confidence::High))
    }
}

/// What may stand between a name and its value, the full-width colon among it.
const SEPARATORS: [&[u8]; 3] = [b":", b"=", "\u{ff1a}".as_bytes()];
const MAX_GAP: usize = 8;
/// Letters of base64 that a number of twenty digits takes.
const LONGEST_NUMBER: usize = 28;
/// The second part tells when the token was made.
const STAMP: usize = 6;
const SHORTEST_SUM: usize = 27;
const LONGEST_FIELD: usize = 96;
const SHORTEST_PASSWORD: usize = 4;
