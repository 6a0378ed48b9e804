//! Whose signed tokens are believed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use sekisho_safety::Scope;
use serde::Deserialize;

use super::{IpNet, ROLES, networks};
use crate::Role;
use crate::check::{Bounds, Checker};
use crate::sections::upstreams::authority;
use crate::written::{AlgorithmWord, At, Flag, Raw, RoleWord, ScopeText, Text, Time};

/// Somebody whose signed tokens (JWT) are believed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct IssuerWritten {
    /// What its subjects are called here: the id of one is `NAME:SUB`.
    pub(crate) name: Option<Raw<Text>>,
    /// `iss` of its tokens, to the letter.
    pub(crate) issuer: Option<Raw<Text>>,
    /// Its public keys, as a JSON Web Key Set: `file:/PATH`, `https://HOST[:PORT]/PATH`, or `http://` on loopback.
    pub(crate) jwks: Option<Raw<Text>>,
    /// The CA that the server of `jwks` is verified by, as a file in PEM. Default those of the system.
    pub(crate) ca: Option<Raw<Text>>,
    /// What its tokens have to be meant for: one of these has to be in `aud`.
    pub(crate) audiences: Vec<Raw<Text>>,
    /// The algorithms that it signs with; all others are refused.
    pub(crate) algorithms: Vec<Raw<AlgorithmWord>>,
    /// The claim that roles are read from: its name, or a JSON pointer as `/realm_access/roles`. Default `roles`.
    pub(crate) role_claim: Option<Raw<Text>>,
    /// What the values of that claim are here. A token with none of them is refused.
    pub(crate) roles: BTreeMap<String, Raw<RoleWord>>,
    /// The claim that says who acts, as a release by two people counts them. Whoever can choose its value can be anybody.
    /// Default `sub`.
    pub(crate) person_claim: Option<Raw<Text>>,
    /// The scopes its subjects may act on. Default fleet.
    pub(crate) scopes: Vec<Raw<ScopeText>>,
    /// The networks its tokens may come from, as 10.0.0.0/8. Default anywhere.
    pub(crate) allow: Vec<Raw<Text>>,
    /// Whether the token goes on to the service behind. Default false.
    pub(crate) forward: Option<Raw<Flag>>,
    /// How far its clock may be off.
    ///
    /// Default 30s, from 0s to 5m.
    pub(crate) skew: Option<Raw<Time>>,
    /// The longest life of a token, from `iat` to `exp`.
    ///
    /// Default 24h, from 1m to 8760h.
    pub(crate) max_life: Option<Raw<Time>>,
    /// How often its keys are read again: a key that it withdraws signs nothing here after this time.
    ///
    /// Default 5m, from 1s to 24h.
    pub(crate) refresh: Option<Raw<Time>>,
    /// Between two readings that are caused by tokens with keys that are not known.
    ///
    /// Default 30s, from 1s to 1h.
    pub(crate) refetch: Option<Raw<Time>>,
    /// How long such a token waits, and how long one reading may take.
    ///
    /// Default 2s, from 100ms to 30s.
    pub(crate) patience: Option<Raw<Time>>,
    /// How long keys are believed that cannot be read again.
    ///
    /// Default 1h, from 1m to 168h.
    pub(crate) keep: Option<Raw<Time>>,
}

/// Somebody whose signed tokens are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerPolicy {
    /// What its subjects are called here.
    pub name: String,
    /// `iss` of its tokens.
    pub issuer: String,
    /// Where its keys are.
    pub jwks: JwksSource,
    /// The CA that the server of `jwks` is verified by. None: those of the system.
    pub ca: Option<PathBuf>,
    /// What its tokens have to be meant for.
    pub audiences: Vec<String>,
    /// The algorithms that it signs with, by their names in RFC 7518. Not empty.
    pub algorithms: Vec<&'static str>,
    /// The claim that roles are read from.
    pub role_claim: String,
    /// What its values are here.
    pub roles: BTreeMap<String, Role>,
    /// The claim that says who acts.
    pub person_claim: String,
    /// The scopes its subjects may act on.
    pub scopes: Vec<Scope>,
    /// The networks its tokens may come from. Empty: anywhere.
    pub allow: Vec<IpNet>,
    /// Whether the token goes on.
    pub forward: bool,
    /// How far its clock may be off.
    pub skew: Duration,
    /// The longest life of a token.
    pub max_life: Duration,
    /// How often its keys are read again.
    pub refresh: Duration,
    /// Between two readings that tokens cause.
    pub refetch: Duration,
    /// How long such a token waits, and how long one reading may take.
    pub patience: Duration,
    /// How long keys are believed that cannot be read again.
    pub keep: Duration,
}

