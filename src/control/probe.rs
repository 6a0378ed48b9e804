//! Asks over HTTP how something is, and tells what was done.
//!
//! A query of Prometheus is answered with what its expression comes to. One that has a result is true, unless a value of it is
//! 0 or NaN, which is how `bool` and division say no; one without a result is false. Whatever else comes back is no answer.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::request::Builder;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

/// The status of the answer to one GET, on a connection of its own; `None` where there is no answer within `patience`.
pub(crate) async fn ask(authority: &str, path: &str, patience: Duration) -> Option<u16> {
    tokio::time::timeout(patience, send(authority, Request::get(path), Bytes::new(), status)).await.ok()?
}

/// Whether the expression that `path` asks Prometheus for holds; `None` where there is no result within `patience`.
pub(crate) async fn query(authority: &str, path: &str, patience: Duration) -> Option<bool> {
    holds(&fetch(authority, path, patience).await?)
}

/// What one GET is answered with 200, on a connection of its own; `None` where there is no such answer within `patience`.
pub(crate) async fn fetch(authority: &str, path: &str, patience: Duration) -> Option<Bytes> {
    tokio::time::timeout(patience, send(authority, Request::get(path), Bytes::new(), read)).await.ok()?
}

/// The status of the answer to one POST of JSON; `None` where there is no answer within `patience`.
pub(crate) async fn tell(authority: &str, path: &str, json: String, patience: Duration) -> Option<u16> {
    let request = Request::post(path).header(CONTENT_TYPE, "application/json");
    tokio::time::timeout(patience, send(authority, request, json.into(), status)).await.ok()?
}

async fn status(answer: Response<Incoming>) -> Option<u16> {
    Some(answer.status().as_u16())
}

async fn read(answer: Response<Incoming>) -> Option<Bytes> {
    let found = answer.status() == StatusCode::OK;
    let body = Limited::new(answer.into_body(), MOST).collect().await.ok()?.to_bytes();
    found.then_some(body)
}

/// Sends a request on a connection of its own, and has `take` read the answer while the connection lives.
async fn send<T, F>(
    authority: &str,
    request: Builder,
    body: Bytes,
    take: impl FnOnce(Response<Incoming>) -> F,
) -> Option<T>
where
    F: Future<Output = Option<T>>,
{
    let stream = TcpStream::connect(authority).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = request.header(HOST, authority).body(Full::new(body)).ok()?;
    let answer = async { take(sender.send_request(request).await.ok()?).await };
    tokio::pin!(answer, connection);
    tokio::select! {
        biased;
        answer = &mut answer => answer,
        // What came before the connection ended can still be read.
        _ended = &mut connection => answer.await,
    }
}

/// An answer of `/api/v1/query`, as far as it is looked at.
#[derive(Deserialize)]
struct Told {
    status: String,
    data: Found,
}

#[derive(Deserialize)]
#[serde(tag = "resultType", content = "result", rename_all = "lowercase")]
enum Found {
    Vector(Vec<Sample>),
    Scalar((f64, String)),
}

#[derive(Deserialize)]
struct Sample {
    value: (f64, String),
}

fn holds(body: &[u8]) -> Option<bool> {
    let told: Told = serde_json::from_slice(body).ok().filter(|told: &Told| told.status == "success")?;
    let samples = match told.data {
        Found::Vector(samples) => samples.into_iter().map(|sample| sample.value).collect(),
        Found::Scalar(value) => vec![value],
    };
    let values: Vec<f64> = samples.iter().map(|(_at, value)| value.parse().ok()).collect::<Option<_>>()?;
    Some(!values.is_empty() && values.iter().all(|value| *value != 0.0 && !value.is_nan()))
}

/// Most bytes of an answer.
const MOST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::holds;

    #[test]
    fn what_an_expression_comes_to() {
        let vector = |result: &str| {
            format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{result}]}},"warnings":["w"]}}"#)
        };
        let sample = |value: &str| format!(r#"{{"metric":{{"job":"a"}},"value":[1435781451.781,"{value}"]}}"#);
        let scalar = r#"{"status":"success","data":{"resultType":"scalar","result":[1435781451.781,"1"]}}"#;
        for (body, expected) in [
            (vector(&sample("1")), Some(true)),
            (vector(&[sample("1"), sample("+Inf")].join(",")), Some(true)),
            (vector(&[sample("1"), sample("0")].join(",")), Some(false)),
            (vector(&sample("NaN")), Some(false)),
            (vector(""), Some(false)),
            (scalar.to_owned(), Some(true)),
            (scalar.replace("\"1\"", "\"0\""), Some(false)),
            // What is no result says nothing.
            (vector(&sample("many")), None),
            (vector("").replace("success", "error"), None),
            (vector("").replace("vector", "matrix"), None),
            (r#"{"status":"error","errorType":"bad_data","error":"parse error"}"#.to_owned(), None),
            ("up".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(holds(body.as_bytes()), expected, "{body}");
        }
    }
}
