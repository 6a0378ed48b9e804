use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use sekisho_codec::certificate::Certificate;
use sekisho_policy::CertificateSource;
use sha2::{Digest, Sha256};

use super::{Expiry, PROVIDER, TlsError};
use crate::identity::resolve;

/// Reads files for one configuration, and remembers what it read: whether anything changed is seen by comparing.
pub(super) struct Files<'p> {
    place: &'p str,
    seen: Sha256,
    expiries: Vec<Expiry>,
}

/// A configuration, and what it was made of.
#[derive(Debug)]
pub(super) struct Loaded<C> {
    pub(super) config: Arc<C>,
    pub(super) digest: [u8; 32],
    pub(super) expiries: Vec<Expiry>,
}

impl<'p> Files<'p> {
    pub(super) fn new(place: &'p str) -> Self {
        Self { place, seen: Sha256::new(), expiries: vec![] }
    }

    pub(super) fn loaded<C>(self, config: C) -> Loaded<C> {
        Loaded { config: Arc::new(config), digest: self.seen.finalize().into(), expiries: self.expiries }
    }

    /// A certificate of ours and its key, which belong together.
    pub(super) fn certified(&mut self, source: &CertificateSource) -> Result<(CertifiedKey, Certificate), TlsError> {
        let chain = self.certificates(&source.chain)?;
        let leaf = chain.first().and_then(|leaf| Certificate::read(leaf).ok());
        let leaf = leaf.ok_or_else(|| self.holds(&source.chain, "certificate"))?;
        self.expire(source, &chain);
        let key = resolve(self.place, &source.key)?;
        self.seen.update(Sha256::digest(&*key));
        let no_key = |_malformed| self.unusable(format!("`{}` holds no private key in PEM", source.key));
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(no_key)?;
        let key = PROVIDER.key_provider.load_private_key(key).map_err(|error| self.unusable(error.to_string()))?;
        let certified = CertifiedKey::new(chain, key);
        let apart =
            |_mismatch| self.unusable(format!("`{}` is not the key of `{}`", source.key, source.chain.display()));
        certified.keys_match().map_err(apart)?;
        Ok((certified, leaf))
    }

    /// The first of a chain that ends, ends the chain; the last that begins, begins it.
    fn expire(&mut self, source: &CertificateSource, chain: &[CertificateDer<'_>]) {
        let read: Vec<_> = chain.iter().filter_map(|one| Certificate::read(one).ok()).collect();
        let begins = read.iter().map(|one| one.not_before).max();
        let ends = read.iter().map(|one| one.not_after).min();
        let place = format!("{} `{}`", self.place, source.chain.display());
        let held = begins.zip(ends).map(|(not_before, not_after)| Expiry { place, not_before, not_after });
        self.expiries.extend(held);
    }

    /// The authorities in a file.
    pub(super) fn authorities(&mut self, path: &Path) -> Result<RootCertStore, TlsError> {
        let mut roots = RootCertStore::empty();
        for authority in self.certificates(path)? {
            roots.add(authority).map_err(|error| self.unusable(format!("`{}`: {error}", path.display())))?;
        }
        Ok(roots)
    }

    /// The revocation lists in a file.
    pub(super) fn revocations(&mut self, path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
        let pem = self.read(path)?;
        self.some(path, "revocation list", CertificateRevocationListDer::pem_slice_iter(&pem).collect())
    }

    /// The authorities that this system trusts. Those of them that nobody can read are left out.
    pub(super) fn system(&mut self) -> Result<RootCertStore, TlsError> {
        let named = std::env::var_os("SSL_CERT_FILE").map(std::path::PathBuf::from);
        let usual = SYSTEM.iter().map(Path::new);
        let mut candidates = named.as_deref().into_iter().chain(usual);
        let Some(path) = candidates.find(|path| path.is_file()) else {
            return Err(self.unusable("this system names no authorities: give `ca`".to_owned()));
        };
        let mut roots = RootCertStore::empty();
        let (added, _unreadable) = roots.add_parsable_certificates(self.certificates(path)?);
        if added == 0 { Err(self.holds(path, "authority")) } else { Ok(roots) }
    }

    fn certificates(&mut self, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let pem = self.read(path)?;
        self.some(path, "certificate", CertificateDer::pem_slice_iter(&pem).collect())
    }

    fn some<T, E>(&self, path: &Path, what: &'static str, read: Result<Vec<T>, E>) -> Result<Vec<T>, TlsError> {
        read.ok().filter(|all| !all.is_empty()).ok_or_else(|| self.holds(path, what))
    }

    fn read(&mut self, path: &Path) -> Result<Vec<u8>, TlsError> {
        let unreadable =
            |error| TlsError::Unreadable { place: self.place.to_owned(), path: path.display().to_string(), error };
        let mut bytes = Vec::new();
        File::open(path).map_err(unreadable)?.take(MOST).read_to_end(&mut bytes).map_err(unreadable)?;
        self.seen.update(Sha256::digest(&bytes));
        Ok(bytes)
    }

    fn holds(&self, path: &Path, what: &'static str) -> TlsError {
        TlsError::Holds { place: self.place.to_owned(), path: path.display().to_string(), what }
    }

    pub(super) fn unusable(&self, why: String) -> TlsError {
        TlsError::Unusable { place: self.place.to_owned(), why }
    }
}

/// Where systems keep the authorities they trust: Debian and Alpine, Red Hat, SUSE, the BSDs and macOS.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Room for the revocation list of a large authority.
const MOST: u64 = 32 << 20;
