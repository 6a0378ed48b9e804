//! Certificates, keys, their ages, and references to secrets.

use std::io::ErrorKind;
use std::path::Path;

use sekisho_policy::{BaoLogin, MasterSource, Policy, SecretSource};

use super::report::{Finding, Group, Trouble};
use crate::compile;
use crate::evidence::seal::KeyAges;
use crate::identity::{SecretError, resolve};
use crate::tls::{Expiry, Tls, TlsError, unix_s};

pub(super) fn look(policy: &Policy, data: &Path) -> Vec<Finding> {
    let mut found: Vec<Finding> = references(policy).iter().map(|(what, source)| reference(what, source)).collect();
    match Tls::load(policy, |_listener, _how| {}) {
        Ok(tls) => found.extend(tls.expiries().into_iter().map(|expiry| certificate(policy, expiry))),
        // Told of with the references.
        Err(TlsError::Key(_)) => {}
        Err(error @ (TlsError::Unreadable { .. } | TlsError::Holds { .. } | TlsError::Unusable { .. })) => {
            let hint =
                "put a chain in PEM (the certificate first) and the key that belongs to it where that place says";
            found.push(Finding::fail(Group::Certificates, "TLS", Trouble::new(&error, hint)));
        }
    }
    if let Err(error @ compile::CompileError::Master { .. }) = compile::vault(policy) {
        let hint = "put a key there that `sekisho keys master` has made";
        found.push(Finding::fail(Group::SecretRefs, "at_rest", Trouble::new(&error, hint)));
    }
    found.extend(api_keys(policy));
    found.extend(ages(policy, data));
    found
}

/// Every reference of a policy, by its place.
pub(super) fn references(policy: &Policy) -> Vec<(String, SecretSource)> {
    let mut all = Vec::new();
    let mut named = |place: String, source: &SecretSource| all.push((place, source.clone()));
    let identity = policy.identity.pepper.as_ref();
    identity.into_iter().for_each(|source| named("identity.pepper".to_owned(), source));
    for (at, secret) in policy.secrets.iter().enumerate() {
        named(format!("secrets[{at}].ref"), &secret.source);
        if let SecretSource::OpenBao(secret) = &secret.source {
            let (BaoLogin::Token(source) | BaoLogin::Method { secret: (_, source), .. }) = &secret.server.login;
            named("openbao".to_owned(), source);
        }
    }
    if let Some(key) = &policy.detectors.fingerprint_key {
        named("detectors.fingerprint_key".to_owned(), &key.source);
    }
    let masters = policy.at_rest.master_key.iter().chain(&policy.at_rest.old_master_keys);
    for (place, master) in
        ["at_rest.master_key"].into_iter().chain(std::iter::repeat("at_rest.old_master_keys")).zip(masters)
    {
        match master {
            MasterSource::Secret(source) => named(place.to_owned(), source),
            MasterSource::OpenBao { .. } => {}
        }
    }
    policy.at_rest.openbao.iter().for_each(|server| named("at_rest.openbao.token".to_owned(), &server.token));
    let listeners = &policy.listeners;
    for (name, tls) in
        [("ingress", &listeners.ingress_tls), ("egress", &listeners.egress_tls), ("health", &listeners.health_tls)]
    {
        let shown = tls.iter().flat_map(|tls| &tls.certificates).enumerate();
        shown.for_each(|(at, one)| named(format!("listeners.{name}_tls.certificates[{at}].key"), &one.key));
    }
    for outward in policy.outward_tls() {
        let shown = outward.tls.certificate.iter();
        shown.for_each(|one| named(format!("{}.certificate.key", outward.place), &one.key));
    }
    all.dedup();
    all
}

fn reference(place: &str, source: &SecretSource) -> Finding {
    let unread = |error: SecretError| Trouble { hint: mended(place, source, &error), why: error.to_string() };
    Finding::of(Group::SecretRefs, format!("{place} {source}"), resolve(place, source).map(drop).map_err(unread))
}

fn mended(place: &str, source: &SecretSource, error: &SecretError) -> String {
    match (error, source) {
        (SecretError::File { path, error, .. }, _) if error.kind() == ErrorKind::NotFound => made(place, path),
        (SecretError::File { path, .. }, _) => {
            format!("let the user who runs this read `{path}`, or set `{place}` to where the secret is")
        }
        (SecretError::Unset { name, .. }, _) => {
            format!("set the variable {name} in the environment that this starts in")
        }
        (SecretError::Bao { .. }, _) => {
            "look at the server and at what `openbao` says of it: `bao read` with the same login has to give it"
                .to_owned()
        }
        (SecretError::Empty { .. } | SecretError::TooLong { .. }, SecretSource::File(path)) => {
            format!("write the secret, and nothing else, into `{}`", path.display())
        }
        (SecretError::Empty { .. } | SecretError::TooLong { .. }, SecretSource::Env(_) | SecretSource::OpenBao(_)) => {
            format!("put the secret, and nothing else, into `{source}`")
        }
    }
}

