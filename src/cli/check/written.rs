//! What policy says, by itself.

use std::collections::BTreeSet;

use sekisho_policy::{Listener, Operation, Policy, PolicyError, Role, TlsVersion};

use super::report::{Finding, Group, Trouble};
use crate::compile::warnings::{self, Warning};
use crate::compile::{self, CompileError};

/// One thing that is wrong with a policy that is none.
pub(super) fn wrong(error: &PolicyError) -> Finding {
    let PolicyError { file, line, column, path, message } = error;
    let what =
        if path.is_empty() { format!("{file}:{line}:{column}") } else { format!("{file}:{line}:{column} {path}") };
    let hint = format!("write that in line {line}, column {column}; `sekisho policy schema` knows every field");
    Finding::fail(Group::Policy, what, Trouble::new(message, hint))
}

pub(super) fn look(policy: &Policy) -> Vec<Finding> {
    let mut found = vec![Finding::ok(Group::Policy, policy.hash())];
    // What fails is not warned of as well.
    let mut failed = None;
    match compile::ruleset(policy) {
        Ok(_) => found.push(Finding::ok(Group::Policy, "detectors and secrets")),
        // Those are told of where references are.
        Err(CompileError::Secret(_)) => {}
        Err(CompileError::Unsearchable { name, why }) => {
            failed = Some(format!("secrets: `{name}`"));
            found.push(unsearchable(policy, &name, &why));
        }
        Err(error @ (CompileError::Master { .. } | CompileError::Detectors(_) | CompileError::Word { .. })) => {
            let hint = "mend what is named there, in the policy or in a pack of `detectors.packs`";
            found.push(Finding::fail(Group::Policy, "detectors", Trouble::new(&error, hint)));
        }
    }
    if let Err(error) = compile::kept(policy) {
        let hint = "name a type of event there, as the contract of audit_event lists them, or remove the line";
        found.push(Finding::fail(Group::Policy, "retention", Trouble::new(&error, hint)));
    }
    let warned = warnings::of(policy, warnings::today()).into_iter();
    let warned = warned.filter(|warning| Some(&warning.what) != failed.as_ref());
    found.extend(warned.map(|Warning { what, why, hint }| Finding::warn(Group::Policy, what, Trouble { why, hint })));
    found.extend(old_versions(policy));
    found.extend(open_ingress(policy));
    found.extend(alone(policy));
    found
}

fn unsearchable(policy: &Policy, name: &str, why: &str) -> Finding {
    let at = policy.secrets.iter().position(|secret| secret.name == name).unwrap_or_default();
    let hint = format!(
        "remove `secrets[{at}]`, for what is so plain would mask ordinary text; or have it replaced by 16 random bytes or more"
    );
    Finding::fail(Group::SecretRefs, format!("secrets: `{name}`"), Trouble::new(why, hint))
}

fn old_versions(policy: &Policy) -> impl Iterator<Item = Finding> {
    let listeners = &policy.listeners;
    let named =
        [("ingress", &listeners.ingress_tls), ("egress", &listeners.egress_tls), ("health", &listeners.health_tls)];
    let is_old = |version| version < TlsVersion::Tls13;
    let ours = named.into_iter().filter(move |(_, tls)| tls.as_ref().is_some_and(|tls| is_old(tls.min_version)));
    let theirs = policy.outward_tls().filter(move |outward| is_old(outward.tls.min_version));
    let places = ours.map(|(name, _)| format!("listeners.{name}_tls"));
    places.chain(theirs.map(|outward| outward.place)).map(|place| {
        let trouble = Trouble::new("TLS 1.2 is spoken", format!("set `{place}.min_version: 1.3`"));
        Finding::warn(Group::Certificates, place, trouble)
    })
}

/// An ingress that others than this machine reach, and that asks for credentials in the clear.
fn open_ingress(policy: &Policy) -> Option<Finding> {
    let listeners = &policy.listeners;
    let address = listeners.ingress.filter(|address| !address.ip().is_loopback() && listeners.ingress_tls.is_none())?;
    let asks = policy.routes.iter().any(|route| route.listener == Listener::Ingress && route.roles.is_some());
    let hint = format!("set `listeners.ingress: 127.0.0.1:{}`, or give `listeners.ingress_tls`", address.port());
    let trouble = Trouble::new("credentials come in here without TLS", hint);
    asks.then(|| Finding::warn(Group::Policy, format!("listeners.ingress {address}"), trouble))
}

/// A policy under which nobody can ever loosen anything.
fn alone(policy: &Policy) -> Option<Finding> {
    let identity = &policy.identity;
    let may = |role: Role| {
        [Operation::ProposeRelease, Operation::ConfirmRelease].iter().all(|one| policy.matrix.may(role, *one))
    };
    let keys = identity.keys.iter().filter(|key| may(key.role)).map(|key| key.person.as_str());
    let shown = identity.certificates.iter().filter(|owner| may(owner.role)).map(|owner| owner.person.as_str());
    let people: BTreeSet<&str> = keys.chain(shown).collect();
    if people.len() > 1 || !identity.issuers.is_empty() {
        return None;
    }
    let pepper = identity.pepper.as_ref().map(ToString::to_string).unwrap_or_default();
    let pepper = pepper.strip_prefix("file:").unwrap_or("FILE").to_owned();
    let why = format!("{} of the two people whom a release takes: what is tightened stays so", people.len());
    let hint = format!(
        "run `sekisho keys new NAME --person NAME --role operator --pepper {pepper}` for another person, and add what it prints \
         to `identity.keys`; `sekisho init` does both for a first start"
    );
    Some(Finding::warn(Group::Policy, "identity.keys", Trouble::new(&why, hint)))
}
