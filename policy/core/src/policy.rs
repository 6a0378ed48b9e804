//! The whole document: as written, and as checked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::Matrix;
use crate::check::{Bounds, Checker, PolicyErrors};
use crate::position::unreadable;
use crate::sections::{
    Around, AtRest, AtRestWritten, AuthFailures, AuthFailuresWritten, BaoWritten, Detectors, DetectorsWritten, Drill,
    DrillWritten, Fix, FixWritten, Gate, GateWritten, Identity, IdentityWritten, Incidents, IncidentsWritten,
    JournalPolicy, JournalWritten, Limits, LimitsWritten, Listeners, ListenersWritten, Monitors, MonitorsWritten,
    OrdersLedger, OrdersLedgerWritten, RetentionPolicy, RetentionWritten, RolesWritten, RoutePolicy, RouteWritten,
    Safety, SafetyWritten, SecretRef, SecretWritten, Signals, SignalsWritten, StreamPolicy, StreamWritten, Sweep,
    SweepWritten, Telemetry, TelemetryWritten, Upstream, UpstreamWritten, check_fix, check_gates, check_matrix,
    check_routes, check_secrets, check_streams, check_sweeps, check_upstreams,
};
use crate::written::{At, Count, Place, Raw, Text};

/// A policy, checked: whatever is in it can be relied on. No secret is in it, only references.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The name of the service beside us.
    pub service: Arc<str>,
    /// Where the journal, the state, keys and bundles are kept.
    pub data_dir: PathBuf,
    /// Threads that serve requests. None: as many as there are processors.
    pub workers: Option<usize>,
    /// Where connections are accepted.
    pub listeners: Listeners,
    /// What a request may use.
    pub limits: Limits,
    /// Where requests go on to.
    pub upstreams: Vec<Upstream>,
    /// Which request goes where; the first that matches takes it.
    pub routes: Vec<RoutePolicy>,
    /// Log protocols that are not HTTP.
    pub streams: Vec<StreamPolicy>,
    /// Where FIX sessions are accepted.
    pub fix: Vec<Fix>,
    /// Secrets that must never leave.
    pub secrets: Vec<SecretRef>,
    /// What the scanner looks for.
    pub detectors: Detectors,
    /// Who may call.
    pub identity: Identity,
    /// Which role may do what.
    pub matrix: Matrix,
    /// How many failed attempts are too many.
    pub auth_failures: AuthFailures,
    /// What makes the state stricter without anybody asking.
    pub signals: Signals,
    /// What has to report that it is well.
    pub gates: Vec<Gate>,
    /// Who cancels resting orders when a scope comes to BLOCK.
    pub sweeps: Vec<Sweep>,
    /// How the sidecar looks after itself.
    pub monitors: Monitors,
    /// How the safety state is watched and released.
    pub safety: Safety,
    /// How often it is tried whether the controls bite.
    pub drill: Drill,
    /// How soon a person has to answer an incident.
    pub incidents: Incidents,
    /// How evidence is written.
    pub journal: JournalPolicy,
    /// How long orders that went on are remembered.
    pub orders_ledger: OrdersLedger,
    /// How files are sealed at rest, and what a support bundle may hold.
    pub at_rest: AtRest,
    /// How long evidence is kept.
    pub retention: RetentionPolicy,
    /// What is told of traffic besides the journal.
    pub telemetry: Telemetry,
    pub(crate) source: Source,
    pub(crate) hash: String,
}

/// The text of a policy. It cannot be printed: somebody may have put a secret where a reference belongs.
#[derive(Clone)]
pub(crate) struct Source(Arc<str>);

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source")
    }
}

