//! WebSocket framing (RFC 6455) with permessage-deflate (RFC 7692), in pieces and bounded.
//!
//! Two readers for the bytes of one direction:
//!
//! - [`Walk`] passes bytes on as they are and knows where frames and messages end: for what nobody looks into.
//! - [`Messages`] puts messages together, decoded, beside the bytes they came in: what is not changed goes on as it came.
//!
//! Both hold the other side to the protocol, and neither depends on how the bytes were cut.
//!
//! | the bytes | are |
//! |---|---|
//! | a reserved opcode or bit, a length not in its shortest form, a mask where none belongs or none where one does | [`WsError::Protocol`] |
//! | a control frame that is fragmented or longer than 125 bytes, a close code that must not be sent | [`WsError::Protocol`] |
//! | a fragment of nothing, a message begun within another | [`WsError::Protocol`] |
//! | a text message or close reason that is not UTF-8 | [`WsError::NotText`] |
//! | a message longer than the bound, decoded or not, or of too many fragments | [`WsError::TooLarge`] |
//! | a compressed message that does not decode | [`WsError::Undecodable`] |
//!
//! # Cannot see
//!
//! What is said over several messages: each is read by itself. A sender that ends its DEFLATE stream within a connection and
//! then refers to what came before is cut off, though RFC 7692 lets it.

mod frame;

mod sequence;

mod walk;

mod inflate;

mod messages;

mod extension;

mod handshake;

pub use extension::{Deflate, agreed, offered};
pub use frame::{Head, Opcode, frame, mask};
pub use handshake::{accept, is_key};
pub use messages::{Control, Kind, Message, Messages, Unit};
pub use sequence::Side;
pub use walk::{Passed, Walk};

/// Why the other side of a connection is not spoken to any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WsError {
    /// It broke a rule of the protocol; which one.
    #[error("not sound WebSocket: {0}")]
    Protocol(&'static str),
    /// Text that is not UTF-8.
    #[error("a text message is not UTF-8")]
    NotText,
    /// A message beyond the bound.
    #[error("a message is longer than is allowed")]
    TooLarge,
    /// A compressed message that is damaged.
    #[error("a compressed message cannot be decoded")]
    Undecodable,
}

impl WsError {
    /// The code a close frame gives for it (RFC 6455, 7.4.1).
    #[must_use]
    pub const fn close_code(self) -> u16 {
        match self {
            Self::Protocol(_) => 1002,
            Self::NotText | Self::Undecodable => 1007,
            Self::TooLarge => 1009,
        }
    }
}

#[cfg(test)]
mod tests;
