use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// One request on a connection of its own, and its whole answer.
pub(super) async fn send(address: &str, request: Request<Full<Bytes>>) -> Result<Response<Bytes>, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let stream = TcpStream::connect(address).await.map_err(|error| text(&error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| text(&error))?;
    tokio::spawn(async move {
        // Whoever waits for the answer is told.
        let _ended = connection.await;
    });
    let response = sender.send_request(request).await.map_err(|error| text(&error))?;
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| text(&error))?.to_bytes();
    Ok(Response::from_parts(head, body))
}
