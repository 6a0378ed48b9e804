//! What has to be so before anything is loosened.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sekisho_safety::{Name, Scope};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::clock::since_boot;
use super::{Gates, Incidents, Safety};
use crate::evidence::Journal;

/// One thing that has to be so, and whether it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Precondition {
    /// Which.
    pub name: &'static str,
    /// Whether it is met.
    pub met: bool,
    /// Whether an emergency release does without it.
    pub waived_in_emergency: bool,
    /// What is missing, or what was found.
    pub why: String,
}

/// Where verified bundles of evidence are.
pub trait Bundles: Debug + Send + Sync {
    /// The digest of the newest bundle of an incident that verifies now, or why there is none.
    fn verified<'a>(
        &'a self,
        incident: &'a Name,
    ) -> Pin<Box<dyn Future<Output = Result<[u8; 32], String>> + Send + 'a>>;
}

/// Everything that preconditions are read from.
#[derive(Debug)]
pub struct Preconditions {
    /// What is in force.
    pub safety: Arc<Safety>,
    /// What is suspected.
    pub incidents: Arc<Incidents>,
    /// What has to report that it is well.
    pub gates: Arc<Gates>,
    /// The journal.
    pub journal: Journal,
    /// Bundles of evidence. Without them the verified journal alone is the evidence of an incident.
    pub bundles: Option<Arc<dyn Bundles>>,
    /// How long a stage is stayed in.
    pub min_stay: Duration,
}

impl Preconditions {
    /// All of them for `scope`, and the digest of the bundles they rest on.
    pub async fn look(&self, scope: &Scope) -> (Vec<Precondition>, [u8; 32]) {
        let mut found = vec![self.stored(), self.written(), self.healthy(scope), self.stayed(scope)];
        let (evidence, digest) = self.bundled(scope).await;
        found.extend(evidence);
        (found, digest)
    }

    /// The digest of the bundles that the open incidents of `scope` have now.
    pub async fn evidence(&self, scope: &Scope) -> [u8; 32] {
        self.bundled(scope).await.1
    }

    fn stored(&self) -> Precondition {
        let met = self.safety.is_stored();
        let why = if met { "what is in force is stored" } else { "what is in force is not stored: look at the disk" };
        Precondition { name: "stored", met, waived_in_emergency: false, why: why.to_owned() }
    }

    fn written(&self) -> Precondition {
        let met = self.journal.health().is_ok();
        let why = if met { "the journal is written" } else { "the journal is not written: look at the disk" };
        Precondition { name: "journal", met, waived_in_emergency: false, why: why.to_owned() }
    }

    fn healthy(&self, scope: &Scope) -> Precondition {
        let failing = self.gates.not_passing(scope, since_boot());
        let named = failing.iter().map(|gate| format!("{} is {}", gate.name, gate.status.as_str()));
        let why = named.collect::<Vec<_>>().join(", ");
        let why = if failing.is_empty() { "every gate passes".to_owned() } else { why };
        Precondition { name: "gates", met: failing.is_empty(), waived_in_emergency: true, why }
    }

    fn stayed(&self, scope: &Scope) -> Precondition {
        let left = self.min_stay.saturating_sub(self.safety.stayed(scope));
        let why = match left.as_millis().div_ceil(1000) {
            0 => "the stage was stayed in long enough".to_owned(),
            seconds => format!("this stage is stayed in for {seconds} s more"),
        };
        Precondition { name: "min_stay", met: left.is_zero(), waived_in_emergency: true, why }
    }

    async fn bundled(&self, scope: &Scope) -> (Vec<Precondition>, [u8; 32]) {
        let mut digest = Sha256::new();
        let mut found = Vec::new();
        let Some(bundles) = &self.bundles else { return (found, digest.finalize().into()) };
        for incident in self.incidents.open_in(scope) {
            let (met, why) = match bundles.verified(&incident.id).await {
                Ok(bundle) => {
                    digest.update(bundle);
                    (true, format!("{} has a bundle that verifies", incident.id))
                }
                Err(why) => (false, format!("{} has no bundle that verifies: {why}", incident.id)),
            };
            found.push(Precondition { name: "evidence", met, waived_in_emergency: true, why });
        }
        (found, digest.finalize().into())
    }
}
