use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, ETAG, HeaderName, TRAILER};
use http_body::Body as _;
use http_body_util::BodyExt;
use sekisho_codec::coding::Decoders;
use sekisho_policy::Refusal;
use sekisho_scan::{Action, Category, Finding, Shape, redact};

use super::body::{Searched, Stream};
use super::coding::{Codings, shape_of, sniff};
use super::service::Searcher;
use crate::{Body, Exchange, Fault, Place, Stop};

/// What is done when a secret is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnFind {
    /// It is masked, as its detector says.
    Edit,
    /// The message is refused: it is an order, which is signed and never edited.
    RefuseOrder,
    /// The message is refused: something vouches for its bytes.
    RefuseSigned,
}

/// One message being searched: whose it is, and by what rules.
#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) exchange: Arc<Exchange>,
    pub(super) with: Arc<Searcher>,
    pub(super) on_find: OnFind,
}

impl Search {
    /// Tells what was found, and refuses what must not go on.
    pub(super) fn judge(&self, place: Place, findings: &[Finding]) -> Result<(), Refusal> {
        if findings.is_empty() {
            return Ok(());
        }
        self.with.witness.found(&self.exchange, place, findings);
        let acts = |action: Action| findings.iter().any(|finding| finding.action == action);
        if acts(Action::Block) {
            return Err(Refusal::SecretInContent);
        }
        let only_told = findings.iter().all(|finding| finding.action == Action::Alert);
        match self.on_find {
            _ if only_told => Ok(()),
            OnFind::Edit => Ok(()),
            OnFind::RefuseOrder => Err(Refusal::SecretInContent),
            OnFind::RefuseSigned => Err(Refusal::SignedBody),
        }
    }

    /// Whether something in the body of an order is what its venue is meant to receive: a form has its parameters there that stand
    /// in the query elsewhere, a signature above all. A secret that is known by its value never is.
    pub(super) fn is_meant(&self, finding: &Finding) -> bool {
        let allowed = &self.exchange.route.allow_query;
        let named = finding.field.as_deref().is_some_and(|name| allowed.iter().any(|allowed| allowed == name));
        named && finding.category != Category::KnownSecret
    }

    /// Searches what cannot be masked where it stands; false when it has to be left out.
    pub(super) fn is_clean(&self, place: Place, text: &[u8]) -> Result<bool, Refusal> {
        if text.is_empty() {
            return Ok(true);
        }
        let redacted = redact(&self.with.rules, Shape::Text, text);
        self.judge(place, &redacted.findings)?;
        Ok(*redacted.bytes == *text)
    }

    /// Searches a body, whole if it is small, else as it streams.
    pub(super) async fn body(&self, headers: &mut HeaderMap, body: Body) -> Result<Body, Stop> {
        if body.is_end_stream() {
            return Ok(body);
        }
        let codings = Codings::of(headers, self.with.limits.codings)?;
        if self.on_find == OnFind::RefuseOrder && !codings.is_plain() {
            return Err(Refusal::UnsupportedCoding.into());
        }
        let small = body.size_hint().upper().is_some_and(|most| most <= self.with.limits.buffered_body_bytes as u64);
        // An order's body is read by the gate, after the gate has seen that its head does not already decide against it.
        if small && self.on_find != OnFind::RefuseOrder {
            return self.whole(headers, body, codings).await;
        }
        self.streaming(headers, body, &codings)
    }

    fn streaming(&self, headers: &mut HeaderMap, body: Body, codings: &Codings) -> Result<Body, Stop> {
        if self.on_find == OnFind::RefuseSigned && codings.may_hide() {
            // It must not be packed anew, and what it may hide cannot be looked at before it leaves.
            return Err(Refusal::UnsupportedCoding.into());
        }
        if self.on_find == OnFind::Edit {
            headers.remove(CONTENT_LENGTH);
            headers.remove(ETAG);
        }
        let stream = Stream::new(self.clone(), codings, shape_of(headers));
        Ok(Body::stream(Searched::new(body, stream)))
    }

