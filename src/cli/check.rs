use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use clap::Args;
use sekisho_policy::Policy;
use serde_json::json;

use super::{Exit, Setting, Terminal, run};
use crate::compile;
use crate::identity;

/// Checks that the sidecar could run here: policy, secrets, ports, data directory. Changes nothing.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    setting: Setting,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let (policy, data) = match run::load(&self.setting, terminal) {
            Ok(loaded) => loaded,
            Err(exit) => return exit,
        };
        let mut checks: Vec<(String, Result<(), String>)> = vec![
            (format!("policy {}", policy.hash()), Ok(())),
            (
                "detectors and secrets".to_owned(),
                compile::ruleset(&policy).map(drop).map_err(|error| error.to_string()),
            ),
            ("identity".to_owned(), identity::keys(&policy).map(drop).map_err(|error| error.to_string())),
            (format!("data directory {}", data.display()), writable(&data)),
        ];
        checks.extend(addresses(&policy).map(|(name, address)| (format!("{name} {address}"), free(address))));
        let ok = checks.iter().all(|(_, outcome)| outcome.is_ok());
        if self.json {
            let checks = checks
                .iter()
                .map(|(what, outcome)| json!({ "what": what, "ok": outcome.is_ok(), "why": outcome.as_ref().err() }));
            terminal.say(format_args!("{:#}", json!({ "ok": ok, "checks": checks.collect::<Vec<_>>() })));
        } else {
            for (what, outcome) in checks {
                match outcome {
                    Ok(()) => terminal.say(format_args!("ok    {what}")),
                    Err(why) => terminal.say(format_args!("FAIL  {what}: {why}")),
                }
            }
        }
        if ok { Exit::Fine } else { Exit::Environment }
    }
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
