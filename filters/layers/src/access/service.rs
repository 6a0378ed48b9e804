use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Response};
use sekisho_policy::Refusal;
use tower::Service;

use super::{Failures, Key, Keys, Principal};
use crate::{Answer, Body, Hop, Stop, Witness};

/// Where callers are asked who they are. The data path and the admin API share one, and with it the counts.
#[derive(Debug)]
pub struct Door {
    keys: Keys,
    failures: Failures,
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

/// Why an attempt failed. The caller is never told.
#[derive(Clone, Debug)]
pub enum Why {
    /// No key was presented.
    Missing,
    /// What was presented is no key, or more than one.
    Malformed,
    /// No such key.
    UnknownKey,
    /// The key exists, the secret is another.
    WrongSecret {
        /// Of this key.
        id: Arc<Key>,
    },
    /// The secret is right, the address is not one it may be used from.
    WrongAddress {
        /// Of this key.
        id: Arc<Key>,
    },
    /// The key is good, and the answer given with it is not.
    WrongAnswer {
        /// By this key.
        id: Arc<Key>,
    },
    /// This key is locked out from this address, so the secret was not looked at.
    ShutOut {
        /// Whether there is a key of that name.
        known: bool,
    },
}

impl Why {
    /// The word for it in metrics and the journal.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Malformed => "malformed",
            Self::UnknownKey => "unknown_key",
            Self::WrongSecret { .. } => "wrong_secret",
            Self::WrongAddress { .. } => "wrong_address",
            Self::WrongAnswer { .. } => "wrong_answer",
            Self::ShutOut { .. } => "shut_out",
        }
    }

    /// The key that was tried, if there is one of that name.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::WrongSecret { id } | Self::WrongAddress { id } | Self::WrongAnswer { id } => Some(id),
            Self::Missing | Self::Malformed | Self::UnknownKey | Self::ShutOut { .. } => None,
        }
    }
}

impl Door {
    /// A door that knows `keys` and counts with `failures`.
    #[must_use]
    pub const fn new(keys: Keys, failures: Failures) -> Self {
        Self { keys, failures }
    }

    /// Whether anybody could ever pass.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Asks the sender of `headers` who it is.
    ///
    /// # Errors
    ///
    /// The failed attempt; it has been counted.
    pub fn ask(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Principal, Attempt> {
        self.answer(headers, peer, true)
    }

    /// Asks as [`ask`](Self::ask) does, but whoever is locked out passes with the right secret all the same: for what must
    /// always be possible, from an address that is shared with whoever causes the lockout.
    ///
    /// # Errors
    ///
    /// The failed attempt; it has been counted.
    pub fn ask_in_need(&self, headers: &HeaderMap, peer: IpAddr) -> Result<Principal, Attempt> {
        self.answer(headers, peer, false)
    }

    /// Counts a wrong answer of somebody who has passed this door: guessing a code is like guessing a secret.
    #[must_use]
    pub fn wrong_answer(&self, principal: &Principal, peer: IpAddr) -> Attempt {
        let id = Arc::clone(&principal.key);
        let pair = self.failures.pair(Some(&id.id.to_ascii_lowercase()), true, peer);
        let counted = self.failures.count(&pair, true);
        Attempt { why: Why::WrongAnswer { id }, peer, wait: self.failures.shut_out(&pair).or(counted) }
    }

    fn answer(&self, headers: &HeaderMap, peer: IpAddr, lockout_holds: bool) -> Result<Principal, Attempt> {
        let mut all = headers.get_all(API_KEY).iter();
        let (first, second) = (all.next(), all.next());
        let presented = first.map(HeaderValue::as_bytes);
        let claimed = Keys::claimed(presented);
        let known = claimed.as_ref().is_some_and(|id| self.keys.has(id));
        let pair = self.failures.pair(claimed.as_deref(), known, peer);
        let outcome = if lockout_holds && self.failures.shut_out(&pair).is_some() {
            Err(Why::ShutOut { known })
        } else if second.is_some() {
            Err(Why::Malformed)
        } else {
            self.keys.check(presented, peer)
        };
        match outcome {
            Ok(principal) => {
                self.failures.passed(&pair);
                Ok(principal)
            }
            // What happens during a lockout is counted too, so that an attack that goes on is seen to go on.
            Err(why) => {
                let counted = self.failures.count(&pair, !matches!(why, Why::ShutOut { .. }));
                Err(Attempt { wait: self.failures.shut_out(&pair).or(counted), why, peer })
            }
        }
    }

    /// What is counted of failed attempts.
    #[must_use]
    pub const fn failures(&self) -> &Failures {
        &self.failures
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

/// Lets a request pass when its route's roles include the caller's.
#[derive(Clone, Debug)]
pub struct Access<S> {
    pub(super) inner: S,
    pub(super) door: Arc<Door>,
    pub(super) witness: Arc<dyn Witness>,
}

impl<S> Service<Hop> for Access<S>
where
    S: Service<Hop, Response = Response<Body>, Error = Stop, Future = Answer>,
{
    type Response = Response<Body>;
    type Error = Stop;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut hop: Hop) -> Answer {
        match self.admit(&mut hop) {
            Ok(()) => self.inner.call(hop),
            Err(refusal) => refusal.into(),
        }
    }
}

impl<S> Access<S> {
    fn admit(&self, hop: &mut Hop) -> Result<(), Refusal> {
        let Hop { exchange, request } = hop;
        // Only this door says who a caller is.
        request.headers_mut().remove(PRINCIPAL);
        let Some(roles) = &exchange.route.roles else { return Ok(()) };
        let principal = self.door.ask(request.headers(), exchange.peer).map_err(|attempt| {
            self.witness.failed(exchange, &attempt);
            attempt.refusal()
        })?;
        if !roles.contains(&principal.key.role) {
            return Err(Refusal::Forbidden);
        }
        request.headers_mut().remove(API_KEY);
        if let Ok(id) = HeaderValue::from_str(&principal.key.id) {
            request.headers_mut().insert(PRINCIPAL, id);
        }
        Ok(())
    }
}

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const PRINCIPAL: HeaderName = HeaderName::from_static("sekisho-principal");
