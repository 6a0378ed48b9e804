//! Secrets on an OpenBao server (KV, version 2): a login, a read, and the end of the login.
//!
//! Every call is a connection of its own, over plain HTTP: to an agent or proxy on loopback that speaks TLS to the server. A login
//! lasts as long as one reading does, so there is no lease to be kept; a token that was given is renewed at each use. What the
//! server answers is not repeated anywhere.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sekisho_policy::{BaoLogin, BaoSecret, BaoServer};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use super::secret::{SecretError, resolve};

/// Why a secret could not be read there.
#[derive(Debug, thiserror::Error)]
pub enum BaoFault {
    /// The server cannot be reached, or not in time.
    #[error("`{authority}` cannot be reached: {why}")]
    Unreachable {
        /// Where.
        authority: String,
        /// Why not.
        why: String,
    },
    /// It said no.
    #[error("the server refused {what} with status {status}")]
    Refused {
        /// What was asked for.
        what: &'static str,
        /// Its answer.
        status: u16,
    },
    /// It said something else.
    #[error("the server's answer to {0} is not what it should be")]
    Answer(&'static str),
    /// What proves who we are there cannot be read.
    #[error(transparent)]
    Own(#[from] Arc<SecretError>),
}

/// Reads a secret. Blocks, on a thread of its own: callers may be within a runtime.
///
/// # Errors
///
/// [`BaoFault`].
pub(super) fn read(secret: &BaoSecret) -> Result<Zeroizing<Vec<u8>>, BaoFault> {
    let server = &*secret.server;
    let unreachable = |why: String| BaoFault::Unreachable { authority: server.authority.clone(), why };
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| unreachable(error.to_string()))?;
        let asked = async { tokio::time::timeout(server.timeout, fetch(secret)).await };
        runtime.block_on(asked).map_err(|_elapsed| unreachable("no answer in time".to_owned()))?
    };
    std::thread::scope(|scope| scope.spawn(run).join())
        .unwrap_or_else(|_| Err(unreachable("the call broke off".to_owned())))
}

async fn fetch(secret: &BaoSecret) -> Result<Zeroizing<Vec<u8>>, BaoFault> {
    let server = &*secret.server;
    let token = login(server).await?;
    let path = format!("/v1/{}/data/{}", secret.mount, secret.path);
    let read = call(server, (Method::GET, &path, "the secret"), Some(&token), None).await;
    // What becomes of the token does not change what was read.
    let (after, what) = match &server.login {
        BaoLogin::Token(_) => ("/v1/auth/token/renew-self", "a longer life of the token"),
        BaoLogin::Method { .. } => ("/v1/auth/token/revoke-self", "the end of the login"),
    };
    if let Err(error) = call(server, (Method::POST, after, what), Some(&token), None).await {
        tracing::debug!("openbao: {error}");
    }
    let answer = read?;
    let value = answer.pointer("/data/data").and_then(|data| data.get(&secret.field)).and_then(Value::as_str);
    let value = value.ok_or(BaoFault::Answer("the secret: it has no such field of text"))?;
    Ok(Zeroizing::new(value.as_bytes().to_vec()))
}

async fn login(server: &BaoServer) -> Result<Zeroizing<String>, BaoFault> {
    let own = |what: &str, source| -> Result<Zeroizing<String>, BaoFault> {
        let secret = resolve(what, source).map_err(Arc::new)?;
        let text =
            str::from_utf8(&secret).map_err(|_not_text| BaoFault::Answer("what proves who we are: it is not text"))?;
        Ok(Zeroizing::new(text.to_owned()))
    };
    match &server.login {
        BaoLogin::Token(source) => own("openbao.token", source),
        BaoLogin::Method { mount, role: (role, value), secret: (name, source) } => {
            let proof = own(name, source)?;
            let body = json!({ *role: value, *name: proof.as_str() });
            let path = format!("/v1/auth/{mount}/login");
            let answer = call(server, (Method::POST, &path, "the login"), None, Some(body)).await?;
            let token = answer.pointer("/auth/client_token").and_then(Value::as_str);
            Ok(Zeroizing::new(token.ok_or(BaoFault::Answer("the login"))?.to_owned()))
        }
    }
}

async fn call(
    server: &BaoServer,
    (method, path, what): (Method, &str, &'static str),
    token: Option<&Zeroizing<String>>,
    body: Option<Value>,
) -> Result<Value, BaoFault> {
    let unreachable = |error: &dyn std::fmt::Display| BaoFault::Unreachable {
        authority: server.authority.clone(),
        why: error.to_string(),
    };
    let mut request = Request::builder().method(method).uri(path).header("host", &server.authority);
    if let Some(token) = token {
        request = request.header("x-vault-token", token.as_str());
    }
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let request = request.header("content-type", "application/json").body(Full::new(Bytes::from(body)));
    let request =
        request.map_err(|_unsound| BaoFault::Answer("what proves who we are: it cannot stand in a header"))?;
    let stream = TcpStream::connect(&server.authority).await.map_err(|error| unreachable(&error))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(&error))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), MOST).collect().await.map_err(|_| BaoFault::Answer(what))?;
        Ok::<_, BaoFault>((status, body.to_bytes()))
    };
    let (status, bytes) = tokio::select! {
        answered = exchange => answered?,
        // The connection ends by itself only before the answer is whole.
        _ended = connection => return Err(BaoFault::Answer(what)),
    };
    if !status.is_success() {
        return Err(BaoFault::Refused { what, status: status.as_u16() });
    }
    if bytes.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&bytes).map_err(|_| BaoFault::Answer(what)) }
}

/// The largest answer that is read, in bytes.
const MOST: usize = 256 * 1024;

#[cfg(test)]
mod tests;
