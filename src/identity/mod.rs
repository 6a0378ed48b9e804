//! Who may come in: secrets by reference, and the door they open.

pub mod kept;

pub mod secret;

pub mod new_key;

use std::sync::Arc;

use sekisho_filters::access::{Door, FailureLimits, Failures, Key, Keys, Network};
use sekisho_policy::Policy;

use kept::{Found, KeptFiles};

pub use secret::{SecretError, resolve};

/// Builds the door from policy; what a process before this one counted is `found`. The pepper is read here, once.
///
/// # Errors
///
/// When the pepper cannot be read.
pub fn door(policy: &Policy, found: Found) -> Result<(Arc<Door>, Arc<KeptFiles>), SecretError> {
    let files = Arc::new(found.files);
    let failures = Failures::new(failure_limits(policy), files.seed).keeping(Arc::clone(&files) as _);
    Ok((Arc::new(Door::new(keys(policy)?, failures.restored(found.kept))), files))
}

/// The API keys of policy, under its pepper.
///
/// # Errors
///
/// When the pepper cannot be read.
pub fn keys(policy: &Policy) -> Result<Keys, SecretError> {
    let pepper = policy.identity.pepper.as_ref().map(|source| resolve("identity.pepper", source)).transpose()?;
    let keys = policy.identity.keys.iter().map(|key| {
        let allow = key.allow.iter().map(|net| Network { address: net.addr, prefix: net.prefix }).collect();
        let scopes = key.scopes.clone();
        (Key { id: key.id.clone(), person: key.person.clone(), role: key.role, scopes, allow }, key.hash)
    });
    let empty = zeroize::Zeroizing::new(Vec::new());
    Ok(Keys::new(pepper.as_ref().unwrap_or(&empty), keys.collect()))
}

fn failure_limits(policy: &Policy) -> FailureLimits {
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
