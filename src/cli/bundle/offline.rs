//! A bundle made where no sidecar runs: from a data directory alone, with its policy.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use sekisho_policy::Policy;

use super::super::{Exit, Terminal, run};
use super::{Create, Stop};
use crate::app::open_journal;
use crate::compile;
use crate::control::incidents::stored;
use crate::evidence::bundle::{Ask, Made};
use crate::evidence::seal::SEALED;

/// Makes the bundle that was asked for, and says where it is.
pub(super) fn make(create: &Create, terminal: &mut Terminal<'_>) -> Result<Exit, Stop> {
    let (policy, data) = match run::load(&create.setting, terminal) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let runtime = run::runtime().map_err(|error| environment(&error))?;
    let made = runtime.block_on(made(create, &policy, &data))?;
    let ending = if made.sealed { SEALED } else { "" };
    let digest: String = made.digest.iter().map(|byte| format!("{byte:02x}")).collect();
    if create.asking.json {
        let told = serde_json::json!({
            "id": made.id, "path": made.path, "manifest_sha256": digest, "sealed": made.sealed, "records": made.records,
        });
        terminal.say(told);
    } else {
        terminal.say(format_args!("{}{ending}", made.path.display()));
        terminal.say(format_args!("{} entries, manifest {digest}", made.records));
    }
    Ok(Exit::Fine)
}

async fn made(create: &Create, policy: &Policy, data: &Path) -> Result<Made, Stop> {
    let incident = match &create.incident {
        None => None,
        Some(id) => {
            let found = id.parse().ok().and_then(|name| stored(data, &name));
            Some(found.ok_or_else(|| (Exit::Usage, format!("there is no incident `{id}` that verifies")))?)
        }
    };
    let rules = Arc::new(compile::ruleset(policy).map_err(|error| environment(&error))?);
    let vault = compile::vault(policy).map_err(|error| environment(&error))?;
    // Opening it takes the lock: beside a running sidecar this fails.
    let journal = open_journal(policy, data, &Arc::new(ArcSwap::new(Arc::clone(&rules))), vault.clone())
        .map_err(|error| environment(&error))?;
    let maker = compile::bundles(policy, data, &rules, vault.as_ref());
    let ask = Ask {
        incident: create.incident.clone(),
        incident_json: incident.and_then(|incident| serde_json::to_string_pretty(&incident).ok()),
        from: create.from,
        to: create.to,
        by: create.by.clone().unwrap_or_default(),
        ..Ask::default()
    };
    let made = maker.make(&journal, ask).await.map_err(|error| environment(&error));
    journal.close().await.map_err(|error| environment(&error))?;
    made
}

fn environment(error: &dyn std::fmt::Display) -> Stop {
    (Exit::Environment, error.to_string())
}
