use std::fmt;

use super::WsError;
use super::frame::{Head, LONGEST_HEAD, Opcode, mask};
use super::inflate::Inflate;
use super::sequence::{Sequence, Side};

/// Puts the messages of one direction together.
#[derive(Debug)]
pub struct Messages {
    sequence: Sequence,
    /// Most bytes of a message.
    most: usize,
    inflate: Option<Inflate>,
    /// What came and was not read yet, from `read` on.
    input: Vec<u8>,
    read: usize,
    begun: Option<Begun>,
}

/// A message of which fragments have come.
struct Begun {
    kind: Kind,
    compressed: bool,
    wire: Vec<u8>,
    payload: Vec<u8>,
}

/// What comes out.
#[derive(Debug)]
pub enum Unit {
    /// A whole message.
    Message(Message),
    /// A control frame. It may have stood between the fragments of the message that comes next.
    Control(Control),
}

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Text, and it is UTF-8.
    Text,
    /// Anything.
    Binary,
}

/// A whole message.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is made of.
    pub kind: Kind,
    /// Whether it came compressed.
    pub compressed: bool,
    /// The frames as they came, without control frames between them.
    pub wire: Vec<u8>,
    /// What it says.
    pub plain: Vec<u8>,
}

/// A control frame.
#[derive(Clone, PartialEq, Eq)]
pub struct Control {
    /// What it is.
    pub opcode: Opcode,
    /// The frame as it came.
    pub wire: Vec<u8>,
    /// What it says.
    pub plain: Vec<u8>,
}

impl Messages {
    /// Reads what `side` sends, in messages of at most `most` bytes. `deflate`: compression was agreed on, and this says whether
    /// `side` may refer to earlier messages.
    #[must_use]
    pub fn new(side: Side, deflate: Option<bool>, most: usize) -> Self {
        Self {
            sequence: Sequence::new(side, deflate.is_some()),
            most,
            inflate: deflate.map(Inflate::new),
            input: Vec::new(),
            read: 0,
            begun: None,
        }
    }

    /// Takes the next piece of the stream. Call [`unit`](Self::unit) until nothing comes before the next one.
    pub fn push(&mut self, piece: &[u8]) {
        self.input.drain(..self.read);
        self.read = 0;
        self.input.extend_from_slice(piece);
    }

    /// What has come whole.
    ///
    /// # Errors
    ///
    /// [`WsError`]: nothing more is to be read then.
    pub fn unit(&mut self) -> Result<Option<Unit>, WsError> {
        while let Some((head, wire)) = self.frame()? {
            let from = wire.start.saturating_add(wire.head);
            let bytes = |range: std::ops::Range<usize>| self.input.get(range).unwrap_or_default().to_vec();
            let (wire, mut payload) = (bytes(wire.start..wire.end), bytes(from..wire.end));
            if let Some(key) = head.mask {
                mask(&mut payload, key);
            }
            if head.opcode.is_control() {
                return control(head.opcode, wire, payload).map(Unit::Control).map(Some);
            }
            if let Some(message) = self.fragment(&head, &wire, payload)? {
                return Ok(Some(Unit::Message(message)));
            }
        }
        Ok(None)
    }

    /// The next frame, if all of it has come.
    fn frame(&mut self) -> Result<Option<(Head, Place)>, WsError> {
        let rest = self.input.get(self.read..).unwrap_or_default();
        let Some((head, taken)) = Head::read(rest)? else { return Ok(None) };
        let length = usize::try_from(head.length).ok().filter(|length| *length <= self.most);
        let end = taken.saturating_add(length.ok_or(WsError::TooLarge)?);
        if rest.len() < end {
            return Ok(None);
        }
        // Only now: a head is looked at again with each piece until its frame is whole.
        self.sequence.next(&head)?;
        let place = Place { start: self.read, head: taken, end: self.read.saturating_add(end) };
        self.read = place.end;
        Ok(Some((head, place)))
    }

    fn fragment(&mut self, head: &Head, wire: &[u8], payload: Vec<u8>) -> Result<Option<Message>, WsError> {
        let kind = if head.opcode == Opcode::Binary { Kind::Binary } else { Kind::Text };
        let begun = match &mut self.begun {
            None => self.begun.insert(Begun { kind, compressed: head.rsv1, wire: wire.to_vec(), payload }),
            Some(begun) => {
                begun.wire.extend_from_slice(wire);
                begun.payload.extend_from_slice(&payload);
                begun
            }
        };
        if begun.payload.len() > self.most || begun.wire.len() - begun.payload.len() > LONGEST_HEAD * FRAGMENTS {
            return Err(WsError::TooLarge);
        }
        let Some(Begun { kind, compressed, wire, payload }) = self.begun.take_if(|_| head.fin) else { return Ok(None) };
        let plain = match &mut self.inflate {
            Some(inflate) if compressed => inflate.message(&payload, self.most)?,
            Some(_) | None => payload,
        };
        if kind == Kind::Text && std::str::from_utf8(&plain).is_err() {
            return Err(WsError::NotText);
        }
        Ok(Some(Message { kind, compressed, wire, plain }))
    }
}

/// Where a frame is in the input.
struct Place {
    start: usize,
    head: usize,
    end: usize,
}

fn control(opcode: Opcode, wire: Vec<u8>, plain: Vec<u8>) -> Result<Control, WsError> {
    if opcode == Opcode::Close {
        match plain.as_slice() {
            [] => {}
            [high, low, reason @ ..] if may_be_sent(u16::from_be_bytes([*high, *low])) => {
                std::str::from_utf8(reason).map_err(|_not_text| WsError::NotText)?;
            }
            _ => return Err(WsError::Protocol("a close code that must not be sent")),
        }
    }
    Ok(Control { opcode, wire, plain })
}

/// RFC 6455, 7.4, and those registered since.
const fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").field("kind", &self.kind).field("bytes", &self.payload.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("kind", &self.kind).field("bytes", &self.plain.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("opcode", &self.opcode).finish_non_exhaustive()
    }
}

/// The heads of a message take no more than those of so many fragments could.
const FRAGMENTS: usize = 1024;
