//! Asks over HTTP how something is, and tells what was done.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::{CONTENT_TYPE, HOST};
use http::request::Builder;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The status of the answer to one GET, on a connection of its own; `None` where there is no answer within `patience`.
pub(crate) async fn ask(authority: &str, path: &str, patience: Duration) -> Option<u16> {
    tokio::time::timeout(patience, send(authority, Request::get(path), Bytes::new())).await.ok()?
}

/// The status of the answer to one POST of JSON; `None` where there is no answer within `patience`.
pub(crate) async fn tell(authority: &str, path: &str, json: String, patience: Duration) -> Option<u16> {
    let request = Request::post(path).header(CONTENT_TYPE, "application/json");
    tokio::time::timeout(patience, send(authority, request, json.into())).await.ok()?
}

async fn send(authority: &str, request: Builder, body: Bytes) -> Option<u16> {
    let stream = TcpStream::connect(authority).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = request.header(HOST, authority).body(Full::new(body)).ok()?;
    tokio::select! {
        biased;
        answer = sender.send_request(request) => answer.ok().map(|answer| answer.status().as_u16()),
        _broken = connection => None,
    }
}
