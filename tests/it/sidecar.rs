//! The binary, running on a data directory of its own.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::client::{Answer, send};
use crate::upstream::Upstream;

/// A sidecar that runs; killed when dropped.
pub(crate) struct Sidecar {
    pub(crate) dir: TempDir,
    pub(crate) ingress: SocketAddr,
    pub(crate) egress: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) health: SocketAddr,
    /// What it said when it started.
    said: String,
    child: Child,
    out: BufReader<ChildStdout>,
}

/// Secrets of the keys every test sidecar knows: made here, and so as fake as can be.
pub(crate) const ANN: &str = "sekisho_ann_ann0123456789abcdefghijklmnopqrstuvwxyz";
pub(crate) const BOB: &str = "sekisho_bob_bob0123456789abcdefghijklmnopqrstuvwxyz";
pub(crate) const DESK: &str = "sekisho_desk_desk0123456789abcdefghijklmnopqrstuvwxyz";
/// A second key of the first person.
pub(crate) const ANN_TOO: &str = "sekisho_ann2_ann20123456789abcdefghijklmnopqrstuvwxyz";
/// An admin's.
pub(crate) const ROOT: &str = "sekisho_root_root0123456789abcdefghijklmnopqrstuvwxyz";
const PEPPER: &str = "a pepper for tests, of some length";

/// The known secret every test sidecar searches for.
pub(crate) fn known() -> String {
    ["Vn3uE", "xq8Rk", "0Zt6y", "Lw2Pc", "Hd9Js"].concat()
}

/// What becomes of it.
pub(crate) fn masked_known() -> String {
    ["****", "d9Js"].concat()
}

/// Another, which is the same in lower case.
pub(crate) fn lower() -> String {
    known().to_lowercase()
}

/// The binary. `SEKISHO_TEST_BINARY` names another build of it, for what is to be measured.
pub(crate) fn binary() -> Command {
    let other = std::env::var_os("SEKISHO_TEST_BINARY");
    let mut command = Command::new(other.unwrap_or_else(|| env!("CARGO_BIN_EXE_sekisho").into()));
    for name in ["SEKISHO_POLICY", "SEKISHO_DATA", "SEKISHO_ADMIN", "SEKISHO_API_KEY"] {
        command.env_remove(name);
    }
    command
}

impl Sidecar {
    /// Starts with the state that nothing stored comes to: BLOCK.
    pub(crate) fn blocked(upstream: &Upstream) -> Self {
        Self::with(upstream, "")
    }

    /// Starts, and has two people release it all the way.
    pub(crate) fn open(upstream: &Upstream) -> Self {
        let sidecar = Self::blocked(upstream);
        sidecar.release_all();
        sidecar
    }

    /// Starts with `more` added to the policy.
    pub(crate) fn with(upstream: &Upstream, more: &str) -> Self {
        Self::with_app(upstream.address, more)
    }

