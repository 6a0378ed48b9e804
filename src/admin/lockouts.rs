use std::net::IpAddr;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};
use hyper::body::Incoming;
use sekisho_filters::Body;
use sekisho_filters::access::{KeptLock, Of};
use sekisho_journal::{Event, EventType, Severity};
use sekisho_policy::Operation;
use sekisho_safety::Scope;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::serve::nowhere;
use super::{Admin, reply};
use crate::evidence::Network;

/// What `POST /v1/lockouts/lift` takes: one lockout, or all that have to do with a key used from an address.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lift {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    key: Option<String>,
    #[serde(default)]
    from: Option<IpAddr>,
    reason: String,
}

#[derive(Serialize)]
struct View {
    id: String,
    what: &'static str,
    /// None for what strangers made up: it is counted by its hash.
    key: Option<String>,
    from: Option<String>,
    left_s: u64,
    times: u32,
    forgotten_in_s: u64,
}

impl From<KeptLock> for View {
    fn from(lock: KeptLock) -> Self {
        let (what, from) = match &lock.of {
            Of::Credential(_) => ("credential", None),
            Of::Peer(peer) => ("peer", Some(*peer)),
            Of::Pair(_, peer) => ("pair", Some(*peer)),
        };
        Self {
            id: format!("{:016x}", lock.key),
            what,
            key: lock.of.id().map(str::to_owned),
            from: from.map(|peer| Network::from(peer).to_string()),
            left_s: seconds(lock.left),
            times: lock.times,
            forgotten_in_s: seconds(lock.forget),
        }
    }
}

impl Admin {
    /// What is below `/v1/lockouts`.
    pub(super) async fn at_lockouts(&self, peer: IpAddr, head: &Parts, body: Incoming) -> Response<Body> {
        match (&head.method, head.uri.path()) {
            (&Method::GET, "/v1/lockouts") => self.lockouts(&head.headers, peer, head.uri.query().unwrap_or_default()),
            (&Method::POST, "/v1/lockouts/lift") => match self.read(&head.headers, body).await {
                Ok(asked) => self.lift(&head.headers, peer, &asked),
                Err(response) => *response,
            },
            _ => nowhere(),
        }
    }

    /// `GET /v1/lockouts`, or why one key is shut out from one address with `?key=ID&from=ADDRESS`.
    fn lockouts(&self, headers: &HeaderMap, peer: IpAddr, query: &str) -> Response<Body> {
        if let Err(refusal) = self.may(headers, peer, Operation::ReadAudit, &Scope::Fleet) {
            return self.no(&refusal);
        }
        let asked = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let Some(key) = asked("key") else {
            let mut views: Vec<View> = self.door.failures().locks().into_iter().map(View::from).collect();
            views.sort_by(|a, b| (b.left_s, &a.id).cmp(&(a.left_s, &b.id)));
            return reply::json(StatusCode::OK, &json!({ "lockouts": views }));
        };
        let Some(from) = asked("from").and_then(|from| from.parse().ok()) else {
            return reply::problem(StatusCode::BAD_REQUEST, "bad_request", "expected `from`, an address, beside `key`");
        };
        let (locks, familiar) = self.door.failures().explain(&key.to_ascii_lowercase(), from);
        let views: Vec<View> = locks.into_iter().map(View::from).collect();
        let shut_out =
            views.iter().any(|view| view.left_s > 0 && (view.what == "pair" || view.what == "credential" && !familiar));
        reply::json(StatusCode::OK, &json!({ "shut_out": shut_out, "familiar": familiar, "lockouts": views }))
    }

    /// `POST /v1/lockouts/lift`.
    fn lift(&self, headers: &HeaderMap, peer: IpAddr, asked: &Lift) -> Response<Body> {
        let principal = match self.may(headers, peer, Operation::ManageAccess, &Scope::Fleet) {
            Ok(principal) => principal,
            Err(refusal) => return self.no(&refusal),
        };
        let keys: Vec<u64> = match (&asked.id, &asked.key, asked.from) {
            (Some(id), None, None) => u64::from_str_radix(id, 16).into_iter().collect(),
            (None, Some(key), Some(from)) => {
                let (locks, _) = self.door.failures().explain(&key.to_ascii_lowercase(), from);
                locks.into_iter().map(|lock| lock.key).collect()
            }
            _ => Vec::new(),
        };
        if keys.is_empty() {
            let title = "expected `id` of a lockout, or `key` and `from` of one that is locked out";
            return reply::problem(StatusCode::NOT_FOUND, "not_found", title);
        }
        let lifted = keys.into_iter().filter(|key| self.door.failures().lift(*key)).count();
        let event = Event::new(EventType::Operation, "lockout.lift")
            .with_severity(Severity::Medium)
            .with_user(principal.key.person.clone())
            .with_input("key", asked.key.clone().unwrap_or_default())
            .with_input("id", asked.id.clone().unwrap_or_default())
            .with_input("from", asked.from.map(|from| Network::from(from).to_string()).unwrap_or_default())
            .with_input("reason", asked.reason.clone())
            .with_output("lifted", lifted as u64);
        self.journal.record(event);
        reply::json(StatusCode::OK, &json!({ "lifted": lifted }))
    }
}

fn seconds(time: Duration) -> u64 {
    time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0))
}
