//! A small client of OpenBao's transit engine: the master key stays on the server, which wraps and unwraps for us.
//!
//! Three calls, each on a connection of its own. It speaks plain HTTP: to an agent or proxy on loopback that speaks TLS to the
//! server. It blocks, and is called from threads that may block.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use sekisho_seal::{DataKey, KeyFile};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

/// A key of the transit engine, and how to reach it.
pub struct Bao {
    /// Host and port of the server, or of the agent before it.
    pub authority: String,
    /// The path that the transit engine is mounted at.
    pub mount: String,
    /// The key's name there.
    pub key: String,
    /// What we authenticate with.
    pub token: Zeroizing<String>,
    /// How long one call may take.
    pub timeout: Duration,
}

impl fmt::Debug for Bao {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bao").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// Why the server did not do it. What it answered is not repeated: it may hold anything.
#[derive(Debug, thiserror::Error)]
pub enum BaoError {
    /// It cannot be reached.
    #[error("`{authority}` cannot be reached: {why}")]
    Unreachable {
        /// Where.
        authority: String,
        /// Why not.
        why: String,
    },
    /// It takes too long.
    #[error("the server does not answer in time")]
    Slow,
    /// It said no.
    #[error("the server refused with status {0}: is the token allowed to encrypt and decrypt with this key?")]
    Refused(u16),
    /// It said something that is no answer.
    #[error("the server's answer is not that of a transit engine")]
    Answer,
}

impl Bao {
    /// `openbao:MOUNT/KEY`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("openbao:{}/{}", self.mount, self.key)
    }

    /// Whether some version of this key is called that.
    pub(super) fn made(&self, name: &str) -> bool {
        name.strip_prefix(&self.name()).is_some_and(|version| version.starts_with(":v"))
    }

    pub(super) fn wrap(&self, key: &DataKey) -> Result<(String, String), BaoError> {
        let plain = Zeroizing::new(STANDARD.encode(key.danger_bytes().as_slice()));
        let answer = self.call("encrypt", &json!({ "plaintext": *plain }))?;
        self.versioned(&answer)
    }

    pub(super) fn unwrap(&self, wrapped: &str) -> Result<DataKey, BaoError> {
        let answer = self.call("decrypt", &json!({ "ciphertext": wrapped }))?;
        let plain = answer.pointer("/data/plaintext").and_then(Value::as_str).ok_or(BaoError::Answer)?;
        let decoded = Zeroizing::new(STANDARD.decode(plain).map_err(|_| BaoError::Answer)?);
        let mut bytes = Zeroizing::new([0; 32]);
        if decoded.len() != bytes.len() {
            return Err(BaoError::Answer);
        }
        bytes.copy_from_slice(&decoded);
        Ok(DataKey::new(bytes))
    }

    /// Wraps with the newest version of the key what an older one wrapped; the data key stays on the server meanwhile.
    pub(super) fn rewrap(&self, file: &KeyFile) -> Result<(String, String), BaoError> {
        let answer = self.call("rewrap", &json!({ "ciphertext": file.wrapped() }))?;
        self.versioned(&answer)
    }

    /// The name with the version that the server says, and the ciphertext.
    fn versioned(&self, answer: &Value) -> Result<(String, String), BaoError> {
        let wrapped = answer.pointer("/data/ciphertext").and_then(Value::as_str).ok_or(BaoError::Answer)?;
        let version = wrapped.strip_prefix("vault:v").and_then(|rest| rest.split_once(':')).ok_or(BaoError::Answer)?.0;
        let version: u64 = version.parse().map_err(|_| BaoError::Answer)?;
        Ok((format!("{}:v{version}", self.name()), wrapped.to_owned()))
    }

    /// On a thread of its own: callers may be within a runtime, where blocking on another is not possible.
    fn call(&self, operation: &str, body: &Value) -> Result<Value, BaoError> {
        let unreachable = |why: String| BaoError::Unreachable { authority: self.authority.clone(), why };
        let run = || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| unreachable(error.to_string()))?;
            let asked = async { tokio::time::timeout(self.timeout, self.ask(operation, body)).await };
            runtime.block_on(asked).map_err(|_elapsed| BaoError::Slow)?
        };
        std::thread::scope(|scope| scope.spawn(run).join())
            .unwrap_or_else(|_| Err(unreachable("the call broke off".to_owned())))
    }

    async fn ask(&self, operation: &str, body: &Value) -> Result<Value, BaoError> {
        let unreachable = |error: &dyn fmt::Display| BaoError::Unreachable {
            authority: self.authority.clone(),
            why: error.to_string(),
        };
        let request = Request::post(format!("/v1/{}/{operation}/{}", self.mount, self.key))
            .header("host", &self.authority)
            .header("content-type", "application/json")
            .header("x-vault-token", self.token.as_str())
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(|error| unreachable(&error))?;
        let stream = TcpStream::connect(&self.authority).await.map_err(|error| unreachable(&error))?;
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| unreachable(&error))?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(|error| unreachable(&error))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), MOST_ANSWER).collect().await.map_err(|_| BaoError::Answer)?;
            Ok((status, body.to_bytes()))
        };
        let (status, body) = tokio::select! {
            answered = exchange => answered?,
            // The connection ends by itself only before the answer is whole.
            _ended = connection => return Err(BaoError::Answer),
        };
        match status {
            StatusCode::OK => serde_json::from_slice(&body).map_err(|_| BaoError::Answer),
            refused => Err(BaoError::Refused(refused.as_u16())),
        }
    }
}

/// The largest answer that is read, in bytes.
const MOST_ANSWER: usize = 64 * 1024;
