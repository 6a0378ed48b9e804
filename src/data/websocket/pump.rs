use std::io;
use std::pin::pin;

use sekisho_codec::ws::{Opcode, Side, Walk, WsError, frame};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::inspect::{Inspect, key};
use super::tunnel::{End, Shared};
use crate::data::gated::put;

/// One direction of a tunnel.
pub(super) struct Pump<'t, R, W> {
    from: R,
    to: W,
    way: Way,
    /// Frames of our own that go out between messages.
    ours: Option<mpsc::Receiver<Vec<u8>>>,
    shared: &'t Shared,
    buffer: Vec<u8>,
}

/// What is done with the bytes.
pub(super) enum Way {
    /// They pass as they are.
    Walk(Walk),
    /// They are looked into.
    Inspect(Box<Inspect>),
}

/// How reading goes on.
enum Step {
    /// There was something.
    On,
    /// The other end has said all it had to say.
    Ended,
    /// Both sides are to be closed.
    Close(End),
}

impl Way {
    const fn side(&self) -> Side {
        match self {
            Self::Walk(walk) => walk.side(),
            Self::Inspect(inspect) => inspect.side(),
        }
    }

    /// Whether a frame of ours may stand here: a message, or only a control frame.
    fn is_open(&self, for_message: bool) -> bool {
        match self {
            Self::Walk(walk) if for_message => walk.between_messages() && !walk.is_closed(),
            Self::Walk(walk) => walk.between_frames() && !walk.is_closed(),
            Self::Inspect(inspect) => !inspect.is_closed(),
        }
    }
}

impl<'t, R, W> Pump<'t, R, W>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    pub(super) fn new(from: R, to: W, way: Way, shared: &'t Shared) -> Self {
        Self { from, to, way, ours: None, shared, buffer: vec![0; SMALL] }
    }

    /// Sends what comes through `ours` as well.
    pub(super) fn answering(self, ours: mpsc::Receiver<Vec<u8>>) -> Self {
        Self { ours: Some(ours), ..self }
    }

    /// Pumps until the direction is closed. A connection that breaks off is closed like one that ends: there is nobody to tell.
    /// What the sender does wrong goes to `fault`, which says how both sides are closed for it.
    pub(super) async fn run(mut self, fault: impl Fn(WsError) -> End) {
        let shared = self.shared;
        let mut ended = pin!(shared.ended());
        loop {
            let step = tokio::select! {
                biased;
                end = &mut ended => Step::Close(end),
                Some(frame) = ours(&mut self.ours), if self.way.is_open(true) => written(&put(&mut self.to, &frame).await),
                read = self.from.read(&mut self.buffer) => match read {
                    Ok(0) | Err(_) => Step::Ended,
                    Ok(length) => self.pass(length).await.unwrap_or_else(|why| {
                        self.shared.end(fault(why));
                        Step::On
                    }),
                },
            };
            match step {
                Step::On => {}
                Step::Ended => break,
                Step::Close(end) => return self.close(end).await,
            }
        }
        // Whatever becomes of it: this direction is over.
        let _gone = self.to.shutdown().await;
    }

    /// Passes what was read.
    async fn pass(&mut self, length: usize) -> Result<Step, WsError> {
        self.shared.note();
        let piece = self.buffer.get(..length).unwrap_or_default();
        let step = match &mut self.way {
            Way::Inspect(inspect) => match inspect.pass(piece, &mut self.to).await? {
                Ok(None) => Step::On,
                Ok(Some(end)) => {
                    self.shared.end(end);
                    Step::On
                }
                Err(_gone) => Step::Ended,
            },
            Way::Walk(walk) => {
                let passed = walk.pass(piece)?;
                let waiting = passed.boundary.filter(|at| *at < length).zip(self.ours.as_mut());
                let reply = waiting.and_then(|(at, ours)| Some((at, ours.try_recv().ok()?)));
                written(&match reply {
                    None => put(&mut self.to, piece).await,
                    Some((at, reply)) => write_around(&mut self.to, piece.split_at_checked(at), &reply).await,
                })
            }
        };
        if length == self.buffer.len() && length < LARGE {
            // Much is coming: fewer, larger reads.
            self.buffer.resize(length * 2, 0);
        }
        Ok(step)
    }

    /// Closes the receiver's side, then lets the sender run out.
    async fn close(&mut self, end: End) {
        let receiver = match self.way.side() {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        };
        let _gone = self.last(end.code(receiver)).await;
        // Closed with bytes unread, the system would take back what the sender has not read yet: our close frame.
        while matches!(self.from.read(&mut self.buffer).await, Ok(read) if read > 0) {}
    }

    async fn last(&mut self, code: u16) -> io::Result<()> {
        if self.way.is_open(false) {
            let key = match self.way.side() {
                Side::Client => Some(key()?),
                Side::Server => None,
            };
            put(&mut self.to, &frame(Opcode::Close, &code.to_be_bytes(), key)).await?;
        }
        self.to.shutdown().await
    }
}

async fn ours(receiver: &mut Option<mpsc::Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    match receiver {
        Some(receiver) => receiver.recv().await,
        None => None,
    }
}

async fn write_around<W>(to: &mut W, halves: Option<(&[u8], &[u8])>, reply: &[u8]) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let (before, behind) = halves.unwrap_or_default();
    to.write_all(before).await?;
    to.write_all(reply).await?;
    put(to, behind).await
}

fn written(outcome: &io::Result<()>) -> Step {
    if outcome.is_ok() { Step::On } else { Step::Ended }
}

/// What a connection at rest reads into, and the most that one in full flow does, in bytes.
const SMALL: usize = 4 * 1024;
const LARGE: usize = 64 * 1024;