/// What makes a file that is not there, if it is one that we make.
fn made(place: &str, path: &str) -> String {
    match place {
        "at_rest.master_key" => {
            format!(
                "bring it back if there are sealed files; for a first start, run `sekisho keys master --output {path}`"
            )
        }
        "detectors.fingerprint_key" => {
            format!("bring it back; for a first start, run `(umask 077; head -c 32 /dev/urandom | base64 > {path})`")
        }
        "identity.pepper" => {
            format!(
                "bring it back, for the hashes of all keys were made with it; with no keys yet, `sekisho keys new` makes one in {path}"
            )
        }
        _ => format!("write the secret into `{path}` (mode 0600), or set `{place}` to where it is"),
    }
}

fn certificate(policy: &Policy, expiry: Expiry) -> Finding {
    let now = unix_s();
    let soon = i64::try_from(policy.monitors.certificate_expiry.as_secs()).unwrap_or(i64::MAX);
    let Expiry { place, not_before, not_after } = expiry;
    let newer = "put a newer certificate and its key where these are; a running sidecar takes them up";
    if not_before > now {
        let hint = "set the clock of this machine, or wait, or put a certificate there that holds now";
        return Finding::fail(
            Group::Clocks,
            place,
            Trouble::new("by the clock of this machine it does not hold yet", hint),
        );
    }
    match not_after.saturating_sub(now) {
        ..=0 => Finding::fail(Group::Certificates, place, Trouble::new("it has ended", newer)),
        left if left <= soon => Finding::warn(
            Group::Certificates,
            place,
            Trouble::new(&format_args!("it ends in {} days", left / DAY_S), newer),
        ),
        _ => Finding::ok(Group::Certificates, place),
    }
}

/// API keys of the policy that are over, or over their age.
fn api_keys(policy: &Policy) -> impl Iterator<Item = Finding> {
    let now = u64::try_from(unix_s()).unwrap_or_default();
    let identity = &policy.identity;
    let pepper = identity.pepper.as_ref().map(ToString::to_string).unwrap_or_default();
    let pepper = pepper.strip_prefix("file:").unwrap_or("FILE").to_owned();
    identity.keys.iter().enumerate().filter_map(move |(at, key)| {
        let ended = key.expires_s.is_some_and(|expires| expires <= now);
        let grown = key.created_s.is_some_and(|made| now.saturating_sub(made) > identity.key_age.as_secs());
        let why = match (ended, grown) {
            (true, _) => "its time is over, and it opens nothing",
            (false, true) => "it is older than `identity.key_age`",
            (false, false) => return None,
        };
        let (id, person, role) = (&key.id, &key.person, key.role.name());
        let hint = format!(
            "remove `identity.keys[{at}]`; who still needs one gets another: \
             run `sekisho keys new {id} --person {person} --role {role} --pepper {pepper}`"
        );
        Some(Finding::warn(Group::Certificates, format!("identity.keys: `{id}`"), Trouble::new(&why, hint)))
    })
}

/// Keys of sealed files.
fn ages(policy: &Policy, data: &Path) -> Vec<Finding> {
    if policy.at_rest.master_key.is_none() || !data.is_dir() {
        return vec![];
    }
    let ages = match KeyAges::of(data) {
        Ok(ages) => ages,
        Err(error) => {
            let hint = "let the user who runs this read the files whose names end in `.key` below the data directory";
            return vec![Finding::fail(Group::Certificates, "keys of sealed files", Trouble::new(&error, hint))];
        }
    };
    let old = ages.over(compile::wanted_ages(policy)).into_iter().map(|age| {
        let hint = if age.master.is_empty() {
            "replace the master key as deploy/runbooks/master_key_rotation.md says"
        } else {
            "run `sekisho keys rewrap` with this policy"
        };
        Finding::warn(Group::Certificates, format!("key {}", age.what), Trouble::new("it is over its age", hint))
    });
    let old: Vec<Finding> = old.collect();
    if old.is_empty() { vec![Finding::ok(Group::Certificates, "keys of sealed files")] } else { old }
}

const DAY_S: i64 = 24 * 60 * 60;
