//! The admin API, on loopback, and the health port, on which nothing can be changed.
//!
//! | method and path | who | what |
//! |---|---|---|
//! | `GET /v1/state` | anyone on the machine | what is in force, by scope and source |
//! | `GET /v1/events` | anyone on the machine | the last records of the journal; as a stream with `Accept: text/event-stream` |
//! | `GET /v1/journal/checkpoint` `/v1/journal/tile/...` | anyone on the machine | the journal as C2SP tlog-tiles, entries included |
//! | `POST /v1/journal/hand-over` | `ManageAccess` | a new key signs the journal from here on |
//! | `POST /v1/journal/prune/propose` | `ProposeRelease` | wants the beginning of the journal deleted before its time |
//! | `POST /v1/tighten` | [`Operation::Tighten`](sekisho_policy::Operation) | tightens a scope, acknowledged when it holds |
//! | `POST /v1/release/plan` | `ProposeRelease` | what a release would change, and what stands in its way |
//! | `POST /v1/release/propose` | `ProposeRelease` | secures the evidence, issues a challenge |
//! | `POST /v1/release/confirm` | `ConfirmRelease` | a second person answers it |
//! | `POST /v1/policy/reload` | `UpdateConfig` | puts the policy file in force, if it is sound and nowhere looser |
//! | `POST /v1/policy/propose` | `UpdateConfig` | asks for a second person, where it is looser |
//! | `GET /v1/containments` | `ReadAudit` | what is revoked, in quarantine or closed |
//! | `POST /v1/containments` | `Contain` | revokes, quarantines or closes something |
//! | `POST /v1/containments/ID/lift` | `ProposeRelease` | asks for a second person to end it |
//! | `POST /v1/drill` | `Contain` | tries whether the controls bite |
//! | `GET /v1/decisions/ID` | `ReadAudit` | why something was decided |
//! | `GET /v1/failmodes` | anyone on the machine | what happens when a part fails |
//! | `GET /v1/consents` | `ConfirmRelease` | what waits for a second person, besides releases |
//! | `POST /v1/consents/confirm` | `ConfirmRelease` | a second person agrees, and it is done |
//! | `GET /v1/incidents` `/v1/incidents/ID` | `ReadAudit` | incidents and their timelines |
//! | `POST /v1/incidents` | `ManageIncidents` | opens one |
//! | `POST /v1/incidents/ID/note` `/step` `/severity` `/close` | `ManageIncidents` | works on one |
//! | `GET /v1/lockouts` | `ReadAudit` | who is locked out; with `?key=ID&from=ADDRESS` whether that one is, and why |
//! | `POST /v1/lockouts/lift` | `ManageAccess` | ends lockouts |
//! | `GET /v1/keys` `/v1/revocations` | `ReadAudit` | the API keys, without their secrets; who is revoked |
//! | `POST /v1/keys` `/v1/keys/ID/rotate` | `ManageAccess` | makes a key, or gives one another secret; it is shown this once |
//! | `POST /v1/sessions` `/v1/sessions/end` | `ReadState` | begins a session of the caller's, or ends it |
//! | `POST /v1/revocations` | `ManageAccess` | lets a credential, a person, a session or a token in no more |
//! | `GET /v1/gates` | `ReadMetrics` | how each gate is |
//! | `PUT /v1/gates/NAME` | `ReportGate` | says how one is: PASS, FAIL or UNKNOWN, for how long, and where that can be looked up |
//! | `POST /v1/bundles` | `CreateBundle` | makes a support bundle of an incident or a range |
//! | `GET /v1/bundles` | `ReadAudit` | the names of those that are there |
//! | `GET /livez` `/readyz` `/healthz` `/metrics` | anyone, on the health port | whether it lives, is ready, and what it counts |
//!
//! What is not for anyone carries an `X-API-Key`, and a change a JSON body. Requests whose `Host` is no loopback name are
//! refused on the admin port, so that a page in a browser on the same machine cannot reach it by a name of its own.

mod events;

mod health;

mod journal;

mod lockouts;

mod credentials;

mod reply;

mod routes;

mod release;

mod reload;

mod incidents;

mod gates;

mod bundles;

mod containments;

mod control;

mod serve;

mod state;

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use sekisho_filters::access::{Door, Principal};
use sekisho_policy::{Operation, Refusal};
use sekisho_safety::Scope;

use crate::control::{Consents, Gates, Incidents, Releases, Safety, Sweeps};
use crate::data::classify::Decisions;
use crate::enforce::{Containments, Drill, Reload};
use crate::evidence::Journal;
use crate::evidence::bundle::Maker;
use crate::evidence::keep::Keeper;
use crate::telemetry::{Metrics, Recorder};

pub use serve::{AdminPort, HealthPort};

/// What the admin API and the health port answer from.
#[derive(Clone, Debug)]
pub struct Admin {
    /// What is in force.
    pub safety: Arc<Safety>,
    /// Releases under way.
    pub releases: Arc<Releases>,
    /// What else waits for a second person.
    pub consents: Arc<Consents>,
    /// Tries whether the controls bite.
    pub drill: Arc<Drill>,
    /// What is contained besides orders.
    pub containments: Arc<Containments>,
    /// What is suspected.
    pub incidents: Arc<Incidents>,
    /// What has to report that it is well.
    pub gates: Arc<Gates>,
    /// What is known of resting orders.
    pub sweeps: Arc<Sweeps>,
    /// The journal.
    pub journal: Journal,
    /// Who may change anything.
    pub door: Arc<Door>,
    /// The keys that were made, and who is revoked.
    pub credentials: Arc<crate::identity::credentials::Credentials>,
    /// Told of failed attempts.
    pub recorder: Arc<Recorder>,
    /// What is counted.
    pub metrics: Metrics,
    /// Numbers the answers.
    pub decisions: Arc<Decisions>,
    /// What makes support bundles.
    pub bundles: Arc<ArcSwap<Maker>>,
    /// What looks after full segments of the journal.
    pub keeper: Keeper,
    /// The policy in force.
    pub reload: Arc<Reload>,
    /// Why the state could not be verified at the start, if it could not.
    pub unverified: Option<&'static str>,
}

impl Admin {
    /// Asks who sends `headers`, and whether they may do `operation` in `scope`.
    fn may(
        &self,
        headers: &http::HeaderMap,
        peer: IpAddr,
        operation: Operation,
        scope: &Scope,
    ) -> Result<Principal, Refusal> {
        // On loopback all share one address, and nobody on this machine may lock an operator out of tightening.
        let in_need = operation == Operation::Tighten;
        let principal = self.door.ask_admin(headers, peer, in_need).map_err(|attempt| {
            self.recorder.attempt(&attempt, Arc::from("admin"), None);
            attempt.refusal()
        })?;
        let held = &principal.key.scopes;
        // The fleet holds every other scope.
        let in_scope = held.is_empty() || held.contains(&Scope::Fleet) || held.contains(scope);
        // Whoever had a key made has seen its secret, and could be two people with it.
        let as_people = !(operation.takes_people() && principal.key.made);
        if self.reload.policy.load().matrix.may(principal.key.role, operation) && in_scope && as_people {
            return Ok(principal);
        }
        self.recorder.forbidden(&principal.key, peer);
        Err(Refusal::Forbidden)
    }
}
