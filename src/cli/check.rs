use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use clap::Args;
use sekisho_policy::{Listener, Policy, TlsVersion};
use serde_json::json;

use super::{Exit, Setting, Terminal, run};
use crate::compile::warnings::Warning;
use crate::compile::{self, warnings};
use crate::identity;
use crate::tls::{Expiry, Tls, unix_s};

/// Checks that the sidecar could run here: policy, secrets, ports, data directory. Changes nothing. Warnings are told and fail nothing.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    setting: Setting,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Ends with 1 where something is warned of, as it ends with 3 where something fails.
    #[arg(long)]
    strict: bool,
}

impl Check {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let (policy, data) = match run::load(&self.setting, terminal) {
            Ok(loaded) => loaded,
            Err(exit) => return exit,
        };
        let failed = |error: &dyn std::fmt::Display| Outcome::Fail(error.to_string());
        let done = |done: Result<(), String>| done.map_or_else(Outcome::Fail, |()| Outcome::Ok);
        let mut checks = vec![
            (format!("policy {}", policy.hash()), Outcome::Ok),
            (
                "detectors and secrets".to_owned(),
                done(compile::ruleset(&policy).map(drop).map_err(|error| error.to_string())),
            ),
            ("retention".to_owned(), done(compile::kept(&policy).map(drop).map_err(|error| error.to_string()))),
            ("identity".to_owned(), done(identity::keys(&policy).map(drop).map_err(|error| error.to_string()))),
            (format!("data directory {}", data.display()), done(writable(&data))),
        ];
        checks.extend(addresses(&policy).map(|(name, address)| (format!("{name} {address}"), done(free(address)))));
        checks
            .extend(policy.fix.iter().map(|fix| (format!("fix {} {}", fix.name, fix.listen), done(free(fix.listen)))));
        match Tls::load(&policy, |_listener, _how| {}) {
            Ok(tls) => checks.extend(certificates(&policy, &tls)),
            Err(error) => checks.push(("certificates".to_owned(), failed(&error))),
        }
        let warned = warnings::of(&policy, warnings::today()).into_iter();
        checks.extend(warned.map(|Warning { what, why, hint }| (what, Outcome::Warn { why, hint })));
        self.say(checks, terminal)
    }

    fn say(&self, checks: Vec<(String, Outcome)>, terminal: &mut Terminal<'_>) -> Exit {
        let ok = !checks.iter().any(|(_, outcome)| matches!(outcome, Outcome::Fail(_)));
        let warned = checks.iter().any(|(_, outcome)| matches!(outcome, Outcome::Warn { .. }));
        if self.json {
            let checks = checks.iter().map(|(what, outcome)| outcome.json(what));
            terminal.say(format_args!("{:#}", json!({ "ok": ok, "checks": checks.collect::<Vec<_>>() })));
        } else {
            for (what, outcome) in checks {
                match outcome {
                    Outcome::Ok => terminal.say(format_args!("ok    {what}")),
                    Outcome::Warn { why, hint } => {
                        terminal.say(format_args!("WARN  {what}: {why}\n      hint: {hint}"));
                    }
                    Outcome::Fail(why) => terminal.say(format_args!("FAIL  {what}: {why}")),
                }
            }
        }
        match (ok, warned && self.strict) {
            (false, _) => Exit::Environment,
            (true, true) => Exit::Found,
            (true, false) => Exit::Fine,
        }
    }
}

/// What a check came to.
enum Outcome {
    Ok,
    /// It runs, and somebody should look at it; `hint` says what to do.
    Warn {
        why: String,
        hint: String,
    },
    Fail(String),
}

impl Outcome {
    fn json(&self, what: &str) -> serde_json::Value {
        match self {
            Self::Ok => json!({ "what": what, "ok": true, "why": null }),
            Self::Warn { why, hint } => {
                json!({ "what": what, "ok": true, "why": null, "warning": why, "hint": hint })
            }
            Self::Fail(why) => json!({ "what": what, "ok": false, "why": why }),
        }
    }
}

/// Our certificates by their ends, and what policy permits and should not for long.
fn certificates(policy: &Policy, tls: &Tls) -> Vec<(String, Outcome)> {
    let now = unix_s();
    let soon = i64::try_from(policy.monitors.certificate_expiry.as_secs()).unwrap_or(i64::MAX);
    let ends = tls.expiries().into_iter().map(|Expiry { place, not_after }| {
        let days = not_after.saturating_sub(now) / DAY_S;
        let outcome = match not_after.saturating_sub(now) {
            ..=0 => Outcome::Fail("it has ended".to_owned()),
            left if left <= soon => Outcome::Warn {
                why: format!("it ends in {days} days"),
                hint: "put a newer certificate and its key where these are; a running sidecar takes them up".to_owned(),
            },
            _ => Outcome::Ok,
        };
        (place, outcome)
    });
    let old = old_versions(policy).map(|place| {
        let hint = format!("set `min_version: 1.3` in {place}");
        (place, Outcome::Warn { why: "TLS 1.2 is spoken".to_owned(), hint })
    });
    ends.chain(old).chain(open_ingress(policy)).collect()
}

fn old_versions(policy: &Policy) -> impl Iterator<Item = String> {
    let listeners = &policy.listeners;
    let named =
        [("ingress", &listeners.ingress_tls), ("egress", &listeners.egress_tls), ("health", &listeners.health_tls)];
    let is_old = |version| version < TlsVersion::Tls13;
    let ours = named.into_iter().filter(move |(_, tls)| tls.as_ref().is_some_and(|tls| is_old(tls.min_version)));
    let theirs = policy.upstreams.iter().filter(move |one| one.tls.as_ref().is_some_and(|tls| is_old(tls.min_version)));
    ours.map(|(name, _)| format!("listeners.{name}_tls")).chain(theirs.map(|one| format!("upstreams.{}.tls", one.name)))
}

/// An ingress that others than this machine reach, and that asks for credentials in the clear.
fn open_ingress(policy: &Policy) -> Option<(String, Outcome)> {
    let listeners = &policy.listeners;
    let address = listeners.ingress.filter(|address| !address.ip().is_loopback() && listeners.ingress_tls.is_none())?;
    let asks = policy.routes.iter().any(|route| route.listener == Listener::Ingress && route.roles.is_some());
    let why = "credentials come in here without TLS".to_owned();
    let hint = "give listeners.ingress_tls, or a loopback address as listeners.ingress".to_owned();
    asks.then(|| (format!("listeners.ingress {address}"), Outcome::Warn { why, hint }))
}

fn addresses(policy: &Policy) -> impl Iterator<Item = (String, SocketAddr)> {
    let listeners = &policy.listeners;
    let streams = policy.streams.iter().map(|stream| (format!("streams: `{}`", stream.name), stream.listen));
    let listeners = [
        ("listeners.ingress", listeners.ingress),
        ("listeners.egress", listeners.egress),
        ("listeners.admin", Some(listeners.admin)),
        ("listeners.health", Some(listeners.health)),
    ]
    .into_iter()
    .filter_map(|(name, address)| Some((name.to_owned(), address?)));
    listeners.chain(streams)
}

fn free(address: SocketAddr) -> Result<(), String> {
    TcpListener::bind(address).map(drop).map_err(|error| error.to_string())
}

/// Whether files can be made where the data would be, without leaving any.
fn writable(data: &Path) -> Result<(), String> {
    let existing = data.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let probe = existing.join(format!(".sekisho-check-{}", std::process::id()));
    std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe)).map_err(|error| error.to_string())
}

const DAY_S: i64 = 24 * 60 * 60;
