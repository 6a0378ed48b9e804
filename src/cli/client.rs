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

/// Whom to ask, as who, and how to answer.
#[derive(Clone, Debug, Args)]
pub(crate) struct Asking {
    #[command(flatten)]
    credential: Credential,
    #[command(flatten)]
    admin: AdminAddress,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a sidecar is asked.
pub(crate) struct Question<'a> {
    method: &'static str,
    path: &'a str,
    body: Option<Value>,
}

impl<'a> Question<'a> {
    /// For what is there.
    pub(crate) const fn get(path: &'a str) -> Self {
        Self { method: "GET", path, body: None }
    }

    /// To do something.
    pub(crate) const fn post(path: &'a str, body: Value) -> Self {
        Self { method: "POST", path, body: Some(body) }
    }

    /// To take note of how something is.
    pub(crate) const fn put(path: &'a str, body: Value) -> Self {
        Self { method: "PUT", path, body: Some(body) }
    }
}

impl Asking {
    /// Asks, and says the answer: as it came if JSON is wanted, else as `words` puts it. What is refused ends the command.
    pub(crate) fn say(
        &self,
        terminal: &mut Terminal<'_>,
        question: Question<'_>,
        words: impl FnOnce(&mut Terminal<'_>, &Reply),
    ) -> Result<Reply, Exit> {
        self.ask(terminal, question, &[200, 201, 202], words)
    }

    /// As [`say`](Self::say), for answers of these statuses.
    pub(crate) fn ask(
        &self,
        terminal: &mut Terminal<'_>,
        question: Question<'_>,
        answers: &[u16],
        words: impl FnOnce(&mut Terminal<'_>, &Reply),
    ) -> Result<Reply, Exit> {
        let Question { method, path, body } = question;
        let reply = self.admin.send(terminal, (method, path), Some(&self.credential), body)?;
        if !answers.contains(&reply.status) {
            return Err(reply.refused(terminal));
        }
        if self.json {
            terminal.say(format_args!("{:#}", reply.body));
        } else {
            words(terminal, &reply);
        }
        Ok(reply)
    }

    /// As [`say`](Self::say), for a command that has done what it was asked to when there is an answer.
    pub(crate) fn tell(
        &self,
        terminal: &mut Terminal<'_>,
        question: Question<'_>,
        words: impl FnOnce(&mut Terminal<'_>, &Reply),
    ) -> Exit {
        self.say(terminal, question, words).map_or_else(|exit| exit, |_told| Exit::Fine)
    }
}

/// Says how a second person agrees to what was asked for under `id`: by `sekisho COMMAND confirm`.
pub(crate) fn hand_on(terminal: &mut Terminal<'_>, reply: &Reply, command: &str, id: &str) {
    terminal.say(format_args!("A second person confirms within {} s:", reply.text("/expires_in_s")));
    terminal.say(format_args!("  sekisho {command} confirm {id} {}", reply.text("/code")));
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
    /// Asks for what everybody on the machine may see.
    pub(crate) fn look(&self, terminal: &mut Terminal<'_>, path: &str) -> Result<Reply, Exit> {
        self.send(terminal, ("GET", path), None, None)
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

    /// The items of a list.
    pub(crate) fn list(&self, pointer: &str) -> &[Value] {
        self.body.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Says what the sidecar answered instead of what was asked for.
    pub(crate) fn refused(&self, terminal: &mut Terminal<'_>) -> Exit {
        let (code, title) = (self.text("/code"), self.text("/title"));
        terminal.fail(Exit::Found, format_args!("{} {code}: {title}", self.status))
    }
}

/// A field of an item, as text; `-` where there is nothing.
pub(crate) fn word(value: &Value, name: &str) -> String {
    match value.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "-".to_owned(),
        Some(other) => other.to_string(),
    }
}

/// A release verifies the whole journal before it answers.
const TIMEOUT: Duration = Duration::from_secs(120);
