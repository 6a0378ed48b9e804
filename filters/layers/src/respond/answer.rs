use std::fmt::Write as _;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use sekisho_policy::{OrderRefusal, Refusal};

use crate::{Body, DecisionId};

/// The answer a refusal gets: RFC 9457 problem details with a stable `code`.
///
/// `order` says that the request was on an order route, where the status is never 5xx or 429.
#[must_use]
pub fn answer(refusal: &Refusal, decision: DecisionId, order: bool) -> Response<Body> {
    let status = if order { refusal.status_for_order() } else { refusal.status() };
    let decision = decision.text();
    let mut response = Response::new(Body::full(problem(refusal, status, &decision)));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(seconds) = refusal.retry_after_s() {
        response.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    mark(&mut response, decision);
    response
}

/// Puts the decision id on an answer.
pub(super) fn mark(response: &mut Response<Body>, decision: String) {
    if let Ok(value) = HeaderValue::try_from(decision) {
        response.headers_mut().insert(DECISION, value);
    }
}

/// All strings in it are ours (codes, titles, scopes and class names), so none needs escaping. Put together piece by piece: a
/// flood of refusals should cost its sender more than us.
fn problem(refusal: &Refusal, status: u16, decision: &str) -> String {
    let mut text = String::with_capacity(PROBLEM_BYTES);
    let mut add = |pieces: &[&str]| pieces.iter().for_each(|piece| text.push_str(piece));
    let (code, digits) = (refusal.code(), [100, 10, 1].map(|of| b'0' + (status / of % 10) as u8));
    let status = str::from_utf8(&digits).unwrap_or_default();
    let forwarded = refusal.forwarded().map_or("null", |forwarded| if forwarded { "true" } else { "false" });
    add(&[r#"{"type":"urn:sekisho:refusal:"#, code, r#"","title":""#, refusal.title(), r#"","status":"#, status]);
    add(&[r#","code":""#, code, r#"","decision":""#, decision, r#"","forwarded":"#, forwarded]);
    if let Some(OrderRefusal { class, posture, scope, epoch, .. }) = refusal.order() {
        add(&[r#","state":""#, posture.as_str(), r#"","class":""#, class.letter().encode_utf8(&mut [0; 4])]);
        // Writing into a string cannot fail.
        let _written = write!(text, r#"","scope":"{scope}","epoch":{epoch}"#);
    }
    text.push('}');
    text
}

/// Longer than any problem is.
const PROBLEM_BYTES: usize = 384;

const DECISION: HeaderName = HeaderName::from_static("sekisho-decision");
