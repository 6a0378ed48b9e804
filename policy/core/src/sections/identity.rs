//! Who may call.

mod certificates;

mod issuers;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use sekisho_safety::Scope;
use serde::Deserialize;

use super::secrets::{SecretSource, reference};
use crate::Role;
use crate::check::{Bounds, Checker};
use crate::date::Date;
use crate::written::{At, Bytes, Count, DateText, Raw, Reference, RoleWord, ScopeText, Text, Time};
pub use certificates::{CertificateOwner, KnownCertificate};
use certificates::{CertificateOwnerWritten, check_owners};
pub use issuers::{IssuerPolicy, JwksSource};
use issuers::{IssuerWritten, check_issuers};

/// Who may call.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct IdentityWritten {
    /// The key under which API keys are hashed. Needed as soon as there are keys.
    pub(crate) pepper: Option<Raw<Reference>>,
    /// API keys, by their hashes. Others can be made while the sidecar runs: `sekisho keys create`.
    pub(crate) keys: Vec<At<KeyWritten>>,
    /// Whose client certificates are known, on listeners that ask for one.
    pub(crate) certificates: Vec<At<CertificateOwnerWritten>>,
    /// Whose signed tokens (JWT) are believed.
    pub(crate) issuers: Vec<At<IssuerWritten>>,
    /// Longest token, in bytes.
    ///
    /// Default 8KiB, from 512 to 32KiB.
    pub(crate) token_bytes: Option<Raw<Bytes>>,
    /// Age at which an API key is to be replaced.
    ///
    /// Default 2160h, from 1h to 87600h.
    pub(crate) key_age: Option<Raw<Time>>,
    /// How long the old secret of a key that is rotated stays good, unless somebody says otherwise.
    ///
    /// Default 24h, from 0s to 720h.
    pub(crate) overlap: Option<Raw<Time>>,
    /// How long a session of the admin API lasts.
    ///
    /// Default 15m, from 1m to 12h.
    pub(crate) session: Option<Raw<Time>>,
    /// Most sessions at once.
    ///
    /// Default 64, from 1 to 4096.
    pub(crate) max_sessions: Option<Raw<Count>>,
    /// Most API keys made while the sidecar runs.
    ///
    /// Default 1000, from 1 to 100000.
    pub(crate) max_keys: Option<Raw<Count>>,
    /// Most revocations that hold at once.
    ///
    /// Default 10000, from 16 to 1000000.
    pub(crate) max_revoked: Option<Raw<Count>>,
}

/// One API key.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KeyWritten {
    /// The name that the journal uses for it.
    pub(crate) id: Option<Raw<Text>>,
    /// What its holder is.
    pub(crate) role: Option<Raw<RoleWord>>,
    /// HMAC-SHA256 of the key under the pepper, as 64 hex digits.
    pub(crate) hash: Option<Raw<Text>>,
    /// The scopes its holder may act on. Default fleet.
    pub(crate) scopes: Vec<Raw<ScopeText>>,
    /// The networks it may come from, as 10.0.0.0/8. Default anywhere.
    pub(crate) allow: Vec<Raw<Text>>,
    /// Whose it is: two keys of one person are one person. Default its id.
    pub(crate) person: Option<Raw<Text>>,
    /// The day it was made, as 2026-01-31. Without it nobody is told when it is old.
    pub(crate) created: Option<Raw<DateText>>,
    /// The day from which on it is no longer good (UTC).
    pub(crate) expires: Option<Raw<DateText>>,
}

/// Who may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The key under which API keys are hashed. INVARIANT: there when there are keys.
    pub pepper: Option<SecretSource>,
    /// API keys, by their hashes.
    pub keys: Vec<ApiKey>,
    /// Whose client certificates are known.
    pub certificates: Vec<CertificateOwner>,
    /// Whose signed tokens are believed.
    pub issuers: Vec<IssuerPolicy>,
    /// Longest token, in bytes.
    pub token_bytes: usize,
    /// Age at which an API key is to be replaced.
    pub key_age: Duration,
    /// How long the old secret of a rotated key stays good.
    pub overlap: Duration,
    /// How long a session of the admin API lasts.
    pub session: Duration,
    /// Most sessions at once.
    pub max_sessions: usize,
    /// Most API keys made while the sidecar runs.
    pub max_keys: usize,
    /// Most revocations that hold at once.
    pub max_revoked: usize,
}

/// One API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// The name that the journal uses for it.
    pub id: String,
    /// What its holder is.
    pub role: Role,
    /// HMAC-SHA256 of the key under the pepper.
    pub hash: [u8; 32],
    /// The scopes its holder may act on.
    pub scopes: Vec<Scope>,
    /// The networks it may come from. Empty: anywhere.
    pub allow: Vec<IpNet>,
    /// Whose it is: two keys of one person are one person.
    pub person: String,
    /// When it was made, in seconds since 1970, if that is known.
    pub created_s: Option<u64>,
    /// When its time is over, in seconds since 1970.
    pub expires_s: Option<u64>,
}

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpNet {
    /// Its first address.
    pub addr: IpAddr,
    /// The bits that all its addresses share.
    pub prefix: u8,
}

impl FromStr for IpNet {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (addr, prefix) = text.split_once('/').map_or((text, None), |(addr, prefix)| (addr, Some(prefix)));
        let addr: IpAddr = addr.parse().map_err(|_not_an_address| NoNetwork)?;
        let bits = if addr.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), str::parse).map_err(|_not_a_number| NoNetwork)?;
        let host_bits = match addr {
            IpAddr::V4(addr) => addr.to_bits().checked_shl(prefix.into()).unwrap_or(0) != 0,
            IpAddr::V6(addr) => addr.to_bits().checked_shl(prefix.into()).unwrap_or(0) != 0,
        };
        if prefix > bits || host_bits { Err(NoNetwork) } else { Ok(Self { addr, prefix }) }
    }
}

