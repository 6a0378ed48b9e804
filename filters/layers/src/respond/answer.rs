use std::fmt::Write as _;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Response, StatusCode};
use sekisho_policy::{OrderRefusal, OrderRules, Refusal};

use crate::exchange::{GRPC, is_grpc};
use crate::{Body, DecisionId, Route};

/// What the one who asked can read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked<'a> {
    /// On an order route, its rules: the status is never 5xx, 408 or 429, and the shape is the venue's own, where the rules
    /// have one.
    pub orders: Option<&'a OrderRules>,
    /// Whether it was a gRPC call: the answer is its trailers, and nothing else.
    pub grpc: bool,
}

impl<'a> Asked<'a> {
    /// For a request on `route` with these headers.
    #[must_use]
    pub fn on(route: &'a Route, headers: &HeaderMap) -> Self {
        Self { orders: route.orders.as_ref().map(|orders| &*orders.rules), grpc: is_grpc(headers) }
    }
}

/// The answer a refusal gets: RFC 9457 problem details with a stable `code`. On an order route whose rules have the venue's own
/// shape, that shape, with the problem details under `sekisho` in it. To a gRPC call, trailers alone.
#[must_use]
pub fn answer(refusal: &Refusal, decision: DecisionId, asked: Asked<'_>) -> Response<Body> {
    let decision = decision.text();
    let mut response = if asked.grpc {
        trailers_only(refusal, asked, &decision)
    } else {
        let status = if asked.orders.is_some() { refusal.status_for_order() } else { refusal.status() };
        match asked.orders.and_then(|rules| rules.shape(refusal)) {
            Some(shape) => {
                let body = shape.body(&told(refusal, &decision), &problem(refusal, status, &decision));
                full(shape.status(), "application/json", body)
            }
            None => full(status, "application/problem+json", problem(refusal, status, &decision)),
        }
    };
    if let Some(seconds) = refusal.retry_after_s() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    mark(&mut response, decision);
    response
}

fn full(status: u16, kind: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// One header block that ends the stream: how gRPC tells of a call that was not taken.
fn trailers_only(refusal: &Refusal, asked: Asked<'_>, decision: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(GRPC));
    headers.insert("grpc-status", HeaderValue::from(grpc_status(refusal, asked.orders.is_some())));
    // Plain ASCII without `%`, so nothing in it has to be encoded.
    if let Ok(message) = HeaderValue::try_from(told(refusal, decision)) {
        headers.insert("grpc-message", message);
    }
    response
}

/// The status of a gRPC call. An order is never `UNAVAILABLE` or `RESOURCE_EXHAUSTED`, after which clients call again.
const fn grpc_status(refusal: &Refusal, order: bool) -> u16 {
    match refusal.status() {
        401 => 16,
        404 => 12,
        409 => 2,
        _ if order => 7,
        400 | 413 | 415 | 431 => 3,
        408 | 504 => 4,
        429 => 8,
        502 | 503 => 14,
        _ => 7,
    }
}

/// One line for a person who reads the client's log. All of it is ours and plain. Put together as [`problem`] is.
pub(super) fn told(refusal: &Refusal, decision: &str) -> String {
    let mut text = String::with_capacity(TOLD_BYTES);
    let mut add = |pieces: &[&str]| pieces.iter().for_each(|piece| text.push_str(piece));
    add(&[refusal.code(), ": ", refusal.title(), " ("]);
    if let Some(OrderRefusal { class, posture, scope, .. }) = refusal.order() {
        add(&[posture.as_str(), " at "]);
        add(&scope.pieces());
        add(&[", class ", class.letter().encode_utf8(&mut [0; 4]), ", "]);
    }
    add(&["decision ", decision, ")"]);
    text
}

/// Puts the decision id on an answer.
pub(super) fn mark(response: &mut Response<Body>, decision: String) {
    if let Ok(value) = HeaderValue::try_from(decision) {
        response.headers_mut().insert(DECISION, value);
    }
}

/// All strings in it are ours (codes, titles, scopes and class names), so none needs escaping. Put together piece by piece: a
/// flood of refusals should cost its sender more than us.
pub(super) fn problem(refusal: &Refusal, status: u16, decision: &str) -> String {
    let mut text = String::with_capacity(PROBLEM_BYTES);
    let mut add = |pieces: &[&str]| pieces.iter().for_each(|piece| text.push_str(piece));
    let (code, digits) = (refusal.code(), [100, 10, 1].map(|of| b'0' + (status / of % 10) as u8));
    let status = str::from_utf8(&digits).unwrap_or_default();
    let forwarded = refusal.forwarded().map_or("null", |forwarded| if forwarded { "true" } else { "false" });
    add(&[r#"{"type":"urn:sekisho:refusal:"#, code, r#"","title":""#, refusal.title(), r#"","status":"#, status]);
    add(&[r#","code":""#, code, r#"","decision":""#, decision, r#"","forwarded":"#, forwarded]);
    if let Some(OrderRefusal { class, posture, scope, epoch, .. }) = refusal.order() {
        add(&[r#","state":""#, posture.as_str(), r#"","class":""#, class.letter().encode_utf8(&mut [0; 4])]);
        add(&[r#"","scope":""#]);
        add(&scope.pieces());
        // Writing into a string cannot fail.
        let _written = write!(text, r#"","epoch":{epoch}"#);
    }
    // Writing into a string cannot fail.
    if let Refusal::OrderForwardedBefore(known) = refusal {
        let answered = known.answered.map_or_else(|| "null".to_owned(), |status| status.to_string());
        let _written = write!(text, r#","forwarded_at":{},"answered":{answered}"#, known.at_ms);
    }
    if let Refusal::OrderBeyondBounds(bound) = refusal {
        let _written = write!(text, r#","bound":"{}""#, bound.as_str());
    }
    text.push('}');
    text
}

/// Longer than most lines are.
const TOLD_BYTES: usize = 256;

/// Longer than any problem is.
const PROBLEM_BYTES: usize = 384;

const DECISION: HeaderName = HeaderName::from_static("sekisho-decision");
