use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::task::Poll;

use rustix::process::{Signal, getpgrp};
use rustix::termios::tcgetpgrp;
use tokio::signal::unix::{self, SignalKind};

/// The signals that concern a command that runs in our place.
pub(super) struct Signals(Vec<(Signal, unix::Signal)>);

impl Signals {
    /// From here on none of them ends this process.
    pub(super) fn listen() -> io::Result<Self> {
        let ignored = std::fs::read_to_string("/proc/self/status").map_or(0, |status| ignored(&status));
        // What we were told to ignore (`nohup`) the command has to ignore too, and it would not if it were caught here.
        let heard = HEARD.into_iter().filter(|signal| *signal == Signal::CHILD || ignored & bit(*signal) == 0);
        let listen = |signal: Signal| Ok((signal, unix::signal(SignalKind::from_raw(signal.as_raw()))?));
        heard.map(listen).collect::<io::Result<_>>().map(Self)
    }

    pub(super) async fn next(&mut self) -> Signal {
        poll_fn(|context| {
            let came =
                self.0.iter_mut().find_map(|(signal, heard)| heard.poll_recv(context).is_ready().then_some(*signal));
            came.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// Whether a command that says nothing about `signal` is ended by it.
pub(super) fn ends(signal: Signal) -> bool {
    !matches!(signal, Signal::CHILD | Signal::WINCH)
}

/// Whether the terminal has sent `signal` to the command already: its keys signal the whole group in the foreground.
pub(super) fn from_keyboard(signal: Signal) -> bool {
    matches!(signal, Signal::INT | Signal::QUIT)
        && File::open("/dev/tty").is_ok_and(|terminal| tcgetpgrp(terminal).is_ok_and(|group| group == getpgrp()))
}

/// The `SigIgn` of a process as Linux tells it; elsewhere none.
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

fn bit(signal: Signal) -> u64 {
    u32::try_from(signal.as_raw().saturating_sub(1)).ok().and_then(|at| 1_u64.checked_shl(at)).unwrap_or(0)
}

/// The end of the command comes last: the Ctrl-C that ended it was sent to us before, and is no wish to end the wait after it.
const HEARD: [Signal; 8] =
    [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT, Signal::USR1, Signal::USR2, Signal::WINCH, Signal::CHILD];

#[cfg(test)]
mod tests {
    use rustix::process::Signal;

    use super::{bit, ignored};

    #[test]
    fn what_is_ignored_is_read_from_the_mask() {
        let mask = ignored("Name:\tx\nSigIgn:\t0000000000001001\nSigCgt:\tffffffffffffffff\n");
        for (signal, expected) in [(Signal::HUP, true), (Signal::PIPE, true), (Signal::INT, false)] {
            assert_eq!(mask & bit(signal) != 0, expected, "{signal:?}");
        }
        assert_eq!(ignored("Name:\tx\n"), 0);
    }
}
