//! TLS, on both sides: what we show, whom we believe.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::secrets::{SecretSource, reference};
use super::upstreams::valid_host;
use crate::check::Checker;
use crate::written::{At, Place, Raw, Reference, Text};

/// TLS of a listener.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ListenerTlsWritten {
    /// What is shown: the first certificate that has the name a client asks for, else the first of all. At least one.
    pub(crate) certificates: Vec<At<CertificateWritten>>,
    /// The oldest version spoken: `1.3`, or `1.2` for clients that know nothing newer. Default 1.3.
    pub(crate) min_version: Option<Raw<Text>>,
    /// A PEM file of the authorities whose client certificates are believed. Absent: no client is asked for one.
    pub(crate) client_ca: Option<Raw<Text>>,
    /// Whether a client must show a certificate (`required`) or may (`optional`). Default required.
    pub(crate) client_certificate: Option<Raw<Text>>,
    /// PEM files of revocation lists. If there is one, each authority in a client's chain needs one that is current.
    pub(crate) client_crls: Vec<Raw<Text>>,
}

/// A certificate and its key.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CertificateWritten {
    /// A PEM file: the certificate, then those that lead to its authority.
    pub(crate) chain: Option<Raw<Text>>,
    /// Its private key in PEM: `file:/PATH` or `env:NAME`.
    pub(crate) key: Option<Raw<Reference>>,
}

/// TLS toward an upstream.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct UpstreamTlsWritten {
    /// A PEM file of the only authorities that may vouch for this upstream. Default those that the system trusts.
    pub(crate) ca: Option<Raw<Text>>,
    /// The name that is asked for (SNI) and that the certificate must have. Default the host of the URL.
    pub(crate) name: Option<Raw<Text>>,
    /// The SPIFFE id that the certificate must have, as spiffe://prod.example/ledger; no name is looked at then. It needs `ca`.
    pub(crate) spiffe_id: Option<Raw<Text>>,
    /// What we show when asked who we are.
    pub(crate) certificate: Option<At<CertificateWritten>>,
    /// The oldest version spoken: `1.3`, or `1.2` for servers that know nothing newer. Default 1.3.
    pub(crate) min_version: Option<Raw<Text>>,
}

/// TLS of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerTls {
    /// What is shown; at least one.
    pub certificates: Vec<CertificateSource>,
    /// The oldest version spoken.
    pub min_version: TlsVersion,
    /// Whose clients are believed. None: no client is asked for a certificate.
    pub clients: Option<ClientCertificates>,
}

/// Where a certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateSource {
    /// A PEM file with the chain, the certificate itself first.
    pub chain: PathBuf,
    /// The private key, in PEM.
    pub key: SecretSource,
}

/// What clients have to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificates {
    /// A PEM file of the authorities that are believed.
    pub ca: PathBuf,
    /// PEM files of revocation lists.
    pub crls: Vec<PathBuf>,
    /// Whether a client without one is refused.
    pub required: bool,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// 1.2, RFC 5246.
    Tls12,
    /// 1.3, RFC 8446.
    #[default]
    Tls13,
}

/// TLS toward an upstream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UpstreamTls {
    /// A PEM file of the only authorities that are believed. None: those of the system.
    pub ca: Option<PathBuf>,
    /// The name asked for, and looked for in the certificate, if it is not the upstream's host.
    pub name: Option<String>,
    /// The SPIFFE id looked for instead of a name.
    pub spiffe_id: Option<String>,
    /// What we show when asked.
    pub certificate: Option<CertificateSource>,
    /// The oldest version spoken.
    pub min_version: TlsVersion,
}

impl ListenerTlsWritten {
    pub(crate) fn check(&self, place: Place, path: &str, checker: &mut Checker) -> ListenerTls {
        if self.certificates.is_empty() {
            checker.wrong(place, &format!("{path}.certificates"), "expected at least one certificate");
        }
        let certificates = self.certificates.iter().enumerate();
        let certificates = certificates
            .filter_map(|(index, one)| one.value.check(one.place, &format!("{path}.certificates[{index}]"), checker));
        let certificates = certificates.collect();
        let min_version = version(self.min_version.as_ref(), &format!("{path}.min_version"), checker);
        ListenerTls { certificates, min_version, clients: self.clients(path, checker) }
    }