    /// As [`with`](Self::with), in front of a server that was not written here.
    pub(crate) fn with_app(app: SocketAddr, more: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("pepper"), PEPPER).unwrap();
        std::fs::write(dir.path().join("known"), known()).unwrap();
        std::fs::write(dir.path().join("lower"), lower()).unwrap();
        std::fs::write(dir.path().join("policy.yaml"), policy(dir.path(), app, more)).unwrap();
        Self::on(dir)
    }

    /// Starts with `orders` in the place of what the order route says of its orders.
    pub(crate) fn judging(upstream: &Upstream, orders: &str) -> Self {
        Self::edited(upstream, "{ pack: alpaca }", orders)
    }

    /// Starts with `now` in the place of `before` in the policy.
    pub(crate) fn edited(upstream: &Upstream, before: &str, now: &str) -> Self {
        let sidecar = Self::blocked(upstream);
        let (_, dir) = sidecar.stop();
        let path = dir.path().join("policy.yaml");
        let policy = std::fs::read_to_string(&path).unwrap().replace(before, now);
        assert!(policy.contains(now));
        std::fs::write(&path, policy).unwrap();
        Self::on(dir)
    }

    /// Starts on what is in `dir`.
    pub(crate) fn on(dir: TempDir) -> Self {
        Self::spawned(dir, binary())
    }

    /// Starts on what is in `dir`, with system calls that fail as strace is told to have them fail.
    pub(crate) fn with_faults(dir: TempDir, inject: &str) -> Self {
        let mut strace = Command::new("strace");
        strace.args(["-f", "-qqq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e"]);
        strace.arg(format!("inject={inject}")).arg(binary().get_program());
        Self::spawned(dir, strace)
    }

    /// Starts with a data directory on a file system of its own, of so many MiB, in memory. `None` where this machine lets nobody
    /// make one.
    pub(crate) fn with_small_disk(upstream: &Upstream, mib: u32, more: &str) -> Option<Self> {
        if !Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success()) {
            return None;
        }
        let (_, dir) = Self::with(upstream, more).stop();
        std::fs::remove_dir_all(dir.path().join("data")).unwrap();
        std::fs::create_dir(dir.path().join("data")).unwrap();
        let mount = format!("mount -t tmpfs -o size={mib}m,mode=700 small \"$0\" && exec \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &mount]).arg(dir.path().join("data")).arg(binary().get_program());
        Some(Self::spawned(dir, command))
    }

    /// The data directory as the sidecar sees it, which may have file systems of its own.
    pub(crate) fn data_as_seen(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.child.id()));
        root.join(self.data().strip_prefix("/").unwrap())
    }

    /// Starts on what is in `dir` by way of a command.
    pub(crate) fn spawned(dir: TempDir, mut command: Command) -> Self {
        let mut child = command
            .arg("run")
            .arg("--policy")
            .arg(dir.path().join("policy.yaml"))
            .arg("--data")
            .arg(dir.path().join("data"))
            // Where it is, it stands for what this machine trusts.
            .env("SSL_CERT_FILE", dir.path().join("system.pem"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.lines().any(|line| line.starts_with("state")) {
            if out.read_line(&mut said).unwrap() == 0 {
                let mut why = String::new();
                child.stderr.take().unwrap().read_to_string(&mut why).unwrap();
                panic!("the sidecar did not start: {said}{why}");
            }
        }
        let at = |name: &str| {
            let line = said.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}: {said}"));
            line.rsplit('/').next().unwrap().parse().unwrap()
        };
        let (ingress, egress, admin, health) = (at("ingress"), at("egress"), at("admin"), at("health"));
        Self { dir, ingress, egress, admin, health, said, child, out }
    }

    /// Where a stream listens.
    pub(crate) fn stream(&self, name: &str) -> SocketAddr {
        let end = format!(" ({name})");
        let line = self.said.lines().find_map(|line| line.strip_prefix("stream")?.strip_suffix(&end));
        line.unwrap().trim().strip_prefix("tcp://").unwrap().parse().unwrap()
    }

    /// Where it accepts the FIX sessions of this name.
    pub(crate) fn fix(&self, name: &str) -> SocketAddr {
        let line = self.said.lines().find(|line| line.starts_with("fix") && line.ends_with(&format!("({name})")));
        line.and_then(|line| line.split_whitespace().nth(1)).unwrap().parse().unwrap()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The process itself: under strace it is the child of the child.
    fn process(&self) -> String {
        let id = self.child.id();
        let name = std::fs::read_to_string(format!("/proc/{id}/comm")).unwrap_or_default();
        let below = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        let below = below.split_whitespace().next().filter(|_| name.trim_end() == "strace");
        below.map_or_else(|| id.to_string(), str::to_owned)
    }

    /// Sends a signal of the operating system.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.process()]).status().unwrap();
        assert!(status.success());
    }

    /// Kills it as a power cut would, and gives its directory back.
    pub(crate) fn kill(mut self) -> TempDir {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap())
    }

    /// Drains it, and gives its exit code and directory back.
    pub(crate) fn stop(mut self) -> (Option<i32>, TempDir) {
        self.signal("TERM");
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        let code = self.child.wait().unwrap().code();
        (code, std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap()))
    }

    /// Drains it, and gives everything it said and its directory back.
    pub(crate) fn ended(mut self) -> (String, TempDir) {
        self.signal("TERM");
        let mut said = String::new();
        self.out.read_to_string(&mut said).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        self.child.wait().unwrap();
        (said, std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap()))
    }

    pub(crate) fn state(&self) -> Value {
        send(self.admin, "GET /v1/state", &[], b"").json()
    }

    /// Reads what an admin may read.
    pub(crate) fn look(&self, path: &str) -> Answer {
        send(self.admin, &format!("GET {path}"), &[("x-api-key", ROOT)], b"")
    }

    pub(crate) fn posture(&self) -> String {
        self.state()["posture"].as_str().unwrap().to_owned()
    }

    pub(crate) fn change(&self, path: &str, key: &str, body: &Value) -> Answer {
        let headers = [("x-api-key", key), ("content-type", "application/json")];
        send(self.admin, &format!("POST {path}"), &headers, body.to_string().as_bytes())
    }

    pub(crate) fn tighten(&self, switch: &str) -> Answer {
        self.change("/v1/tighten", ANN, &json!({ "switch": switch, "reason": "test" }))
    }

    /// A bundle of every incident, without which nothing is released.
    pub(crate) fn secure_evidence(&self) {
        let incidents = self.look("/v1/incidents").json();
        for incident in incidents["incidents"].as_array().unwrap() {
            let made = self.change("/v1/bundles", ANN, &json!({ "incident": incident["id"] }));
            assert_eq!(made.status, 201, "{made:?}");
        }
    }

    /// One stage, by two people.
    pub(crate) fn release(&self) {
        self.secure_evidence();
        let proposed = self.change("/v1/release/propose", ANN, &json!({ "reason": "test" }));
        assert_eq!(proposed.status, 200, "{proposed:?}");
        let proposed = proposed.json();
        let answer = json!({ "id": proposed["challenge"]["id"], "code": proposed["code"] });
        let confirmed = self.change("/v1/release/confirm", BOB, &answer);
        assert_eq!(confirmed.status, 200, "{confirmed:?}");
    }

    pub(crate) fn release_all(&self) {
        while self.posture() != "ALLOW" {
            self.release();
        }
    }

    /// Waits until `holds`, for as long as anything here may take.
    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < Duration::from_secs(60), "{what}: {}", self.state());
            std::thread::yield_now();
        }
    }

    /// Runs a command of the CLI against this sidecar.
    pub(crate) fn cli(&self, key: &str, args: &[&str]) -> Output {
        binary().args(args).env("SEKISHO_ADMIN", self.admin.to_string()).env("SEKISHO_API_KEY", key).output().unwrap()
    }

    /// Records of the journal whose type is `kind`.
    pub(crate) fn events(&self, kind: &str) -> Vec<Value> {
        let answer = send(self.admin, "GET /v1/events?limit=1000", &[], b"");
        let text = String::from_utf8(answer.body).unwrap();
        let lines = text.lines().filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|event| event["event_type"] == kind)
            .collect()
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        let process = self.process();
        if process != self.child.id().to_string() {
            Command::new("kill").args(["-s", "KILL", &process]).status().map(drop).unwrap_or_default();
        }
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

