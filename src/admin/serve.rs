use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use http::header::{ALLOW, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use sekisho_filters::{Answer, Body};
use serde::de::DeserializeOwned;

use super::routes::{self, Found};
use super::{Admin, reply};
use crate::data::listener::Handle;

/// Answers on the admin port.
#[derive(Clone, Debug)]
pub struct AdminPort(pub Arc<Admin>);

/// Answers on the health port: reads, and changes nothing.
#[derive(Clone, Debug)]
pub struct HealthPort(pub Arc<Admin>);

impl Handle for HealthPort {
    fn handle(&self, _peer: IpAddr, request: Request<Incoming>) -> Answer<Infallible> {
        Answer::now(Ok(self.0.health(&request).unwrap_or_else(nowhere)))
    }
}

impl Handle for AdminPort {
    fn handle(&self, peer: IpAddr, request: Request<Incoming>) -> Answer<Infallible> {
        if !at_home(request.headers(), request.uri()) {
            let (status, title) = (StatusCode::MISDIRECTED_REQUEST, "expected a loopback name as Host");
            return Answer::now(Ok(reply::problem(status, "misdirected", title)));
        }
        let admin = Arc::clone(&self.0);
        Answer::later(async move { Ok(admin.route(peer, request).await) })
    }
}

impl Admin {
    fn health(&self, request: &Request<Incoming>) -> Option<Response<Body>> {
        if request.method() != Method::GET {
            return None;
        }
        match request.uri().path() {
            "/livez" => Some(Self::live()),
            "/readyz" | "/healthz" => Some(self.ready(request.uri().query() == Some("verbose"))),
            "/metrics" => Some(self.metrics()),
            _ => None,
        }
    }

    async fn route(&self, peer: IpAddr, request: Request<Incoming>) -> Response<Body> {
        if let Some(response) = self.health(&request) {
            return response;
        }
        let (head, body) = request.into_parts();
        match routes::find(&head.method, head.uri.path()) {
            Found::Served => {}
            Found::Methods(methods) => return wrong_method(&methods),
            Found::Nothing => return nowhere(),
        }
        match (head.method.as_str(), head.uri.path()) {
            ("GET", "/v1/openapi.json") => {
                reply::json(StatusCode::OK, &routes::openapi(&self.reload.policy.load().matrix))
            }
            ("GET", "/v1/state") => self.show_state(),
            ("GET", "/v1/events") => self.events(&head.headers, head.uri.query().unwrap_or_default()),
            ("POST", "/v1/tighten") => match self.read(&head.headers, body).await {
                Ok(asked) => self.tighten(&head.headers, peer, asked).await,
                Err(response) => *response,
            },
            ("POST", "/v1/release/plan") => match self.read(&head.headers, body).await {
                Ok(asked) => self.plan(&head.headers, peer, asked).await,
                Err(response) => *response,
            },
            ("POST", "/v1/release/propose") => match self.read(&head.headers, body).await {
                Ok(asked) => self.propose(&head.headers, peer, asked).await,
                Err(response) => *response,
            },
            ("POST", "/v1/release/confirm") => match self.read(&head.headers, body).await {
                Ok(asked) => self.confirm(&head.headers, peer, asked).await,
                Err(response) => *response,
            },
            (_, path) if path.starts_with("/v1/policy/") || path.starts_with("/v1/consents") => {
                self.policy_changes(peer, &head, body).await
            }
            (_, path) if path.starts_with("/v1/containments") => self.containments(peer, &head, body).await,
            ("POST", "/v1/drill") => self.drill(&head.headers, peer).await,
            ("GET", "/v1/failmodes") => Self::failmodes(),
            ("GET", path) if path.starts_with("/v1/decisions/") => self.explain(&head, peer).await,
            ("GET", "/v1/gates") => self.show_gates(peer, &head.headers),
            ("PUT", path) if path.starts_with("/v1/gates/") => self.report_gate(peer, &head, body).await,
            ("POST", path) if path.starts_with("/v1/journal/") => self.change_journal(peer, &head, body).await,
            ("GET", path) if path.starts_with("/v1/journal/") => {
                self.journal(path.trim_start_matches("/v1/journal/")).await
            }
            (_, path) if path.starts_with("/v1/incidents") => self.incidents(peer, &head, body).await,
            (_, path) if path.starts_with("/v1/lockouts") => self.at_lockouts(peer, &head, body).await,
            (_, path) if ["/v1/keys", "/v1/revocations", "/v1/sessions"].iter().any(|at| path.starts_with(at)) => {
                self.at_credentials(peer, &head, body).await
            }
            (_, path) if path.starts_with("/v1/bundles") => self.bundles(peer, &head, body).await,
            _ => nowhere(),
        }
    }
}

fn wrong_method(methods: &str) -> Response<Body> {
    let status = StatusCode::METHOD_NOT_ALLOWED;
    let mut response = reply::problem(status, "method_not_allowed", "expected another method");
    if let Ok(methods) = HeaderValue::from_str(methods) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}

pub(super) fn nowhere() -> Response<Body> {
    reply::problem(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path")
}

impl Admin {
    /// Reads a JSON body, as it may be kept: whatever people say here is stored somewhere, in the state, in an incident, in the
    /// journal, so every string passes the scanner before anybody sees it. This is the one place where bodies are read.
    ///
    /// Its type has to be said: a form in a browser cannot say it without being asked to.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
        body: Incoming,
    ) -> Result<T, Box<Response<Body>>> {
        let bytes = collected(headers, body).await?;
        let unexpected = |error: serde_json::Error| {
            let title = format!("the body is not as expected at line {} column {}", error.line(), error.column());
            no(StatusCode::BAD_REQUEST, &title)
        };
        // As it was sent first: only there has what is wrong with it a line.
        serde_json::from_slice::<T>(&bytes).map_err(unexpected)?;
        let said = serde_json::from_slice(&bytes).map_err(unexpected)?;
        serde_json::from_value(self.journal.scrubbed(said)).map_err(|_masked| {
            no(StatusCode::BAD_REQUEST, "a name in the body looks like a secret: secrets are kept nowhere")
        })
    }
}

async fn collected(headers: &HeaderMap, body: Incoming) -> Result<bytes::Bytes, Box<Response<Body>>> {
    let json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    if !json {
        return Err(no(StatusCode::UNSUPPORTED_MEDIA_TYPE, "expected Content-Type: application/json"));
    }
    match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, BODY_BYTES).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(_)) => Err(no(StatusCode::PAYLOAD_TOO_LARGE, "expected a body of at most 16 KiB")),
        Err(_elapsed) => Err(no(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    }
}

fn no(status: StatusCode, title: &str) -> Box<Response<Body>> {
    Box::new(reply::problem(status, "bad_request", title))
}

/// Whether the request names this machine by a loopback name: a page that rebinds a name of its own does not.
fn at_home(headers: &HeaderMap, uri: &http::Uri) -> bool {
    let said = headers.get(HOST).and_then(|host| host.to_str().ok()).or_else(|| uri.authority().map(|it| it.as_str()));
    let Some(authority) = said.and_then(|said| said.parse::<http::uri::Authority>().ok()) else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The largest thing one can say to this API is a reason.
const BODY_BYTES: usize = 16 * 1024;

const BODY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);