    async fn whole(&self, headers: &mut HeaderMap, body: Body, codings: Codings) -> Result<Body, Stop> {
        let limits = &self.with.limits;
        let mut memory = self.with.memory.lease();
        let most = body.size_hint().upper().and_then(|most| most.try_into().ok()).unwrap_or(usize::MAX);
        if !codings.is_plain() && !memory.cover(most) {
            return Err(Refusal::Overloaded { retry_after_s: limits.retry_after_s }.into());
        }
        let collected = body.collect().await?;
        let trailers = collected.trailers().cloned();
        let original = collected.to_bytes();
        self.exchange.input.keep(&original);
        let Some(decoded) = codings.decode(&original, limits.decoded, limits.buffered_body_bytes)? else {
            // Small, and large once it is decoded.
            return self.streaming(headers, with_trailers(original, trailers), &codings);
        };
        let redacted =
            redact(&self.with.rules, shape_of(headers).unwrap_or_else(|| sniff(&decoded.plain)), &decoded.plain);
        self.judge(Place::Body, &redacted.findings)?;
        let beside = self.is_clean(Place::Body, &decoded.asides)? && self.hides_nothing(&codings, &original)?;
        let bytes = if beside && *redacted.bytes == *decoded.plain {
            original
        } else {
            let plain = redacted.bytes.into_owned();
            edited(headers, &plain, decoded.decoders.as_ref())
        };
        let Some(mut trailers) = trailers else { return Ok(Body::full(bytes)) };
        self.headers(Place::Trailer, &mut trailers)?;
        Ok(with_trailers(bytes, Some(trailers)))
    }

    /// Whether nothing secret is in what no decoder tells; what cannot be looked at is taken for secret.
    fn hides_nothing(&self, codings: &Codings, original: &[u8]) -> Result<bool, Refusal> {
        if !codings.may_hide() {
            return Ok(true);
        }
        match (codings.hides_in_the_clear(), self.on_find) {
            (true, _) => self.is_clean(Place::Body, original),
            (false, OnFind::Edit) => Ok(false),
            (false, OnFind::RefuseOrder | OnFind::RefuseSigned) => Err(Refusal::UnsupportedCoding),
        }
    }
}

fn edited(headers: &mut HeaderMap, plain: &[u8], decoders: Option<&Decoders>) -> Bytes {
    let mut bytes = Vec::new();
    match decoders.map(Decoders::encoders) {
        None => bytes.extend_from_slice(plain),
        Some(mut encoders) => {
            encoders.push(plain, &mut bytes);
            encoders.finish(&mut bytes);
        }
    }
    if headers.contains_key(CONTENT_LENGTH) {
        headers.insert(CONTENT_LENGTH, bytes.len().into());
    }
    headers.remove(ETAG);
    bytes.into()
}

/// Whether something in the head vouches for the bytes of the message, or says that a trailer will.
pub(super) fn is_signed(headers: &HeaderMap, query: Option<&str>) -> bool {
    let sigv4 = headers.get_all(http::header::AUTHORIZATION).iter().any(|value| value.as_bytes().starts_with(b"AWS4-"));
    headers.keys().any(|name| vouches(name.as_str()))
        || announced(headers, &TRAILER)
        || announced(headers, &X_AMZ_TRAILER)
        || sigv4
        || query.is_some_and(|query| query.contains("X-Amz-Signature="))
}

fn vouches(name: &str) -> bool {
    VOUCHING.contains(&name) || VOUCHING_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

fn announced(headers: &HeaderMap, list: &HeaderName) -> bool {
    let mut names =
        headers.get_all(list).iter().filter_map(|names| names.to_str().ok()).flat_map(|names| names.split(','));
    names.any(|name| vouches(&name.trim().to_ascii_lowercase()))
}

fn with_trailers(bytes: Bytes, trailers: Option<HeaderMap>) -> Body {
    let Some(trailers) = trailers else { return Body::full(bytes) };
    let data = (!bytes.is_empty()).then(|| Ok::<_, Fault>(http_body::Frame::data(bytes)));
    let frames = data.into_iter().chain([Ok(http_body::Frame::trailers(trailers))]);
    Body::stream(http_body_util::StreamBody::new(futures_util::stream::iter(frames)))
}

const VOUCHING: [&str; 8] = [
    "content-md5",
    "digest",
    "content-digest",
    "repr-digest",
    "signature",
    "signature-input",
    "x-amz-content-sha256",
    "x-slack-signature",
];

const VOUCHING_PREFIXES: [&str; 3] = ["x-amz-checksum-", "x-hub-signature", "stripe-signature"];

static X_AMZ_TRAILER: HeaderName = HeaderName::from_static("x-amz-trailer");