    fn clients(&self, path: &str, checker: &mut Checker) -> Option<ClientCertificates> {
        let required = self.client_certificate.as_ref();
        let required_path = format!("{path}.client_certificate");
        let asked = required
            .map(|raw| checker.choice(raw, &required_path, &[("required", true), ("optional", false)]).unwrap_or(true));
        let crls = self.client_crls.iter().enumerate();
        let crls = crls.filter_map(|(at, raw)| checker.path(Some(raw), &format!("{path}.client_crls[{at}]"))).collect();
        let ca = checker.path(self.client_ca.as_ref(), &format!("{path}.client_ca"));
        if let (None, Some(place)) = (&ca, required.map(Raw::place).or(self.client_crls.first().map(Raw::place))) {
            checker.wrong(
                place,
                &format!("{path}.client_ca"),
                "expected: without it no client certificate is believed",
            );
        }
        Some(ClientCertificates { ca: ca?, crls, required: asked.unwrap_or(true) })
    }
}

impl CertificateWritten {
    fn check(&self, place: Place, path: &str, checker: &mut Checker) -> Option<CertificateSource> {
        let chain_path = format!("{path}.chain");
        let chain = checker.needed(self.chain.as_ref(), place, &chain_path);
        let chain = checker.path(chain, &chain_path);
        let key_path = format!("{path}.key");
        let key = checker.needed(self.key.as_ref(), place, &key_path);
        let key = key.and_then(|key| reference(key, &key_path, checker));
        Some(CertificateSource { chain: chain?, key: key? })
    }
}

impl UpstreamTlsWritten {
    pub(crate) fn check(&self, path: &str, checker: &mut Checker) -> UpstreamTls {
        let ca = checker.path(self.ca.as_ref(), &format!("{path}.ca"));
        let name = self.name.as_ref().filter(|name| {
            let sound = valid_host(name.text()) && !name.text().starts_with('[');
            if !sound {
                checker.wrong(name.place(), &format!("{path}.name"), "expected a host without a port");
            }
            sound
        });
        if let Some(id) = &self.spiffe_id {
            let path = format!("{path}.spiffe_id");
            if !is_spiffe_id(id.text()) {
                checker.wrong(id.place(), &path, "expected a SPIFFE id, as spiffe://prod.example/ledger");
            }
            if ca.is_none() {
                checker.wrong(
                    id.place(),
                    &path,
                    "expected `ca` beside it: the system's authorities vouch for no such id",
                );
            }
        }
        let certificate = self.certificate.as_ref();
        UpstreamTls {
            name: name.map(|name| name.text().to_ascii_lowercase()),
            spiffe_id: self.spiffe_id.as_ref().map(|id| id.text().to_owned()),
            certificate: certificate
                .and_then(|one| one.value.check(one.place, &format!("{path}.certificate"), checker)),
            min_version: version(self.min_version.as_ref(), &format!("{path}.min_version"), checker),
            ca,
        }
    }
}

fn version(raw: Option<&Raw<Text>>, path: &str, checker: &mut Checker) -> TlsVersion {
    let words = [("1.2", TlsVersion::Tls12), ("1.3", TlsVersion::Tls13)];
    raw.and_then(|raw| checker.choice(raw, path, &words)).unwrap_or_default()
}

/// The SPIFFE ID standard, 2: a trust domain, then a path of non-empty segments; no port, query or fragment.
fn is_spiffe_id(id: &str) -> bool {
    let Some((domain, path)) = id.strip_prefix("spiffe://").and_then(|rest| rest.split_once('/')) else { return false };
    let of_domain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b'_');
    let of_path = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let segment = |segment: &str| !matches!(segment, "" | "." | "..") && segment.bytes().all(of_path);
    !domain.is_empty() && domain.len() <= 255 && domain.bytes().all(of_domain) && path.split('/').all(segment)
}

#[cfg(test)]
mod tests {
    use super::{TlsVersion, is_spiffe_id};
    use crate::Policy;

    fn parse(more: &str) -> Result<Policy, String> {
        Policy::parse("p", &format!("version: 1\nservice: s\n{more}\n")).map_err(|errors| errors.to_string())
    }

    #[test]
    fn a_listener_shows_certificates_and_may_ask_for_one() {
        let policy = parse(
            "listeners: {ingress: '127.0.0.1:1', ingress_tls: {certificates: [{chain: /c, key: 'file:/k'}], \
             client_ca: /ca, client_crls: [/crl], min_version: 1.2}}",
        );
        let tls = policy.unwrap().listeners.ingress_tls.unwrap();
        assert_eq!((tls.certificates[0].chain.to_str(), tls.min_version), (Some("/c"), TlsVersion::Tls12));
        let clients = tls.clients.unwrap();
        assert_eq!((clients.ca.to_str(), clients.crls.len(), clients.required), (Some("/ca"), 1, true));
    }

