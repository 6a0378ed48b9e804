use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sekisho_filters::PeerCertificate;
use sekisho_policy::UpstreamTls;

use super::files::{Files, Loaded};
use super::{Alpn, PROVIDER, TlsError, versions};

/// Whom we believe to be a server, and what we show it.
pub(super) fn load(place: &str, policy: &UpstreamTls, alpn: Alpn) -> Result<Loaded<ClientConfig>, TlsError> {
    let mut files = Files::new(place);
    let roots = match &policy.ca {
        Some(path) => files.authorities(path)?,
        None => files.system()?,
    };
    let ours = policy.certificate.as_ref().map(|source| files.certified(source)).transpose()?;
    let failed = |error: Error| TlsError::Unusable { place: place.to_owned(), why: error.to_string() };
    let builder = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER));
    let builder = builder.with_protocol_versions(versions(policy.min_version)).map_err(failed)?;
    let builder = match &policy.spiffe_id {
        None => builder.with_root_certificates(roots),
        Some(id) => {
            let verifier = ById { roots, id: id.clone() };
            builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
        }
    };
    let mut config = match ours {
        None => builder.with_no_client_auth(),
        Some((key, _)) => builder.with_client_cert_resolver(resolver(key)),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(files.loaded(config))
}

fn resolver(key: CertifiedKey) -> Arc<SingleCertAndKey> {
    Arc::new(SingleCertAndKey::from(key))
}

/// Believes a server by its SPIFFE id: its certificate has no name of a host. The chain is verified as any other is, and the
/// certificate must be an X.509-SVID with exactly this id.
#[derive(Debug)]
struct ById {
    roots: RootCertStore,
    id: String,
}

impl ServerCertVerifier for ById {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let algorithms = PROVIDER.signature_verification_algorithms.all;
        verify_server_cert_signed_by_trust_anchor(&parsed, &self.roots, intermediates, now, algorithms)?;
        let shown = PeerCertificate::danger_verified(end_entity).map_err(|_unread| CertificateError::BadEncoding)?;
        if shown.spiffe_id() == Some(&self.id) {
            return Ok(ServerCertVerified::assertion());
        }
        Err(CertificateError::NotValidForName.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &PROVIDER.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &PROVIDER.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}
