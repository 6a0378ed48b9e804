use std::io;
use std::sync::Arc;

use sekisho_codec::ws::{Control, Kind, Message, Messages, Opcode, Side, Unit, WsError, frame};
use sekisho_filters::Exchange;
use sekisho_filters::access::Standing;
use sekisho_policy::Refusal;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc;

use super::judge::Verdict;
use super::tunnel::{CUT, End, GOING_AWAY, POLICY};
use super::{Judge, Opened};
use crate::data::gated::{put, send};

/// Looks into the messages of one direction, and passes those that may.
pub(super) struct Inspect {
    side: Side,
    judge: Arc<Judge>,
    opened: Opened,
    /// What the connection goes on as.
    exchange: Arc<Exchange>,
    /// How often what is served had been replaced when that was asked; `None` before it was.
    generation: Option<u64>,
    messages: Messages,
    /// Whether a compressed message may refer to earlier ones.
    takeover: bool,
    /// Whether the receiver has not seen all that the sender's later messages may refer to. These go on uncompressed.
    diverged: bool,
    closed: bool,
    /// Answers of ours to the sender.
    replies: Option<mpsc::Sender<Vec<u8>>>,
    /// Of whoever opened the connection.
    standing: Option<Standing>,
}

/// Whether the receiver is still there, and if so whether both sides are to be closed.
pub(super) type Passed = io::Result<Option<End>>;

impl Inspect {
    /// `takeover`: compression was agreed on, and whether a message may refer to earlier ones. `most`: bytes of a message.
    pub(super) fn new(side: Side, (judge, opened): (Arc<Judge>, Opened), takeover: Option<bool>, most: usize) -> Self {
        Self {
            side,
            judge,
            exchange: Arc::clone(&opened.exchange),
            opened,
            generation: None,
            messages: Messages::new(side, takeover, most),
            takeover: takeover.unwrap_or(false),
            diverged: false,
            closed: false,
            replies: None,
            standing: None,
        }
    }

    /// Answers what is refused through `replies`.
    pub(super) fn replying(self, replies: Option<mpsc::Sender<Vec<u8>>>) -> Self {
        Self { replies, ..self }
    }

    /// Passes nothing more once `standing` is over.
    pub(super) fn standing(self, standing: Option<Standing>) -> Self {
        Self { standing, ..self }
    }

    pub(super) const fn side(&self) -> Side {
        self.side
    }

    /// Whether the sender's close frame has gone on.
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Takes a piece of the stream and passes what of it may pass.
    ///
    /// # Errors
    ///
    /// What the sender did wrong.
    pub(super) async fn pass<W>(&mut self, piece: &[u8], to: &mut W) -> Result<Passed, WsError>
    where
        W: AsyncWrite + Unpin,
    {
        self.messages.push(piece);
        while let Some(unit) = self.messages.unit()? {
            // The pump hears of it as well, but not between two messages of one piece.
            if !self.goes_on() {
                return Ok(Ok(Some(CUT)));
            }
            let passed = match unit {
                Unit::Message(message) => self.message(message, to).await,
                Unit::Control(control) => self.control(&control, to).await,
            };
            if !matches!(passed, Ok(None)) {
                return Ok(passed);
            }
        }
        Ok(Ok(None))
    }

    /// Whether anything may pass still. From here on it is judged by what is served now.
    fn goes_on(&mut self) -> bool {
        let generation = self.judge.generation();
        if self.generation != Some(generation) {
            let Some(now) = self.judge.goes_on(&self.opened) else { return false };
            (self.exchange, self.generation) = (now, Some(generation));
        }
        let over = self.standing.as_ref().is_some_and(Standing::is_over);
        !over && !self.judge.quarantines(&self.exchange)
    }

    async fn control<W>(&mut self, control: &Control, to: &mut W) -> Passed
    where
        W: AsyncWrite + Unpin,
    {
        let said = if control.opcode == Opcode::Close { control.plain.get(2..) } else { Some(&*control.plain) };
        let said = said.unwrap_or_default();
        if let Some(refusal) = self.searched().then(|| self.judge.aside(&self.exchange, said).err()).flatten() {
            return Ok(Some(self.end(&refusal)));
        }
        self.closed |= control.opcode == Opcode::Close;
        put(to, &control.wire).await?;
        Ok(None)
    }

    fn searched(&self) -> bool {
        match self.side {
            Side::Client => self.exchange.route.redact.request,
            Side::Server => self.exchange.route.redact.response,
        }
    }

    async fn message<W>(&mut self, message: Message, to: &mut W) -> Passed
    where
        W: AsyncWrite + Unpin,
    {
        let exchange = self.judge.one(&self.exchange, &message.plain);
        let verdict = match self.side {
            Side::Client => self.judge.sent(&exchange, &self.opened.path, &message),
            Side::Server => self.judge.answered(&exchange, &message),
        };
        let refusal = match verdict {
            Err(refusal) => refusal,
            Ok(Verdict { permitted, edited }) => {
                let bytes = self.bytes(&message, edited.as_deref())?;
                match send(&permitted, &bytes, to).await? {
                    None => return Ok(None),
                    Some(refusal) => refusal,
                }
            }
        };
        self.diverged |= message.compressed && self.takeover;
        let Some(replies) = self.replies.as_ref().filter(|_| self.exchange.route.orders.is_some()) else {
            return Ok(Some(self.end(&refusal)));
        };
        let answer = self.judge.refuse(&exchange, &refusal, &message.plain);
        // A client that has gone away needs no answer.
        let _gone = replies.send(frame(Opcode::Text, answer.as_bytes(), None)).await;
        Ok(None)
    }

    /// What goes on: the frames as they came, unless they say something else now or the receiver could not read them.
    fn bytes(&mut self, message: &Message, edited: Option<&[u8]>) -> io::Result<Vec<u8>> {
        let unreadable = message.compressed && self.diverged;
        if edited.is_none() && !unreadable {
            return Ok(message.wire.clone());
        }
        self.diverged |= message.compressed && self.takeover;
        let opcode = match message.kind {
            Kind::Text => Opcode::Text,
            Kind::Binary => Opcode::Binary,
        };
        let key = match self.side {
            Side::Client => Some(key()?),
            Side::Server => None,
        };
        Ok(frame(opcode, edited.unwrap_or(&message.plain), key))
    }

    /// Tells of a refusal that nobody can be answered about, and ends the connection.
    fn end(&self, refusal: &Refusal) -> End {
        self.judge.refuse(&self.judge.one(&self.exchange, b""), refusal, b"");
        match self.side {
            Side::Client => End { client: POLICY, upstream: GOING_AWAY },
            Side::Server => End { client: GOING_AWAY, upstream: POLICY },
        }
    }
}

/// A key to mask a frame with, which nobody can foresee (RFC 6455, 10.3).
pub(super) fn key() -> io::Result<[u8; 4]> {
    let mut key = [0; 4];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    Ok(key)
}
