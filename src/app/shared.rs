//! What the listeners share, built of policy and of what is on the disk.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use arc_swap::ArcSwap;
use sekisho_filters::Witness;
use sekisho_filters::access::Door;
use sekisho_filters::contained::Contained;
use sekisho_filters::limits::LimitsLayer;
use sekisho_filters::order_gate::{OrderLedger, SafetyView};
use sekisho_filters::redact::RedactLayer;
use sekisho_policy::{Listener, Policy};
use sekisho_scan::Ruleset;
use tokio::sync::mpsc;

use super::{StartError, open_journal};
use crate::admin::Admin;
use crate::compile;
use crate::control::bundles::StoredBundles;
use crate::control::clock::since_boot;
use crate::control::preconditions::Preconditions;
use crate::control::release::Bounds;
use crate::control::safety::now_ms;
use crate::control::{BreakGlass, Consents, Gates, Incidents, Releases, Safety, Signals, Sweeps, history, signals};
use crate::data::chain::Parts;
use crate::data::classify::Decisions;
use crate::data::ledger::Ledger;
use crate::data::live::{Live, Served};
use crate::enforce::reload::Secrets;
use crate::enforce::{Containments, Drill, Reload};
use crate::evidence::Journal;
use crate::evidence::bundle::Maker;
use crate::evidence::seal::Vault;
use crate::identity::book::Shelf;
use crate::identity::credentials::Credentials;
use crate::identity::{self, KnownValues, Revoked, kept::KeptFiles};
use crate::telemetry::access_log::{AccessLog, Writing};
use crate::telemetry::{Metrics, Recorder};
use crate::tls::Tls;

/// What the listeners share.
pub(super) struct Shared {
    pub(super) known: KnownValues,
    pub(super) rules: Arc<ArcSwap<Ruleset>>,
    pub(super) door: Arc<Door>,
    pub(super) kept: Arc<KeptFiles>,
    pub(super) credentials: Arc<Credentials>,
    pub(super) journal: Journal,
    pub(super) ledger: Arc<Ledger>,
    pub(super) vault: Option<Arc<Vault>>,
    pub(super) safety: Arc<Safety>,
    pub(super) incidents: Arc<Incidents>,
    pub(super) break_glass: Arc<BreakGlass>,
    pub(super) gates: Arc<Gates>,
    pub(super) sweeps: Arc<Sweeps>,
    pub(super) signals: Arc<Signals>,
    pub(super) unverified: Option<&'static str>,
    pub(super) first: bool,
    pub(super) metrics: Metrics,
    pub(super) tls: Tls,
    pub(super) recorder: Arc<Recorder>,
    pub(super) decisions: Arc<Decisions>,
    pub(super) bundles: Arc<ArcSwap<Maker>>,
}

/// What is made of the shared parts and changes them.
pub(super) struct Controls {
    pub(super) reload: Arc<Reload>,
    pub(super) containments: Arc<Containments>,
    pub(super) drill: Arc<Drill>,
}

impl Shared {
    pub(super) fn open(policy: &Policy, data: &Path) -> Result<(Self, mpsc::Receiver<signals::Raised>), StartError> {
        let known = KnownValues::default().read(policy)?;
        let rules = Arc::new(ArcSwap::from_pointee(compile::knowing(policy, &known, &Revoked::default())?));
        let (door, kept) = identity::door(policy, KeptFiles::open(data)?)?;
        let vault = compile::vault(policy)?;
        let shelf = Shelf::new(data, vault.clone());
        let credentials = Credentials::open(Arc::clone(&door), shelf, policy.identity.clone()).map(Arc::new)?;
        let journal = open_journal(policy, data, &rules, vault.clone())?;
        let ledger = Arc::new(Ledger::open(data, &policy.orders_ledger)?);
        let loaded = history::load(data, &journal.files(), now_ms())?;
        let safety = Safety::new(loaded.state, loaded.files, journal.clone(), policy.safety.settle_timeout);
        let safety = Arc::new(safety.ramping(compile::slope(policy)));
        let incidents =
            Incidents::open(data, policy.incidents.clone(), Arc::clone(&safety), journal.clone()).map(Arc::new)?;
        let break_glass =
            BreakGlass::open(data, Arc::clone(&safety), Arc::clone(&incidents), journal.clone()).map(Arc::new)?;
        let (signals, raised) = Signals::new(&policy.signals);
        let signals = Arc::new(signals);
        let gates = Arc::new(Gates::new(&policy.gates, signals.sender(), journal.clone(), since_boot()));
        let sweeps = Arc::new(Sweeps::new(&policy.sweeps, Arc::clone(&safety), journal.clone()));
        let metrics = Metrics::new()?;
        let counting = metrics.clone();
        let tls = Tls::load(policy, move |listener, how| counting.handshake(listener, how.as_str()))?;
        let recorder = Recorder::new(journal.clone(), metrics.clone(), Arc::clone(&signals));
        let recorder = Arc::new(recorder.with_digests(compile::fingerprint_key(policy)?));
        let mut boot = [0; 8];
        getrandom::fill(&mut boot)?;
        let decisions = Arc::new(Decisions::new(u64::from_be_bytes(boot)));
        let (unverified, first) = (loaded.unverified, loaded.first);
        let maker = compile::bundles(policy, data, &rules.load_full(), vault.as_ref());
        let bundles = Arc::new(ArcSwap::from_pointee(maker));
        Ok((
            Self {
                known,
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
                sweeps,
                signals,
                unverified,
                first,
                metrics,
                tls,
                recorder,
                decisions,
                bundles,
            },
            raised,
        ))
    }

