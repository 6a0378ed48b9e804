use super::WsError;
use super::frame::{Head, Opcode};

/// Who sends the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// A client: it masks what it sends.
    Client,
    /// A server: it does not.
    Server,
}

/// Which frame may follow which.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sequence {
    side: Side,
    /// Whether compression was agreed on.
    deflate: bool,
    /// Whether a message has begun and not ended.
    open: bool,
    /// Whether the side has closed.
    closed: bool,
}

impl Sequence {
    pub(super) const fn new(side: Side, deflate: bool) -> Self {
        Self { side, deflate, open: false, closed: false }
    }

    pub(super) const fn side(self) -> Side {
        self.side
    }

    /// Whether the next frame begins a message.
    pub(super) const fn between_messages(self) -> bool {
        !self.open
    }

    /// Whether the side has sent a close frame.
    pub(super) const fn is_closed(self) -> bool {
        self.closed
    }

    /// Takes the head of the next frame.
    pub(super) fn next(&mut self, head: &Head) -> Result<(), WsError> {
        let masked = self.side == Side::Client;
        if head.mask.is_some() != masked {
            return Err(WsError::Protocol("a client masks what it sends, a server does not"));
        }
        if self.closed {
            return Err(WsError::Protocol("a frame behind a close"));
        }
        let begins = matches!(head.opcode, Opcode::Text | Opcode::Binary);
        if head.rsv1 && !(begins && self.deflate) {
            return Err(WsError::Protocol("the compression bit is set where it does not belong"));
        }
        match head.opcode {
            Opcode::Close => self.closed = true,
            Opcode::Ping | Opcode::Pong => {}
            Opcode::Text | Opcode::Binary if self.open => {
                return Err(WsError::Protocol("a message within a message"));
            }
            Opcode::Continuation if !self.open => return Err(WsError::Protocol("a fragment of no message")),
            Opcode::Text | Opcode::Binary | Opcode::Continuation => self.open = !head.fin,
        }
        Ok(())
    }
}
