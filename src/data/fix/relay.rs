use std::io;
use std::pin::pin;
use std::sync::Arc;

use sekisho_codec::fix::{Answer, FixError, Frame, Message, Resent, Stream, shown, tag};
use sekisho_filters::order_gate::PermittedMessage;
use sekisho_filters::{Exchange, Fault};
use sekisho_policy::{Class, OrderView, Refusal};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::FixLimits;
use super::sessions::{Sessions, Shared, lock};
use crate::data::dial::Dialled;
use crate::data::gated::{put, send};
use crate::data::websocket::Judge;

/// One connection of a client, and ours to its counterparty.
pub(super) struct Relay {
    judge: Arc<Judge>,
    exchange: Arc<Exchange>,
    sessions: Arc<Sessions>,
    limits: FixLimits,
    /// The session, once the client has logged on.
    session: watch::Sender<Option<Shared>>,
}

/// Why a connection is ended.
enum End {
    /// Somebody hung up.
    Gone,
    /// The client said what cannot be passed.
    Client(Refusal),
    /// The counterparty broke the protocol.
    Venue(FixError),
}

impl From<io::Error> for End {
    fn from(_gone: io::Error) -> Self {
        Self::Gone
    }
}

impl Relay {
    pub(super) fn new(judge: Arc<Judge>, exchange: Arc<Exchange>, sessions: Arc<Sessions>, limits: FixLimits) -> Self {
        Self { judge, exchange, sessions, limits, session: watch::Sender::new(None) }
    }

    /// Relays until one side hangs up or is hung up on; then the other is too, as an engine would do.
    pub(super) async fn run(self, client: TcpStream, venue: Dialled) {
        let (from_client, mut to_client) = client.into_split();
        let (from_venue, mut to_venue) = split(venue);
        let end = {
            let (up, down) = (pin!(self.up(from_client, &mut to_venue)), pin!(self.down(from_venue, &mut to_client)));
            tokio::select! {
                biased;
                () = self.judge.quarantined(&self.exchange) => Err(End::Client(Refusal::Quarantined)),
                end = up => end,
                end = down => end,
            }
        };
        match end {
            Err(End::Client(refusal)) => self.tell(&refusal).pass(),
            Err(End::Venue(why)) => self.judge.witness.broke(&self.exchange, &Fault::Upstream(why.into())),
            Ok(()) | Err(End::Gone) => {}
        }
        let _gone = tokio::join!(to_client.shutdown(), to_venue.shutdown());
    }

