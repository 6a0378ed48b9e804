use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier, danger};
use rustls::sign::CertifiedKey;
use sekisho_policy::{ClientCertificates, ListenerTls};

use super::files::{Files, Loaded};
use super::{PROVIDER, TlsError, versions};
use crate::data::secure::{H2, HTTP_1_1};

/// What a listener shows and asks for. Each has ticket keys of its own, and so has each reading of it: a ticket stands for a
/// client certificate that was verified, and must not outlive the list that now revokes it.
pub(super) fn load(place: &str, policy: &ListenerTls) -> Result<Loaded<ServerConfig>, TlsError> {
    let mut files = Files::new(place);
    let shown = policy.certificates.iter().map(|source| {
        let (key, leaf) = files.certified(source)?;
        let names = leaf.dns.iter().map(|name| name.to_ascii_lowercase()).collect();
        Ok(Named { names, key: Arc::new(key) })
    });
    let shown = Shown(shown.collect::<Result<_, TlsError>>()?);
    let clients = policy.clients.as_ref().map(|clients| verifier(clients, &mut files)).transpose()?;
    let failed = |error: rustls::Error| TlsError::Unusable { place: place.to_owned(), why: error.to_string() };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&PROVIDER));
    let builder = builder.with_protocol_versions(versions(policy.min_version)).map_err(failed)?;
    let builder = match clients {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(shown));
    config.alpn_protocols = vec![H2.to_vec(), HTTP_1_1.to_vec()];
    // Its keys change every six hours, and a ticket holds for twelve. Nothing of a session is kept here.
    config.ticketer = Ticketer::new().map_err(failed)?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    // No 0-RTT: what comes with the first flight can be sent again by anybody who saw it.
    config.max_early_data_size = 0;
    Ok(files.loaded(config))
}

fn verifier(
    clients: &ClientCertificates,
    files: &mut Files<'_>,
) -> Result<Arc<dyn danger::ClientCertVerifier>, TlsError> {
    let roots = Arc::new(files.authorities(&clients.ca)?);
    let mut revocations = Vec::new();
    for path in &clients.crls {
        revocations.extend(files.revocations(path)?);
    }
    let mut builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&PROVIDER))
        .with_crls(revocations)
        .enforce_revocation_expiration();
    if !clients.required {
        builder = builder.allow_unauthenticated();
    }
    builder.build().map_err(|error| files.unusable(error.to_string()))
}

/// What a listener shows, in the order of policy.
#[derive(Debug)]
struct Shown(Vec<Named>);

#[derive(Debug)]
struct Named {
    names: Vec<String>,
    key: Arc<CertifiedKey>,
}

impl Named {
    fn covers(&self, asked: &str) -> bool {
        let rest = asked.split_once('.').map(|(_, rest)| rest);
        self.names.iter().any(|name| name == asked || name.strip_prefix("*.").is_some_and(|name| rest == Some(name)))
    }
}

impl ResolvesServerCert for Shown {
    /// The first that has the name and a key that the client understands; without such a name, the first whose key it
    /// understands. Whether that is the right one is for the client to say.
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let understood = |one: &&Named| one.key.key.choose_scheme(hello.signature_schemes()).is_some();
        let named = |asked: &str| self.0.iter().filter(|one| one.covers(asked)).find(understood);
        let found = hello.server_name().and_then(named).or_else(|| self.0.iter().find(understood));
        found.map(|one| Arc::clone(&one.key))
    }
}
