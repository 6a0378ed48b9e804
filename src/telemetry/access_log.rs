//! The access log: one line of JSON for each answer, written by a thread of its own. Paths pass the scanner, queries are left out,
//! addresses are kept as networks.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Body as HttpBody, Frame, SizeHint};
use prometheus::core::{AtomicU64, GenericCounter};
use sekisho_filters::exchange::Input;
use sekisho_filters::{Body, Exchange, Fault};
use serde::Serialize;

use crate::data::observe::Target;
use crate::evidence::{Network, Scrub};

/// Where lines go. When it cannot keep up they are counted and lost: it never holds up traffic.
#[derive(Clone, Debug)]
pub struct AccessLog {
    /// `None` ends it.
    lines: SyncSender<Option<Entry>>,
    lost: GenericCounter<AtomicU64>,
}

/// The thread that writes.
#[derive(Debug)]
pub struct Writing(AccessLog, JoinHandle<()>);

/// What will become a line.
#[derive(Debug)]
pub(super) struct Entry {
    target: Target,
    exchange: Exchange,
    status: StatusCode,
    own: Duration,
    took: Duration,
    sent: u64,
    whole: bool,
    at: SystemTime,
}

/// A line.
#[derive(Serialize)]
struct Line<'a> {
    /// Milliseconds since 1970, when the answer had ended.
    time_ms: u64,
    decision: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    route: &'a str,
    upstream: &'a str,
    peer: String,
    method: &'a str,
    host: String,
    path: String,
    status: u16,
    /// Bytes of the answer's body.
    sent: u64,
    /// Whether the answer was read to its end.
    whole: bool,
    /// Microseconds from the head of the request to the end of the answer.
    took_us: u64,
    /// Of the time to the head of the answer, what was spent here.
    added_us: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_us: Option<u64>,
    /// How often it was sent again, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<u32>,
}

impl AccessLog {
    /// Writes to the file at `path` from now on, or to the standard output if it is `/dev/stdout`. At most `most` lines wait.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, or the system gives no thread.
    pub fn open(
        path: &Path,
        most: usize,
        (scrub, lost): (Arc<Scrub>, GenericCounter<AtomicU64>),
    ) -> io::Result<Writing> {
        let named = |error: io::Error| {
            io::Error::new(error.kind(), format!("telemetry.access_log: cannot write to {}: {error}", path.display()))
        };
        let out = Out::open(path, lost.clone()).map_err(named)?;
        let (lines, waiting) = sync_channel(most);
        let write = move || out.write_all(&waiting, scrub.as_ref());
        let thread = std::thread::Builder::new().name("access-log".into()).spawn(write)?;
        Ok(Writing(Self { lines, lost }, thread))
    }

    /// Has the line written when the answer's body is gone.
    pub(super) fn follow(&self, entry: Entry, response: Response<Body>) -> Response<Body> {
        response.map(|inner| {
            let mut followed =
                Followed { whole: inner.is_end_stream(), inner, entry: Some(entry), sent: 0, log: self.clone() };
            if followed.whole {
                followed.tell();
                return followed.inner();
            }
            Body::stream(followed)
        })
    }

    fn tell(&self, entry: Entry) {
        if self.lines.try_send(Some(entry)).is_err() {
            self.lost.inc();
        }
    }
}

impl Writing {
    /// Where lines go.
    #[must_use]
    pub const fn log(&self) -> &AccessLog {
        &self.0
    }

    /// Writes what waits, and ends.
    pub fn close(self) {
        let Self(log, thread) = self;
        // Gone already is closed as well.
        let _ended = log.lines.send(None);
        let _written = thread.join();
    }
}

impl Entry {
    pub(super) fn of(target: Target, exchange: &Exchange, (status, own): (StatusCode, Duration)) -> Self {
        let (took, at) = (Duration::ZERO, UNIX_EPOCH);
        // What a line waits for holds no body.
        let exchange = Exchange { input: Input::default(), ..exchange.clone() };
        Self { target, exchange, status, own, took, sent: 0, whole: false, at }
    }

