//! The command line. One file a command; output goes where it is told to, so that tests can read it.

mod bundle;

mod capture;

mod check;

mod client;

mod contain;

mod demo;

mod drill;

mod exec;

mod init;

mod inject;

mod unseal;

mod wire;

mod journal;

mod keys;

mod lockouts;

mod manual;

mod orders;

mod policy;

mod release;

mod replay;

mod incident;

mod gate;

mod health;

mod run;

mod scan;

mod status;

mod tighten;

mod top;

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// A sidecar that searches what leaves a trading service, checks what enters it, and holds its orders.
#[derive(Debug, Parser)]
#[command(version, about, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "Exit codes: 0 fine; 1 something was found or a check failed; 2 usage or policy error; \
3 environment (port, file, permission).\nStart with `sekisho demo`.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the sidecar until SIGTERM.
    Run(Setting),
    /// Shows the whole thing at work on loopback: masked logs, refused orders, a release by two people.
    Demo(demo::Demo),
    /// Makes a policy and keys for a first start.
    Init(init::Init),
    /// Checks that the sidecar could run here: policy, secrets, ports, data directory.
    Check(check::Check),
    /// Searches files, directories or stdin for secrets.
    Scan(scan::Scan),
    /// Runs a command and masks secrets in what it prints.
    Exec(exec::Exec),
    /// Puts the sidecar into the workloads of a Kubernetes manifest.
    Inject(inject::Inject),
    /// Takes it out again.
    Uninject(inject::Uninject),
    /// Says whether a running sidecar is ready.
    Health(health::Health),
    /// Shows what is in force.
    Status(status::Status),
    /// Shows what a sidecar is doing, live.
    Top(top::Top),
    /// Tightens, at once.
    Tighten(tighten::Tighten),
    /// Loosens one stage: one person proposes, a second confirms.
    #[command(subcommand)]
    Release(release::Release),
    /// Revokes, quarantines, closes listeners, and asks two people to end that.
    #[command(subcommand)]
    Contain(contain::Contain),
    /// Tries whether the controls of a running sidecar bite.
    Drill(drill::Drill),
    /// Says why something was decided.
    Explain(drill::Explain),
    /// Says what happens when a part fails.
    Failmodes(drill::FailModes),
    /// Opens, shows and works on incidents.
    #[command(subcommand)]
    Incident(incident::Incident),
    /// Shows gates, and says how one is.
    #[command(subcommand)]
    Gate(gate::Gate),
    /// Makes API keys, and looks after the keys of sealed files.
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// Shows and ends lockouts after failed authentication.
    #[command(subcommand)]
    Lockouts(lockouts::Lockouts),
    /// Makes support bundles, verifies and shows them.
    #[command(subcommand)]
    Bundle(bundle::Bundle),
    /// Verifies and shows the journal.
    #[command(subcommand)]
    Journal(journal::JournalCommand),
    /// Checks, hashes and describes policies.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Prints completions for a shell.
    Completions(manual::Completions),
    /// Writes the manual pages.
    Man(manual::Manual),
    /// Says what order messages are, and what would become of them.
    #[command(subcommand)]
    Orders(orders::Orders),
    /// Judges captured messages by two policies, and says which verdicts differ.
    Replay(replay::Replay),
}

/// What a sidecar runs on.
#[derive(Clone, Debug, Args)]
pub(crate) struct Setting {
    /// Policy file (YAML); without it the embedded default.
    #[arg(long, env = "SEKISHO_POLICY", value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Where state, journal and keys are kept; without it `data_dir` of the policy.
    #[arg(long, env = "SEKISHO_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// As it should.
    Fine,
    /// Something was found, or a check failed.
    Found,
    /// The command or the policy is wrong.
    Usage,
    /// A port, a file or a permission is missing.
    Environment,
    /// As a command ended that was run, with its exit code.
    Command(u8),
}

impl Exit {
    /// The exit code of the process.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Fine => 0,
            Self::Found => 1,
            Self::Usage => 2,
            Self::Environment => 3,
            Self::Command(code) => code,
        }
    }
}

/// Where a command writes, and the words it ends with when it cannot do what it was asked to.
pub(crate) struct Terminal<'a> {
    pub(crate) out: &'a mut dyn Write,
    pub(crate) err: &'a mut dyn Write,
}

impl Terminal<'_> {
    /// One line of output. A reader that went away is no error of ours.
    pub(crate) fn say(&mut self, line: impl std::fmt::Display) {
        writeln!(self.out, "{line}").unwrap_or_default();
    }

    /// One line of what is wrong, and the way the command ends.
    pub(crate) fn fail(&mut self, exit: Exit, line: impl std::fmt::Display) -> Exit {
        writeln!(self.err, "sekisho: {line}").unwrap_or_default();
        exit
    }
}

impl Cli {
    /// Does what was asked for.
    pub fn run(self, out: &mut dyn Write, err: &mut dyn Write) -> Exit {
        let terminal = &mut Terminal { out, err };
        match self.command {
            Command::Run(setting) => run::run(&setting, terminal),
            Command::Demo(demo) => demo.run(terminal),
            Command::Init(init) => init.run(terminal),
            Command::Check(check) => check.run(terminal),
            Command::Scan(scan) => scan.run(terminal),
            Command::Exec(exec) => exec.run(terminal),
            Command::Inject(inject) => inject.run(terminal),
            Command::Uninject(uninject) => uninject.run(terminal),
            Command::Health(health) => health.run(terminal),
            Command::Status(status) => status.run(terminal),
            Command::Top(top) => top.run(terminal),
            Command::Tighten(tighten) => tighten.run(terminal),
            Command::Release(release) => release.run(terminal),
            Command::Contain(command) => command.run(terminal),
            Command::Drill(command) => command.run(terminal),
            Command::Explain(command) => command.run(terminal),
            Command::Failmodes(command) => command.run(terminal),
            Command::Incident(command) => command.run(terminal),
            Command::Gate(command) => command.run(terminal),
            Command::Bundle(command) => command.run(terminal),
            Command::Keys(command) => command.run(terminal),
            Command::Lockouts(command) => command.run(terminal),
            Command::Policy(command) => command.run(terminal),
            Command::Completions(completions) => completions.run(terminal),
            Command::Man(manual) => manual.run(terminal),
            Command::Orders(command) => command.run(terminal),
            Command::Replay(replay) => replay.run(terminal),
            Command::Journal(command) => journal::run(command, terminal.out, terminal.err),
        }
    }
}
