//! Messages of a WebSocket on an order route: each is judged as a request is.
//!
//! The operation is a field of the message. It is brought into the path, and the rules are tried as on a request with the
//! method `WS`, or with the method that the pack names.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::OrderRules;
use super::classify::{Call, Classified, Doubt};
use super::condition::Fields;
use super::path::aliased;
use super::shape::template;
use crate::Class;
use crate::check::Checker;
use crate::written::{Place, Raw, Text};

/// A message on a WebSocket, read: one JSON text, flattened as the body of a request is.
#[derive(Clone, Copy, Debug)]
pub struct MessageView<'m> {
    /// The host of the connection, in lower case and without a port.
    pub host: &'m str,
    /// The path of the connection, as sent.
    pub path: &'m str,
    /// The message as sent. For one that is a single word: `ping`.
    pub text: &'m str,
    /// Its fields, with paths for names (`args.0.side`).
    pub body: &'m [(String, String)],
    /// What has already been found to make it readable in two ways.
    pub ambiguity: Option<&'m str>,
}

/// How messages of a WebSocket are told apart.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct WebSocketWritten {
    /// Fields of which the first that is there names the operation.
    pub(crate) operation: Vec<Raw<Text>>,
    /// The field with the parameters. Default: they stand beside the operation.
    pub(crate) params: Option<Raw<Text>>,
    /// The method that rules are tried with. Default WS.
    pub(crate) method: Option<Raw<Text>>,
    /// What stands before the operation in the paths of the rules. Default the path of the connection, and `/`.
    pub(crate) prefix: Option<Raw<Text>>,
    /// Messages that are one word and keep the connection alive.
    pub(crate) words: Vec<Raw<Text>>,
    /// The field whose value an answer repeats.
    pub(crate) id: Option<Raw<Text>>,
    /// How the venue refuses: a JSON object. `{message}` in it becomes one line of text, `{id}` the value of the message's id,
    /// `{operation}` its operation.
    pub(crate) refused: Option<Raw<Text>>,
}

/// As compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WebSocket {
    operation: Vec<String>,
    params: Option<String>,
    pub(super) method: String,
    prefix: Option<String>,
    words: Vec<String>,
    id: Option<String>,
    refused: Option<String>,
}

impl WebSocketWritten {
    pub(super) fn check(&self, place: Place, path: &str, checker: &mut Checker) -> Option<WebSocket> {
        if self.operation.is_empty() {
            checker.wrong(place, &format!("{path}.operation"), "expected at least one field");
        }
        if let Some(refused) = &self.refused
            && template(&filled(refused.text(), "null", "x")).is_none()
        {
            let message =
                "expected a JSON object, with {message} and {operation} in strings of it and {id} as a value at most";
            checker.wrong(refused.place(), &format!("{path}.refused"), message);
        }
        let own = |raw: &Option<Raw<Text>>| raw.as_ref().map(|raw| raw.text().to_owned());
        Some(WebSocket {
            operation: self.operation.iter().map(|raw| raw.text().to_owned()).collect(),
            params: own(&self.params),
            method: own(&self.method).unwrap_or_else(|| "WS".to_owned()),
            prefix: own(&self.prefix),
            words: self.words.iter().map(|raw| raw.text().to_owned()).collect(),
            id: own(&self.id),
            refused: own(&self.refused),
        })
    }
}

impl OrderRules {
    /// What a message of a WebSocket is. Where the rules know of none, it is [`Class::Unknown`].
    #[must_use]
    pub fn classify_message(&self, view: &MessageView<'_>) -> Classified {
        let all = Fields::new(view.body);
        let Some(socket) = &self.websocket else { return Classified::unknown(None) };
        if view.body.is_empty() && socket.words.iter().any(|word| word == view.text) {
            return Classified { class: Class::KeepAlive, ..Classified::unknown(None) };
        }
        let call = socket.call(view, &all);
        let ambiguous = view.ambiguity.map(str::to_owned).or_else(|| Self::given_twice(&all));
        let possible = || match &call {
            Ok(call) => self.possible(call.method, call.host, &call.path),
            Err(_) => vec![(Class::Unknown, Vec::new())],
        };
        let unread = view.body.is_empty() && view.ambiguity.is_some();
        self.conclude(&call, &all, Doubt { ambiguous, unread, headers: &[] }, possible)
    }

    /// The answer to a message that is refused, in the venue's shape, with `beside` (a JSON value) under `sekisho`. `message`
    /// and `beside` may not have in them what JSON escapes. `None`, where the rules have no shape.
    #[must_use]
    pub fn refused_message(&self, text: &str, message: &str, beside: &str) -> Option<String> {
        let socket = self.websocket.as_ref()?;
        let shape = socket.refused.as_ref()?;
        let sent: Value = serde_json::from_str(text).unwrap_or_default();
        // Only what cannot be more than an id is repeated.
        let short = |value: &&Value| value.is_number() || value.as_str().is_some_and(|text| text.len() <= ID_BYTES);
        let id = socket.id.as_ref().and_then(|id| sent.get(id)).filter(short);
        let id = id.map_or_else(|| "null".to_owned(), ToString::to_string);
        let operation = socket.operation.iter().find_map(|name| sent.get(name)?.as_str());
        let plain = |text: &&str| {
            text.len() <= ID_BYTES && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"./_-".contains(&byte))
        };
        let pieces = template(&filled(shape, &id, operation.filter(plain).unwrap_or_default()))?;
        Some([&pieces.join(message), ",\"sekisho\":", beside, "}"].concat())
    }
}

impl WebSocket {
    fn call<'m>(&'m self, view: &MessageView<'m>, all: &Fields<'m>) -> Result<Call<'m>, &'static str> {
        let (Some(operation), 1) = (all.first(&self.operation), all.times(&self.operation)) else {
            return Err("a message that does not name one operation");
        };
        let path = match &self.prefix {
            Some(prefix) => format!("{prefix}{operation}"),
            None => format!("{}/{operation}", view.path.trim_end_matches('/')),
        };
        if let Some(why) = aliased(&path) {
            return Err(why);
        }
        let fields = match &self.params {
            Some(params) => all.beneath(params),
            None => all.clone(),
        };
        Ok(Call { method: &self.method, host: view.host, path, fields })
    }
}

fn filled(shape: &str, id: &str, operation: &str) -> String {
    shape.replace("{operation}", operation).replace("{id}", id)
}

const ID_BYTES: usize = 128;