    /// Begins the access log, if policy wants one.
    pub(super) fn access_log(&self, policy: &Policy) -> Result<Option<Writing>, StartError> {
        let telemetry = &policy.telemetry;
        let Some(path) = &telemetry.access_log else { return Ok(None) };
        let with = (self.journal.scrub(), self.metrics.unlogged.clone());
        Ok(Some(AccessLog::open(path, telemetry.access_log_lines, with)?))
    }

    fn preconditions(&self, policy: &Policy) -> Arc<Preconditions> {
        let maker = self.bundles.load();
        Arc::new(Preconditions {
            safety: Arc::clone(&self.safety),
            incidents: Arc::clone(&self.incidents),
            gates: Arc::clone(&self.gates),
            journal: self.journal.clone(),
            bundles: Some(Arc::new(StoredBundles {
                data: maker.data.clone(),
                vault: maker.vault.clone(),
                key: self.journal.verifier_key().clone(),
            })),
            min_stay: policy.safety.min_stay,
        })
    }

    fn parts(&self, policy: &Policy) -> Parts {
        let witness = Arc::clone(&self.recorder) as Arc<dyn Witness>;
        let rules = self.rules.load_full();
        Parts {
            limits: LimitsLayer::new(compile::request_limits(policy)),
            door: Arc::clone(&self.door),
            contained: Arc::new(Contained::default()),
            redact: RedactLayer::new(rules, Arc::clone(&witness), compile::redact_limits(policy)),
            safety: Arc::clone(&self.safety) as Arc<dyn SafetyView>,
            ledger: Arc::clone(&self.ledger) as Arc<dyn OrderLedger>,
            order_limits: compile::order_limits(policy),
            witness,
        }
    }

    pub(super) fn reload(&self, policy: &Policy, file: Option<&Path>) -> Result<Reload, StartError> {
        let routes = |listener| compile::routes(policy, listener, None, &self.decisions);
        let (ingress, egress) = (routes(Listener::Ingress)?, routes(Listener::Egress)?);
        let parts = self.parts(policy);
        Ok(Reload {
            file: file.map(Path::to_path_buf),
            policy: Arc::new(ArcSwap::from_pointee(policy.clone())),
            contained: Arc::clone(&parts.contained),
            live: Arc::new(Live::new(Served { parts, ingress, egress })),
            door: Arc::clone(&self.door),
            credentials: Arc::clone(&self.credentials),
            rules: Arc::clone(&self.rules),
            bundles: Arc::clone(&self.bundles),
            decisions: Arc::clone(&self.decisions),
            journal: self.journal.clone(),
            signals: Arc::clone(&self.signals),
            refused: AtomicBool::new(false),
            secrets: Mutex::new(Secrets { known: self.known.clone(), revoked: Revoked::default() }),
        })
    }

    pub(super) fn admin(&self, (policy, data): (&Policy, &Path), controls: Controls) -> Arc<Admin> {
        let Controls { reload, containments, drill } = controls;
        let safety = &policy.safety;
        let bounds = Bounds { ttl: safety.challenge_ttl, most: safety.challenges, break_glass: safety.break_glass };
        let preconditions = self.preconditions(policy);
        let releases = Releases::new(Arc::clone(&preconditions), Arc::clone(&self.break_glass), bounds);
        Arc::new(Admin {
            keeper: compile::keeper(policy, data, &self.journal, self.vault.as_ref()),
            releases: Arc::new(releases),
            consents: Arc::new(Consents::new(preconditions, bounds)),
            containments,
            drill,
            incidents: Arc::clone(&self.incidents),
            gates: Arc::clone(&self.gates),
            sweeps: Arc::clone(&self.sweeps),
            safety: Arc::clone(&self.safety),
            journal: self.journal.clone(),
            door: Arc::clone(&self.door),
            credentials: Arc::clone(&self.credentials),
            recorder: Arc::clone(&self.recorder),
            metrics: self.metrics.clone(),
            decisions: Arc::clone(&self.decisions),
            bundles: Arc::clone(&self.bundles),
            reload,
            unverified: self.unverified,
        })
    }
}
