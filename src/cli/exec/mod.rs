//! `sekisho exec`: a command whose output is masked while it runs.
//!
//! The command stays in our process group and keeps our stdin and our controlling terminal, so that a shell's job control, Ctrl-C
//! and passwords typed in work as without us. Its stdout and stderr are each a pipe, or a pseudo-terminal where ours is a terminal,
//! and each has a scanner of its own. Nothing queues here: a stream is read when what was read before it has been written, so a
//! slow reader slows the command, as in a shell pipe.
//!
//! # Cannot see
//!
//! - What the command writes elsewhere: to files, sockets, or `/dev/tty`.
//! - What a person types: the terminal echoes it.
//! - Which of stdout and stderr came first. Two streams that end in one place may be interleaved otherwise than without us.
//! - The keyboard modes that a program sets on its stdout instead of its stdin: full-screen programs of that kind show, but
//!   do not read single keys.
//! - Who sent a signal. A Ctrl-C reaches the command from the terminal, so SIGINT and SIGQUIT are not sent on while we are in the
//!   terminal's foreground.

mod outlet;

mod signals;

mod stream;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, PipeWriter};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::sync::Arc;

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use sekisho_scan::{Ruleset, Scanner, Shape};
use tokio::sync::mpsc;

use super::{Exit, Setting, Terminal, run};
use crate::compile;
use outlet::{Outlet, Window};
use signals::Signals;
use stream::{Ended, Stream};

/// Runs a command and masks secrets in what it prints, live. Ends as the command ends.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Exec {
    /// Policy file (YAML); without it the embedded default.
    #[arg(long, env = "SEKISHO_POLICY", value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Says on stderr, at the end, what was found.
    #[arg(long)]
    report: bool,
    /// Ends with 1 when something was found and the command ended with 0.
    #[arg(long)]
    fail_on_finding: bool,
    /// The command and its arguments.
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  sekisho exec -- ./strategy --verbose          masks what it prints, on a terminal or not
  sekisho exec -- ./deploy.sh 2>&1 | tee log    the log holds no secret
  sekisho exec --report --fail-on-finding -- make test
  sekisho exec --policy sekisho.yaml -- env     known secrets of the policy are masked too

stdin goes straight to the command. SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2 are sent on to it.

Exit codes: those of the command; 128 + N when signal N ended it; 126 when it cannot be run; 127 when there is no such command;
2 usage or policy error, 3 environment, both before the command is started.";

impl Exec {
    pub(super) fn run(self, terminal: &mut Terminal<'_>) -> Exit {
        let setting = Setting { policy: self.policy.clone(), data: None };
        let (policy, _) = match run::load(&setting, terminal) {
            Ok(loaded) => loaded,
            Err(exit) => return exit,
        };
        let rules = match compile::ruleset(&policy) {
            Ok(rules) => Arc::new(rules),
            Err(error) => return terminal.fail(Exit::Environment, error),
        };
        let fault = |error: io::Error| Failed::Environment(error);
        let ended = run::runtime().map_err(fault).and_then(|runtime| {
            runtime.block_on(async {
                let mut signals = Signals::listen().map_err(fault)?;
                let running = self.start(&rules, policy.limits.scan_idle_flush)?;
                running.until_end(&mut signals).await.map_err(fault)
            })
        });
        match ended {
            Ok((status, streams)) => self.tell(status, &streams, terminal),
            Err(Failed::Environment(error)) => {
                terminal.fail(Exit::Environment, format_args!("cannot run a command: {error}"))
            }
            Err(Failed::Command(error)) => self.not_run(&error, terminal),
        }
    }

    /// Streams first, so that the command never waits for us.
    fn start(&self, rules: &Arc<Ruleset>, idle: std::time::Duration) -> Result<Running, Failed> {
        let (stdout, stderr) = (io::stdout(), io::stderr());
        let out = Outlet::toward(&stdout).map_err(Failed::Environment)?;
        let err = Outlet::toward(&stderr).map_err(Failed::Environment)?;
        let (done, ended) = mpsc::channel(2);
        let (wanted, wants) = io::pipe().map_err(Failed::Environment)?;
        let mut windows = Vec::new();
        let mut command = Command::new(self.command.first().map_or_else(Default::default, OsString::as_os_str));
        command.args(self.command.get(1..).unwrap_or_default()).stdout(out.child).stderr(err.child);
        let ends = [("stdout", out.ours, out.to, out.window), ("stderr", err.ours, err.to, err.window)];
        for (name, ours, to, window) in ends {
            windows.extend(window);
            let scanner = Scanner::new(Arc::clone(rules), Shape::Text);
            let wanted = wanted.try_clone().map_err(Failed::Environment)?;
            let (stream, done) = (Stream::new((ours, to), wanted, scanner, (name, idle)), done.clone());
            let work = move || done.blocking_send(stream.run()).unwrap_or_default();
            std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(Failed::Environment)?;
        }
        let child = command.spawn().map_err(Failed::Command)?;
        Ok(Running { child, ended, windows, wants: Some(wants) })
    }

