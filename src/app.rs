//! One running sidecar: built from a policy, drained on request.

mod credentials;

mod journal;

mod shared;

mod sockets;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use sekisho_filters::Witness;
use sekisho_filters::order_gate::SafetyView;
use sekisho_journal::{Event, EventType};
use sekisho_policy::{Listener, Policy};
use sekisho_safety::Name;
use tokio::sync::Notify;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admin::{AdminPort, HealthPort};
use crate::compile::{self, CompileError, warnings};
use crate::control::clock::since_boot;
use crate::control::signals::monitors::Monitors;
use crate::control::{Safety, memory, positions, watch};
use crate::data::exposure::always;
use crate::data::fix::{self, FixAddresses};
use crate::data::inherited::Inherited;
use crate::data::listener::{ConnectionLimits, Handle, Listening};
use crate::data::secure::ServerTls;
use crate::data::streams;
use crate::data::upstream::{Site, Upstreams, health};
use crate::data::websocket::{Judge, WebSockets};
use crate::data::workers;
use crate::enforce::containments::With;
use crate::enforce::values::Intervals;
use crate::enforce::{Containments, Drill, Reload, hangup, rules, values};
use crate::evidence::{Journal, OpenError};
use crate::identity::book::BookError;
use crate::identity::{self, kept};
use crate::telemetry::Metrics;
use crate::telemetry::access_log::Writing;
use crate::telemetry::log;
use crate::tls::{TlsError, Watch};
pub(crate) use journal::open_journal;
use shared::{Controls, Shared};
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
    /// Where it accepts FIX sessions.
    pub fix: FixAddresses,
    /// What is in force.
    pub safety: Arc<Safety>,
    /// Why it started in BLOCK without anybody asking for it, if it did.
    pub unverified: Option<&'static str>,
    journal: Journal,
    access_log: Option<Writing>,
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
    pub async fn start(
        policy: &Policy,
        (data, file): (&Path, Option<&Path>),
        inherited: Inherited,
    ) -> Result<Self, StartError> {
        let sockets = Sockets::bind(policy, &inherited).await?;
        let (shared, raised) = Shared::open(policy, data)?;
        log::scrub_with(shared.journal.scrub());
        let reload = Arc::new(shared.reload(policy, file)?);
        let mut app = Self {
            fix: Vec::new(),
            addresses: sockets.addresses()?,
            streams: sockets.streams.addresses()?,
            safety: Arc::clone(&shared.safety),
            unverified: shared.unverified,
            journal: shared.journal.clone(),
            access_log: shared.access_log(policy)?,
            drain: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let with = With {
            journal: app.journal.clone(),
            reload: Arc::clone(&reload),
            exposures: Arc::clone(&sockets.exposures),
            safety: Arc::clone(&app.safety),
            incidents: Arc::clone(&shared.incidents),
        };
        // Before anything is served: what was contained still is.
        let containments = Containments::open(data, &app.journal.files(), shared.first, with).await?;
        let containments = Arc::new(containments);
        app.spawn(Arc::clone(&shared.incidents).watch());
        let metrics = shared.metrics.clone();
        let told = move |name: &Name| metrics.raised(name.as_str());
        app.spawn(rules::contain(raised, Arc::clone(&containments), told));
        app.look_after(policy, (data, &reload), &shared);
        app.spawn(warnings::days(Arc::clone(&shared.rules)));
        warnings::of(policy, warnings::today()).iter().for_each(|warning| tracing::warn!("{warning}"));
        let (raised, journal) = (shared.signals.sender(), app.journal.clone());
        let drill = Arc::new(Drill { reload: Arc::clone(&reload), journal, raised });
        app.spawn(Arc::clone(&drill).keep());
        let looked = app.heed(policy, &reload)?;
        app.look_after_credentials((policy, data), &shared)?;
        let (door, files) = (Arc::clone(&shared.door), Arc::clone(&shared.kept));
        app.tasks.spawn(kept::keep(door, files, policy.auth_failures.save_interval, app.drain.clone()));
        if let Some(vault) = &shared.vault {
            vault.note_use(data).map_err(|why| StartError::AtRest(why.to_string()))?;
        }
        app.spawn(compile::keeper(policy, data, &app.journal, shared.vault.as_ref()).keep());
        // Before anything is let through: what was loosened in an emergency is over.
        shared.break_glass.elapse(since_boot()).await;
        app.fix = app
            .serve((policy, data), (sockets, &inherited), (&shared, Controls { reload, containments, drill }))
            .await?;
        inherited.all_taken()?;
        let watch =
            Watch { interval: policy.monitors.certificate_interval, expiry: policy.monitors.certificate_expiry };
        app.spawn(shared.tls.clone().watch(watch, app.journal.clone(), looked));
        app.record_start(policy);
        Ok(app)
    }

    fn record_start(&self, policy: &Policy) {
        self.journal.record(
            Event::new(EventType::Operation, "start")
                .with_input("policy_hash", policy.hash())
                .with_input("service", &*policy.service)
                .with_output("state", self.safety.effective(&[]).posture.as_str())
                .with_output("unverified", self.unverified.unwrap_or_default()),
        );
    }

    async fn serve(
        &self,
        (policy, data): (&Policy, &Path),
        (sockets, inherited): (Sockets, &Inherited),
        (shared, controls): (&Shared, Controls),
    ) -> Result<FixAddresses, StartError> {
        let limits = compile::connection_limits(policy);
        let mut entrances = Vec::new();
        let Sockets { streams, exposures, admin: admin_socket, health } = sockets;
        for (listener, side) in [(Listener::Ingress, &exposures.ingress), (Listener::Egress, &exposures.egress)] {
            let Some(side) = side else { continue };
            let served = controls.reload.live.served();
            for (source, to) in compile::position_sources(policy, served.routes(listener)) {
                self.spawn(positions::ask(source, to));
            }
            let (room, peers, tls) = (limits.room(), limits.peers(), shared.tls.of(listener));
            entrances.push(Entrance { socket: side.socket(), listener, limits, room, peers, tls });
        }
        let witness = Arc::clone(&shared.recorder) as Arc<dyn Witness>;
        let log = self.access_log.as_ref().map(Writing::log).cloned();
        let traffic = shared.metrics.traffic.clone().logged(log);
        let judge = Arc::new(Judge::new(Arc::clone(&controls.reload.live), Arc::clone(&shared.decisions)));
        let open = (Arc::new(Semaphore::new(policy.limits.websockets)), limits.peers());
        let sites = compile::upstreams(policy, &shared.tls.upstreams)?;
        self.look_after_servers(policy, &sites, &shared.metrics);
        for number in 0..compile::workers(policy) {
            // A worker has upstream connections of its own; all parts are shared.
            let upstreams = Upstreams::new(&sites);
            let sockets = || WebSockets::new(Arc::clone(&judge), (&policy.limits).into(), open.clone());
            let listening = || {
                Ok(entrances
                    .iter()
                    .map(|entrance| entrance.gate(&controls.reload.live, (&witness, &traffic), (&upstreams, sockets())))
                    .collect())
            };
            workers::spawn(number, listening, self.drain.clone(), self.tasks.token())?;
        }
        let (live, witness) = (Arc::clone(&controls.reload.live), Arc::clone(&witness));
        let (decisions, tls) = (Arc::clone(&shared.decisions), shared.tls.streams.clone());
        let feeds = streams::Shared { live, witness, decisions, tls };
        streams.spawn(&feeds, &self.drain, self.tasks.token())?;
        let admin = shared.admin((policy, data), controls);
        self.listen(limits, (admin_socket, None), AdminPort(Arc::clone(&admin)));
        self.listen(limits, (health, shared.tls.health.clone()), HealthPort(admin));
        let sessions = compile::fix(policy, &shared.tls.fix);
        Ok(fix::open((sessions, &policy.limits, inherited), &judge, self.drain.clone(), self.tasks.token()).await?)
    }

    /// Heeds what it is told without the network: signals of the system, and files. Who else reads files is told when to.
    fn heed(&self, policy: &Policy, reload: &Arc<Reload>) -> Result<Arc<Notify>, StartError> {
        let looked = Arc::new(Notify::new());
        self.spawn(hangup::on_sighup(Arc::clone(reload), Arc::clone(&looked))?);
        let every = Intervals { files: policy.monitors.secret_interval, server: policy.monitors.openbao_interval };
        self.spawn(values::follow(Arc::clone(reload), every));
        self.spawn(watch::on_sigusr1(Arc::clone(&self.safety))?);
        if let Some(path) = policy.safety.sentinel.clone() {
            self.spawn(watch::sentinel(path, policy.safety.sentinel_interval, Arc::clone(&self.safety)));
        }
        Ok(looked)
    }

    fn look_after(&self, policy: &Policy, (data, reload): (&Path, &Arc<Reload>), shared: &Shared) {
        let monitors = Arc::new(Monitors {
            policy: policy.monitors.clone(),
            data: data.to_path_buf(),
            file: reload.file.clone(),
            in_force: Arc::clone(&reload.policy),
            safety: Arc::clone(&self.safety),
            journal: self.journal.clone(),
            signals: Arc::clone(&shared.signals),
        });
        let (in_force, pressure) = (Arc::clone(&reload.policy), reload.live.served().parts.limits.pressure().clone());
        self.spawn(memory::watch(in_force, pressure, policy.monitors.memory_interval));
        self.spawn(Arc::clone(&monitors).watch());
        self.spawn(Arc::clone(&monitors).verify());
        self.spawn(monitors.compare());
        self.spawn(Arc::clone(&shared.break_glass).watch());
        self.spawn(Arc::clone(&shared.gates).watch());
        self.spawn(Arc::clone(&shared.sweeps).watch());
        for gate in policy.gates.iter().filter(|gate| gate.probe.is_some()) {
            self.spawn(Arc::clone(&shared.gates).probe(gate.clone()));
        }
    }

    /// Asks the servers of upstreams whether they are well, where policy says how.
    fn look_after_servers(&self, policy: &Policy, sites: &[Site], metrics: &Metrics) {
        let checked = sites.iter().zip(&policy.upstreams).filter_map(|(site, policy)| {
            let check = compile::check(policy.health_check.as_ref()?);
            Some(site.servers.iter().map(move |server| (&site.name, server, check.clone())))
        });
        for (name, server, check) in checked.flatten() {
            let (traffic, name, shown) = (metrics.traffic.clone(), Arc::clone(name), server.shown());
            self.spawn(health::watch(server.clone(), check, move |well| traffic.server_is(&name, &shown, well)));
        }
    }

    fn listen<H: Handle>(&self, limits: ConnectionLimits, (socket, tls): (TcpListener, MayTls), handler: H) {
        let (socket, room, peers) = (always(socket), limits.room(), limits.peers());
        let listening = Listening { socket, handler, limits, room, peers, tls };
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
        if let Some(log) = self.access_log {
            log.close();
        }
        if let Err(error) = self.journal.close().await {
            tracing::error!("the journal was not closed in good order: {error}");
        }
    }
}

/// How TLS is spoken on a listener, if it is.
type MayTls = Option<Arc<ServerTls>>;
