//! Who may call.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::str::FromStr;

use schemars::JsonSchema;
use sekisho_safety::Scope;
use serde::Deserialize;

use super::secrets::{SecretSource, reference};
use crate::Role;
use crate::check::Checker;
use crate::written::{At, Raw, Reference, RoleWord, ScopeText, Text};

/// Who may call.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct IdentityWritten {
    /// The key under which API keys are hashed. Needed as soon as there are keys.
    pub(crate) pepper: Option<Raw<Reference>>,
    /// API keys, by their hashes.
    pub(crate) keys: Vec<At<KeyWritten>>,
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
}

/// Who may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The key under which API keys are hashed. INVARIANT: there when there are keys.
    pub pepper: Option<SecretSource>,
    /// API keys, by their hashes.
    pub keys: Vec<ApiKey>,
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
        Identity { pepper, keys }
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
    let allow = key.allow.iter().enumerate();
    let allow =
        allow.filter_map(|(index, net)| checker.parsed(net, &field(&format!("allow[{index}]")), NETWORK)).collect();
    let person = key.person.as_ref().map(|person| checker.name(person, &field("person")));
    let id = id?;
    Some(ApiKey {
        person: person.unwrap_or_else(|| id.clone()),
        id,
        role: role?,
        hash: hash?,
        scopes: if key.scopes.is_empty() { vec![Scope::Fleet] } else { scopes },
        allow,
    })
}

fn hex(text: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| digit.to_digit(16)?.try_into().ok()).collect();
    let (pairs, []) = digits.as_deref()?.as_chunks::<2>() else { return None };
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    bytes.try_into().ok()
}

pub(super) const ROLES: [(&str, Role); 4] =
    [("admin", Role::Admin), ("operator", Role::Operator), ("viewer", Role::Viewer), ("service", Role::Service)];
const NETWORK: &str = "expected an address or a network, as 10.0.0.0/8 with no bit set behind the prefix";