/// Text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{NETWORK}")]
pub struct NoNetwork;

impl IdentityWritten {
    /// Whether anybody could ever prove who they are.
    pub(crate) const fn knows_anybody(&self) -> bool {
        self.pepper.is_some() || !self.issuers.is_empty() || !self.certificates.is_empty()
    }

    pub(crate) fn check(&self, checker: &mut Checker) -> Identity {
        let pepper = self.pepper.as_ref().and_then(|pepper| reference(pepper, "identity.pepper", checker));
        if let (None, Some(key)) = (&self.pepper, self.keys.first()) {
            checker.wrong(key.place, "identity.pepper", "expected: keys need a pepper");
        }
        let mut ids = BTreeSet::new();
        let mut hashes = BTreeSet::new();
        let mut keys = Vec::new();
        for (index, written) in self.keys.iter().enumerate() {
            let path = format!("identity.keys[{index}]");
            let Some(key) = check_key(written, &path, checker) else { continue };
            let KeyWritten { id, hash, .. } = &written.value;
            if let Some(id) = id.as_ref().filter(|_| !ids.insert(key.id.clone())) {
                checker.wrong(id.place(), &format!("{path}.id"), "expected an id that no other key has");
            }
            if let Some(hash) = hash.as_ref().filter(|_| !hashes.insert(key.hash)) {
                checker.wrong(hash.place(), &format!("{path}.hash"), "expected a hash that no other key has");
            }
            keys.push(key);
        }
        let time = |raw: &Option<Raw<Time>>, name: &str, (default, min, max), checker: &mut Checker| {
            checker.bounded(raw.as_ref(), &format!("identity.{name}"), Bounds { default, min, max })
        };
        let count = |raw: &Option<Raw<Count>>, name: &str, (default, min, max), checker: &mut Checker| {
            let count = checker.bounded(raw.as_ref(), &format!("identity.{name}"), Bounds { default, min, max });
            usize::try_from(count).unwrap_or(usize::MAX)
        };
        let token_bytes = Bounds { default: "8KiB", min: "512", max: "32KiB" };
        let token_bytes = checker.bounded(self.token_bytes.as_ref(), "identity.token_bytes", token_bytes);
        Identity {
            pepper,
            keys,
            certificates: check_owners(&self.certificates, &ids, checker),
            issuers: check_issuers(&self.issuers, checker),
            token_bytes: usize::try_from(token_bytes).unwrap_or(usize::MAX),
            key_age: time(&self.key_age, "key_age", ("2160h", "1h", "87600h"), checker),
            overlap: time(&self.overlap, "overlap", ("24h", "0s", "720h"), checker),
            session: time(&self.session, "session", ("15m", "1m", "12h"), checker),
            max_sessions: count(&self.max_sessions, "max_sessions", ("64", "1", "4096"), checker),
            max_keys: count(&self.max_keys, "max_keys", ("1000", "1", "100000"), checker),
            max_revoked: count(&self.max_revoked, "max_revoked", ("10000", "16", "1000000"), checker),
        }
    }
}

fn check_key(written: &At<KeyWritten>, path: &str, checker: &mut Checker) -> Option<ApiKey> {
    let key = &written.value;
    let field = |name: &str| format!("{path}.{name}");
    let id = checker.needed(key.id.as_ref(), written.place, &field("id"));
    let id = id.map(|id| checker.name(id, &field("id")));
    let role = checker.needed(key.role.as_ref(), written.place, &field("role"));
    let role = role.and_then(|role| checker.choice(role, &field("role"), &ROLES));
    let hash = checker.needed(key.hash.as_ref(), written.place, &field("hash"));
    let hash = hash.and_then(|raw| {
        let hash = hex(raw.text());
        if hash.is_none() {
            checker.wrong(
                raw.place(),
                &field("hash"),
                "expected 64 hex digits: the HMAC-SHA256 of the key under the pepper",
            );
        }
        hash
    });
    let scopes = checker.scopes(&key.scopes, &field("scopes"));
    let allow = networks(&key.allow, &field("allow"), checker);
    let person = key.person.as_ref().map(|person| checker.name(person, &field("person")));
    let mut day = |raw: &Option<Raw<DateText>>, name: &str| -> Option<u64> {
        checker.parsed::<_, Date>(raw.as_ref()?, &field(name), "expected a day, as 2026-01-31").map(Date::begins_s)
    };
    let (created_s, expires_s) = (day(&key.created, "created"), day(&key.expires, "expires"));
    let id = id?;
    Some(ApiKey {
        created_s,
        expires_s,
        person: person.unwrap_or_else(|| id.clone()),
        id,
        role: role?,
        hash: hash?,
        scopes: if key.scopes.is_empty() { vec![Scope::Fleet] } else { scopes },
        allow,
    })
}

pub(in crate::sections) fn networks(raws: &[Raw<Text>], path: &str, checker: &mut Checker) -> Vec<IpNet> {
    let each = raws.iter().enumerate();
    each.filter_map(|(index, net)| checker.parsed(net, &format!("{path}[{index}]"), NETWORK)).collect()
}

fn hex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect();
    let (pairs, []) = digits.as_deref()?.as_chunks::<2>() else { return None };
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok()
}

pub(crate) const ROLES: [(&str, Role); 4] =
    [("admin", Role::Admin), ("operator", Role::Operator), ("viewer", Role::Viewer), ("service", Role::Service)];
const NETWORK: &str = "expected an address or a network, as 10.0.0.0/8 with no bit set behind the prefix";
