use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use sekisho_filters::Fault;
use tokio::time::Instant;

use super::Timeouts;
use super::connection::Connection;

/// Connections that wait for their next request. The one used last is taken first, so that the others can grow old.
#[derive(Clone, Debug)]
pub(super) struct Pool {
    idle: Arc<Mutex<Vec<Idle>>>,
    most: usize,
    idle_for: Duration,
    age: Duration,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Instant,
}

impl Idle {
    fn share(&mut self) -> Option<Connection> {
        let shared = self.connection.share()?;
        self.since = Instant::now();
        Some(shared)
    }
}

impl Pool {
    pub(super) fn new(most: usize, timeouts: &Timeouts) -> Self {
        Self { idle: Arc::default(), most, idle_for: timeouts.idle, age: timeouts.age }
    }

    /// A connection of this generation; those of another are let go.
    pub(super) fn take(&self, generation: u64) -> Option<Connection> {
        let (mut idle, now) = (self.lock(), Instant::now());
        let usable = |idle: &Idle| {
            let Connection { generation: of, opened, .. } = idle.connection;
            let young = now.saturating_duration_since(opened) <= self.age;
            young && of == generation && !idle.connection.is_closed() && now - idle.since <= self.idle_for
        };
        while idle.last().is_some_and(|last| !usable(last)) {
            idle.pop();
        }
        let at = idle.iter().rposition(|idle| idle.connection.is_ready() && usable(idle))?;
        if let Some(shared) = idle.get_mut(at).and_then(Idle::share) {
            return Some(shared);
        }
        Some(idle.remove(at).connection)
    }

    /// Keeps a connection for the next request, unless it is of no more use. An order that was answered before all of it had left
    /// may still wait in one of HTTP/2: it ends with its connection.
    pub(super) fn give(&self, connection: Connection) {
        let unsettled = connection.unwritten.waits();
        if connection.is_closed() || unsettled || connection.opened.elapsed() > self.age {
            return;
        }
        let mut idle = self.lock();
        if idle.len() >= self.most {
            // The oldest stands first.
            idle.drain(..1);
        }
        idle.push(Idle { connection, since: Instant::now() });
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer's body. When it has been read to its end, its connection goes back to the pool; cut short, it is closed.
pub(super) struct Pooled {
    pub(super) inner: Incoming,
    pub(super) connection: Option<Connection>,
    pub(super) pool: Pool,
}

impl Pooled {
    fn give_back(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.give(connection);
        }
    }
}

impl HttpBody for Pooled {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) || (frame.is_ready() && self.inner.is_end_stream()) {
            self.give_back();
        }
        frame.map_err(|error| Fault::Upstream(error.into()))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
