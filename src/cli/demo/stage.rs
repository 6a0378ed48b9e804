use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use sekisho_policy::Policy;

use super::upstream::Upstream;
use crate::app::App;
use crate::cli::{Terminal, wire};
use crate::data::inherited::Inherited;
use crate::identity::new_key::{NewKey, new_key, random_text};

/// Everything the scenes play on.
pub(super) struct Stage {
    pub(super) app: App,
    pub(super) collector: Upstream,
    pub(super) venue: Upstream,
    pub(super) ann: NewKey,
    pub(super) bob: NewKey,
    pub(super) desk: NewKey,
    /// A secret of the service that the sidecar knows by reference.
    pub(super) known: String,
    pub(super) dir: PathBuf,
}

impl Stage {
    pub(super) async fn build() -> Result<Self, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        let name = random_text(12).map_err(|error| text(&error))?;
        let dir = std::env::temp_dir().join(format!("sekisho-demo-{}", name.as_str()));
        std::fs::create_dir_all(&dir).map_err(|error| text(&error))?;
        let pepper = random_text(64).map_err(|error| text(&error))?;
        let known = random_text(40).map_err(|error| text(&error))?.to_string();
        std::fs::write(dir.join("pepper"), pepper.as_bytes()).map_err(|error| text(&error))?;
        std::fs::write(dir.join("venue-key"), &known).map_err(|error| text(&error))?;
        let key = |id: &str| new_key(id, pepper.as_bytes()).map_err(|error| text(&error));
        let (ann, bob, desk) = (key("ann")?, key("bob")?, key("desk")?);
        let (collector, collector_at) = Upstream::start().await.map_err(|error| text(&error))?;
        let (venue, venue_at) = Upstream::start().await.map_err(|error| text(&error))?;
        let yaml = policy(&dir, [&ann, &bob, &desk], collector_at, venue_at);
        let policy = Policy::parse("demo", &yaml).map_err(|errors| errors.to_string())?;
        let app =
            App::start(&policy, (&dir.join("data"), None), Inherited::default()).await.map_err(|error| text(&error))?;
        Ok(Self { app, collector, venue, ann, bob, desk, known, dir })
    }

    /// Sends to one of the sidecar's ports.
    pub(super) async fn send(
        address: SocketAddr,
        line: (&str, &str),
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Response<Bytes>, String> {
        let mut request = Request::builder().method(line.0).uri(line.1).header("host", address.to_string());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(body.into())).map_err(|error| error.to_string())?;
        wire::send(&address.to_string(), request).await
    }

    /// Says where everything answers, and waits for Ctrl-C.
    pub(super) async fn stay(&self, terminal: &mut Terminal<'_>) {
        let addresses = self.app.addresses;
        terminal.say("");
        terminal.say(format_args!("It stays up. Admin answers at http://{}, for example:", addresses.admin));
        terminal.say(format_args!("  sekisho status --admin {}", addresses.admin));
        terminal.say(format_args!("  curl -s http://{}/v1/events", addresses.admin));
        terminal.say(format_args!("  curl -s http://{}/metrics", addresses.health));
        terminal.say(format_args!("  sekisho journal verify --data {}", self.dir.join("data").display()));
        terminal.say("Ctrl-C ends it.");
        terminal.out.flush().unwrap_or_default();
        // Without a way to be told to end it would rather end now.
        let _asked = tokio::signal::ctrl_c().await;
    }

    /// Ends the sidecar and removes what it kept.
    pub(super) async fn strike(self) {
        self.app.drain().await;
        std::fs::remove_dir_all(&self.dir).unwrap_or_default();
    }
}

fn policy(dir: &std::path::Path, keys: [&NewKey; 3], collector: SocketAddr, venue: SocketAddr) -> String {
    let [ann, bob, desk] = keys.map(|key| &key.hash);
    let (dir, admin, health) = (dir.display(), port(9911), port(9912));
    format!(
        r#"version: 1
service: demo
data_dir: {dir}/data
listeners:
  ingress: 127.0.0.1:0
  egress: 127.0.0.1:0
  admin: 127.0.0.1:{admin}
  health: 127.0.0.1:{health}
upstreams:
  collector: {{ url: "http://{collector}" }}
  venue: {{ url: "http://{venue}" }}
routes:
  - name: reports
    listener: ingress
    match: {{ path_prefix: /reports }}
    upstream: collector
    roles: [service]
  - name: logs
    listener: egress
    match: {{ path_prefix: /logs }}
    upstream: collector
  - name: orders
    listener: egress
    match: {{ path_prefix: /v2 }}
    upstream: venue
    allow_headers: [apca-api-key-id, apca-api-secret-key]
    orders: {{ pack: alpaca }}
    scopes: ["venue:alpaca"]
secrets:
  - {{ name: venue-key, ref: "file:{dir}/venue-key" }}
identity:
  pepper: "file:{dir}/pepper"
  keys:
    - {{ id: ann, role: operator, hash: {ann} }}
    - {{ id: bob, role: operator, hash: {bob} }}
    - {{ id: desk, role: service, hash: {desk} }}
auth_failures: {{ per_pair: 3, lockout: 30s }}
safety: {{ min_stay: 0s }}
"#
    )
}

/// The usual port if it is free, else any.
fn port(usual: u16) -> u16 {
    TcpListener::bind(("127.0.0.1", usual)).map_or(0, |_free| usual)
}
