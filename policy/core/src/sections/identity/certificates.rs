//! Whose client certificates are known.

use std::collections::BTreeSet;
use std::str::FromStr;

use schemars::JsonSchema;
use sekisho_safety::Scope;
use serde::Deserialize;

use super::{IpNet, ROLES, networks};
use crate::Role;
use crate::check::Checker;
use crate::sections::upstreams::valid_host;
use crate::written::{At, Raw, RoleWord, ScopeText, Text};

/// A client certificate, and whose it is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CertificateOwnerWritten {
    /// What it is known by: `spiffe://DOMAIN/PATH`, `dns:NAME` or `sha256:` and 64 hex digits of the whole certificate.
    pub(crate) name: Option<Raw<Text>>,
    /// The name that the journal uses for its owner.
    pub(crate) id: Option<Raw<Text>>,
    /// What its owner is.
    pub(crate) role: Option<Raw<RoleWord>>,
    /// Whose it is: two credentials of one person are one person. Default its id.
    pub(crate) person: Option<Raw<Text>>,
    /// The scopes its owner may act on. Default fleet.
    pub(crate) scopes: Vec<Raw<ScopeText>>,
    /// The networks it may come from, as 10.0.0.0/8. Default anywhere.
    pub(crate) allow: Vec<Raw<Text>>,
}

/// A client certificate, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateOwner {
    /// What it is known by.
    pub name: KnownCertificate,
    /// The name that the journal uses for its owner.
    pub id: String,
    /// What its owner is.
    pub role: Role,
    /// Whose it is.
    pub person: String,
    /// The scopes its owner may act on.
    pub scopes: Vec<Scope>,
    /// The networks it may come from. Empty: anywhere.
    pub allow: Vec<IpNet>,
}

/// What a certificate is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KnownCertificate {
    /// A SPIFFE id.
    Spiffe(String),
    /// A name of a host, in lower case.
    Dns(String),
    /// SHA-256 of the whole certificate.
    Sha256([u8; 32]),
}

impl FromStr for KnownCertificate {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(rest) = text.strip_prefix("spiffe://") {
            let (domain, path) = rest.split_once('/').ok_or(())?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            let parts = path.split('/').all(|part| !matches!(part, "" | "." | "..") && part.bytes().all(plain));
            let sound = valid_host(domain) && !domain.bytes().any(|byte| byte.is_ascii_uppercase()) && parts;
            return if sound { Ok(Self::Spiffe(text.to_owned())) } else { Err(()) };
        }
        if let Some(name) = text.strip_prefix("dns:") {
            return if valid_host(name) { Ok(Self::Dns(name.to_ascii_lowercase())) } else { Err(()) };
        }
        text.strip_prefix("sha256:").and_then(super::hex).map(Self::Sha256).ok_or(())
    }
}

/// `ids` are those of API keys: a principal has one meaning.
pub(super) fn check_owners(
    written: &[At<CertificateOwnerWritten>],
    ids: &BTreeSet<String>,
    checker: &mut Checker,
) -> Vec<CertificateOwner> {
    let mut names = BTreeSet::new();
    let mut owners = Vec::new();
    for (index, item) in written.iter().enumerate() {
        let path = format!("identity.certificates[{index}]");
        let Some(owner) = check(item, &path, checker) else { continue };
        if !names.insert(owner.name.clone()) {
            checker.wrong(item.place, &format!("{path}.name"), "expected a name that no other certificate has");
        }
        if ids.contains(&owner.id) {
            checker.wrong(item.place, &format!("{path}.id"), "expected an id that no key has");
        }
        owners.push(owner);
    }
    owners
}

fn check(item: &At<CertificateOwnerWritten>, path: &str, checker: &mut Checker) -> Option<CertificateOwner> {
    let written = &item.value;
    let field = |name: &str| format!("{path}.{name}");
    let name = checker.needed(written.name.as_ref(), item.place, &field("name"));
    let name = name.and_then(|raw| {
        checker.parsed(raw, &field("name"), "expected spiffe://DOMAIN/PATH, dns:NAME or sha256: and 64 hex digits")
    });
    let id = checker.needed(written.id.as_ref(), item.place, &field("id"));
    let id = id.map(|id| checker.name(id, &field("id")));
    let role = checker.needed(written.role.as_ref(), item.place, &field("role"));
    let role = role.and_then(|role| checker.choice(role, &field("role"), &ROLES));
    let person = written.person.as_ref().map(|person| checker.name(person, &field("person")));
    let scopes = checker.scopes(&written.scopes, &field("scopes"));
    let allow = networks(&written.allow, &field("allow"), checker);
    let id = id?;
    Some(CertificateOwner {
        person: person.unwrap_or_else(|| id.clone()),
        id,
        name: name?,
        role: role?,
        scopes: if written.scopes.is_empty() { vec![Scope::Fleet] } else { scopes },
        allow,
    })
}

#[cfg(test)]
mod tests {
    use super::KnownCertificate;

    #[test]
    fn a_certificate_is_known_by_what_it_says_or_is() {
        let hash = "ab".repeat(32);
        for (text, sound) in [
            ("spiffe://prod.example/desk/bot-1", true),
            ("spiffe://prod.example", false),
            ("spiffe://prod.example/", false),
            ("spiffe://Prod.example/bot", false),
            ("spiffe://prod.example/a/../b", false),
            ("spiffe://prod.example/a%2fb", false),
            ("dns:bot.prod.example", true),
            ("dns:*.prod.example", false),
            ("bot.prod.example", false),
            (&format!("sha256:{hash}"), true),
            ("sha256:ab", false),
        ] {
            assert_eq!(text.parse::<KnownCertificate>().is_ok(), sound, "{text}");
        }
        assert_eq!("dns:Bot.Example".parse(), Ok(KnownCertificate::Dns("bot.example".into())));
    }
}