    fn line(&self, scrub: &Scrub) -> Option<Vec<u8>> {
        let Self { target, exchange, status, own, took, sent, whole, at } = self;
        let waited = exchange.trip.waited();
        let line = Line {
            time_ms: at.duration_since(UNIX_EPOCH).map_or(0, whole_ms),
            decision: exchange.decision.text(),
            trace_id: exchange.trip.trace().map(|trace| trace.to_string()),
            route: &exchange.route.name,
            upstream: &exchange.route.upstream,
            peer: Network::from(exchange.peer).to_string(),
            method: target.method.as_str(),
            host: scrub(&exchange.host),
            path: scrub(target.uri.path()),
            status: status.as_u16(),
            sent: *sent,
            whole: *whole,
            took_us: micros(*took),
            added_us: micros(*own),
            upstream_us: waited.map(|waited| micros(waited.time)),
            retries: waited.map(|waited| waited.retries).filter(|retries| *retries > 0),
        };
        let mut line = serde_json::to_vec(&line).ok()?;
        line.push(b'\n');
        Some(line)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// An answer's body whose line is written when it is gone.
struct Followed {
    inner: Body,
    entry: Option<Entry>,
    sent: u64,
    whole: bool,
    log: AccessLog,
}

impl Followed {
    fn tell(&mut self) {
        let Some(mut entry) = self.entry.take() else { return };
        (entry.sent, entry.whole) = (self.sent, self.whole);
        (entry.took, entry.at) = (entry.exchange.trip.elapsed(), SystemTime::now());
        self.log.tell(entry);
    }

    fn inner(mut self) -> Body {
        std::mem::take(&mut self.inner)
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.tell();
    }
}

impl HttpBody for Followed {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        if let Poll::Ready(frame) = &frame {
            let data = frame.as_ref().and_then(|frame| frame.as_ref().ok()).and_then(Frame::data_ref);
            self.sent += data.map_or(0, |data| data.len() as u64);
            self.whole = frame.is_none() || self.inner.is_end_stream();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// What is written to.
struct Out {
    path: PathBuf,
    to: BufWriter<File>,
    /// Which file it is, and when that was last asked.
    file: (u64, u64),
    looked: Instant,
    failing: bool,
    lost: GenericCounter<AtomicU64>,
}

impl Out {
    fn open(path: &Path, lost: GenericCounter<AtomicU64>) -> io::Result<Self> {
        let looked = Instant::now();
        // Its own: not opened by that name, which a socket there or another owner would forbid, and not locked with others.
        let (out, file) = match path == Path::new("/dev/stdout") {
            true => identified(File::from(io::stdout().as_fd().try_clone_to_owned()?))?,
            false => append(path)?,
        };
        Ok(Self { path: path.to_path_buf(), to: BufWriter::new(out), file, looked, failing: false, lost })
    }

    /// Writes until it is told to end. What waits is written as one, and at once when nothing more does.
    fn write_all(mut self, lines: &Receiver<Option<Entry>>, scrub: &Scrub) {
        loop {
            let next = lines.try_recv().or_else(|_none| {
                self.flush();
                lines.recv()
            });
            let Ok(Some(entry)) = next else { break };
            self.follow_rotation();
            let written = entry.line(scrub).is_some_and(|line| self.to.write_all(&line).is_ok());
            if !written {
                self.lost.inc();
            }
        }
        self.flush();
    }

    /// Says once that it cannot.
    fn flush(&mut self) {
        let fails = self.to.flush().is_err();
        if fails && !self.failing {
            tracing::warn!("the access log cannot be written");
        }
        self.failing = fails;
    }

    /// A file that was moved away is opened anew under its name.
    fn follow_rotation(&mut self) {
        if self.looked.elapsed() < LOOK {
            return;
        }
        self.looked = Instant::now();
        if self.path.metadata().is_ok_and(|meta| (meta.dev(), meta.ino()) == self.file) {
            return;
        }
        if let Ok((out, file)) = append(&self.path) {
            self.flush();
            self.to = BufWriter::new(out);
            self.file = file;
        }
    }
}

fn append(path: &Path) -> io::Result<(File, (u64, u64))> {
    identified(OpenOptions::new().append(true).create(true).mode(0o600).open(path)?)
}

/// With which file it is.
fn identified(file: File) -> io::Result<(File, (u64, u64))> {
    let meta = file.metadata()?;
    Ok((file, (meta.dev(), meta.ino())))
}

/// How often it is asked whether the file was moved away.
const LOOK: Duration = Duration::from_secs(1);
