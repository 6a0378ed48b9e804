//! `sekisho check`: whether a sidecar could run here, by groups, and what mends what is wrong.

mod report;

mod written;

mod files;

mod network;

mod keys;

mod journal;

use clap::Args;

use super::run::{Unloaded, read};
use super::{Exit, Setting, Terminal};
use report::{Finding, Report};

/// Checks that the sidecar could run here, by groups, with a hint for whatever is wrong. Changes nothing.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub(super) struct Check {
    #[command(flatten)]
    setting: Setting,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Ends with 1 where something is warned of, as it ends with 3 where something fails.
    #[arg(long)]
    strict: bool,
    /// Does not look for names of upstreams and does not connect to them.
    #[arg(long)]
    offline: bool,
}

const HELP: &str = "\
Groups: policy, certificates (keys and their ages too), clocks, permissions, disk, ports, upstreams, secret_refs, journal.

Exit codes: 0 nothing fails; 1 something is warned of, with --strict; 2 the policy is wrong; 3 something fails.";

impl Check {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let (policy, data) = match read(&self.setting) {
            Ok(loaded) => loaded,
            Err(Unloaded::Unreadable(why)) => return terminal.fail(Exit::Environment, why),
            Err(Unloaded::Wrong(errors)) => {
                self.say(errors.iter().map(written::wrong).collect(), terminal);
                return Exit::Usage;
            }
        };
        let mut found = written::look(&policy);
        found.extend(keys::look(&policy, &data));
        found.extend(files::look(&policy, &data, self.setting.policy.as_deref()));
        found.extend(network::ports(&policy));
        found.extend(network::in_the_clear(&policy));
        if !self.offline {
            found.extend(network::upstreams(&policy));
        }
        found.extend(journal::look(&policy, &data));
        self.say(found, terminal)
    }

    fn say(&self, found: Vec<Finding>, terminal: &mut Terminal<'_>) -> Exit {
        let report = Report::new(found);
        if self.json {
            terminal.say(format_args!("{:#}", report.json()));
        } else {
            terminal.say(&report);
        }
        match (report.fails(), report.warns() && self.strict) {
            (true, _) => Exit::Environment,
            (false, true) => Exit::Found,
            (false, false) => Exit::Fine,
        }
    }
}
