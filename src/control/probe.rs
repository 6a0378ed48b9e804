//! Asks over HTTP how something is.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::HOST;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// The status of the answer to one GET, on a connection of its own; `None` where there is no answer within `patience`.
pub(super) async fn ask(authority: &str, path: &str, patience: Duration) -> Option<u16> {
    tokio::time::timeout(patience, get(authority, path)).await.ok()?
}

async fn get(authority: &str, path: &str) -> Option<u16> {
    let stream = TcpStream::connect(authority).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get(path).header(HOST, authority).body(Empty::<Bytes>::new()).ok()?;
    tokio::select! {
        biased;
        answer = sender.send_request(request) => answer.ok().map(|answer| answer.status().as_u16()),
        _broken = connection => None,
    }
}
