use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use sekisho_policy::Role;
use sekisho_safety::Scope;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::super::{Key, Network, Principal, Proof};
use super::keyset::{Algorithm, KeySet};
use super::parse::{Token, TokenFault};

/// Whose tokens are good, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerSettings {
    /// What ids of its subjects begin with: no key's id has a colon.
    pub name: String,
    /// `iss`, to the letter.
    pub issuer: String,
    /// One of these has to be in `aud`.
    pub audiences: Vec<String>,
    /// The only algorithms that its tokens may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// How far its clock and ours may be apart.
    pub skew: Duration,
    /// Longest life of a token, from `iat` to `exp`.
    pub max_life: Duration,
    /// The claim that roles are read from: a member, or a JSON pointer (RFC 6901).
    pub role_claim: String,
    /// What each of its values is here.
    pub roles: BTreeMap<String, Role>,
    /// The claim that says who acts; two credentials of one person are one person.
    pub person_claim: String,
    /// Where its subjects may act; empty is everywhere.
    pub scopes: Vec<Scope>,
    /// Networks its tokens may come from; empty is anywhere.
    pub allow: Vec<Network>,
    /// Whether a token goes on to the service behind.
    pub forward: bool,
    /// Least time between two fetches of its keys that tokens with unknown keys cause.
    pub refetch: Duration,
    /// How long a token with an unknown key may wait for such a fetch.
    pub patience: Duration,
}

/// An issuer and its keys as they are known now.
#[derive(Debug)]
pub struct Issuer {
    settings: IssuerSettings,
    keys: ArcSwap<KeySet>,
    wanted: Notify,
    fetched: watch::Sender<u64>,
    asked: Mutex<Asked>,
}

/// What was asked for in vain.
#[derive(Debug, Default)]
struct Asked {
    /// When a token last made us fetch, and how many fetches there had been.
    last: Option<(Instant, u64)>,
    /// Keys that were not there after a fetch, and until when that is believed.
    missing: HashMap<String, Instant>,
}

/// All issuers that policy names.
#[derive(Debug, Default)]
pub struct Issuers {
    all: Vec<Arc<Issuer>>,
    most_bytes: usize,
}

/// A token that was found good.
#[derive(Clone, Debug)]
pub(in super::super) struct Believed {
    pub(in super::super) principal: Principal,
    pub(in super::super) forward: bool,
}

impl Issuers {
    /// These issuers, whose tokens have at most `most_bytes`.
    #[must_use]
    pub const fn new(all: Vec<Arc<Issuer>>, most_bytes: usize) -> Self {
        Self { all, most_bytes }
    }

    /// Whether there is none, so that a bearer token is nothing to us.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Issuer>> {
        self.all.iter()
    }

    pub(in super::super) fn read<'t>(&self, bytes: &'t [u8]) -> Result<Token<'t>, TokenFault> {
        Token::parse(bytes, self.most_bytes)
    }

    pub(in super::super) fn issuer(&self, token: &Token<'_>) -> Result<&Arc<Issuer>, TokenFault> {
        self.all.iter().find(|issuer| issuer.settings.issuer == token.issuer).ok_or(TokenFault::Issuer)
    }
}

impl Issuer {
    /// An issuer whose keys are not known yet: until they are, none of its tokens is good.
    #[must_use]
    pub fn new(settings: IssuerSettings) -> Self {
        Self {
            settings,
            keys: ArcSwap::default(),
            wanted: Notify::new(),
            fetched: watch::Sender::new(0),
            asked: Mutex::default(),
        }
    }

    /// How its tokens are judged.
    #[must_use]
    pub const fn settings(&self) -> &IssuerSettings {
        &self.settings
    }

    /// These are its keys from now on: those that are gone sign nothing any more.
    pub fn replace(&self, keys: KeySet) {
        self.keys.store(Arc::new(keys));
    }

    /// Its keys.
    #[must_use]
    pub fn keys(&self) -> Arc<KeySet> {
        self.keys.load_full()
    }

