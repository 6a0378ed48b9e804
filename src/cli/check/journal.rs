//! What was written before.

use std::fs::{File, TryLockError};
use std::path::Path;

use sekisho_journal::{CHECKPOINT, Verdict, VerifierKey};
use sekisho_policy::Policy;

use super::report::{Finding, Group, Trouble};
use crate::cli::journal::settled;
use crate::compile;
use crate::evidence::{FileStore, VERIFIER_KEY};

pub(super) fn look(policy: &Policy, data: &Path) -> Vec<Finding> {
    let root = data.join("journal");
    let what = format!("journal {}", root.display());
    if !root.join(CHECKPOINT).is_file() {
        return vec![Finding::ok(Group::Journal, format!("{what} (begins with the first start)"))];
    }
    let mut found: Vec<Finding> = held(&root).into_iter().collect();
    found.push(verified(policy, data, &root, what));
    found
}

/// Whether somebody writes it now. Two cannot.
fn held(root: &Path) -> Option<Finding> {
    match File::open(root.join("lock")).ok()?.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {
            let hint = "stop the sidecar that runs on this data directory, or give another one with `--data`";
            let trouble = Trouble::new("another process has the journal open", hint);
            // Whoever looks after a sidecar that runs sees the rest as it is.
            Some(Finding::warn(Group::Journal, format!("lock {}", root.join("lock").display()), trouble))
        }
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

fn verified(policy: &Policy, data: &Path, root: &Path, what: String) -> Finding {
    // One that cannot be had is told of with the references.
    let vault = compile::vault(policy).ok().flatten();
    let vkey = data.join(VERIFIER_KEY);
    let key = std::fs::read_to_string(&vkey).ok().and_then(|text| text.trim().parse::<VerifierKey>().ok());
    let Some(key) = key else {
        let hint = format!(
            "bring `{}` back from where auditors keep it: without it nobody can verify the journal",
            vkey.display()
        );
        return Finding::warn(Group::Journal, what, Trouble::new("its public key is not there", hint));
    };
    let report = settled(&FileStore::new(root).with_vault(vault), &key, None);
    match report.verdict {
        Verdict::Pass => Finding::ok(Group::Journal, what),
        Verdict::Fail => {
            let hint = format!(
                "run `cp -a {0} {0}.found` before anything else, and start nothing on it: deploy/runbooks/journal_fault.md \
                 says what comes then",
                data.display()
            );
            Finding::fail(Group::Journal, what, Trouble::new(&report, hint))
        }
        Verdict::Unknown => {
            let hint = "let the user who runs this read it, and give the master keys of what is sealed in `at_rest`";
            Finding::fail(Group::Journal, what, Trouble::new(&report, hint))
        }
    }
}