    #[test]
    fn an_upstream_over_tls_is_verified_by_its_host_unless_said_otherwise() {
        let policy = parse(
            "upstreams: {a: {url: 'https://API.example'}, b: {url: 'https://h:1', protocol: h2, tls: {ca: /ca, spiffe_id: 'spiffe://d/x', certificate: {chain: /c, key: env:K}}}}",
        );
        let policy = policy.unwrap();
        let plain = policy.upstreams[0].tls.as_ref().unwrap();
        assert_eq!((policy.upstreams[0].host.as_str(), policy.upstreams[0].port), ("api.example", 443));
        assert_eq!((plain.min_version, &plain.name, &plain.ca), (TlsVersion::Tls13, &None, &None));
        let pinned = policy.upstreams[1].tls.as_ref().unwrap();
        assert_eq!(pinned.spiffe_id.as_deref(), Some("spiffe://d/x"));
        assert!(pinned.certificate.is_some());
    }

    #[test]
    fn what_cannot_be_is_said_with_its_place() {
        for (more, why) in [
            (
                "listeners: {ingress_tls: {certificates: [{chain: /c, key: env:K}]}}",
                "p:3:26: listeners.ingress_tls: expected listeners.ingress beside it",
            ),
            (
                "listeners: {health_tls: {}}",
                "p:3:25: listeners.health_tls.certificates: expected at least one certificate",
            ),
            (
                "listeners: {health_tls: {certificates: [{chain: c, key: abc}]}}",
                "p:3:49: listeners.health_tls.certificates[0].chain: expected an absolute path\n\
                 p:3:57: listeners.health_tls.certificates[0].key: expected file:/PATH, env:NAME or openbao:MOUNT/PATH#FIELD, never the secret itself",
            ),
            (
                "listeners: {health_tls: {certificates: [{chain: /c, key: env:K}], client_certificate: optional, min_version: 1.1}}",
                "p:3:87: listeners.health_tls.client_ca: expected: without it no client certificate is believed\n\
                 p:3:110: listeners.health_tls.min_version: expected 1.2 or 1.3",
            ),
            (
                "upstreams: {a: {url: 'http://h:1', tls: {}}}",
                "p:3:41: upstreams.a.tls: expected only with an https URL",
            ),
            (
                "upstreams: {a: {url: 'https://h', more_urls: ['https://i:2', 'http://h:1', x]}}",
                "p:3:62: upstreams.a.more_urls[1]: expected what `url` is, with its scheme\n\
                 p:3:76: upstreams.a.more_urls[2]: expected what `url` is, with its scheme",
            ),
            (
                "upstreams: {a: {url: 'https://h', protocol: h2c}, b: {url: 'http://h:1', protocol: h2}}",
                "p:3:45: upstreams.a.protocol: expected http1 or h2 over https\n\
                 p:3:84: upstreams.b.protocol: expected http1 or h2c over http",
            ),
            (
                "upstreams: {a: {url: 'https://h', tls: {spiffe_id: 'spiffe://d', name: 'h:1'}}}",
                "p:3:52: upstreams.a.tls.spiffe_id: expected a SPIFFE id, as spiffe://prod.example/ledger\n\
                 p:3:52: upstreams.a.tls.spiffe_id: expected `ca` beside it: the system's authorities vouch for no such id\n\
                 p:3:72: upstreams.a.tls.name: expected a host without a port",
            ),
        ] {
            assert_eq!(parse(more).unwrap_err(), why, "{more}");
        }
    }

    #[test]
    fn a_spiffe_id_has_a_domain_and_a_path() {
        for (id, sound) in [
            ("spiffe://prod.example/ledger", true),
            ("spiffe://d/ns/a/sa/b", true),
            ("spiffe://d/", false),
            ("spiffe://d", false),
            ("spiffe:///x", false),
            ("spiffe://D/x", false),
            ("spiffe://d:1/x", false),
            ("spiffe://d/x?y", false),
            ("spiffe://d/../x", false),
            ("https://d/x", false),
        ] {
            assert_eq!(is_spiffe_id(id), sound, "{id}");
        }
    }
}