/// A policy for Sekisho, version 1.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Sekisho policy")]
struct Document {
    /// The version of this format: 1.
    version: Option<Raw<Count>>,
    /// The name of the service beside us.
    service: Option<Raw<Text>>,
    /// Where the journal, the state, keys and bundles are kept; made with mode 0700. Default `data`, in the working
    /// directory.
    data_dir: Option<Raw<Text>>,
    /// Threads that serve requests, from 1 to 256. Default as many as there are processors.
    workers: Option<Raw<Count>>,
    /// Where connections are accepted.
    listeners: ListenersWritten,
    /// What a request may use.
    limits: LimitsWritten,
    /// Where requests go on to, by name.
    upstreams: BTreeMap<String, At<UpstreamWritten>>,
    /// Which request goes where; the first that matches takes it.
    routes: Vec<At<RouteWritten>>,
    /// The OpenBao server that references of the form `openbao:MOUNT/PATH#FIELD` are read from.
    openbao: BaoWritten,
    /// Log protocols that are not HTTP: syslog and Fluentd's forward over TCP.
    streams: Vec<At<StreamWritten>>,
    /// Where FIX sessions are accepted, and which counterparty each goes on to.
    fix: Vec<At<FixWritten>>,
    /// Secrets that must never leave, by reference.
    secrets: Vec<At<SecretWritten>>,
    /// What the scanner looks for.
    detectors: DetectorsWritten,
    /// Who may call.
    identity: IdentityWritten,
    /// Which roles may do what, by operation: `sekisho policy roles` prints all of it. Rows that are not here are as they ship.
    roles: RolesWritten,
    /// How many failed attempts are too many.
    auth_failures: AuthFailuresWritten,
    /// What makes the state stricter without anybody asking.
    signals: SignalsWritten,
    /// What has to report that it is well, by name. Silence is UNKNOWN, and UNKNOWN is at least SAFE.
    gates: BTreeMap<String, At<GateWritten>>,
    /// Who cancels resting orders when a scope comes to BLOCK, by name. BLOCK itself stops messages and cancels nothing.
    sweeps: BTreeMap<String, At<SweepWritten>>,
    /// How the sidecar looks after itself.
    monitors: MonitorsWritten,
    /// How the safety state is watched and released.
    safety: SafetyWritten,
    /// How often it is tried whether the controls bite.
    drill: DrillWritten,
    /// How soon a person has to answer an incident.
    incidents: IncidentsWritten,
    /// How evidence is written.
    journal: JournalWritten,
    /// How long orders that went on are remembered.
    orders_ledger: OrdersLedgerWritten,
    /// How files are sealed at rest, and what a support bundle may hold.
    at_rest: AtRestWritten,
    /// How long evidence is kept, and where a second copy of it goes.
    retention: RetentionWritten,
    /// What is told of traffic besides the journal.
    telemetry: TelemetryWritten,
}

impl Policy {
    /// Reads and checks a document. `file` is only what errors call it.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, each with line, column and path. A document that is no YAML, or that has a field
    /// we do not know, has one error: there is no reading on after that.
    pub fn parse(file: &str, yaml: &str) -> Result<Self, PolicyErrors> {
        let document: Document = read(file, yaml)?;
        let mut checker = Checker::new(file);
        let policy = document.check(yaml, &mut checker);
        checker.finish()?;
        Ok(policy)
    }

    /// The policy that is in force when none is given: `policy/packs/default.yaml`.
    #[must_use]
    pub const fn embedded() -> &'static str {
        include_str!("../../packs/default.yaml")
    }

    /// `sha256:` and the digest, in hex, of the text that it was read from.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The hash that a policy read from this text has.
    #[must_use]
    pub fn hash_of(yaml: &str) -> String {
        hash(yaml)
    }

    /// The text that it was read from. It may hold anything, so it has to be searched before it is shown.
    #[must_use]
    pub fn danger_source(&self) -> &str {
        &self.source.0
    }

    /// The JSON Schema of a document, for editors.
    #[must_use]
    pub fn json_schema() -> String {
        serde_json::to_string_pretty(&schemars::schema_for!(Document)).unwrap_or_default()
    }
}

/// Reads YAML strictly: each key once, no merge keys, a bounded size.
pub(crate) fn read<T: DeserializeOwned>(file: &str, yaml: &str) -> Result<T, PolicyErrors> {
    let options = serde_saphyr::options! {
        merge_keys: serde_saphyr::MergeKeyPolicy::Error,
        with_snippet: false,
        strict_booleans: true,
        budget: serde_saphyr::budget! { max_nodes: 50_000, max_aliases: 64, max_depth: 32 },
    };
    serde_saphyr::from_str_with_options(yaml, options)
        .map_err(|error| PolicyErrors::new(vec![unreadable(file, yaml, &error)]))
}