/// Where the keys of an issuer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JwksSource {
    /// In a file, by its absolute path.
    File(PathBuf),
    /// On a server.
    Url {
        /// Whether it is spoken to by TLS.
        tls: bool,
        /// Its name or address.
        host: String,
        /// Its port.
        port: u16,
        /// Path and query.
        path: String,
    },
}

pub(super) fn check_issuers(written: &[At<IssuerWritten>], checker: &mut Checker) -> Vec<IssuerPolicy> {
    let (mut names, mut issuers) = (BTreeSet::new(), BTreeSet::new());
    let mut checked = Vec::new();
    for (index, item) in written.iter().enumerate() {
        let path = format!("identity.issuers[{index}]");
        let Some(issuer) = check(item, &path, checker) else { continue };
        if !names.insert(issuer.name.clone()) {
            checker.wrong(item.place, &format!("{path}.name"), "expected a name that no other issuer has");
        }
        if !issuers.insert(issuer.issuer.clone()) {
            checker.wrong(item.place, &format!("{path}.issuer"), "expected an issuer that is named once");
        }
        checked.push(issuer);
    }
    checked
}

fn check(item: &At<IssuerWritten>, path: &str, checker: &mut Checker) -> Option<IssuerPolicy> {
    let written = &item.value;
    let field = |name: &str| format!("{path}.{name}");
    let name = checker.needed(written.name.as_ref(), item.place, &field("name"));
    let name = name.map(|name| checker.name(name, &field("name")));
    let issuer = checker.needed(written.issuer.as_ref(), item.place, &field("issuer"));
    let issuer = issuer.map(|issuer| claim(issuer, &field("issuer"), checker));
    let jwks = checker.needed(written.jwks.as_ref(), item.place, &field("jwks"));
    let jwks = jwks.and_then(|raw| {
        let source = source(raw.text());
        if source.is_none() {
            let message = "expected file:/PATH, https://HOST[:PORT]/PATH, or http:// and a loopback address";
            checker.wrong(raw.place(), &field("jwks"), message);
        }
        source
    });
    let mut some = |empty: bool, name: &str, message: &str| {
        if empty {
            checker.wrong(item.place, &field(name), message);
        }
    };
    some(written.audiences.is_empty(), "audiences", "expected at least one: a token for somebody else is none for us");
    some(written.algorithms.is_empty(), "algorithms", "expected at least one: the token is not asked how it is signed");
    some(written.roles.is_empty(), "roles", "expected what at least one value of the role claim is here");
    let words = |raws: &[Raw<Text>], name: &str, checker: &mut Checker| -> Vec<String> {
        raws.iter().enumerate().map(|(index, raw)| claim(raw, &field(&format!("{name}[{index}]")), checker)).collect()
    };
    let algorithms = written.algorithms.iter();
    let algorithms =
        algorithms.filter_map(|raw| checker.choice(raw, &field("algorithms"), &ALGORITHMS.map(|name| (name, name))));
    let algorithms = algorithms.collect();
    let roles = written.roles.iter();
    let roles = roles.filter_map(|(word, raw)| Some((word.clone(), checker.choice(raw, &field("roles"), &ROLES)?)));
    let roles = roles.collect();
    let named = |raw: Option<&Raw<Text>>, name: &str, default: &str, checker: &mut Checker| {
        raw.map_or_else(|| default.to_owned(), |raw| claim(raw, &field(name), checker))
    };
    let scopes = checker.scopes(&written.scopes, &field("scopes"));
    let times = Times::of(written, path, checker);
    Some(IssuerPolicy {
        audiences: words(&written.audiences, "audiences", checker),
        role_claim: named(written.role_claim.as_ref(), "role_claim", "roles", checker),
        person_claim: named(written.person_claim.as_ref(), "person_claim", "sub", checker),
        ca: checker.path(written.ca.as_ref(), &field("ca")),
        allow: networks(&written.allow, &field("allow"), checker),
        forward: checker.flag(written.forward.as_ref(), &field("forward"), false),
        scopes: if written.scopes.is_empty() { vec![Scope::Fleet] } else { scopes },
        algorithms,
        roles,
        name: name?,
        issuer: issuer?,
        jwks: jwks?,
        skew: times.skew,
        max_life: times.max_life,
        refresh: times.refresh,
        refetch: times.refetch,
        patience: times.patience,
        keep: times.keep,
    })
}

