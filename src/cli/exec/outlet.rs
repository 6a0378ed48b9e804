use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, OwnedFd};
use std::process::Stdio;
use std::sync::{Arc, Weak};

use rustix::fs::{Mode, OFlags};
use rustix::io::FdFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, OutputModes, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize};

/// A way from the command to one of our outputs: a pseudo-terminal where that is a terminal, else a pipe.
pub(super) struct Outlet {
    /// The command's end.
    pub(super) child: Stdio,
    /// Our end.
    pub(super) ours: Arc<OwnedFd>,
    /// Where what comes out of our end goes.
    pub(super) to: OwnedFd,
    pub(super) window: Option<Window>,
}

impl Outlet {
    pub(super) fn toward(output: &(impl AsFd + IsTerminal)) -> io::Result<Self> {
        let to = output.as_fd().try_clone_to_owned()?;
        if !output.is_terminal() {
            let (ours, child) = io::pipe()?;
            return Ok(Self { child: child.into(), ours: Arc::new(ours.into()), to, window: None });
        }
        let (ours, child) = pseudo_terminal(&to)?;
        let ours = Arc::new(ours);
        let window = Window { real: to.try_clone()?, ours: Arc::downgrade(&ours) };
        window.copy();
        Ok(Self { child: child.into(), ours, to, window: Some(window) })
    }
}

/// Both ends of a pseudo-terminal set as `real` is.
fn pseudo_terminal(real: &OwnedFd) -> io::Result<(OwnedFd, OwnedFd)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    rustix::io::fcntl_setfd(&ours, FdFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let child = rustix::fs::open(ptsname(&ours, Vec::new())?, flags, Mode::empty())?;
    let mut modes = tcgetattr(real)?;
    // The real one turns ends of lines into what terminals want; once is enough.
    modes.output_modes.remove(OutputModes::OPOST);
    tcsetattr(&child, OptionalActions::Now, &modes)?;
    Ok((ours, child))
}

/// The size of a terminal, for a pseudo-terminal as long as somebody reads from it.
pub(super) struct Window {
    real: OwnedFd,
    ours: Weak<OwnedFd>,
}

impl Window {
    pub(super) fn copy(&self) {
        let Some(ours) = self.ours.upgrade() else { return };
        // A terminal without a size leaves the command with none.
        let _sized = tcgetwinsize(&self.real).and_then(|size| tcsetwinsize(&*ours, size));
    }
}
