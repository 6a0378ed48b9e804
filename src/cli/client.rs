use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::Request;
use http::header::{CONTENT_TYPE, HOST};
use http_body_util::Full;
use serde_json::Value;

use super::{Exit, Terminal, wire};

/// Which sidecar to talk to.
#[derive(Clone, Debug, Args)]
pub(crate) struct AdminAddress {
    /// Address of the admin API.
    #[arg(long, env = "SEKISHO_ADMIN", value_name = "HOST:PORT", default_value = "127.0.0.1:9911")]
    pub(crate) admin: String,
}

/// Who one is to that sidecar.
#[derive(Clone, Debug, Args)]
pub(crate) struct Credential {
    /// File that holds the API key; without it the environment variable SEKISHO_API_KEY.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// An answer of the admin API.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Credential {
    pub(crate) fn read(&self) -> Result<String, String> {
        let key = match &self.key_file {
            Some(path) => {
                std::fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?
            }
            None => std::env::var("SEKISHO_API_KEY")
                .map_err(|_unset| "no API key: give --key-file or set SEKISHO_API_KEY".to_owned())?,
        };
        Ok(key.trim().to_owned())
    }
}

impl AdminAddress {
    /// Asks, and says in one line what is wrong if that cannot be done.
    pub(crate) fn call(
        &self,
        terminal: &mut Terminal<'_>,
        path: &str,
        change: Option<(&Credential, Value)>,
    ) -> Result<Reply, Exit> {
        match change {
            None => self.send(terminal, ("GET", path), None, None),
            Some((credential, body)) => self.send(terminal, ("POST", path), Some(credential), Some(body)),
        }
    }

    /// Asks for what not everybody may see.
    pub(crate) fn look(&self, terminal: &mut Terminal<'_>, path: &str, as_who: &Credential) -> Result<Reply, Exit> {
        self.send(terminal, ("GET", path), Some(as_who), None)
    }

    /// Says how something is, by PUT.
    pub(crate) fn put(
        &self,
        terminal: &mut Terminal<'_>,
        path: &str,
        (credential, body): (&Credential, Value),
    ) -> Result<Reply, Exit> {
        self.send(terminal, ("PUT", path), Some(credential), Some(body))
    }

    fn send(
        &self,
        terminal: &mut Terminal<'_>,
        line: (&str, &str),
        credential: Option<&Credential>,
        body: Option<Value>,
    ) -> Result<Reply, Exit> {
        let key = credential.map(Credential::read).transpose();
        let key = key.map_err(|why| terminal.fail(Exit::Environment, why))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let asked = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
            runtime.block_on(async {
                let asking = tokio::time::timeout(TIMEOUT, ask(&self.admin, line, key, body)).await;
                asking.map_err(|_elapsed| "no answer in time".to_owned())?
            })
        });
        asked.map_err(|why| {
            terminal.fail(Exit::Environment, format_args!("cannot talk to the sidecar at {}: {why}", self.admin))
        })
    }
}

async fn ask(
    address: &str,
    (method, path): (&str, &str),
    key: Option<String>,
    body: Option<Value>,
) -> Result<Reply, String> {
    let mut request = Request::builder().method(method).uri(path).header(HOST, address);
    let mut sent = Bytes::new();
    if let Some(key) = key {
        request = request.header("x-api-key", key);
    }
    if let Some(body) = body {
        request = request.header(CONTENT_TYPE, "application/json");
        sent = body.to_string().into();
    }
    let request = request.body(Full::new(sent)).map_err(|_invalid| "the key or the path cannot be sent".to_owned())?;
    let response = wire::send(address, request).await?;
    let status = response.status().as_u16();
    let bytes = response.into_body();
    let body =
        serde_json::from_slice(&bytes).unwrap_or_else(|_text| String::from_utf8_lossy(&bytes).into_owned().into());
    Ok(Reply { status, body })
}

impl Reply {
    /// A field, as text.
    pub(crate) fn text(&self, pointer: &str) -> String {
        match self.body.pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }

    /// Says what the sidecar answered instead of what was asked for.
    pub(crate) fn refused(&self, terminal: &mut Terminal<'_>) -> Exit {
        let (code, title) = (self.text("/code"), self.text("/title"));
        terminal.fail(Exit::Found, format_args!("{} {code}: {title}", self.status))
    }
}

/// A release verifies the whole journal before it answers.
const TIMEOUT: Duration = Duration::from_secs(120);
