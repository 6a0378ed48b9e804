//! Separators that are no name's: `scheme://user:password@`, tags of FIX.

use super::plain::looks_made;
use crate::class;
use crate::edit::{Edit, is_masked};
use crate::finding::Confidence;
use crate::judge::Judge;
use crate::ruleset::pack::Engine;
use crate::swallow::Swallow;
use crate::view::View;

impl Judge<'_> {
    /// What a `:` or `=` at `at` separates.
    pub(super) fn separator(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        if view.starts_with(at, b"://") {
            return self.url(view, at);
        }
        self.fix(view, at).or_else(|| self.named(view, at))
    }

    /// A password up to the last `@` of the authority. One with a slash in it is told from a port by not being a number.
    fn url(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let detector = *self.rules.engines.get(&Engine::UrlPassword)?;
        if !class::is(view.before(at)?, class::ALNUM) {
            return None;
        }
        let from = at + 3;
        let host = view.until(from, usize::MAX, |byte| ends_word(byte) || matches!(byte, b'/' | b'?' | b'#'));
        let authority = view.slice(from, host);
        let Some(colon) = memchr::memchr(b':', authority) else {
            return self.url_token(view, (from, host), detector);
        };
        let port = authority.get(colon + 1..)?.iter().all(u8::is_ascii_digit);
        let stop = match memchr::memrchr(b'@', authority) {
            Some(sign) if sign > colon => sign,
            _ if port => return None,
            _ => memchr::memrchr(b'@', view.slice(from, view.until(host, usize::MAX, ends_word)))
                .filter(|sign| *sign > colon)?,
        };
        let span = (from + colon + 1, from + stop);
        let password = view.slice(span.0, span.1);
        if password.is_empty() || NOT_PASSWORDS.contains(&password) {
            return self.url_token(view, (from, from + colon), detector);
        }
        if is_masked(self.rules, password) || super::value::is_placeholder(password) {
            return None;
        }
        Some(Edit::new(self.rules, view, span, detector).sure(Confidence::High))
    }

    /// `https://TOKEN@host`: a user without a password that is no name. So Sentry's addresses are, and tokens in those of Git.
    fn url_token(&self, view: &View<'_>, authority: (usize, usize), detector: usize) -> Option<Edit> {
        let named = view.slice(authority.0, authority.1);
        let sign = memchr::memchr(b'@', named).or((view.at(authority.1) == Some(b':')).then_some(named.len()))?;
        let span = (authority.0, authority.0 + sign);
        let user = view.slice(span.0, span.1);
        if let Some(edit) = self.token_at(view, span.0).filter(|edit| edit.end <= span.1) {
            return Some(edit);
        }
        let made = user.len() >= LEAST_TOKEN && looks_made(user) && !is_masked(self.rules, user);
        made.then(|| Edit::new(self.rules, view, span, detector))
    }

    /// `554=…` behind SOH or `|`, masked up to the next one. Tag 96 may hold anything: it ends there too.
    fn fix(&self, view: &View<'_>, at: usize) -> Option<Edit> {
        let detector = *self.rules.engines.get(&Engine::Fix)?;
        let start = view.run_back(at, class::DIGIT, 5);
        let tag = view.slice(start, at);
        let delimiter = view.before(start)?;
        let caret = delimiter == b'A' && view.before(start - 1) == Some(b'^');
        if !FIX_TAGS.contains(&tag) || !(matches!(delimiter, 1 | b'|' | b'^') || caret) || view.at(at) != Some(b'=') {
            return None;
        }
        let delimiter = if caret { b'^' } else { delimiter };
        let end = view.until(at + 1, usize::MAX, |byte| byte == delimiter || matches!(byte, b'\n' | b'"'));
        let value = view.slice(at + 1, end);
        if value.is_empty() || is_masked(self.rules, value) {
            return None;
        }
        let open = view.is_cut(end).then_some(Swallow::Run(class::BARE));
        let mut edit = Edit::new(self.rules, view, (at + 1, end), detector).same_length();
        edit.field = Some(String::from_utf8_lossy(tag).into_owned());
        Some(edit.sure(Confidence::High).going_on(open))
    }
}

fn ends_word(byte: u8) -> bool {
    !class::is(byte, class::BARE) || matches!(byte, b'<' | b'>' | b'\\')
}

/// What stands in the place of a password where the user is a token.
const NOT_PASSWORDS: [&[u8]; 1] = [b"x-oauth-basic"];
/// A shorter user is a name.
const LEAST_TOKEN: usize = 20;
const FIX_TAGS: [&[u8]; 7] = [b"553", b"554", b"925", b"96", b"1402", b"1404", b"1401"];
