//! Puts what the policy file says now in force, while the sidecar runs.
//!
//! The file is read, checked, compiled and compared whole before anything changes, and recorded with both hashes. What was in
//! force stays when it is no sound policy or changes what is read at the start alone. Where it protects less anywhere
//! ([`Policy::diff`]) it takes two people, who agree on the hash of the file: [`propose`](Reload::propose) and
//! [`loosen`](Reload::loosen). The safety state is never touched: a reload cannot end a BLOCK.
//!
//! Replaced are rules, routes, limits, keys, counts of failures and of signals, and the values of secrets; each request is
//! classified and filtered by one policy. Values that secrets had before stay known as long as the process lives.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use sekisho_filters::access::{Door, Keys};
use sekisho_filters::contained::{Contained, Holds};
use sekisho_journal::{Event, EventType, Outcome, Severity};
use sekisho_policy::{Difference, Listener, Means, Policy};
use sekisho_safety::Agreed;
use sekisho_scan::Ruleset;

use crate::compile::{self, CompileError};
use crate::control::Signals;
use crate::data::chain::Parts;
use crate::data::classify::{Decisions, Routes};
use crate::data::live::{Live, Served};
use crate::evidence::Journal;
use crate::evidence::bundle::Maker;
use crate::identity::credentials::Credentials;
use crate::identity::{self, KnownValues, Revoked};

/// The policy in force, and all that is made of it and can be replaced.
#[derive(Debug)]
pub struct Reload {
    /// What the policy is read from; `None` is the embedded one.
    pub file: Option<PathBuf>,
    /// What is in force.
    pub policy: Arc<ArcSwap<Policy>>,
    /// What listeners serve.
    pub live: Arc<Live>,
    /// Who may come in.
    pub door: Arc<Door>,
    /// What goes no further.
    pub contained: Arc<Contained>,
    /// The keys made while it runs, which follow what policy says of keys.
    pub credentials: Arc<Credentials>,
    /// What records are searched for before they are written.
    pub rules: Arc<ArcSwap<Ruleset>>,
    /// What makes support bundles.
    pub bundles: Arc<ArcSwap<Maker>>,
    /// Numbers the decisions.
    pub decisions: Arc<Decisions>,
    /// Where it is recorded.
    pub journal: Journal,
    /// Told of files that are refused; counts by what is in force.
    pub signals: Arc<Signals>,
    /// Whether the last file was refused.
    pub refused: AtomicBool,
    /// The values of secrets. Held by who changes anything.
    pub secrets: Mutex<Secrets>,
}

/// The values of secrets, and which of them were revoked.
#[derive(Debug, Default)]
pub struct Secrets {
    /// As they were read.
    pub known: KnownValues,
    /// Refused everywhere.
    pub revoked: Revoked,
}

/// Why what was in force stays.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// There is no file.
    #[error("the policy is the embedded one, there is no file to read again")]
    NoFile,
    /// It cannot be read.
    #[error("the policy file cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// It is no sound policy.
    #[error("the policy file is not sound: {0}")]
    Unsound(String),
    /// It cannot be run on this machine.
    #[error("the policy file cannot be put in force: {0}")]
    Uncompiled(#[from] CompileError),
    /// It changes what is read at the start alone.
    #[error("this takes a restart: {}", paths(.0))]
    Restart(Vec<Difference>),
    /// It protects less, and nobody has agreed.
    #[error("this protects less and takes two people, see `sekisho policy propose`: {}", paths(.0))]
    Looser(Vec<Difference>),
    /// It protects nowhere less, so nobody has to agree.
    #[error("the policy file protects nowhere less: `sekisho policy reload` puts it in force")]
    NotLooser,
    /// What was agreed on is not what there is.
    #[error("the policy in force or the file is another than the one that was proposed: propose again")]
    Moved,
    /// The journal does not take it.
    #[error("the journal cannot record it, so nothing changes: {0}")]
    Unrecorded(String),
}

/// A policy that came into force.
#[derive(Clone, Debug)]
pub struct Reloaded {
    /// The hash of what was in force.
    pub before: String,
    /// The hash of what is.
    pub after: String,
    /// What is different.
    pub differences: Vec<Difference>,
}

/// What finds the values that were revoked, where credentials may pass.
type Gone = Option<Arc<Ruleset>>;

/// A file as compiled.
struct Made {
    policy: Policy,
    differences: Vec<Difference>,
    known: KnownValues,
    rules: Arc<Ruleset>,
    keys: Keys,
    gone: Gone,
    ingress: Arc<Routes>,
    egress: Arc<Routes>,
}

impl Reload {
    /// Hash of the policy in force.
    #[must_use]
    pub fn hash(&self) -> String {
        self.policy.load().hash().to_owned()
    }