impl Document {
    fn check(&self, yaml: &str, checker: &mut Checker) -> Policy {
        self.check_version(checker);
        checker.openbao = self.openbao.check(checker);
        let service = checker.needed(self.service.as_ref(), Place::START, "service");
        let service = service.map(|service| checker.name(service, "service")).unwrap_or_default();
        let workers = Bounds { default: "1", min: "1", max: "256" };
        let workers = self.workers.as_ref().map(|raw| checker.bounded(Some(raw), "workers", workers));
        let listeners = self.listeners.check(checker);
        let upstreams = check_upstreams(&self.upstreams, checker);
        let identity = self.identity.check(checker);
        let matrix = check_matrix(&self.roles, checker);
        let around = Around {
            listeners: &listeners,
            upstreams: &upstreams,
            upstream_names: &self.upstreams.keys().map(String::as_str).collect(),
            matrix: &matrix,
            has_keys: self.identity.knows_anybody(),
        };
        let routes = check_routes(&self.routes, around, checker);
        let limits = self.limits.check("limits", checker);
        let auth_failures = self.auth_failures.check("auth_failures", checker);
        self.check_pairs(&limits, &auth_failures, checker);
        Policy {
            service: service.into(),
            data_dir: self.data_dir.as_ref().map_or_else(|| PathBuf::from("data"), |dir| dir.text().into()),
            workers: workers.map(|workers| workers.try_into().unwrap_or(usize::MAX)),
            limits,
            streams: check_streams(&self.streams, checker),
            fix: check_fix(&self.fix, checker),
            secrets: check_secrets(&self.secrets, checker),
            detectors: self.detectors.check(checker),
            auth_failures,
            signals: self.signals.check(checker),
            gates: check_gates(&self.gates, checker),
            sweeps: check_sweeps(&self.sweeps, checker),
            monitors: self.monitors.check("monitors", checker),
            safety: self.safety.check("safety", checker),
            drill: self.drill.check(checker),
            incidents: self.incidents.check("incidents", checker),
            journal: self.journal.check("journal", checker),
            orders_ledger: self.orders_ledger.check("orders_ledger", checker),
            at_rest: self.at_rest.check(checker),
            retention: self.retention.check(checker),
            telemetry: self.telemetry.check("telemetry", checker),
            hash: hash(yaml),
            source: Source(yaml.into()),
            listeners,
            upstreams,
            routes,
            matrix,
            identity,
        }
    }

    /// Numbers of which one must not exceed the other.
    fn check_pairs(&self, limits: &Limits, failures: &AuthFailures, checker: &mut Checker) {
        let order = u64::try_from(limits.order_body_bytes).unwrap_or(u64::MAX);
        if order > limits.body_bytes {
            let place = place(self.limits.order_body_bytes.as_ref().or(self.limits.body_bytes.as_ref()));
            checker.wrong(place, "limits.order_body_bytes", "expected no more than limits.body_bytes");
        }
        if failures.lockout > failures.lockout_max {
            let written = &self.auth_failures;
            let place = place(written.lockout.as_ref().or(written.lockout_max.as_ref()));
            checker.wrong(place, "auth_failures.lockout", "expected no more than auth_failures.lockout_max");
        }
    }

    fn check_version(&self, checker: &mut Checker) {
        if let Some(version) = checker.needed(self.version.as_ref(), Place::START, "version")
            && version.text() != "1"
        {
            checker.wrong(version.place(), "version", "expected 1");
        }
        if let Some(dir) = self.data_dir.as_ref().filter(|dir| dir.text().is_empty()) {
            checker.wrong(dir.place(), "data_dir", "expected a path");
        }
    }
}

fn place<K>(raw: Option<&Raw<K>>) -> Place {
    raw.map_or(Place::START, Raw::place)
}

fn hash(text: &str) -> String {
    let digest = Sha256::digest(text);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[cfg(test)]
mod tests;
