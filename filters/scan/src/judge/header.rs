//! Values of `Authorization` and `Cookie` headers: which part of them is the secret.

use super::plain::looks_made;
use super::value::{Value, Written};
use crate::class;
use crate::view::View;

/// Behind `Bearer `, `Basic ` and their like.
pub(super) fn after_scheme(view: &View<'_>, value: Value) -> Option<usize> {
    SCHEMES.iter().find_map(|scheme| {
        let end = value.start + scheme.len();
        if !view.starts_with_ignoring_case(value.start, scheme) || view.at(end) != Some(b' ') {
            return None;
        }
        let start = view.run(end, class::SPACE, 8);
        (start > end).then_some(start)
    })
}

/// `Authorization: Whatever X`: behind the word, if that is all there is before what looks like a token.
pub(super) fn unknown_scheme(view: &View<'_>, name: &[u8], value: Value) -> Option<usize> {
    let word = view.slice(value.start, value.end);
    let scheme = word.len() <= MAX_SCHEME && word.iter().all(|byte| class::is(*byte, class::LETTER | class::DASH));
    if !scheme || value.written != Written::Bare || !is_header(name) {
        return None;
    }
    let start = view.run(value.end, class::SPACE, 2);
    let end = view.until(start, usize::MAX, |byte| !class::is(byte, class::BARE) || matches!(byte, b'\\' | b'&'));
    (start > value.end && looks_made(view.slice(start, end))).then_some(start)
}

fn is_header(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    name.ends_with(b"authorization") || name.ends_with(b"auth")
}

/// Of the pairs of a `Cookie` or `Set-Cookie` header, from the first value that looks like one of a session to the end of the last;
/// nothing of a header that only says how its user likes the page.
pub(super) fn cookies(view: &View<'_>, name: &[u8], value: Value) -> Option<(usize, usize)> {
    if !matches!(value.written, Written::Bare | Written::Quoted { .. })
        || !name.to_ascii_lowercase().ends_with(b"cookie")
    {
        return None;
    }
    if !view.slice(value.start, value.end).contains(&b'=') {
        return None;
    }
    let mut span = None;
    let mut at = value.start;
    loop {
        let stop = view.until(at, usize::MAX, |byte| !class::is(byte, class::BARE) || matches!(byte, b';' | b'\\'));
        let equals = memchr::memchr(b'=', view.slice(at, stop));
        let Some(equals) = equals else {
            return span.or((at == value.start).then_some((value.start, value.end)));
        };
        let secret = view.slice(at + equals + 1, stop);
        let known = PREFERENCES.iter().any(|prefix| view.starts_with_ignoring_case(at, prefix));
        if !known && (looks_made(secret) || secret.len() >= LONG_COOKIE) {
            span = Some((span.map_or(at + equals + 1, |(start, _)| start), stop));
        }
        let next = view.run(stop + 1, class::SPACE, 4);
        if view.at(stop) != Some(b';') || next == stop + 1 && view.at(next).is_none() {
            return span.or(Some((value.start, value.start)));
        }
        at = next;
    }
}

const MAX_SCHEME: usize = 24;
const SCHEMES: [&[u8]; 20] = [
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
    b"deri-hmac-sha256",
    b"hawk",
    b"signature",
    b"ntlm",
    b"dpop",
    b"hmac",
    b"jwt",
    b"snowflake",
];
/// Cookies of statistics and of settings, and attributes of `Set-Cookie`.
const PREFERENCES: [&[u8]; 19] = [
    b"_ga",
    b"_gid",
    b"_fbp",
    b"_gcl",
    b"consent",
    b"cookieconsent",
    b"theme",
    b"lang",
    b"locale",
    b"tz",
    b"timezone",
    b"currency",
    b"path=",
    b"domain=",
    b"expires=",
    b"max-age=",
    b"samesite=",
    b"version=",
    b"priority=",
];
const LONG_COOKIE: usize = 16;
