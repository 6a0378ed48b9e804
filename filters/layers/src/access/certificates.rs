use std::collections::BTreeMap;
use std::sync::Arc;

use super::Key;
use crate::PeerCertificate;

/// Who shows which certificate. That it is genuine the listener has seen to: here only its names are looked at.
#[derive(Debug, Default)]
pub struct Certificates {
    known: BTreeMap<CertificateName, Arc<Key>>,
}

/// By what a certificate is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CertificateName {
    /// The SPIFFE id of an X.509-SVID.
    Spiffe(String),
    /// A name of a host among its alternative names, in lower case.
    Dns(String),
    /// SHA-256 of the whole certificate.
    Fingerprint([u8; 32]),
}

/// What a certificate comes to.
pub(super) enum Shown {
    /// Its owner.
    Known(Arc<Key>),
    /// It is genuine, and nobody's that policy knows, or more than one's.
    Unknown,
}

impl Certificates {
    /// These names, and whose they are.
    #[must_use]
    pub fn new(known: impl IntoIterator<Item = (CertificateName, Key)>) -> Self {
        Self { known: known.into_iter().map(|(name, key)| (name, Arc::new(key))).collect() }
    }

    /// Whether no certificate says who its owner is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whose certificate it is. One whose names are two owners' is nobody's: who is meant nobody can know.
    pub(super) fn owner(&self, shown: &PeerCertificate) -> Shown {
        let spiffe = shown.spiffe_id().map(|id| CertificateName::Spiffe(id.to_owned()));
        // An SVID has one name, and the others are not to be believed (X509-SVID, 5.2).
        let dns = shown.certificate().dns.iter().filter(|_| spiffe.is_none());
        let dns: Vec<_> = dns.map(|name| CertificateName::Dns(name.to_ascii_lowercase())).collect();
        let names = [CertificateName::Fingerprint(*shown.fingerprint())].into_iter().chain(spiffe).chain(dns);
        let mut owners: Vec<&Arc<Key>> = names.filter_map(|name| self.known.get(&name)).collect();
        owners.dedup_by(|a, b| a.id == b.id);
        match owners.as_slice() {
            [owner] => Shown::Known(Arc::clone(owner)),
            _ => Shown::Unknown,
        }
    }
}

/// What failures with it are counted by.
pub(super) fn claimed(shown: &PeerCertificate) -> String {
    shown.fingerprint().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::time::Duration;

    use http::HeaderMap;
    use rcgen::{CertificateParams, KeyPair, SanType};
    use sekisho_policy::Role;

    use super::super::door::{Asked, Manner};
    use super::super::{Door, FailureLimits, Failures, Keys, Sayer, Subject};
    use super::{CertificateName, Certificates, Key, PeerCertificate};

    fn shown(uris: &[&str], dns: &[&str]) -> PeerCertificate {
        let mut params = CertificateParams::default();
        let uris = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap()));
        let dns = dns.iter().map(|name| SanType::DnsName((*name).try_into().unwrap()));
        params.subject_alt_names = uris.chain(dns).collect();
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        PeerCertificate::danger_verified(certificate.der()).unwrap()
    }

    fn key(id: &str) -> Key {
        Key { id: id.into(), person: id.into(), role: Role::Service, scopes: vec![], allow: vec![], made: false }
    }

    fn door(certificates: Certificates) -> Door {
        let limits = FailureLimits {
            window: Duration::from_secs(60),
            per_credential: 100,
            per_peer: 100,
            per_pair: 100,
            overall: 1000,
            lockout: Duration::from_secs(1),
            lockout_max: Duration::from_secs(1),
            growth: 1,
            jitter_percent: 0,
            familiar_for: Duration::from_secs(60),
            max_entries: 1024,
            ipv6_prefix: 64,
        };
        // Long before the certificates here end, and long after they begin.
        let door = Door::new(Keys::new(b"pepper", vec![]), Failures::new(limits, 1)).at(|| 2_000_000_000);
        door.recognise(certificates);
        door
    }

    fn asked(door: &Door, shown: Option<&PeerCertificate>) -> Result<String, &'static str> {
        let manner = Manner { lockout_holds: true, patient: true, sessions: false };
        match door.hear((&HeaderMap::new(), shown), IpAddr::from([192, 0, 2, 1]), manner) {
            Asked::Now(Ok(admitted)) => Ok(admitted.principal.key.id.clone()),
            Asked::Now(Err(attempt)) => Err(attempt.why.as_str()),
            Asked::Later(_) => Err("something to wait for"),
        }
    }

    #[tokio::test]
    async fn a_certificate_is_its_owners_and_one_with_two_owners_is_nobodys() {
        let pinned = shown(&[], &["pinned.example"]);
        let known = Certificates::new([
            (CertificateName::Spiffe("spiffe://prod.example/bot".into()), key("bot")),
            (CertificateName::Dns("desk.example".into()), key("desk")),
            (CertificateName::Dns("other.example".into()), key("other")),
            (CertificateName::Fingerprint(*pinned.fingerprint()), key("pinned")),
        ]);
        let door = door(known);
        for (shown, expected) in [
            (shown(&["spiffe://prod.example/bot"], &[]), Ok("bot")),
            (shown(&["spiffe://prod.example/bot"], &["desk.example"]), Ok("bot")),
            (shown(&["spiffe://prod.example/bot/x"], &[]), Err("unknown_certificate")),
            (shown(&["spiffe://prod.example/x"], &["desk.example"]), Err("unknown_certificate")),
            (shown(&["spiffe://prod.example/bot", "spiffe://prod.example/x"], &[]), Err("unknown_certificate")),
            (shown(&[], &["Desk.Example", "www.example"]), Ok("desk")),
            (shown(&[], &["desk.example", "other.example"]), Err("unknown_certificate")),
            (shown(&[], &["x.desk.example"]), Err("unknown_certificate")),
            (pinned, Ok("pinned")),
        ] {
            assert_eq!(asked(&door, Some(&shown)).as_deref(), expected.as_deref(), "{shown:?}");
        }
        assert_eq!(asked(&door, None), Err("missing"));
        let bot = shown(&["spiffe://prod.example/bot"], &[]);
        door.revocations().replace(Sayer::Book, [Subject::Person("bot".into())].into());
        assert_eq!(asked(&door, Some(&bot)), Err("revoked"));
    }

    #[tokio::test]
    async fn one_whose_time_is_over_is_none_on_a_connection_that_is_still_open() {
        let name = CertificateName::Dns("desk.example".into());
        let far = door(Certificates::new([(name, key("desk"))])).at(|| 100_000_000_000);
        assert_eq!(asked(&far, Some(&shown(&[], &["desk.example"]))), Err("expired"));
    }
}
