use std::io;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::TokioTimer;
use sekisho_filters::order_gate::Unwritten;
use sekisho_filters::{Body, Cause};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::io::Socket;
use super::{Protocol, Target, Timeouts};

/// One connection to an upstream.
#[derive(Debug)]
pub(super) struct Connection {
    sender: Sender,
    pub(super) unwritten: Unwritten,
    /// Whether a request was sent on it before: such a connection may have been closed without our knowing.
    pub(super) used: bool,
    /// Under which reading of the certificates it was made.
    pub(super) generation: u64,
    pub(super) opened: Instant,
    /// Whether it carries one request at a time. One of HTTP/1 cannot do otherwise; one of HTTP/2 does for orders, because on a
    /// connection that many requests share nobody can say which of them has left.
    alone: bool,
    /// Ends what is still under way on one of HTTP/2 that carries one request at a time.
    _end: Option<DropGuard>,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Body>),
    Http2(http2::SendRequest<Body>),
}

impl Connection {
    pub(super) async fn open(target: &Target, timeouts: &Timeouts, order: bool) -> Result<Self, Cause> {
        // Boxed: handshakes are large, and a request that finds a connection should not carry the room for one.
        let connecting = Box::pin(Self::connect(target, order));
        tokio::time::timeout(timeouts.connect, connecting).await.map_err(|_elapsed| timed_out())?
    }

    async fn connect(target: &Target, order: bool) -> Result<Self, Cause> {
        // Read before the handshake: what replaces it meanwhile makes this connection an old one.
        let generation = target.generation();
        let stream = TcpStream::connect((target.host.as_str(), target.port)).await?;
        stream.set_nodelay(true)?;
        let (protocol, unwritten) = (target.protocol, Unwritten::default());
        let tasks = Tasks { until: (order && protocol == Protocol::Http2).then(CancellationToken::new) };
        let sender = match &target.tls {
            None => Sender::on(Socket::new(stream, unwritten.clone(), protocol), protocol, &tasks).await?,
            Some(tls) => {
                let stream = tls.connect(stream, protocol == Protocol::Http2).await?;
                Sender::on(Socket::new(stream, unwritten.clone(), protocol), protocol, &tasks).await?
            }
        };
        let alone = order || protocol == Protocol::Http1;
        let end = tasks.until.map(CancellationToken::drop_guard);
        Ok(Self { sender, unwritten, used: false, generation, opened: Instant::now(), alone, _end: end })
    }

    /// Whether a request can be sent on it now.
    pub(super) fn is_ready(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_ready(),
            Sender::Http2(sender) => sender.is_ready(),
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    /// A second handle on a connection that carries many requests at once.
    pub(super) fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http2(sender) if !self.alone => Some(Self {
                sender: Sender::Http2(sender.clone()),
                unwritten: self.unwritten.clone(),
                used: true,
                generation: self.generation,
                opened: self.opened,
                alone: false,
                _end: None,
            }),
            Sender::Http1(_) | Sender::Http2(_) => None,
        }
    }

    /// The connection, if it carries one request at a time and so has to be given back.
    pub(super) fn exclusive(self) -> Option<Self> {
        self.alone.then_some(self)
    }

    /// Sends a request. An error that has the request in it means that not a byte of it was sent.
    pub(super) async fn send(
        &mut self,
        request: Request<Body>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Body>>> {
        self.used = true;
        match &mut self.sender {
            Sender::Http1(sender) => sender.try_send_request(request).await,
            Sender::Http2(sender) => sender.try_send_request(request).await,
        }
    }
}

impl Sender {
    async fn on<S>(socket: Socket<S>, protocol: Protocol, tasks: &Tasks) -> Result<Self, hyper::Error>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::Builder::new().handshake(socket).await?;
                drive(connection.with_upgrades());
                Ok(Self::Http1(sender))
            }
            Protocol::Http2 => {
                let mut builder = http2::Builder::new(tasks.clone());
                let (sender, connection) = builder.timer(TokioTimer::new()).handshake(socket).await?;
                drive(connection);
                Ok(Self::Http2(sender))
            }
        }
    }
}

/// Runs the tasks of a connection of HTTP/2. A client that is dropped lets requests that were answered go on for as long as
/// their server likes; where `until` is given, they end with it.
#[derive(Clone, Debug)]
struct Tasks {
    until: Option<CancellationToken>,
}

impl<F> Executor<F> for Tasks
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, task: F) {
        match self.until.clone() {
            Some(until) => drop(tokio::spawn(until.run_until_cancelled_owned(task))),
            None => drop(tokio::spawn(task)),
        }
    }
}

fn drive<C>(connection: C)
where
    C: Future<Output = Result<(), hyper::Error>> + Send + 'static,
{
    tokio::spawn(async move {
        // Whoever waits for an answer on it is told; nobody else needs to know.
        let _ended = connection.await;
    });
}

fn timed_out() -> Cause {
    io::Error::new(io::ErrorKind::TimedOut, "no connection within limits.connect_timeout").into()
}