fn hash(id: &str) -> String {
    let secret = format!("{id}0123456789abcdefghijklmnopqrstuvwxyz");
    let digest = sekisho_filters::access::Keys::digest(PEPPER.as_bytes(), secret.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn policy(dir: &Path, upstream: SocketAddr, more: &str) -> String {
    let dir = dir.display();
    // Most tests are about something else than waiting.
    let safety = if more.contains("safety:") { "" } else { "safety: { min_stay: 0s }" };
    let [ann, ann2, bob, desk, root] = ["ann", "ann2", "bob", "desk", "root"].map(hash);
    format!(
        r#"version: 1
service: test
data_dir: {dir}/data
workers: 2
listeners: {{ ingress: "127.0.0.1:0", egress: "127.0.0.1:0", admin: "127.0.0.1:0", health: "127.0.0.1:0" }}
upstreams:
  app: {{ url: "http://{upstream}" }}
routes:
  - {{ name: door, listener: ingress, match: {{ path_prefix: /door }}, upstream: app, roles: [service], websocket: true }}
  - {{ name: export, listener: ingress, match: {{ path_prefix: /export }}, upstream: app, redact: {{ response: true }}, websocket: true }}
  - {{ name: plain, listener: ingress, match: {{ path_prefix: /plain }}, upstream: app }}
  - {{ name: open, listener: ingress, match: {{ host: rest.example }}, upstream: app }}
  - {{ name: logs, listener: egress, match: {{ path_prefix: /logs }}, upstream: app }}
  - {{ name: meant, listener: egress, match: {{ path_prefix: /meant }}, upstream: app, allow_headers: [authorization], allow_query: [token] }}
  - {{ name: orders, listener: egress, match: {{ path_prefix: /v2 }}, upstream: app, orders: {{ pack: alpaca }}, scopes: ["venue:alpaca"] }}
  - {{ name: sockets, listener: egress, match: {{ path_prefix: /ws }}, upstream: app, websocket: true }}
  - name: desk
    listener: egress
    match: {{ path_prefix: /desk }}
    upstream: app
    websocket: true
    allow_fields: [args.key]
    orders:
      rules:
        instruments: [symbol]
        websocket: {{ operation: [op], params: args, prefix: /, id: id, words: [ping], refused: '{{"id":{{id}},"op":"{{operation}}","error":"{{message}}"}}' }}
        rules:
          - {{ methods: [GET], paths: [/desk], class: keep_alive }}
          - {{ methods: [WS], paths: [/order], class: opening }}
          - {{ methods: [WS], paths: [/cancel], class: cancel }}
          - {{ methods: [WS], paths: [/login], class: keep_alive }}
  - {{ name: rest, listener: egress, match: {{ host: rest.example }}, upstream: app }}
secrets:
  - {{ name: known, ref: "file:{dir}/known" }}
  - {{ name: lower, ref: "file:{dir}/lower" }}
identity:
  pepper: "file:{dir}/pepper"
  keys:
    - {{ id: ann, person: ann, role: operator, hash: {ann} }}
    - {{ id: ann2, person: ann, role: operator, hash: {ann2} }}
    - {{ id: bob, person: bob, role: operator, hash: {bob} }}
    - {{ id: desk, role: service, hash: {desk} }}
    - {{ id: root, person: cat, role: admin, hash: {root} }}
journal: {{ flush_interval: 5ms }}
{safety}
{more}
"#
    )
}
