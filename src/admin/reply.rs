use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use sekisho_filters::{Body, DecisionId, respond};
use sekisho_policy::Refusal;
use serde::Serialize;
use serde_json::json;

/// An answer in JSON.
pub(super) fn json<T: Serialize>(status: StatusCode, value: &T) -> Response<Body> {
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    typed(status, "application/json", text)
}

/// An answer of some type. None of them may be stored on the way.
pub(super) fn typed(status: StatusCode, kind: &'static str, text: impl Into<bytes::Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What was asked for cannot be done, and why: RFC 9457 problem details.
pub(super) fn problem(status: StatusCode, code: &str, title: &str) -> Response<Body> {
    let body = json!({ "type": format!("urn:sekisho:problem:{code}"), "title": title, "status": status.as_u16(), "code": code });
    let mut response = json(status, &body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}

/// A refusal, as the data path answers it.
pub(super) fn refused(refusal: &Refusal, decision: DecisionId) -> Response<Body> {
    respond::answer(refusal, decision, respond::Asked::default())
}
