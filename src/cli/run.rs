use std::path::{Path, PathBuf};

use sd_notify::NotifyState;
use sekisho_filters::order_gate::SafetyView;
use sekisho_policy::{Policy, PolicyErrors};
use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, Setting, Terminal};
use crate::app::{App, StartError};
use crate::data::inherited::Inherited;
use crate::identity::process;
use crate::telemetry::log;

/// Loads the policy a command was given.
pub(super) fn load(setting: &Setting, terminal: &mut Terminal<'_>) -> Result<(Policy, PathBuf), Exit> {
    read(setting).map_err(|unloaded| match unloaded {
        Unloaded::Unreadable(why) => terminal.fail(Exit::Environment, why),
        Unloaded::Wrong(errors) => terminal.fail(Exit::Usage, format_args!("policy:\n{errors}")),
    })
}

/// Why there is no policy.
pub(super) enum Unloaded {
    /// Its file cannot be read.
    Unreadable(String),
    /// It is not what a policy is.
    Wrong(PolicyErrors),
}

/// The same, for who tells in another way what is wrong with it.
pub(super) fn read(setting: &Setting) -> Result<(Policy, PathBuf), Unloaded> {
    let (name, text) = match &setting.policy {
        None => ("embedded default".to_owned(), Policy::embedded().to_owned()),
        Some(path) => {
            let unreadable = |error| Unloaded::Unreadable(format!("cannot read `{}`: {error}", path.display()));
            (path.display().to_string(), std::fs::read_to_string(path).map_err(unreadable)?)
        }
    };
    let policy = Policy::parse(&name, &text).map_err(Unloaded::Wrong)?;
    let data = setting.data.clone().unwrap_or_else(|| policy.data_dir.clone());
    Ok((policy, data))
}

pub(super) fn run(setting: &Setting, terminal: &mut Terminal<'_>) -> Exit {
    let (policy, data) = match load(setting, terminal) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    log::begin();
    // Before the first secret is read.
    let kept = process::keep_in_memory();
    tracing::debug!(kept.undumped, kept.locked, "memory");
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return terminal.fail(Exit::Environment, format_args!("cannot start threads: {error}")),
    };
    let ended = runtime.block_on(serve(&policy, (&data, setting.policy.as_deref()), terminal));
    runtime.shutdown_timeout(policy.limits.drain_timeout);
    match ended {
        Ok(()) => Exit::Fine,
        Err(error) => terminal.fail(Exit::Environment, error),
    }
}

async fn serve(
    policy: &Policy,
    (data, file): (&Path, Option<&Path>),
    terminal: &mut Terminal<'_>,
) -> Result<(), StartError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let app = App::start(policy, (data, file), Inherited::of_this_process()?).await?;
    announce(&app, policy, terminal);
    tell(NotifyState::Ready);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    terminal.say("draining");
    tell(NotifyState::Stopping);
    tokio::select! {
        () = app.drain() => terminal.say("drained"),
        // Asked twice, it does not wait for anybody.
        _ = terminate.recv() => terminal.say("cut"),
        _ = interrupt.recv() => terminal.say("cut"),
    }
    Ok(())
}

/// Tells whoever supervises this process, where `NOTIFY_SOCKET` says that somebody does (sd_notify(3)).
fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!("NOTIFY_SOCKET cannot be told: {error}");
    }
}

/// Says where it listens and what is in force.
pub(super) fn announce(app: &App, policy: &Policy, terminal: &mut Terminal<'_>) {
    let addresses = app.addresses;
    let listeners = &policy.listeners;
    let named = [
        ("ingress", listeners.ingress_tls.is_some(), addresses.ingress),
        ("egress", listeners.egress_tls.is_some(), addresses.egress),
        ("admin", false, Some(addresses.admin)),
        ("health", listeners.health_tls.is_some(), Some(addresses.health)),
    ];
    for (name, tls, address) in named.into_iter().filter_map(|(name, tls, address)| Some((name, tls, address?))) {
        terminal.say(format_args!("{name:<8} {}://{address}", if tls { "https" } else { "http" }));
    }
    for (name, address) in &app.streams {
        terminal.say(format_args!("{:<8} tcp://{address} ({name})", "stream"));
    }
    for (name, address) in &app.fix {
        terminal.say(format_args!("{:<8} {address} ({name})", "fix"));
    }
    let effective = app.safety.effective(&[]);
    terminal.say(format_args!(
        "{:<8} {} (scope {}, epoch {})",
        "state", effective.posture, effective.scope, effective.epoch
    ));
    if let Some(why) = app.unverified {
        terminal.say(format_args!("         because {why}"));
        terminal.say("         two people loosen it: sekisho release propose, then sekisho release confirm");
    }
    if policy.identity.keys.is_empty() {
        terminal.say("         policy has no API keys, so nobody can: make some with `sekisho keys new`");
    }
    terminal.out.flush().unwrap_or_default();
}

/// What everything but the data path runs on.
///
/// # Errors
///
/// When the system gives no descriptors for it.
pub(super) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}
