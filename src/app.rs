//! One running sidecar: built from a policy, drained on request.

mod credentials;

mod journal;

mod sockets;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use sekisho_filters::Witness;
use sekisho_filters::access::Door;
use sekisho_filters::limits::LimitsLayer;
use sekisho_filters::order_gate::{OrderLedger, SafetyView};
use sekisho_filters::redact::RedactLayer;
use sekisho_journal::{Event, EventType};
use sekisho_policy::{Listener, Policy};
use sekisho_scan::Ruleset;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admin::{Admin, AdminPort, HealthPort};
use crate::compile::{self, CompileError};
use crate::control::bundles::StoredBundles;
use crate::control::clock::since_boot;
use crate::control::preconditions::Preconditions;
use crate::control::release::Bounds;
use crate::control::safety::now_ms;
use crate::control::signals::monitors::Monitors;
use crate::control::{BreakGlass, Gates, Incidents, Releases, Safety, Signals, history, positions, signals, watch};
use crate::data::chain::Parts;
use crate::data::classify::{Decisions, Routes};
use crate::data::ledger::Ledger;
use crate::data::listener::{ConnectionLimits, Handle, Listening};
use crate::data::secure::ServerTls;
use crate::data::streams;
use crate::data::upstream::Upstreams;
use crate::data::workers;
use crate::evidence::keep::Early;
use crate::evidence::seal::Vault;
use crate::evidence::{Journal, OpenError};
use crate::identity::book::{BookError, Shelf};
use crate::identity::credentials::Credentials;
use crate::identity::{self, kept, kept::KeptFiles};
use crate::telemetry::{Metrics, Recorder, log};
use crate::tls::{Tls, TlsError, Watch};
pub(crate) use journal::open_journal;
use sockets::{Entrance, Sockets};

