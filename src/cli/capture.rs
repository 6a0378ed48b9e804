//! Order messages that were captured, read back: lines of JSON, or one HTTP/1.1 request as it was sent.

use std::fs::File;
use std::io::Read as _;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use http::Request;
use sekisho_codec::{Limits, json};
use sekisho_filters::Route;
use sekisho_filters::order_gate::classify;
use sekisho_policy::{Classified, Listener, MessageView, OrderRules, Policy};
use serde::Deserialize;

use crate::compile;
use crate::data::classify::{Decisions, Routes};

/// One message.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Captured {
    pub(super) method: String,
    pub(super) target: String,
    #[serde(default = "nowhere")]
    pub(super) host: String,
    #[serde(default)]
    pub(super) headers: Vec<(String, String)>,
    #[serde(default)]
    pub(super) body: String,
}

fn nowhere() -> String {
    "localhost".to_owned()
}

/// Reads a file, or stdin for `-`.
///
/// # Errors
///
/// One line that says which line cannot be read, and why.
pub(super) fn read(from: &Path) -> Result<Vec<Captured>, String> {
    let mut text = String::new();
    let read = if from == Path::new("-") {
        std::io::stdin().take(MOST).read_to_string(&mut text)
    } else {
        File::open(from).and_then(|file| file.take(MOST).read_to_string(&mut text))
    };
    read.map_err(|error| format!("cannot read `{}`: {error}", from.display()))?;
    parse(&text)
}

fn parse(text: &str) -> Result<Vec<Captured>, String> {
    if !text.trim_start().starts_with('{') {
        return raw(text)
            .map(|one| vec![one])
            .ok_or_else(|| "neither lines of JSON nor an HTTP/1.1 request".to_owned());
    }
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let one = |(at, line): (usize, &str)| {
        // What is in the line may be a secret: only the place is told.
        serde_json::from_str(line).map_err(|error| {
            let wanted = "expected {\"method\", \"target\", \"host\", \"headers\": [[name, value]], \"body\"}";
            format!("line {}, column {}: {wanted}", at + 1, error.column())
        })
    };
    lines.map(one).collect()
}

/// A head, an empty line, a body.
fn raw(text: &str) -> Option<Captured> {
    let unix = text.replace("\r\n", "\n");
    let (head, body) = unix.split_once("\n\n").unwrap_or((unix.trim_end(), ""));
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target, "HTTP/1.1") = (words.next()?, words.next()?, words.next()?) else { return None };
    let headers: Option<Vec<_>> = lines
        .map(|line| line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())))
        .collect();
    let headers = headers?;
    let host = headers.iter().find(|(name, _)| name == "host").map_or_else(nowhere, |(_, value)| value.clone());
    // An editor ends a file with a line end; a body that came with a length says how much of it is meant.
    let length = headers.iter().find(|(name, _)| name == "content-length").and_then(|(_, value)| value.parse().ok());
    let body = length.and_then(|length: usize| body.get(..length)).unwrap_or(body);
    Some(Captured { method: method.to_owned(), target: target.to_owned(), host, headers, body: body.to_owned() })
}

impl Captured {
    fn request(&self) -> Option<Request<()>> {
        let mut request =
            Request::builder().method(self.method.as_str()).uri(format!("http://{}{}", self.host, self.target));
        for (name, value) in self.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("host")) {
            request = request.header(name, value);
        }
        request.header("host", &self.host).body(()).ok()
    }

    /// What it is by `rules`. `None`, when it is no HTTP request.
    pub(super) fn class(&self, rules: &OrderRules, limits: &Limits) -> Option<Classified> {
        let host = self.host.split(':').next().unwrap_or_default().to_ascii_lowercase();
        if self.method == "WS" {
            let flat = json::flatten(self.body.as_bytes(), limits).unwrap_or_default();
            let doubt = flat.ambiguity.map(|doubt| doubt.to_string());
            let view = MessageView {
                host: &host,
                path: self.target.split('?').next().unwrap_or_default(),
                text: &self.body,
                body: &flat.pairs,
                ambiguity: doubt.as_deref(),
            };
            return Some(rules.classify_message(&view));
        }
        let (head, ()) = self.request()?.into_parts();
        Some(classify(rules, &host, (&head, self.body.as_bytes()), limits))
    }
}

/// The routes of a policy, to find the one that a captured message would take.
#[derive(Debug)]
pub(super) struct Desk {
    listeners: Vec<Routes>,
    pub(super) limits: Limits,
}

impl Desk {
    /// # Errors
    ///
    /// What is wrong with the policy.
    pub(super) fn new(policy: &Policy) -> Result<Self, compile::CompileError> {
        let decisions = Arc::new(Decisions::new(0));
        let routes = |listener| -> Result<Routes, compile::CompileError> {
            let entries = compile::entries(policy, listener, None)?;
            Ok(Routes::new(listener, entries, Arc::clone(&decisions)))
        };
        let listeners = [Listener::Egress, Listener::Ingress].into_iter().map(routes).collect::<Result<_, _>>()?;
        Ok(Self { listeners, limits: compile::order_limits(policy).fields })
    }

    /// The route that takes a message, and the message as it is behind it. `None`: no route takes it, or it is refused.
    pub(super) fn find(&self, captured: &Captured) -> Option<(Arc<Route>, Captured)> {
        let mut sent = captured.clone();
        // A connection is opened by a GET.
        let get = Captured { method: "GET".to_owned(), ..captured.clone() };
        let head = if captured.method == "WS" { &get } else { captured };
        let taken = self.listeners.iter().find_map(|routes| {
            let mut request = head.request()?;
            let (exchange, outcome) = routes.classify(IpAddr::V4(Ipv4Addr::LOCALHOST), &mut request);
            outcome.ok()?;
            Some((Arc::clone(&exchange.route), request.uri().path_and_query()?.to_string()))
        });
        let (route, target) = taken?;
        sent.target = target;
        Some((route, sent))
    }
}

/// Most of a capture that is read.
const MOST: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn lines_of_json_and_a_raw_request_are_read() {
        let lines = "{\"method\":\"GET\",\"target\":\"/a\"}\n\n{\"method\":\"POST\",\"target\":\"/b\",\"host\":\"h\",\"headers\":[[\"x\",\"y\"]],\"body\":\"c\"}\n";
        let read = parse(lines).unwrap();
        assert_eq!((read.len(), read[0].host.as_str(), read[1].body.as_str()), (2, "localhost", "c"));
        let raw = "POST /b?c HTTP/1.1\r\nHost: v.test\r\nContent-Length: 3\r\n\r\na=b\n";
        let read = parse(raw).unwrap().remove(0);
        assert_eq!((read.method.as_str(), read.target.as_str(), read.host.as_str()), ("POST", "/b?c", "v.test"));
        assert_eq!(read.body, "a=b");
    }

    #[test]
    fn what_cannot_be_read_is_said_with_its_place_and_without_its_content() {
        let error =
            parse("{\"method\":\"GET\",\"target\":\"/a\"}\n{\"method\":\"GET\",\"secret\":\"hunter2\"}\n").unwrap_err();
        assert!(error.starts_with("line 2, column ") && !error.contains("hunter2"), "{error}");
        assert!(parse("hello").is_err());
    }
}