struct Times {
    skew: Duration,
    max_life: Duration,
    refresh: Duration,
    refetch: Duration,
    patience: Duration,
    keep: Duration,
}

impl Times {
    fn of(written: &IssuerWritten, path: &str, checker: &mut Checker) -> Self {
        let mut time = |raw: &Option<Raw<Time>>, name: &str, (default, min, max)| {
            checker.bounded(raw.as_ref(), &format!("{path}.{name}"), Bounds { default, min, max })
        };
        Self {
            skew: time(&written.skew, "skew", ("30s", "0s", "5m")),
            max_life: time(&written.max_life, "max_life", ("24h", "1m", "8760h")),
            refresh: time(&written.refresh, "refresh", ("5m", "1s", "24h")),
            refetch: time(&written.refetch, "refetch", ("30s", "1s", "1h")),
            patience: time(&written.patience, "patience", ("2s", "100ms", "30s")),
            keep: time(&written.keep, "keep", ("1h", "1m", "168h")),
        }
    }
}

/// Text that a claim may be or be called.
fn claim(raw: &Raw<Text>, path: &str, checker: &mut Checker) -> String {
    let text = raw.text();
    if text.is_empty() || text.len() > 256 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        checker.wrong(raw.place(), path, "expected 1 to 256 printable characters of ASCII without a space");
    }
    text.to_owned()
}

fn source(text: &str) -> Option<JwksSource> {
    if let Some(path) = text.strip_prefix("file:") {
        return Some(PathBuf::from(path)).filter(|path| path.is_absolute()).map(JwksSource::File);
    }
    let (tls, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return None,
    };
    let at = rest.find('/')?;
    let (server, path) = rest.split_at_checked(at)?;
    let plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'#'));
    let with_port = if server.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']')) {
        server.to_owned()
    } else {
        format!("{server}:{}", if tls { 443 } else { 80 })
    };
    let (host, port) = authority(&format!("http://{with_port}"))?;
    // Whoever can change plain HTTP on the way can make keys of his own.
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    let is_here = host == "localhost" || address.is_ok_and(|address| address.is_loopback());
    (plain && (tls || is_here)).then(|| JwksSource::Url { tls, host, port, path: path.to_owned() })
}

const ALGORITHMS: [&str; 9] = ["ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"];

#[cfg(test)]
mod tests {
    use super::{JwksSource, source};

    #[test]
    fn keys_come_from_a_file_or_over_tls_or_from_this_machine() {
        let url = |tls, host: &str, port, path: &str| {
            Some(JwksSource::Url { tls, host: host.to_owned(), port, path: path.to_owned() })
        };
        for (text, expected) in [
            ("file:/etc/keys.json", Some(JwksSource::File("/etc/keys.json".into()))),
            ("file:keys.json", None),
            ("https://idp.example/keys?a=b", url(true, "idp.example", 443, "/keys?a=b")),
            ("https://idp.example:8443/", url(true, "idp.example", 8443, "/")),
            ("https://idp.example", None),
            ("http://127.0.0.1:9000/keys", url(false, "127.0.0.1", 9000, "/keys")),
            ("http://localhost/keys", url(false, "localhost", 80, "/keys")),
            ("http://idp.example/keys", None),
            ("http://127.0.0.1@idp.example/keys", None),
            ("https://idp.example/a b", None),
            ("ftp://idp.example/keys", None),
        ] {
            assert_eq!(source(text), expected, "{text}");
        }
    }
}
