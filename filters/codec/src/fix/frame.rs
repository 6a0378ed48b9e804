use std::fmt;
use std::ops::Range;

use super::{FixError, Message, SOH};

/// Finds the messages in a stream.
pub struct Stream {
    /// Most bytes of a message.
    most: usize,
    input: Vec<u8>,
    read: usize,
}

/// The bytes of one message, whose length and sum are right.
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    bytes: Vec<u8>,
    kind: Range<usize>,
    /// Where the fields behind BodyLength begin, and where CheckSum does.
    body: Range<usize>,
}

impl Stream {
    /// For messages of at most `most` bytes.
    #[must_use]
    pub const fn new(most: usize) -> Self {
        Self { most, input: Vec::new(), read: 0 }
    }

    /// Takes the next piece. Call [`frame`](Self::frame) until nothing comes before the next one.
    pub fn push(&mut self, piece: &[u8]) {
        self.input.drain(..self.read);
        self.read = 0;
        self.input.extend_from_slice(piece);
    }

    /// The next message, when all of it has come.
    ///
    /// # Errors
    ///
    /// After [`FixError::Garbled`] the stream goes on behind that message; after another there is no going on.
    pub fn frame(&mut self) -> Result<Option<Frame>, FixError> {
        let rest = self.input.get(self.read..).unwrap_or_default();
        let Some((start, length)) = head(rest)? else { return Ok(None) };
        let end = start.checked_add(length).and_then(|end| end.checked_add(TRAILER)).filter(|end| *end <= self.most);
        let end = end.ok_or(FixError::TooLarge)?;
        let Some(bytes) = rest.get(..end) else { return Ok(None) };
        let body = start..end - TRAILER;
        let frame = Frame::checked(bytes, body);
        if !matches!(frame, Err(FixError::Broken(_))) {
            self.read += end;
        }
        frame.map(Some)
    }
}

impl Frame {
    fn checked(bytes: &[u8], body: Range<usize>) -> Result<Self, FixError> {
        let (inside, trailer) = bytes.split_at_checked(body.end).unwrap_or_default();
        let [b'1', b'0', b'=', a, b, c, SOH] = trailer else {
            return Err(FixError::Broken("a message does not end where its BodyLength says"));
        };
        if inside.last() != Some(&SOH) {
            return Err(FixError::Broken("a message does not end where its BodyLength says"));
        }
        let digit = |byte: &u8| char::from(*byte).to_digit(10);
        let said = digit(a).zip(digit(b)).zip(digit(c)).map(|((a, b), c)| a * 100 + b * 10 + c);
        if said != Some(sum(inside).into()) {
            return Err(FixError::Garbled("its CheckSum is wrong"));
        }
        let rest = bytes.get(body.clone()).and_then(|body| body.strip_prefix(b"35="));
        let length = rest.and_then(|rest| rest.iter().position(|byte| *byte == SOH)).filter(|length| *length > 0);
        let length = length.ok_or(FixError::Garbled("its third field is not MsgType"))?;
        let kind = body.start + 3..body.start + 3 + length;
        if !bytes.get(kind.clone()).is_some_and(|kind| kind.iter().all(u8::is_ascii_alphanumeric)) {
            return Err(FixError::Garbled("its MsgType is no word"));
        }
        Ok(Self { bytes: bytes.to_vec(), kind, body })
    }

    /// The MsgType.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.bytes.get(self.kind.clone()).and_then(|kind| str::from_utf8(kind).ok()).unwrap_or_default()
    }

    /// As it came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its fields.
    ///
    /// # Errors
    ///
    /// [`FixError::Garbled`], when they cannot be told apart.
    pub fn message(&self) -> Result<Message<'_>, FixError> {
        Message::read(&self.bytes, self.body.clone())
    }
}

/// The sum of bytes that CheckSum gives.
pub(super) fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum: u8, byte| sum.wrapping_add(*byte))
}

/// Where the body of the message begins that `bytes` begin with, and how long it is. `None`, when more are needed.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize)>, FixError> {
    let begins = FixError::Broken("a message does not begin with 8=FIX");
    let wanted = b"8=FIX";
    let seen = bytes.len().min(wanted.len());
    if bytes.get(..seen) != wanted.get(..seen) {
        return Err(begins);
    }
    let Some(first) = bytes.iter().take(LONGEST_HEAD).position(|byte| *byte == SOH) else {
        return if bytes.len() < LONGEST_HEAD { Ok(None) } else { Err(begins) };
    };
    let version = bytes.get(2..first).unwrap_or_default();
    if !version.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'.') {
        return Err(begins);
    }
    let rest = bytes.get(first + 1..).unwrap_or_default();
    let (wanted, seen) = (b"9=", rest.len().min(2));
    let length = FixError::Broken("the second field is not BodyLength");
    if rest.get(..seen) != wanted.get(..seen) {
        return Err(length);
    }
    let digits = rest.get(2..).unwrap_or_default();
    let Some(end) = digits.iter().take(LONGEST_LENGTH + 1).position(|byte| *byte == SOH) else {
        let more = digits.len() <= LONGEST_LENGTH && digits.iter().all(u8::is_ascii_digit);
        return if more { Ok(None) } else { Err(length) };
    };
    let digits = digits.get(..end).filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let body = digits.and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
    Ok(Some((first + 1 + 2 + end + 1, body.ok_or(length)?)))
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream").field("held", &(self.input.len() - self.read)).finish_non_exhaustive()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A logon has secrets in it.
        f.debug_struct("Frame").field("kind", &self.kind()).field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// `10=123` and what ends it.
const TRAILER: usize = 7;

/// `8=FIXT.1.1`, and then some.
const LONGEST_HEAD: usize = 16;

/// Digits of a BodyLength.
const LONGEST_LENGTH: usize = 9;
