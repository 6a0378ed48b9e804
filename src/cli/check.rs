use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use sekisho_policy::Policy;

use super::{Exit, Setting, Terminal, run};
use crate::compile;
use crate::identity;

pub(super) fn run(setting: &Setting, terminal: &mut Terminal<'_>) -> Exit {
    let (policy, data) = match run::load(setting, terminal) {
        Ok(loaded) => loaded,
        Err(exit) => return exit,
    };
    terminal.say(format_args!("ok    policy {}", policy.hash()));
    let mut checks: Vec<(String, Result<(), String>)> = vec![
        ("detectors and secrets".to_owned(), compile::ruleset(&policy).map(drop).map_err(|error| error.to_string())),
        ("identity".to_owned(), identity::door(&policy).map(drop).map_err(|error| error.to_string())),
        (format!("data directory {}", data.display()), writable(&data)),
    ];
    checks.extend(addresses(&policy).map(|(name, address)| (format!("{name} {address}"), free(address))));
    let mut exit = Exit::Fine;
    for (what, outcome) in checks {
        match outcome {
            Ok(()) => terminal.say(format_args!("ok    {what}")),
            Err(why) => {
                terminal.say(format_args!("FAIL  {what}: {why}"));
                exit = Exit::Environment;
            }
        }
    }
    exit
}

fn addresses(policy: &Policy) -> impl Iterator<Item = (&'static str, SocketAddr)> {
    let listeners = &policy.listeners;
    [
        ("listeners.ingress", listeners.ingress),
        ("listeners.egress", listeners.egress),
        ("listeners.admin", Some(listeners.admin)),
        ("listeners.health", Some(listeners.health)),
    ]
    .into_iter()
    .filter_map(|(name, address)| Some((name, address?)))
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