/// Why the sidecar did not start. Each is one clear line.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The policy cannot be run here.
    #[error(transparent)]
    Compile(#[from] CompileError),
    /// A secret cannot be read.
    #[error(transparent)]
    Secret(#[from] identity::SecretError),
    /// TLS cannot be spoken as policy says.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// What was decided about credentials cannot be read.
    #[error("access/book: {0}")]
    Book(#[from] BookError),
    /// The journal cannot be opened.
    #[error("journal: {0}")]
    Journal(#[from] OpenError),
    /// Keys of sealed files cannot be kept.
    #[error("at_rest: {0}")]
    AtRest(String),
    /// A port, a file or the system said no.
    #[error("{0}")]
    System(#[from] std::io::Error),
    /// The metrics cannot be registered.
    #[error("metrics: {0}")]
    Metrics(#[from] prometheus::Error),
    /// The system gives no random bytes.
    #[error("random bytes: {0}")]
    Random(#[from] getrandom::Error),
}

/// A sidecar that runs.
#[derive(Debug)]
pub struct App {
    /// Where it listens.
    pub addresses: Addresses,
    /// Where log protocols that are not HTTP come in, by the name of their stream.
    pub streams: Vec<(Arc<str>, SocketAddr)>,
    /// What is in force.
    pub safety: Arc<Safety>,
    /// Why it started in BLOCK without anybody asking for it, if it did.
    pub unverified: Option<&'static str>,
    journal: Journal,
    drain: CancellationToken,
    tasks: TaskTracker,
}

/// Where a sidecar listens: as bound, so a port of 0 in policy has become a real one.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    /// Ingress.
    pub ingress: Option<SocketAddr>,
    /// Egress.
    pub egress: Option<SocketAddr>,
    /// Admin API.
    pub admin: SocketAddr,
    /// Health and metrics.
    pub health: SocketAddr,
}

impl App {
    /// Starts the sidecar on `data`. When this returns, every port is bound and the state is in force. `file` is what the
    /// policy was read from, to be compared with it from now on.
    ///
    /// # Errors
    ///
    /// [`StartError`]; nothing runs then.
    pub async fn start(policy: &Policy, data: &Path, file: Option<&Path>) -> Result<Self, StartError> {
        let sockets = Sockets::bind(policy).await?;
        let (shared, raised) = Shared::open(policy, data)?;
        log::scrub_with(shared.journal.scrub());
        let app = Self {
            addresses: sockets.addresses()?,
            streams: sockets.streams.addresses()?,
            safety: Arc::clone(&shared.safety),
            unverified: shared.unverified,
            journal: shared.journal.clone(),
            drain: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        app.spawn(Arc::clone(&shared.incidents).watch());
        let metrics = shared.metrics.clone();
        app.spawn(signals::contain(
            raised,
            Arc::clone(&app.safety),
            Arc::clone(&shared.incidents),
            app.journal.clone(),
            move |name| metrics.raised(name.as_str()),
        ));
        app.look_after(policy, (data, file), &shared);
        app.spawn(watch::on_sigusr1(Arc::clone(&app.safety))?);
        if let Some(path) = policy.safety.sentinel.clone() {
            app.spawn(watch::sentinel(path, policy.safety.sentinel_interval, Arc::clone(&app.safety)));
        }
        app.look_after_credentials(policy, &shared)?;
        let (door, files) = (Arc::clone(&shared.door), Arc::clone(&shared.kept));
        app.tasks.spawn(kept::keep(door, files, policy.auth_failures.save_interval, app.drain.clone()));
        if let Some(vault) = &shared.vault {
            vault.note_use(data).map_err(|why| StartError::AtRest(why.to_string()))?;
        }
        app.spawn(compile::keeper(policy, data, &app.journal, shared.vault.as_ref()).keep());
        // Before anything is let through: what was loosened in an emergency is over.
        shared.break_glass.elapse(since_boot()).await;
        app.serve((policy, data), sockets, &shared)?;
        let watch =
            Watch { interval: policy.monitors.certificate_interval, expiry: policy.monitors.certificate_expiry };
        app.spawn(shared.tls.clone().watch(watch, app.journal.clone())?);
        app.journal.record(
            Event::new(EventType::Operation, "start")
                .with_input("policy_hash", policy.hash())
                .with_input("service", &*policy.service)
                .with_output("state", app.safety.effective(&[]).posture.as_str())
                .with_output("unverified", app.unverified.unwrap_or_default()),
        );
        Ok(app)
    }

    fn serve(&self, (policy, data): (&Policy, &Path), sockets: Sockets, shared: &Shared) -> Result<(), StartError> {
        let limits = compile::connection_limits(policy);
        let mut entrances = Vec::new();
        for (listener, socket) in [(Listener::Ingress, sockets.ingress), (Listener::Egress, sockets.egress)] {
            let Some(socket) = socket else { continue };
            let entries = compile::entries(policy, listener)?;
            compile::position_sources(policy, &entries).for_each(|(source, to)| self.spawn(positions::ask(source, to)));
            let routes = Routes::new(listener, entries, Arc::clone(&shared.decisions));
            let routes = Arc::new(routes.behind(compile::hops(policy, listener)));
            let (room, peers, tls) = (limits.room(), limits.peers(), shared.tls.of(listener));
            entrances.push(Entrance { socket, routes, limits, room, peers, tls });
        }
        let parts = shared.parts(policy);
        for number in 0..compile::workers(policy) {
            // A worker has upstream connections of its own; all parts are shared.
            let upstreams = Upstreams::new(compile::upstreams(policy, &shared.tls.upstreams)?);
            let listening = || entrances.iter().map(|entrance| entrance.gate(&parts, &upstreams)).collect();
            workers::spawn(number, listening, self.drain.clone(), self.tasks.token())?;
        }
        let (redact, witness) = (parts.redact, parts.witness);
        let feeds = streams::Shared { redact, witness, decisions: Arc::clone(&shared.decisions) };
        sockets.streams.spawn(feeds, self.drain.clone(), self.tasks.token())?;
        let admin = shared.admin(policy, data);
        self.listen(limits, (sockets.admin, None), AdminPort(Arc::clone(&admin)));
        self.listen(limits, (sockets.health, shared.tls.health.clone()), HealthPort(admin));
        Ok(())
    }

    fn look_after(&self, policy: &Policy, (data, file): (&Path, Option<&Path>), shared: &Shared) {
        let monitors = Arc::new(Monitors {
            policy: policy.monitors.clone(),
            data: data.to_path_buf(),
            pinned: file.map(|file| (file.to_path_buf(), policy.hash().to_owned())),
            safety: Arc::clone(&self.safety),
            journal: self.journal.clone(),
            signals: Arc::clone(&shared.signals),
        });
        self.spawn(Arc::clone(&monitors).watch());
        self.spawn(Arc::clone(&monitors).verify());
        self.spawn(monitors.compare());
        self.spawn(Arc::clone(&shared.break_glass).watch());
        self.spawn(Arc::clone(&shared.gates).watch());
        for gate in policy.gates.iter().filter(|gate| gate.probe.is_some()) {
            self.spawn(Arc::clone(&shared.gates).probe(gate.clone()));
        }
    }

    fn listen<H: Handle>(&self, limits: ConnectionLimits, (socket, tls): (TcpListener, MayTls), handler: H) {
        let listening = Listening { socket, handler, limits, room: limits.room(), peers: limits.peers(), tls };
        self.tasks.spawn(listening.serve(self.drain.clone()));
    }

    /// Runs until the sidecar is drained; then it is dropped.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let drain = self.drain.clone();
        self.tasks.spawn(async move {
            drain.run_until_cancelled(task).await;
        });
    }

    /// Stops accepting, lets what is under way finish for as long as policy says, and seals the journal.
    pub async fn drain(self) {
        self.journal.record(Event::new(EventType::Operation, "drain"));
        self.drain.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        if let Err(error) = self.journal.close().await {
            tracing::error!("the journal was not closed in good order: {error}");
        }
    }
}

/// How TLS is spoken on a listener, if it is.
type MayTls = Option<Arc<ServerTls>>;

/// What the listeners share.
struct Shared {
    rules: Arc<Ruleset>,
    door: Arc<Door>,
    kept: Arc<KeptFiles>,
    credentials: Arc<Credentials>,
    journal: Journal,
    ledger: Arc<Ledger>,
    vault: Option<Arc<Vault>>,
    safety: Arc<Safety>,
    incidents: Arc<Incidents>,
    break_glass: Arc<BreakGlass>,
    gates: Arc<Gates>,
    signals: Arc<Signals>,
    unverified: Option<&'static str>,
    metrics: Metrics,
    tls: Tls,
    recorder: Arc<Recorder>,
    decisions: Arc<Decisions>,
}

impl Shared {
    fn open(policy: &Policy, data: &Path) -> Result<(Self, mpsc::Receiver<signals::Raised>), StartError> {
        let rules = Arc::new(compile::ruleset(policy)?);
        let (door, kept) = identity::door(policy, KeptFiles::open(data)?)?;
        let vault = compile::vault(policy)?;
        let shelf = Shelf::new(data, vault.clone());
        let credentials = Credentials::open(Arc::clone(&door), shelf, policy.identity.clone()).map(Arc::new)?;
        let journal = open_journal(policy, data, &rules, vault.clone())?;
        let ledger = Arc::new(Ledger::open(data, &policy.orders_ledger)?);
        let loaded = history::load(data, &journal.files(), now_ms())?;
        let safety = Arc::new(Safety::new(loaded.state, loaded.files, journal.clone(), policy.safety.settle_timeout));
        let incidents =
            Incidents::open(data, policy.incidents.clone(), Arc::clone(&safety), journal.clone()).map(Arc::new)?;
        let break_glass =
            BreakGlass::open(data, Arc::clone(&safety), Arc::clone(&incidents), journal.clone()).map(Arc::new)?;
        let (signals, raised) = Signals::new(&policy.signals);
        let signals = Arc::new(signals);
        let gates = Arc::new(Gates::new(&policy.gates, signals.sender(), journal.clone(), since_boot()));
        let metrics = Metrics::new()?;
        let counting = metrics.clone();
        let tls = Tls::load(policy, move |listener, how| counting.handshake(listener, how.as_str()))?;
        let recorder = Recorder::new(journal.clone(), metrics.clone(), Arc::clone(&signals));
        let recorder = Arc::new(recorder.with_digests(compile::fingerprint_key(policy)?));
        let mut boot = [0; 8];
        getrandom::fill(&mut boot)?;
        let decisions = Arc::new(Decisions::new(u64::from_be_bytes(boot)));
        let unverified = loaded.unverified;
        Ok((
            Self {
                rules,
                door,
                kept,
                credentials,
                journal,
                ledger,
                vault,
                safety,
                incidents,
                break_glass,
                gates,
                signals,
                unverified,
                metrics,
                tls,
                recorder,
                decisions,
            },
            raised,
        ))
    }

    fn parts(&self, policy: &Policy) -> Parts {
        let witness = Arc::clone(&self.recorder) as Arc<dyn Witness>;
        let rules = Arc::clone(&self.rules);
        Parts {
            limits: LimitsLayer::new(compile::request_limits(policy)),
            door: Arc::clone(&self.door),
            redact: RedactLayer::new(rules, Arc::clone(&witness), compile::redact_limits(policy)),
            safety: Arc::clone(&self.safety) as Arc<dyn SafetyView>,
            ledger: Arc::clone(&self.ledger) as Arc<dyn OrderLedger>,
            order_limits: compile::order_limits(policy),
            witness,
        }
    }

    fn admin(&self, policy: &Policy, data: &Path) -> Arc<Admin> {
        let bundles = Arc::new(compile::bundles(policy, data, &self.rules, self.vault.as_ref()));
        let key = self.journal.verifier_key().clone();
        let preconditions = Preconditions {
            safety: Arc::clone(&self.safety),
            incidents: Arc::clone(&self.incidents),
            gates: Arc::clone(&self.gates),
            journal: self.journal.clone(),
            bundles: Some(Arc::new(StoredBundles { maker: Arc::clone(&bundles), key })),
            min_stay: policy.safety.min_stay,
        };
        let safety = &policy.safety;
        let bounds = Bounds { ttl: safety.challenge_ttl, most: safety.challenges, break_glass: safety.break_glass };
        let releases = Releases::new(preconditions, Arc::clone(&self.break_glass), bounds);
        let keeper = compile::keeper(policy, data, &self.journal, self.vault.as_ref());
        Arc::new(Admin {
            early: Arc::new(Early::new(keeper, safety.challenge_ttl)),
            releases: Arc::new(releases),
            incidents: Arc::clone(&self.incidents),
            gates: Arc::clone(&self.gates),
            safety: Arc::clone(&self.safety),
            journal: self.journal.clone(),
            door: Arc::clone(&self.door),
            credentials: Arc::clone(&self.credentials),
            matrix: policy.matrix,
            recorder: Arc::clone(&self.recorder),
            metrics: self.metrics.clone(),
            decisions: Arc::clone(&self.decisions),
            bundles,
            policy_hash: Arc::from(policy.hash()),
            unverified: self.unverified,
        })
    }
}
