//! From the bytes of an order message to what the classifier asks for.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use sekisho_codec::{Flat, Limits, form, json};
use sekisho_policy::{Classified, OrderRules, OrderView};

use crate::exchange::is_grpc;

/// What a message is, by all of it. `host` in lower case and without a port.
#[must_use]
pub fn classify(rules: &OrderRules, host: &str, (head, body): (&Parts, &[u8]), limits: &Limits) -> Classified {
    let query = pairs(head.uri.query().unwrap_or_default().as_bytes(), limits);
    let fields = fields_of(&head.headers, body, limits);
    rules.classify(&OrderView {
        method: head.method.as_str(),
        host,
        path: head.uri.path(),
        query: &query.pairs,
        body: &fields.pairs,
        headers: &headers_of(rules, &head.headers),
        ambiguity: query.ambiguity().or_else(|| fields.ambiguity()).or_else(|| override_of(&head.headers)),
    })
}

/// The fields of a message, and what makes them readable in two ways.
#[derive(Default)]
struct Fields {
    pairs: Vec<(String, String)>,
    ambiguity: Option<String>,
}

impl Fields {
    fn ambiguity(&self) -> Option<&str> {
        self.ambiguity.as_deref()
    }

    fn unreadable(why: &dyn ToString) -> Self {
        Self { pairs: Vec::new(), ambiguity: Some(why.to_string()) }
    }
}

impl From<Flat> for Fields {
    fn from(flat: Flat) -> Self {
        Self { pairs: flat.pairs, ambiguity: flat.ambiguity.map(|ambiguity| ambiguity.to_string()) }
    }
}

fn pairs(query: &[u8], limits: &Limits) -> Fields {
    form::parse(query, limits).map_or_else(|why| Fields::unreadable(&why), Fields::from)
}

/// A body is read by what it is and by what it says it is; where the two disagree it has two readings.
fn fields_of(headers: &HeaderMap, body: &[u8], limits: &Limits) -> Fields {
    let looks_json =
        body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| matches!(byte, b'{' | b'['));
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    // A call of gRPC is judged by its method: what its message says is not known, and no rule that asks for it holds.
    if body.is_empty() || is_grpc(headers) {
        return Fields::default();
    }
    if headers.contains_key(CONTENT_ENCODING) {
        return Fields::unreadable(&"the body has a content coding");
    }
    let said = said.to_ascii_lowercase();
    let says_json = said.contains("json");
    let says_form = said.starts_with("application/x-www-form-urlencoded");
    if said.split_once("charset=").is_some_and(|(_, set)| !matches!(set.trim_matches('"'), "utf-8" | "us-ascii")) {
        return Fields::unreadable(&"the body is in another character set than UTF-8");
    }
    if (says_form && looks_json) || (says_json && !looks_json) {
        return Fields::unreadable(&"the body is not what its content type says");
    }
    if looks_json {
        json::flatten(body, limits).map_or_else(|why| Fields::unreadable(&why), Fields::from)
    } else {
        pairs(body, limits)
    }
}

/// Those that the rules ask for. One that is not text has no value that a rule could ask for.
fn headers_of(rules: &OrderRules, headers: &HeaderMap) -> Vec<(String, String)> {
    let values = |name: &str| {
        let values = headers.get_all(name).iter();
        let pair = |value: &HeaderValue| (name.to_owned(), value.to_str().unwrap_or_default().to_owned());
        values.map(pair).collect::<Vec<_>>()
    };
    rules.headers().flat_map(values).collect()
}

fn override_of(headers: &HeaderMap) -> Option<&'static str> {
    headers.keys().any(|name| OVERRIDES.contains(name)).then_some("a header overrides the method or the target")
}

/// What a server behind us may take for the method or the target instead of the ones that were judged.
static OVERRIDES: [HeaderName; 8] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-original-method"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-original-uri"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-forwarded-uri"),
];
