use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName};
use sekisho_policy::Refusal;

use super::certificates::{Certificates, Shown, claimed};
use super::failures::Pair;
use super::presented::{API_KEY, Presented};
use super::token::{Issuers, Token, TokenFault};
use super::{FailureLimits, Failures, Keys, Principal, Proof, Revocations, Standing, Why};
use crate::PeerCertificate;

/// Where callers are asked who they are. The data path and the admin API share one, and with it the counts.
#[derive(Debug)]
pub struct Door {
    /// The keys of policy.
    keys: ArcSwap<Keys>,
    /// Keys made while the sidecar runs.
    made: ArcSwap<Keys>,
    /// Sessions, each standing for the key that it was begun with.
    sessions: ArcSwap<Keys>,
    issuers: ArcSwap<Issuers>,
    certificates: ArcSwap<Certificates>,
    revocations: Arc<Revocations>,
    failures: ArcSwap<Failures>,
    clock: fn() -> u64,
}

/// A failed attempt to prove who one is.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Why it failed.
    pub why: Why,
    /// From where.
    pub peer: IpAddr,
    /// How long the caller has to wait, if it was one too many.
    pub wait: Option<Duration>,
}

/// What the door says.
pub(super) enum Asked {
    /// Who it is, or why not.
    Now(Result<Admitted, Attempt>),
    /// The key of a token may be on its way: ask again when this is over. Nothing was counted.
    Later(Pin<Box<dyn Future<Output = ()> + Send>>),
}

/// Who was let in, and with what.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) principal: Principal,
    /// The header that the credential came in, if it is meant for this door alone.
    pub(super) spent: Option<HeaderName>,
}

/// How a door is asked.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// Whether a lockout holds, even against the right secret.
    pub(super) lockout_holds: bool,
    /// Whether the caller may be made to wait for keys.
    pub(super) patient: bool,
    /// Whether sessions count here.
    pub(super) sessions: bool,
}

