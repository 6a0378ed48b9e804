use std::borrow::Cow;

use http::header::HeaderName;
use http::uri::{Parts as UriParts, PathAndQuery};
use http::{HeaderMap, HeaderValue, Uri};
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
                edited.push(self.pairs(&rest.join("&"))?.into_owned().into());
                rest.clear();
                edited.push(pair.into());
            } else {
                rest.push(pair);
            }
        }
        if edited.is_empty() {
            return self.pairs(query);
        }
        edited.push(self.pairs(&rest.join("&"))?.into_owned().into());
        edited.retain(|part| !part.is_empty());
        Ok(edited.join("&").into())
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

    /// Searches headers (or trailers), each value under its name.
    pub(super) fn headers(&self, place: Place, headers: &mut HeaderMap) -> Result<(), Refusal> {
        let allowed = &self.exchange.route.allow_headers;
        let mut dropped: Vec<HeaderName> = Vec::new();
        for (name, value) in headers.iter_mut() {
            if STRUCTURAL.contains(name) || allowed.contains(name) {
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

/// Headers whose value HTTP itself defines and checks; they hold no free text.
static STRUCTURAL: [HeaderName; 9] = [
    http::header::HOST,
    http::header::CONTENT_LENGTH,
    http::header::CONTENT_TYPE,
    http::header::CONTENT_ENCODING,
    http::header::TRANSFER_ENCODING,
    http::header::CONNECTION,
    http::header::ACCEPT,
    http::header::ACCEPT_ENCODING,
    http::header::DATE,
];
