use std::borrow::Cow;

use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName,
    TRANSFER_ENCODING, USER_AGENT,
};
use http::uri::{Parts as UriParts, PathAndQuery};
use http::{HeaderMap, HeaderValue, Method, Uri};
use sekisho_policy::Refusal;
use sekisho_scan::{Shape, redact, redact_field};

use super::message::Search;
use crate::Place;

impl Search {
    /// Searches the target of a request: its path, then each parameter of its query.
    pub(super) fn target(&self, uri: &Uri) -> Result<Option<Uri>, Refusal> {
        let path = redact(&self.with.rules, Shape::Query, uri.path().as_bytes());
        self.judge(Place::Path, &path.findings)?;
        let query = uri.query().map(|query| self.query(query)).transpose()?;
        let same = path.bytes == uri.path().as_bytes() && query.as_deref() == uri.query();
        if same {
            return Ok(None);
        }
        let mut target = path.bytes.into_owned();
        if let Some(query) = query {
            target.push(b'?');
            target.extend_from_slice(query.as_bytes());
        }
        rebuilt(uri, target).map(Some)
    }

    fn query<'a>(&self, query: &'a str) -> Result<Cow<'a, str>, Refusal> {
        let allowed = &self.exchange.route.allow_query;
        let mut edited: Vec<Cow<'a, str>> = Vec::new();
        let mut rest = Vec::new();
        for pair in query.split('&') {
            let name = pair.split('=').next().unwrap_or_default();
            if allowed.iter().any(|allowed| allowed == name) {
                self.rest(&mut rest, &mut edited)?;
                edited.push(pair.into());
            } else {
                rest.push(pair);
            }
        }
        if edited.is_empty() {
            return self.pairs(query);
        }
        self.rest(&mut rest, &mut edited)?;
        Ok(edited.join("&").into())
    }

    /// Searches the parameters up to one that is allowed. Empty ones stay, unless all there was has been taken out.
    fn rest<'a>(&self, rest: &mut Vec<&str>, edited: &mut Vec<Cow<'a, str>>) -> Result<(), Refusal> {
        let taken = std::mem::take(rest);
        if !taken.is_empty() {
            let before = taken.join("&");
            let after = self.pairs(&before)?;
            if before.is_empty() || !after.is_empty() {
                edited.push(after.into_owned().into());
            }
        }
        Ok(())
    }

    /// Parameters side by side are searched as they stand, so that nothing hides by being cut at an `&`.
    fn pairs<'a>(&self, pairs: &'a str) -> Result<Cow<'a, str>, Refusal> {
        let redacted = redact(&self.with.rules, Shape::Query, pairs.as_bytes());
        self.judge(Place::Query, &redacted.findings)?;
        if redacted.bytes == pairs.as_bytes() {
            return Ok(pairs.into());
        }
        String::from_utf8(redacted.bytes.into_owned()).map(Cow::from).map_err(|_not_text| Refusal::SecretInContent)
    }

    /// Searches what stands in the first line and has no second form: a method that HTTP does not define, and the host.
    pub(super) fn line(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = uri.authority().map_or_else(
            || headers.get(HOST).map(HeaderValue::as_bytes).unwrap_or_default(),
            |authority| authority.as_str().as_bytes(),
        );
        let method = if DEFINED.contains(method) { "" } else { method.as_str() };
        let clean = self.is_clean(Place::Path, method.as_bytes())? && self.is_clean(Place::Header, host)?;
        if clean { Ok(()) } else { Err(Refusal::SecretInContent) }
    }

    /// Names of headers cannot be masked one by one without taking one for another.
    fn names(&self, place: Place, headers: &HeaderMap) -> Result<(), Refusal> {
        let mut all = Vec::new();
        for name in headers.keys().filter(|name| name.as_str().len() >= SHORTEST && !COMMON.contains(name)) {
            all.extend_from_slice(name.as_str().as_bytes());
            all.push(b'\n');
        }
        if self.is_clean(place, &all)? { Ok(()) } else { Err(Refusal::SecretInContent) }
    }

    /// Searches headers (or trailers): their names, and each value under its name.
    pub(super) fn headers(&self, place: Place, headers: &mut HeaderMap) -> Result<(), Refusal> {
        self.names(place, headers)?;
        let allowed = &self.exchange.route.allow_headers;
        let mut dropped: Vec<HeaderName> = Vec::new();
        for (name, value) in headers.iter_mut() {
            if STRUCTURAL.contains(name) || allowed.contains(name) || FAMILIAR.contains(&value.as_bytes()) {
                continue;
            }
            let redacted = redact_field(&self.with.rules, name.as_str(), value.as_bytes(), Shape::HeaderValue);
            self.judge(place, &redacted.findings)?;
            if redacted.bytes == value.as_bytes() {
                continue;
            }
            let masked = redacted.bytes;
            match HeaderValue::from_bytes(&masked) {
                Ok(masked) if !masked.is_empty() => *value = masked,
                Ok(_) | Err(_) => dropped.push(name.clone()),
            }
        }
        for name in dropped {
            headers.remove(name);
        }
        Ok(())
    }
}

fn rebuilt(uri: &Uri, target: Vec<u8>) -> Result<Uri, Refusal> {
    let mut parts: UriParts = uri.clone().into_parts();
    // A mask that is no valid target must not let the original through.
    let target = PathAndQuery::try_from(target).map_err(|_not_a_target| Refusal::SecretInContent)?;
    parts.path_and_query = Some(target);
    Uri::from_parts(parts).map_err(|_not_a_uri| Refusal::SecretInContent)
}

/// Headers whose value is checked or written elsewhere: the host with the first line, the rest by whoever frames the message.
static STRUCTURAL: [HeaderName; 4] = [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION];

/// Values that nearly every message has, and nobody has for a secret.
const FAMILIAR: [&[u8]; 6] = [
    b"*/*",
    b"gzip",
    b"application/json",
    b"application/x-ndjson",
    b"text/plain",
    b"application/x-www-form-urlencoded",
];

/// Names that nearly every message has.
static COMMON: [HeaderName; 8] = [
    CONTENT_LENGTH,
    CONTENT_TYPE,
    CONTENT_ENCODING,
    TRANSFER_ENCODING,
    ACCEPT_ENCODING,
    USER_AGENT,
    CONNECTION,
    AUTHORIZATION,
];

static DEFINED: [Method; 8] = [
    Method::GET,
    Method::POST,
    Method::PUT,
    Method::DELETE,
    Method::PATCH,
    Method::HEAD,
    Method::OPTIONS,
    Method::TRACE,
];

/// No known secret is shorter.
const SHORTEST: usize = 8;
