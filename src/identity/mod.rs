//! Who may come in: secrets by reference, and the door they open.

pub mod kept;

pub mod known;

pub mod secret;

pub mod bao;

pub mod new_key;

pub mod book;

pub mod credentials;

pub mod issuers;

pub mod ages;

pub mod process;

use std::sync::Arc;

use sekisho_filters::access::{CertificateName, Certificates, Door, FailureLimits, Failures, Held, Key, Keys, Network};
use sekisho_policy::{KnownCertificate, Policy};

use kept::{Found, KeptFiles};

pub use known::{KnownValues, Revoked};
pub use secret::{SecretError, resolve};

/// Builds the door from policy; what a process before this one counted is `found`. The pepper is read here, once.
///
/// # Errors
///
/// When the pepper cannot be read.
pub fn door(policy: &Policy, found: Found) -> Result<(Arc<Door>, Arc<KeptFiles>), SecretError> {
    let files = Arc::new(found.files);
    let failures = Failures::new(failure_limits(policy), files.seed).keeping(Arc::clone(&files) as _);
    let door = Door::new(keys(policy)?, failures.restored(found.kept));
    door.recognise(certificates(policy));
    Ok((Arc::new(door), files))
}

/// The API keys of policy, under its pepper.
///
/// # Errors
///
/// When the pepper cannot be read.
pub fn keys(policy: &Policy) -> Result<Keys, SecretError> {
    let pepper = policy.identity.pepper.as_ref().map(|source| resolve("identity.pepper", source)).transpose()?;
    let empty = zeroize::Zeroizing::new(Vec::new());
    let none = Keys::new(pepper.as_ref().unwrap_or(&empty), Vec::new());
    Ok(policy.identity.keys.iter().fold(none, |keys, key| {
        let allow = key.allow.iter().map(|net| Network { address: net.addr, prefix: net.prefix }).collect();
        let (id, person, scopes) = (key.id.clone(), key.person.clone(), key.scopes.clone());
        let held = Held { digest: key.hash, before: None, expires_s: key.expires_s };
        keys.holding(Key { id, person, role: key.role, scopes, allow, made: false }, held)
    }))
}

/// Whose client certificates policy knows.
#[must_use]
pub fn certificates(policy: &Policy) -> Certificates {
    let known = policy.identity.certificates.iter().map(|owner| {
        let name = match &owner.name {
            KnownCertificate::Spiffe(id) => CertificateName::Spiffe(id.clone()),
            KnownCertificate::Dns(name) => CertificateName::Dns(name.clone()),
            KnownCertificate::Sha256(digest) => CertificateName::Fingerprint(*digest),
        };
        let allow = owner.allow.iter().map(|net| Network { address: net.addr, prefix: net.prefix }).collect();
        let (id, person, scopes) = (owner.id.clone(), owner.person.clone(), owner.scopes.clone());
        (name, Key { id, person, role: owner.role, scopes, allow, made: false })
    });
    Certificates::new(known)
}

/// How many failed attempts are too many.
#[must_use]
pub fn failure_limits(policy: &Policy) -> FailureLimits {
    let limits = &policy.auth_failures;
    FailureLimits {
        window: limits.window,
        per_credential: limits.per_credential,
        per_peer: limits.per_peer,
        per_pair: limits.per_pair,
        overall: limits.overall,
        lockout: limits.lockout,
        lockout_max: limits.lockout_max,
        growth: limits.growth,
        jitter_percent: limits.jitter_percent,
        familiar_for: limits.familiar_for,
        max_entries: limits.max_entries,
        ipv6_prefix: limits.ipv6_prefix,
    }
}