    /// From the client to the counterparty.
    async fn up<R, W>(&self, mut from: R, to: &mut W) -> Result<(), End>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let (mut stream, mut buffer) = (Stream::new(self.limits.message_bytes), vec![0; BUFFER]);
        loop {
            let length = self.read(&mut from, &mut buffer).await?;
            stream.push(buffer.get(..length).unwrap_or_default());
            loop {
                let frame = match stream.frame() {
                    Ok(None) => break,
                    Ok(Some(frame)) => frame,
                    Err(FixError::Garbled(what)) => {
                        // As FIX has it. The counterparty will ask for what is missing.
                        self.tell(&Refusal::BadRequest { what }).pass();
                        continue;
                    }
                    Err(FixError::Broken(what)) => return Err(End::Client(Refusal::BadRequest { what })),
                    Err(FixError::TooLarge) => return Err(End::Client(Refusal::BodyTooLarge)),
                };
                self.sent(&frame, to).await?;
            }
        }
    }

    /// From the counterparty to the client.
    async fn down<R, W>(&self, mut from: R, to: &mut W) -> Result<(), End>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let (mut stream, mut buffer) = (Stream::new(self.limits.message_bytes), vec![0; BUFFER]);
        let mut out = Vec::new();
        loop {
            let length = self.read(&mut from, &mut buffer).await?;
            stream.push(buffer.get(..length).unwrap_or_default());
            loop {
                match stream.frame() {
                    Ok(None) => break,
                    Ok(Some(frame)) => self.received(&frame, &mut out),
                    Err(FixError::Garbled(_)) => {}
                    Err(why) => return Err(End::Venue(why)),
                }
            }
            put(to, &out).await?;
            out.clear();
        }
    }

    async fn read<R>(&self, from: &mut R, buffer: &mut [u8]) -> Result<usize, End>
    where
        R: AsyncRead + Unpin,
    {
        let idle = if self.session.borrow().is_some() { self.limits.idle_timeout } else { self.limits.connect_timeout };
        match tokio::time::timeout(idle, from.read(buffer)).await {
            Ok(Ok(length)) if length > 0 => Ok(length),
            Ok(_) | Err(_) => Err(End::Gone),
        }
    }

    fn received(&self, frame: &Frame, out: &mut Vec<u8>) {
        // Only these can be something else for the client; the rest is not read further.
        let instead = matches!(frame.kind(), "0" | "4" | "A").then(|| {
            let session = self.session.borrow().clone()?;
            let message = frame.message().ok()?;
            lock(&session).received(&message)
        });
        match instead.flatten() {
            Some(instead) => out.extend_from_slice(&instead),
            None => out.extend_from_slice(frame.bytes()),
        }
    }

    /// Passes a message of the client, or what takes its place.
    async fn sent<W>(&self, frame: &Frame, to: &mut W) -> Result<(), End>
    where
        W: AsyncWrite + Unpin,
    {
        // The connection hears of it as well, but not between two messages of one piece.
        if self.judge.quarantines(&self.exchange) {
            return Err(End::Client(Refusal::Quarantined));
        }
        let message = match frame.message() {
            Ok(message) => message,
            Err(FixError::Garbled(what) | FixError::Broken(what)) => {
                self.tell(&Refusal::BadRequest { what }).pass();
                return Ok(());
            }
            Err(FixError::TooLarge) => return Err(End::Client(Refusal::BodyTooLarge)),
        };
        let session = self.session(&message)?;
        let resent = lock(&session).sent(&message);
        let resent = resent.ok_or(End::Client(Refusal::BadRequest { what: "a message without a number" }))?;
        let exchange = self.judge.one(&self.exchange, frame.bytes());
        let refusal = match self.judged(&exchange, frame, &message, resent) {
            Ok(permitted) => match send(&permitted, frame.bytes(), to).await? {
                None => return Ok(()),
                Some(refusal) => refusal,
            },
            Err(refusal) => refusal,
        };
        let instead = self.instead(&exchange, &session, &message, (resent, &refusal))?;
        put(to, &instead).await?;
        Ok(())
    }

    /// The session, which a logon begins.
    fn session(&self, message: &Message<'_>) -> Result<Shared, End> {
        let known = self.session.borrow().clone();
        let bad = |what| End::Client(Refusal::BadRequest { what });
        match (known, message.kind()) {
            (Some(session), _) => Ok(session),
            (None, "A") if message.parsed(ENCRYPT_METHOD).unwrap_or_default() > 0 => {
                Err(bad("an encrypted session cannot be judged"))
            }
            (None, "A") => {
                tracing::info!(decision = %self.exchange.decision, route = %self.exchange.route.name, logon = shown(message), "fix");
                let session = self.sessions.of(message);
                self.session.send_replace(Some(Arc::clone(&session)));
                Ok(session)
            }
            (None, _) => Err(bad("the first message is not a logon")),
        }
    }

    /// Whether a message may go on.
    fn judged(
        &self,
        exchange: &Arc<Exchange>,
        frame: &Frame,
        message: &Message<'_>,
        resent: Resent,
    ) -> Result<PermittedMessage, Refusal> {
        let permitted = self.classified(exchange, message, resent)?;
        let harmless = matches!(permitted.class(), Some(Class::ReadOnly | Class::KeepAlive | Class::Cancel));
        match resent {
            Resent::Refused => return Err(Refusal::OrderOutcomeUnknown),
            Resent::Unknown if !harmless => return Err(Refusal::OrderOutcomeUnknown),
            Resent::No | Resent::Passed | Resent::Unknown => {}
        }
        if self.exchange.route.redact.request {
            let meant = if matches!(message.kind(), "A" | "BE") { message.credentials() } else { Vec::new() };
            if self.judge.parts().search.search(exchange, frame.bytes(), &meant)?.is_some() {
                return Err(Refusal::SecretInContent);
            }
        }
        Ok(permitted)
    }

    fn classified(
        &self,
        exchange: &Arc<Exchange>,
        message: &Message<'_>,
        resent: Resent,
    ) -> Result<PermittedMessage, Refusal> {
        let mut body: Vec<(String, String)> = Vec::new();
        for (tag, value) in message.fields() {
            let tag = tag.to_string();
            // Members of groups repeat tags; what decides must not, and is looked at below.
            if !body.iter().any(|(ours, _)| *ours == tag) {
                body.push((tag, String::from_utf8_lossy(value).into_owned()));
            }
        }
        let twice = if GROUPS.contains(&message.kind()) { None } else { message.given_twice() };
        let view = OrderView {
            method: "FIX",
            host: &self.exchange.host,
            path: &format!("/{}", message.kind()),
            query: &[],
            body: &body,
            headers: &[],
            ambiguity: twice.map(|_| "a field that decides is given twice"),
        };
        // What comes again under its number has an id that is known already.
        let sender = (resent == Resent::No).then(|| message.get(tag::SENDER_COMP_ID).unwrap_or_default());
        self.judge.parts().gate.read(exchange, &view, sender)
    }

    /// What goes to the counterparty in the place of a refused message.
    fn instead(
        &self,
        exchange: &Exchange,
        session: &Shared,
        message: &Message<'_>,
        (resent, refusal): (Resent, &Refusal),
    ) -> Result<Vec<u8>, End> {
        if ADMIN.contains(&message.kind()) {
            // It keeps the session going; without it there is none.
            return Err(End::Client(refusal.clone()));
        }
        if resent == Resent::Refused {
            // It has been told of.
            return Ok(lock(session).take_out(message, None));
        }
        let told = self.tell_of(exchange, refusal);
        let answer = (resent == Resent::No).then(|| (Answer::to(message, &told.line, &told.id), told.id.as_str()));
        Ok(lock(session).take_out(message, answer))
    }

    /// Journals a refusal, under a decision of its own.
    fn tell(&self, refusal: &Refusal) -> Told {
        self.tell_of(&self.judge.one(&self.exchange, b""), refusal)
    }

    fn tell_of(&self, exchange: &Exchange, refusal: &Refusal) -> Told {
        self.judge.witness.refused(exchange, refusal);
        Told { line: sekisho_filters::respond::line(refusal, exchange.decision), id: exchange.decision.to_string() }
    }
}

/// What was told of a refusal.
struct Told {
    /// One line for the client.
    line: String,
    /// The decision.
    id: String,
}

impl Told {
    /// Nobody is answered.
    fn pass(self) {}
}

/// Messages of the session itself.
const ADMIN: [&str; 7] = ["0", "1", "2", "3", "4", "5", "A"];

/// Kinds whose members repeat what in other kinds decides: lists, crosses, mass quotes, mass status and action requests, multileg
/// orders. None of them is permitted by what such a field says.
const GROUPS: [&str; 9] = ["E", "s", "t", "u", "i", "AB", "AC", "L", "K"];

/// EncryptMethod.
const ENCRYPT_METHOD: u32 = 98;

/// Bytes that are read at a time.
const BUFFER: usize = 16 * 1024;