    /// Waits until a token wants keys that are not here. For the one task that fetches them: many tokens make one fetch.
    pub async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// The fetch is over, with whatever end: whoever waits for it looks again.
    pub fn fetch_is_over(&self) {
        self.fetched.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Judges a token at a time, in seconds since 1970, from `peer`.
    pub(in super::super) fn judge(&self, token: &Token<'_>, peer: IpAddr, now_s: u64) -> Result<Believed, TokenFault> {
        let settings = &self.settings;
        if !settings.algorithms.contains(&token.algorithm) {
            return Err(TokenFault::Algorithm);
        }
        let (keys, kid) = (self.keys.load(), token.kid.as_deref());
        match keys.verify(kid, token.algorithm, token.signed, &token.signature) {
            Some(true) => {}
            Some(false) => return Err(TokenFault::Signature),
            None if keys.has(kid) && kid.is_some() => return Err(TokenFault::Algorithm),
            None => return Err(TokenFault::NoKey),
        }
        self.time(token, now_s)?;
        self.audience(token)?;
        let role = self.role(token)?;
        let person = text(token, &settings.person_claim).ok_or(TokenFault::Role)?;
        let key = Key {
            id: format!("{}:{}", settings.name, token.subject),
            person: person.to_owned(),
            role,
            scopes: settings.scopes.clone(),
            allow: settings.allow.clone(),
            made: false,
        };
        if !key.is_allowed(peer) {
            return Err(TokenFault::Address);
        }
        let proof = Proof::Token(token.id.as_deref().map(Arc::from));
        Ok(Believed { principal: Principal { key: Arc::new(key), proof }, forward: settings.forward })
    }

    fn time(&self, token: &Token<'_>, now_s: u64) -> Result<(), TokenFault> {
        let at = |name: &str| match token.claims.get(name) {
            None => Ok(None),
            Some(value) => {
                value.as_f64().filter(|at| (0.0..TIME_ENDS).contains(at)).map(Some).ok_or(TokenFault::Malformed)
            }
        };
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are far below 2^52")]
        let (now, skew) = (now_s as f64, self.settings.skew.as_secs_f64());
        let needed = |name| at(name)?.ok_or(TokenFault::Malformed);
        let (expires, begins, issued) = (needed("exp")?, at("nbf")?, needed("iat")?);
        if now >= expires + skew {
            return Err(TokenFault::Expired);
        }
        if now + skew < issued || begins.is_some_and(|begins| now + skew < begins) {
            return Err(TokenFault::NotYet);
        }
        if expires - issued > self.settings.max_life.as_secs_f64() { Err(TokenFault::Expired) } else { Ok(()) }
    }

    fn audience(&self, token: &Token<'_>) -> Result<(), TokenFault> {
        let ours = |audience: &Value| self.settings.audiences.iter().any(|ours| audience == ours.as_str());
        let meant = match token.claims.get("aud") {
            Some(Value::Array(all)) => all.iter().all(Value::is_string) && all.iter().any(ours),
            Some(one) => ours(one),
            None => false,
        };
        if meant { Ok(()) } else { Err(TokenFault::Audience) }
    }

    /// Of several roles the one that may do most.
    fn role(&self, token: &Token<'_>) -> Result<Role, TokenFault> {
        let claim = member(token, &self.settings.role_claim).ok_or(TokenFault::Role)?;
        let words: Vec<&str> = match claim {
            // As `scope` of RFC 8693, 4.2.
            Value::String(words) => words.split(' ').collect(),
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return Err(TokenFault::Role),
        };
        let held: Vec<Role> = words.iter().filter_map(|word| self.settings.roles.get(*word).copied()).collect();
        MOST_FIRST.into_iter().find(|role| held.contains(role)).ok_or(TokenFault::Role)
    }

    /// The key that `token` names is not here. If it may be there by now, asks for a fetch, and gives what to wait for.
    pub(in super::super) fn want(
        self: &Arc<Self>,
        token: &Token<'_>,
    ) -> Option<impl Future<Output = ()> + Send + use<>> {
        let kid = token.kid.clone().unwrap_or_default();
        let mut fetched = self.fetched.subscribe();
        let (now, count) = (Instant::now(), *fetched.borrow_and_update());
        let mut asked = self.asked();
        asked.missing.retain(|_, until| *until > now);
        let is_fetching =
            asked.last.is_some_and(|(last, before)| before == count && now - last < self.settings.patience);
        let is_due = asked.last.is_none_or(|(last, _)| now - last >= self.settings.refetch);
        if !is_fetching {
            if !is_due || asked.missing.contains_key(&kid) {
                return None;
            }
            asked.last = Some((now, count));
            // Found or not, this key makes nobody fetch again soon.
            if asked.missing.len() < MOST_MISSING {
                asked.missing.insert(kid, now + self.settings.refetch.saturating_mul(MISSING_FOR));
            }
            self.wanted.notify_one();
        }
        drop(asked);
        let patience = self.settings.patience;
        Some(async move {
            let _elapsed = tokio::time::timeout(patience, fetched.changed()).await;
        })
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn member<'t>(token: &'t Token<'_>, claim: &str) -> Option<&'t Value> {
    let Some(rest) = claim.strip_prefix('/') else { return token.claims.get(claim) };
    // RFC 6901: `~1` is a slash, `~0` a tilde.
    let mut parts = rest.split('/').map(|part| part.replace("~1", "/").replace("~0", "~"));
    let first = token.claims.get(&parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part))
}

fn text<'t>(token: &'t Token<'_>, claim: &str) -> Option<&'t str> {
    member(token, claim)?
        .as_str()
        .filter(|text| (1..=256).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()))
}

/// No time after the year 33658.
const TIME_ENDS: f64 = 1e12;

/// Which role holds when a token has several.
const MOST_FIRST: [Role; 4] = [Role::Admin, Role::Operator, Role::Service, Role::Viewer];

/// Keys remembered as missing. Beyond it only the time between two fetches bounds them.
const MOST_MISSING: usize = 256;

/// How many times `refetch` a missing key makes nobody fetch.
const MISSING_FOR: u32 = 10;