    /// Whether the last file that was to be put in force was.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        !self.refused.load(Ordering::Relaxed)
    }

    /// Puts the file in force, asked by `by`. When this returns, every new request meets it. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// Why what was in force stays. It has been recorded.
    pub fn reload(&self, by: &str) -> Result<Reloaded, ReloadError> {
        let mut secrets = self.turn();
        let outcome = self.make(&secrets).and_then(|made| {
            let looser: Vec<Difference> =
                made.differences.iter().filter(|one| one.means == Means::Looser).cloned().collect();
            if looser.is_empty() { self.enforce(made, by, &mut secrets) } else { Err(ReloadError::Looser(looser)) }
        });
        self.told(by, outcome)
    }

    /// What the file would change, where it protects less somewhere: for two people to agree on. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// When it cannot be put in force, or takes nobody else.
    pub fn propose(&self, by: &str) -> Result<Reloaded, ReloadError> {
        let secrets = self.turn();
        let outcome = self.make(&secrets).and_then(|made| {
            let looser = made.differences.iter().any(|one| one.means == Means::Looser);
            let (before, after) = (self.hash(), made.policy.hash().to_owned());
            if looser {
                Ok(Reloaded { before, after, differences: made.differences })
            } else {
                Err(ReloadError::NotLooser)
            }
        });
        drop(secrets);
        match outcome {
            // Nothing is wrong with such a file.
            Ok(_) | Err(ReloadError::NotLooser) => outcome,
            Err(_) => self.told(by, outcome),
        }
    }

    /// Puts the file in force that two people agreed on: the one of the hash `after`, in place of the one of `before`.
    ///
    /// # Errors
    ///
    /// Why what was in force stays. It has been recorded.
    pub fn loosen(&self, agreed: &Agreed, before: &str, after: &str) -> Result<Reloaded, ReloadError> {
        let (mut secrets, by) = (self.turn(), agreed.people());
        let outcome = self.make(&secrets).and_then(|made| {
            let meant = self.hash() == before && made.policy.hash() == after;
            if meant { self.enforce(made, &by, &mut secrets) } else { Err(ReloadError::Moved) }
        });
        self.told(&by, outcome)
    }

    /// Reads the secrets anew that the policy in force refers to, and looks for their values from now on. Says which have
    /// changed. Blocks on the disk.
    ///
    /// # Errors
    ///
    /// When one cannot be read, or is too weak to be looked for: then those before stay, and that is recorded.
    pub fn refresh(&self, by: &str) -> Result<Vec<String>, ReloadError> {
        let mut secrets = self.turn();
        let policy = self.policy.load_full();
        let made = secrets.known.read(&policy).map_err(CompileError::Secret);
        let made = made.and_then(|now| Ok((compile::knowing(&policy, &now, &secrets.revoked)?, now)));
        let (rules, now) = match made {
            Ok(made) => made,
            Err(error) => {
                let failed = Event::new(EventType::ConfigChanged, "secrets.refresh").with_severity(Severity::High);
                let failed = failed.with_input("by", by).with_output("why", error.to_string());
                self.journal.record(failed.with_result(Outcome::Failure));
                return Err(error.into());
            }
        };
        let changed: Vec<String> =
            now.names().filter(|name| now.differs(&secrets.known, name)).map(str::to_owned).collect();
        if changed.is_empty() {
            return Ok(changed);
        }
        let gone = gone(&now, &secrets.revoked)?;
        secrets.known = now;
        self.search(&policy, &Arc::new(rules));
        self.refuse(&gone);
        let event = Event::new(EventType::ConfigChanged, "secrets.refresh").with_severity(Severity::Medium);
        self.journal.record(event.with_input("by", by).with_output("secrets", changed.clone()));
        Ok(changed)
    }

    /// Marks under `key` of the values that the secret `name` has and had; `None` if policy names no such secret.
    pub fn marks(&self, name: &str, key: &[u8; 32]) -> Option<Vec<String>> {
        let known = self.policy.load().secrets.iter().any(|secret| secret.name == name);
        known.then(|| self.turn().known.marks(name, key))
    }

    /// Refuses these values everywhere from now on, and no others. Reads and writes nothing.
    ///
    /// # Errors
    ///
    /// When they cannot be searched for; then those before are refused still.
    pub fn revoke(&self, revoked: Revoked) -> Result<(), ReloadError> {
        let mut secrets = self.turn();
        let policy = self.policy.load_full();
        let rules = compile::knowing(&policy, &secrets.known, &revoked)?;
        let gone = gone(&secrets.known, &revoked)?;
        secrets.revoked = revoked;
        self.search(&policy, &Arc::new(rules));
        self.refuse(&gone);
        Ok(())
    }

    /// Refuses what was revoked also where credentials may pass.
    fn refuse(&self, gone: &Gone) {
        self.contained.change(|holds| Holds { secrets: gone.clone(), ..holds.clone() });
    }

    fn told<T>(&self, by: &str, outcome: Result<T, ReloadError>) -> Result<T, ReloadError> {
        self.refused.store(outcome.is_err(), Ordering::Relaxed);
        if let Err(error) = &outcome {
            tracing::error!("the policy file is refused, what was in force stays: {error}");
            let refused = change(by).with_input("policy_hash", self.hash()).with_output("why", error.to_string());
            self.journal.record(refused.with_result(Outcome::Refused));
            self.signals.policy_refused(Instant::now());
        }
        outcome
    }

    fn make(&self, secrets: &Secrets) -> Result<Made, ReloadError> {
        let path = self.file.as_ref().ok_or(ReloadError::NoFile)?;
        let text = std::fs::read_to_string(path)?;
        let named = path.display().to_string();
        let policy = Policy::parse(&named, &text).map_err(|errors| ReloadError::Unsound(errors.to_string()))?;
        let differences = self.policy.load().diff(&policy);
        let restart: Vec<Difference> = differences.iter().filter(|one| one.restart).cloned().collect();
        if !restart.is_empty() {
            return Err(ReloadError::Restart(restart));
        }
        let known = secrets.known.read(&policy).map_err(CompileError::Secret)?;
        let rules = Arc::new(compile::knowing(&policy, &known, &secrets.revoked)?);
        let gone = gone(&known, &secrets.revoked)?;
        let keys = identity::keys(&policy).map_err(CompileError::Secret)?;
        let (before, served) = (self.policy.load_full(), self.live.served());
        let routes = |listener| {
            let before = Some((&*before, &**served.routes(listener)));
            compile::routes(&policy, listener, before, &self.decisions)
        };
        let (ingress, egress) = (routes(Listener::Ingress)?, routes(Listener::Egress)?);
        Ok(Made { policy, differences, known, rules, keys, gone, ingress, egress })
    }

    /// Records it durably, and puts it in force.
    fn enforce(&self, made: Made, by: &str, secrets: &mut Secrets) -> Result<Reloaded, ReloadError> {
        let (before, after) = (self.hash(), made.policy.hash().to_owned());
        let told: Vec<String> = made.differences.iter().take(MOST_TOLD).map(ToString::to_string).collect();
        let record = change(by).with_change("policy_hash", before.clone(), after.clone());
        let record = record.with_output("differences", told).with_output("count", made.differences.len() as u64);
        let recorded = tokio::runtime::Handle::current().block_on(self.journal.record_durable(record));
        recorded.map_err(|error| ReloadError::Unrecorded(error.to_string()))?;
        let Made { policy, differences, known: now, rules, keys, gone, ingress, egress } = made;
        secrets.known = now;
        // What notices comes before what lets pass.
        self.signals.follow(&policy.signals);
        self.door.limit(&identity::failure_limits(&policy));
        self.rules.store(Arc::clone(&rules));
        self.door.rekey(keys);
        self.door.recognise(identity::certificates(&policy));
        self.credentials.follow(policy.identity.clone());
        self.live.replace(|now| Served { parts: parts(&now.parts, &policy, &rules), ingress, egress });
        self.remake(&policy, &rules);
        self.policy.store(Arc::new(policy));
        self.refuse(&gone);
        Ok(Reloaded { before, after, differences })
    }

    /// Searches with other rules from now on, under the same policy.
    fn search(&self, policy: &Policy, rules: &Arc<Ruleset>) {
        self.rules.store(Arc::clone(rules));
        self.live.replace(|now| Served { parts: parts(&now.parts, policy, rules), ..now.clone() });
        self.remake(policy, rules);
    }

    fn remake(&self, policy: &Policy, rules: &Arc<Ruleset>) {
        self.bundles.rcu(|maker| Maker {
            rules: Arc::clone(rules),
            policy: policy.danger_source().into(),
            policy_hash: policy.hash().to_owned(),
            ..Maker::clone(maker)
        });
    }

    fn turn(&self) -> MutexGuard<'_, Secrets> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The parts of a chain under another policy. Counts of what is under way are one with those before.
fn parts(now: &Parts, policy: &Policy, rules: &Arc<Ruleset>) -> Parts {
    Parts {
        limits: now.limits.under(compile::request_limits(policy)),
        redact: now.redact.under(Arc::clone(rules), compile::redact_limits(policy)),
        order_limits: compile::order_limits(policy),
        ..now.clone()
    }
}

fn gone(known: &KnownValues, revoked: &Revoked) -> Result<Gone, CompileError> {
    Ok(compile::revoked(known, revoked)?.map(Arc::new))
}

fn change(by: &str) -> Event {
    Event::new(EventType::ConfigChanged, "policy.reload").with_severity(Severity::High).with_user(by)
}

fn paths(differences: &[Difference]) -> String {
    let told: Vec<&str> = differences.iter().take(MOST_TOLD).map(|one| one.path.as_str()).collect();
    let more = differences.len().saturating_sub(told.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{}{more}", told.join(", "))
}

/// Differences that are written out in one record or one sentence.
const MOST_TOLD: usize = 32;
