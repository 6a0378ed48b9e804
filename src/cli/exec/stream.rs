use std::collections::BTreeMap;
use std::io::{self, PipeReader};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, read, retry_on_intr, write};
use sekisho_scan::{Action, Scanner, Severity};

/// One output of the command on its way to ours.
pub(super) struct Stream {
    from: Arc<OwnedFd>,
    to: OwnedFd,
    wanted: PipeReader,
    scanner: Scanner,
    idle: Option<Timespec>,
    ended: Ended,
}

/// What a stream came to.
pub(super) struct Ended {
    pub(super) name: &'static str,
    /// How often what was found. As many entries as there are detectors at most.
    pub(super) found: BTreeMap<(Severity, Arc<str>), u64>,
    /// The detector whose action stopped it.
    pub(super) blocked: Option<Arc<str>>,
    /// Why it ended before the command did. That its reader went away is no reason to tell.
    pub(super) fault: Option<io::Error>,
}

enum Wake {
    /// There is something to read, or the end.
    Input,
    /// Nothing came for a while.
    Quiet,
    /// Nobody reads what we write.
    Unread,
    /// All that was said is read, and nobody wants to wait for more.
    Unwanted,
}

impl Stream {
    /// `idle` is how long the command may say nothing before what it said is let go. When the other end of `wanted` is closed, what
    /// was said by then is passed on, and that is the end.
    pub(super) fn new(
        (from, to): (Arc<OwnedFd>, OwnedFd),
        wanted: PipeReader,
        scanner: Scanner,
        (name, idle): (&'static str, Duration),
    ) -> Self {
        let ended = Ended { name, found: BTreeMap::new(), blocked: None, fault: None };
        Self { from, to, wanted, scanner, idle: idle.try_into().ok(), ended }
    }

    /// To its end. When nobody reads any more our end is closed, and the command's next write ends it as in a shell pipe.
    pub(super) fn run(mut self) -> Ended {
        match self.pass() {
            Ok(()) | Err(Errno::PIPE) => {}
            Err(error) => self.ended.fault = Some(error.into()),
        }
        self.note();
        self.ended
    }

    fn pass(&mut self) -> rustix::io::Result<()> {
        let mut piece = vec![0; PIECE];
        let mut clean = Vec::new();
        let mut waits = false;
        loop {
            match self.wake(waits)? {
                Wake::Unread => return Ok(()),
                Wake::Unwanted => break,
                Wake::Quiet => {
                    self.scanner.flush_idle(&mut clean);
                    waits = false;
                }
                Wake::Input => {
                    let came = self.read(&mut piece)?;
                    if came == 0 {
                        break;
                    }
                    self.scanner.push(piece.get(..came).unwrap_or_default(), &mut clean);
                    self.note();
                    waits = true;
                }
            }
            self.write(&clean)?;
            clean.clear();
        }
        self.scanner.finish(&mut clean);
        self.write(&clean)
    }

    /// Waits until something is to be done; `waits` when something may be held back that a pause lets go.
    fn wake(&self, waits: bool) -> rustix::io::Result<Wake> {
        let mut ends = [
            PollFd::new(&*self.from, PollFlags::IN),
            PollFd::new(&self.to, PollFlags::empty()),
            PollFd::new(&self.wanted, PollFlags::empty()),
        ];
        let timeout = self.idle.as_ref().filter(|_| waits);
        retry_on_intr(|| poll(&mut ends, timeout))?;
        let [from, to, wanted] = ends.map(|end| end.revents());
        Ok(if to.intersects(PollFlags::ERR | PollFlags::HUP) {
            Wake::Unread
        } else if !from.is_empty() {
            Wake::Input
        } else if !wanted.is_empty() {
            Wake::Unwanted
        } else {
            Wake::Quiet
        })
    }

    fn read(&self, piece: &mut [u8]) -> rustix::io::Result<usize> {
        match retry_on_intr(|| read(&*self.from, &mut *piece)) {
            // How a pseudo-terminal says that nobody holds its other end.
            Err(Errno::IO) => Ok(0),
            outcome => outcome,
        }
    }

    /// Writes all of it, also where somebody who shares the output made it one that does not wait.
    fn write(&self, mut bytes: &[u8]) -> rustix::io::Result<()> {
        while !bytes.is_empty() {
            match retry_on_intr(|| write(&self.to, bytes)) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::AGAIN) => {
                    let mut room = [PollFd::new(&self.to, PollFlags::OUT)];
                    retry_on_intr(|| poll(&mut room, None))?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn note(&mut self) {
        for finding in self.scanner.take_findings() {
            if finding.action == Action::Block {
                self.ended.blocked = Some(Arc::clone(&finding.detector));
            }
            let count = self.ended.found.entry((finding.severity, finding.detector)).or_default();
            *count = count.saturating_add(1);
        }
    }
}

const PIECE: usize = 64 * 1024;
