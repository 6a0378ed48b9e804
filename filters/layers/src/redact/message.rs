use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_LENGTH, ETAG};
use http_body::Body as _;
use http_body_util::BodyExt;
use sekisho_codec::coding::Decoders;
use sekisho_codec::framing::FramingError;
use sekisho_policy::{BadRecords, Refusal};
use sekisho_scan::{Action, Category, Confidence, Finding, Severity, Shape, redact};

use super::body::{Searched, Stream};
use super::coding::{Codings, sniff};
use super::format::{Format, Limits};
use super::framed::{Reading, Through};
use super::integrity;
use super::service::Searcher;
use super::told::Told;
use crate::{Body, Exchange, Fault, Place, Stop};

/// What is done when a secret is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnFind {
    /// It is masked, as its detector says.
    Edit,
    /// It is masked, and what vouches for the body says so anew: if the body is small enough for that.
    Renew,
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
    /// What its sender is told of it.
    pub(super) told: Arc<Told>,
}

impl Search {
    /// Tells what was found, and refuses what must not go on.
    pub(super) fn judge(&self, place: Place, findings: &[Finding]) -> Result<(), Refusal> {
        if findings.is_empty() {
            return Ok(());
        }
        self.with.witness.found(&self.exchange, place, findings);
        self.told.found(findings);
        let acts = |action: Action| findings.iter().any(|finding| finding.action == action);
        if acts(Action::Block) {
            return Err(Refusal::SecretInContent);
        }
        let only_told = findings.iter().all(|finding| finding.action == Action::Alert);
        match self.on_find {
            _ if only_told => Ok(()),
            _ if self.exchange.route.bodies.records == BadRecords::Block => Err(Refusal::SecretInContent),
            OnFind::Edit | OnFind::Renew => Ok(()),
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

    /// What a body is, and how it is read. An order's is read by the gate as well, so nothing of it is taken apart here.
    fn reading(&self, headers: &HeaderMap, format: &Format) -> Result<Reading, Refusal> {
        let limits = &self.with.limits;
        let limits = Limits { bounds: limits.units, budget: limits.decoded };
        let reading = format.reading(headers, self.exchange.route.bodies.records, limits)?;
        if self.on_find == OnFind::RefuseOrder {
            return Ok(Reading { framing: None, raw: Some(reading.raw.flatten()), drops: false });
        }
        Ok(reading)
    }

    /// Searches a body, whole if it is small, else as it streams.
    pub(super) async fn body(&self, headers: &mut HeaderMap, format: &Format, body: Body) -> Result<Body, Stop> {
        if body.is_end_stream() {
            return Ok(body);
        }
        let signed = self.on_find == OnFind::RefuseSigned;
        let codings = Codings::of(headers, self.with.limits.codings, signed)?.or(format.implied());
        if self.on_find == OnFind::RefuseOrder && !codings.is_plain() {
            return Err(Refusal::UnsupportedCoding.into());
        }
        let small = body.size_hint().upper().is_some_and(|most| most <= self.with.limits.buffered_body_bytes as u64);
        let reading = self.reading(headers, format)?;
        // An order's body is read by the gate, after the gate has seen that its head does not already decide against it.
        if small && self.on_find != OnFind::RefuseOrder {
            return self.whole(headers, body, (codings, reading, format)).await;
        }
        self.streaming(headers, body, &codings, reading)
    }

    fn streaming(
        &self,
        headers: &mut HeaderMap,
        body: Body,
        codings: &Codings,
        reading: Reading,
    ) -> Result<Body, Stop> {
        let mut search = self.clone();
        if search.on_find == OnFind::Renew {
            // What vouches for it has left before all of it was seen.
            search.on_find = OnFind::RefuseSigned;
        }
        if search.on_find == OnFind::RefuseSigned && codings.may_hide() {
            // It must not be packed anew, and what it may hide cannot be looked at before it leaves.
            return Err(Refusal::UnsupportedCoding.into());
        }
        if search.on_find == OnFind::Edit {
            headers.remove(CONTENT_LENGTH);
            headers.remove(ETAG);
        }
        let stream = Stream::new(search, codings, reading);
        Ok(Body::stream(Searched::new(body, stream)))
    }

    async fn whole(
        &self,
        headers: &mut HeaderMap,
        body: Body,
        (codings, reading, format): (Codings, Reading, &Format),
    ) -> Result<Body, Stop> {
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
            let reading = self.reading(headers, format)?;
            return self.streaming(headers, with_trailers(original, trailers), &codings, reading);
        };
        let clean = self.through(reading, &decoded.plain)?;
        let beside = self.is_clean(Place::Body, &decoded.asides)? && self.hides_nothing(&codings, &original)?;
        let mut trailers = trailers;
        let bytes = if beside && *clean == *decoded.plain {
            original
        } else {
            let bytes = edited(headers, &clean, decoded.decoders.as_ref());
            if self.on_find == OnFind::Renew {
                integrity::renew(headers, trailers.as_mut(), &bytes)?;
            }
            bytes
        };
        let Some(mut trailers) = trailers else { return Ok(Body::full(bytes)) };
        self.headers(Place::Trailer, &mut trailers)?;
        Ok(with_trailers(bytes, Some(trailers)))
    }

    /// A whole body, as it goes on.
    fn through<'p>(&self, reading: Reading, plain: &'p [u8]) -> Result<Cow<'p, [u8]>, Refusal> {
        if let Reading { framing: None, raw: Some(shape), .. } = reading {
            let redacted = redact(&self.with.rules, shape.unwrap_or_else(|| sniff(plain)), plain);
            self.judge(Place::Body, &redacted.findings)?;
            return Ok(redacted.bytes);
        }
        let mut through = Through::new(Arc::clone(&self.with.rules), reading);
        let mut out = Vec::with_capacity(plain.len());
        let passed = through.push(plain, &mut out).and_then(|()| through.finish(&mut out));
        self.judge(Place::Body, &through.take_findings())?;
        passed.map_err(|why| self.unreadable(why))?;
        let dropped = through.take_dropped();
        if out.is_empty() && !dropped.is_empty() {
            // A receiver asked to take nothing says that the request is wrong; this says why.
            return Err(Refusal::SecretInContent);
        }
        self.told.dropped(dropped);
        Ok(if out == plain { Cow::Borrowed(plain) } else { Cow::Owned(out) })
    }

    /// A body that is not what it should be: nobody can say what is in it.
    pub(super) fn unreadable(&self, why: FramingError) -> Refusal {
        let finding = Finding {
            detector: Arc::from("unscanned"),
            category: Category::Unscanned,
            severity: Severity::Medium,
            action: Action::Block,
            field: Some(why.to_string()),
            offset: 0,
            length: 0,
            fingerprint: String::new(),
            confidence: Confidence::High,
        };
        self.with.witness.found(&self.exchange, Place::Body, &[finding]);
        Refusal::Undecodable
    }

    /// Whether nothing secret is in what no decoder tells; what cannot be looked at is taken for secret.
    fn hides_nothing(&self, codings: &Codings, original: &[u8]) -> Result<bool, Refusal> {
        if !codings.may_hide() {
            return Ok(true);
        }
        match (codings.hides_in_the_clear(), self.on_find) {
            (true, _) => self.is_clean(Place::Body, original),
            (false, OnFind::Edit | OnFind::Renew) => Ok(false),
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

pub(super) fn with_trailers(bytes: Bytes, trailers: Option<HeaderMap>) -> Body {
    let Some(trailers) = trailers else { return Body::full(bytes) };
    let data = (!bytes.is_empty()).then(|| Ok::<_, Fault>(http_body::Frame::data(bytes)));
    let frames = data.into_iter().chain([Ok(http_body::Frame::trailers(trailers))]);
    Body::stream(http_body_util::StreamBody::new(futures_util::stream::iter(frames)))
}