    fn not_run(&self, error: &io::Error, terminal: &mut Terminal<'_>) -> Exit {
        let name = self.command.first().map_or_else(Default::default, |name| name.to_string_lossy());
        if error.kind() != io::ErrorKind::NotFound {
            return terminal.fail(Exit::Command(126), format_args!("cannot run `{name}`: {error}"));
        }
        let why = if !name.contains('/') {
            "no directory in PATH has it"
        } else if std::path::Path::new(&*name).exists() {
            "the interpreter that its first line names does not exist"
        } else {
            "no such file"
        };
        terminal.fail(Exit::Command(127), format_args!("cannot run `{name}`: {why}"))
    }

    fn tell(&self, status: ExitStatus, streams: &[Ended], terminal: &mut Terminal<'_>) -> Exit {
        let mut found = BTreeMap::new();
        for stream in streams {
            if let Some(error) = &stream.fault {
                terminal.fail(Exit::Environment, format_args!("{}: cannot go on: {error}", stream.name));
            }
            if let Some(detector) = &stream.blocked {
                let why = "has the action `block`: nothing behind it was printed";
                terminal.fail(Exit::Found, format_args!("{}: `{detector}` {why}", stream.name));
            }
            found.extend(stream.found.iter().map(|(kind, count)| ((stream.name, kind), count)));
        }
        if self.report {
            let total: u64 = found.values().copied().sum();
            terminal.fail(Exit::Found, format_args!("{total} finding{}", if total == 1 { "" } else { "s" }));
            for ((stream, (severity, detector)), count) in &found {
                terminal.fail(Exit::Found, format_args!("{stream}: {}: {detector}: {count}", severity.as_str()));
            }
        }
        let signalled = || status.signal().map_or(1, |signal| signal.saturating_add(128));
        let code = u8::try_from(status.code().unwrap_or_else(signalled)).unwrap_or(u8::MAX);
        if code == 0 && self.fail_on_finding && !found.is_empty() { Exit::Found } else { Exit::Command(code) }
    }
}

enum Failed {
    Environment(io::Error),
    Command(io::Error),
}

/// A command that runs.
struct Running {
    child: Child,
    ended: mpsc::Receiver<Ended>,
    windows: Vec<Window>,
    /// Held while somebody waits for what is still to be said.
    wants: Option<PipeWriter>,
}

impl Running {
    /// Until the command has ended, and with it everything that holds its stdout or stderr, as in a shell pipe. A signal that would
    /// end the command ends the wait for what it left behind, once all is passed on that was said by then; a second one does at once.
    async fn until_end(mut self, signals: &mut Signals) -> io::Result<(ExitStatus, Vec<Ended>)> {
        let mut streams = Vec::new();
        let status = loop {
            let signal = signals.next().await;
            if signal == Signal::CHILD {
                // Signals are sent by whom waits, so never to a process that took over the number of ours.
                if let Some(status) = self.child.try_wait()? {
                    break status;
                }
            } else {
                self.pass_on(signal);
            }
        };
        loop {
            tokio::select! {
                ended = self.ended.recv() => match ended {
                    Some(ended) => streams.push(ended),
                    None => break,
                },
                signal = signals.next() => if signals::ends(signal) && self.wants.take().is_none() { break },
            }
        }
        streams.sort_by(|one, other| other.name.cmp(one.name));
        Ok((status, streams))
    }

    fn pass_on(&self, signal: Signal) {
        if signal == Signal::WINCH {
            self.windows.iter().for_each(Window::copy);
        }
        if !signals::from_keyboard(signal) {
            // That it ended in this instant is told by the next SIGCHLD.
            let _ended = kill_process(Pid::from_child(&self.child), signal);
        }
    }
}
