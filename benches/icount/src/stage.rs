//! The data path without its listener: policy, state, journal, chain, and an upstream.

use std::error::Error;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt as _;
use sekisho::compile;
use sekisho::control::{Safety, Signals, StateFiles};
use sekisho::data::chain::{Chain, Parts, chain};
use sekisho::data::classify::{Decisions, Routes};
use sekisho::data::ledger::Ledger;
use sekisho::data::upstream::Upstreams;
use sekisho::evidence::{Journal, JournalSettings};
use sekisho::identity::{self, kept::KeptFiles};
use sekisho::telemetry::{Metrics, Recorder};
use sekisho_filters::limits::LimitsLayer;
use sekisho_filters::order_gate::{OrderLedger, OrderLimits, SafetyView};
use sekisho_filters::redact::RedactLayer;
use sekisho_filters::{Body, Hop, Witness};
use sekisho_policy::{Listener, OrderRules, Policy};
use sekisho_safety::State;

/// Everything a request meets, in BLOCK.
pub(crate) struct Stage {
    pub(crate) safety: Arc<Safety>,
    pub(crate) order_limits: OrderLimits,
    dir: PathBuf,
    policy: Policy,
    journal: Journal,
    upstream: Child,
}

impl Stage {
    pub(crate) fn new(dir: &Path) -> Result<Self, Box<dyn Error>> {
        let mut upstream = Command::new(std::env::current_exe()?);
        let mut upstream = upstream.arg("upstream").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut address = String::new();
        BufReader::new(upstream.stdout.take().ok_or("no output")?).read_line(&mut address)?;
        let text = include_str!("../policy.yaml").replace("@UPSTREAM@", address.trim());
        let policy = Policy::parse("policy.yaml", &text)?;
        let journal = Journal::open(JournalSettings::new(dir, "icount/journal"), Arc::new(str::to_owned))?;
        let files = StateFiles::open(dir, 0)?.files;
        let state = State::unverified("for the count", 0);
        let safety = Arc::new(Safety::new(state, files, journal.clone(), Duration::from_secs(1)));
        Ok(Self {
            safety,
            order_limits: compile::order_limits(&policy),
            dir: dir.to_owned(),
            policy,
            journal,
            upstream,
        })
    }

    pub(crate) fn routes(&self, listener: Listener) -> Result<Routes, Box<dyn Error>> {
        Ok(Routes::new(listener, compile::entries(&self.policy, listener, None)?, Arc::new(Decisions::new(1))))
    }

    pub(crate) fn rules(&self, route: &str) -> Result<Arc<OrderRules>, Box<dyn Error>> {
        let entries = compile::entries(&self.policy, Listener::Egress, None)?;
        let entry = entries.into_iter().find(|entry| &*entry.route.name == route).ok_or("no such route")?;
        Ok(Arc::clone(&entry.route.orders.as_ref().ok_or("no order route")?.rules))
    }

    pub(crate) fn chain(&self) -> Result<impl Chain + use<>, Box<dyn Error>> {
        let (signals, _raised) = Signals::new(&self.policy.signals);
        let witness: Arc<dyn Witness> =
            Arc::new(Recorder::new(self.journal.clone(), Metrics::new()?, Arc::new(signals)));
        let rules = Arc::new(compile::ruleset(&self.policy)?);
        let (door, _kept) = identity::door(&self.policy, KeptFiles::open(&self.dir)?)?;
        let parts = Parts {
            contained: Arc::default(),
            limits: LimitsLayer::new(compile::request_limits(&self.policy)),
            door,
            redact: RedactLayer::new(rules, Arc::clone(&witness), compile::redact_limits(&self.policy)),
            safety: Arc::clone(&self.safety) as Arc<dyn SafetyView>,
            ledger: Arc::new(Ledger::open(&self.dir, &self.policy.orders_ledger)?) as Arc<dyn OrderLedger>,
            order_limits: self.order_limits.clone(),
            witness,
        };
        Ok(chain(parts, Upstreams::new(&compile::upstreams(&self.policy, &Default::default())?)))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.upstream.stdin.take());
        drop(self.upstream.wait());
    }
}

/// One request through all of it, its answer read to the end. The status.
pub(crate) async fn pass(routes: &Routes, chain: &mut impl Chain, mut request: Request<Body>) -> u16 {
    let (exchange, outcome) = routes.classify(PEER, &mut request);
    if outcome.is_err() {
        return 0;
    }
    let Ok(response) = chain.call(Hop { exchange: Arc::new(exchange), request }).await;
    let status = response.status().as_u16();
    if response.into_body().collect().await.is_ok() { status } else { 0 }
}

pub(crate) fn get() -> Request<Body> {
    let request = Request::get("/1k").header("host", "127.0.0.1:21702").header("accept-encoding", "gzip, deflate");
    let request = request.header("user-agent", "python-requests/2.32.3").header("accept", "*/*");
    request.body(Body::empty()).unwrap_or_default()
}

pub(crate) fn order(path: &str, kind: &str, body: &'static str) -> Request<Body> {
    let request = Request::post(path).header("host", "127.0.0.1:21702").header("content-type", kind);
    let request = request.header("content-length", body.len()).header("user-agent", "python-requests/2.32.3");
    request.body(Body::full(body)).unwrap_or_default()
}

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