/// What a token comes to.
enum Judged {
    Outcome(Result<Admitted, Why>),
    Waits(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl Door {
    /// A door that knows `keys` and counts with `failures`.
    #[must_use]
    pub fn new(keys: Keys, failures: Failures) -> Self {
        Self {
            made: ArcSwap::from_pointee(keys.emptied()),
            sessions: ArcSwap::from_pointee(keys.emptied()),
            keys: ArcSwap::from_pointee(keys),
            issuers: ArcSwap::default(),
            certificates: ArcSwap::default(),
            revocations: Arc::default(),
            failures: ArcSwap::from_pointee(failures),
            clock: wall_clock,
        }
    }

    /// The same with another clock, in seconds since 1970.
    #[must_use]
    pub fn at(self, clock: fn() -> u64) -> Self {
        Self { clock, ..self }
    }

    /// Knows `keys` from now on, and none of those that policy had before: open connections meet it at their next request.
    /// Counts stay, and so do keys made while the sidecar runs.
    pub fn rekey(&self, keys: Keys) {
        self.keys.store(Arc::new(keys));
    }

    /// Counts by other limits from now on. A failure at this very moment may be forgotten; lockouts are not.
    pub fn limit(&self, limits: &FailureLimits) {
        self.failures.rcu(|failures| failures.under(limits.clone()));
    }

    /// The keys of policy.
    #[must_use]
    pub fn keys(&self) -> Arc<Keys> {
        self.keys.load_full()
    }

    /// Knows these keys as well as those of policy, and none of those that were made before.
    pub fn make_known(&self, made: Keys) {
        self.made.store(Arc::new(made));
    }

    /// Believes tokens of these issuers, and of no others.
    pub fn believe(&self, issuers: Issuers) {
        self.issuers.store(Arc::new(issuers));
    }

    /// Knows whose these certificates are, and no others'.
    pub fn recognise(&self, certificates: Certificates) {
        self.certificates.store(Arc::new(certificates));
    }

    /// Who is not let in any more.
    #[must_use]
    pub const fn revocations(&self) -> &Arc<Revocations> {
        &self.revocations
    }

    /// What `principal` may go on with until it is revoked.
    #[must_use]
    pub fn standing(&self, principal: &Principal) -> Standing {
        self.revocations.standing(principal)
    }

    /// Whether anybody could ever pass.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        let keys = !self.keys.load().is_empty() || !self.made.load().is_empty();
        keys || !self.issuers.load().is_empty() || !self.certificates.load().is_empty()
    }

    /// Asks the sender of `headers` who it is.
    ///
    /// # Errors
    ///
    /// The failed attempt; it has been counted.
    pub fn ask(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Principal, Attempt> {
        self.ask_at_once(headers, peer, (true, false))
    }

    /// Asks as [`ask`](Self::ask) does, but whoever is locked out passes with the right secret all the same: for what must
    /// always be possible, from an address that is shared with whoever causes the lockout.
    ///
    /// # Errors
    ///
    /// The failed attempt; it has been counted.
    pub fn ask_in_need(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Principal, Attempt> {
        self.ask_at_once(headers, peer, (false, false))
    }

    /// Counts a wrong answer of somebody who has passed this door: guessing a code is like guessing a secret.
    #[must_use]
    pub fn wrong_answer(&self, principal: &Principal, peer: IpAddr) -> Attempt {
        let id = Arc::clone(&principal.key);
        let failures = self.failures.load();
        let pair = failures.pair(Some(&id.id.to_ascii_lowercase()), true, peer);
        let counted = failures.count(&pair, true);
        Attempt { why: Why::WrongAnswer { id }, peer, wait: failures.shut_out(&pair).or(counted) }
    }

    /// What requests of one caller are counted by: who it is, or else where it comes from.
    pub(super) fn caller(&self, id: Option<&str>, peer: IpAddr) -> u64 {
        self.failures.load().caller(id, peer)
    }

    /// Before a credential is shown to an upstream that has the last word on it: whether it may still be tried from there.
    pub(super) fn before_upstream(&self, shown: Option<&str>, peer: IpAddr) -> Result<Pair, Attempt> {
        let failures = self.failures.load();
        let pair = failures.pair(shown, false, peer);
        if failures.shut_out(&pair).is_none() {
            return Ok(pair);
        }
        let counted = failures.count(&pair, false);
        Err(Attempt { why: Why::ShutOut { known: false }, peer, wait: failures.shut_out(&pair).or(counted) })
    }

    /// What the upstream said of it: denied is a failed attempt, which comes back; success makes the place familiar.
    pub(super) fn after_upstream(&self, pair: &Pair, peer: IpAddr, denied: bool, good: bool) -> Option<Attempt> {
        let failures = self.failures.load();
        if denied {
            let counted = failures.count(pair, true);
            return Some(Attempt { why: Why::Upstream, peer, wait: failures.shut_out(pair).or(counted) });
        }
        if good {
            failures.passed(pair);
        }
        None
    }

    pub(super) const fn sessions(&self) -> &ArcSwap<Keys> {
        &self.sessions
    }

    pub(super) fn now_s(&self) -> u64 {
        (self.clock)()
    }

    /// Whether there is a key of this id, given in lower case.
    pub(super) fn is_known(&self, id: &str) -> bool {
        self.keys.load().has(id) || self.made.load().has(id)
    }

    pub(super) fn ask_at_once(
        &self,
        headers: &HeaderMap,
        peer: IpAddr,
        (lockout_holds, sessions): (bool, bool),
    ) -> Result<Principal, Attempt> {
        match self.hear((headers, None), peer, Manner { lockout_holds, patient: false, sessions }) {
            Asked::Now(outcome) => outcome.map(|admitted| admitted.principal),
            // INVARIANT: who is not patient is not asked to wait.
            Asked::Later(_) => Err(Attempt { why: Why::Token(TokenFault::NoKey), peer, wait: None }),
        }
    }

    /// Hears who somebody is, from the head of a request and the certificate of its connection.
    pub(super) fn hear(
        &self,
        (headers, certificate): (&HeaderMap, Option<&PeerCertificate>),
        peer: IpAddr,
        manner: Manner,
    ) -> Asked {
        let issuers = self.issuers.load();
        let certificate = certificate.filter(|_| !self.certificates.load().is_empty());
        let presented = Presented::of(headers, certificate, &issuers);
        let (claimed, known) = self.claimed(&presented);
        let failures = self.failures.load();
        let pair = failures.pair(claimed.as_deref(), known, peer);
        let outcome = if manner.lockout_holds && failures.shut_out(&pair).is_some() {
            Err(Why::ShutOut { known })
        } else {
            match presented {
                Presented::Nothing => Err(Why::Missing),
                Presented::Several(_) => Err(Why::Malformed),
                Presented::Key(key) => self.key(key, peer, manner.sessions),
                Presented::Certificate(shown) => self.certificate(shown, peer),
                Presented::Token(token) => match self.token(token, &issuers, peer, manner.patient) {
                    Judged::Outcome(outcome) => outcome,
                    Judged::Waits(keys) => return Asked::Later(keys),
                },
            }
        };
        Asked::Now(self.settle(outcome, &pair, peer))
    }

    fn token(&self, token: Result<Token<'_>, TokenFault>, issuers: &Issuers, peer: IpAddr, patient: bool) -> Judged {
        let found = token.and_then(|token| issuers.issuer(&token).map(|issuer| (token, issuer)));
        let (token, issuer) = match found {
            Ok(found) => found,
            Err(fault) => return Judged::Outcome(Err(Why::Token(fault))),
        };
        let judged = issuer.judge(&token, peer, (self.clock)());
        if let (Err(TokenFault::NoKey), true) = (&judged, patient)
            && let Some(keys) = issuer.want(&token)
        {
            return Judged::Waits(Box::pin(keys));
        }
        Judged::Outcome(judged.map_err(Why::Token).and_then(|believed| {
            let spent = (!believed.forward).then_some(AUTHORIZATION);
            self.unless_revoked(Admitted { principal: believed.principal, spent })
        }))
    }

    fn certificate(&self, shown: &PeerCertificate, peer: IpAddr) -> Result<Admitted, Why> {
        let Shown::Known(key) = self.certificates.load().owner(shown) else { return Err(Why::UnknownCertificate) };
        // It was good when the connection was opened, which may be long ago.
        if i64::try_from((self.clock)()).is_ok_and(|now| now >= shown.certificate().not_after) {
            return Err(Why::Expired { id: key });
        }
        if !key.is_allowed(peer) {
            return Err(Why::WrongAddress { id: key });
        }
        self.unless_revoked(Admitted { principal: Principal { key, proof: Proof::Certificate }, spent: None })
    }

    /// The id that failures are counted by, and whether there is a key of that name.
    fn claimed(&self, presented: &Presented<'_>) -> (Option<String>, bool) {
        let claimed = match presented {
            Presented::Nothing | Presented::Token(Err(_)) => None,
            // What a token says of itself is not proven, so no name of it is ever kept or told.
            Presented::Token(Ok(token)) => return (Some(token.claimed()), false),
            Presented::Certificate(shown) => return (Some(claimed(shown)), false),
            Presented::Several(key) | Presented::Key(key) => Keys::claimed(key),
        };
        let known = claimed.as_ref().is_some_and(|id| self.is_known(id));
        (claimed, known)
    }

    fn key(&self, presented: &[u8], peer: IpAddr, with_sessions: bool) -> Result<Admitted, Why> {
        let (id, now_s) = (Keys::claimed(presented), self.now_s());
        let has = |keys: &ArcSwap<Keys>| id.as_ref().is_some_and(|id| keys.load().has(id));
        let principal = match &id {
            Some(session) if with_sessions && has(&self.sessions) => {
                let key = self.sessions.load().check(presented, peer, now_s)?;
                self.session(session, Arc::clone(&key)).ok_or(Why::Revoked { id: key })?
            }
            _ => {
                let keys = if has(&self.made) { &self.made } else { &self.keys };
                Principal { key: keys.load().check(presented, peer, now_s)?, proof: Proof::Key }
            }
        };
        self.unless_revoked(Admitted { principal, spent: Some(API_KEY) })
    }

    fn unless_revoked(&self, admitted: Admitted) -> Result<Admitted, Why> {
        if !self.revocations.hold(&admitted.principal) {
            return Ok(admitted);
        }
        let Principal { key: id, proof } = admitted.principal;
        Err(match proof {
            Proof::Key | Proof::Session(_) | Proof::Certificate => Why::Revoked { id },
            Proof::Token(_) => Why::Token(TokenFault::Revoked),
        })
    }

    fn settle(&self, outcome: Result<Admitted, Why>, pair: &Pair, peer: IpAddr) -> Result<Admitted, Attempt> {
        let failures = self.failures.load();
        match outcome {
            Ok(admitted) => {
                failures.passed(pair);
                Ok(admitted)
            }
            // What happens during a lockout is counted too, so that an attack that goes on is seen to go on.
            Err(why) => {
                let counted = failures.count(pair, !matches!(why, Why::ShutOut { .. }));
                Err(Attempt { wait: failures.shut_out(pair).or(counted), why, peer })
            }
        }
    }

    /// What is counted of failed attempts.
    #[must_use]
    pub fn failures(&self) -> Arc<Failures> {
        self.failures.load_full()
    }
}

impl Attempt {
    /// What the caller is told: the same for every reason.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        self.wait.map_or(Refusal::Unauthenticated, |wait| Refusal::LockedOut {
            retry_after_s: wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1),
        })
    }
}

fn wall_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
