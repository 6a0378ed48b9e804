//! FIX 4.2, 4.4 and FIXT 1.1 (tag=value): framing, fields, and a session in which a message is taken out without a gap.
//!
//! - [`Stream`] finds messages by their BodyLength and checks their CheckSum, wherever the bytes were cut.
//! - [`Message`] reads the fields of one, raw data by its length.
//! - [`Draft`] writes one; length and sum are its own.
//! - [`Session`] keeps both sides' sequence numbers true when a message is refused: see there.
//! - [`shown`] is a message as a log may have it, without what a logon proves itself with.
//!
//! | the bytes | are |
//! |---|---|
//! | a message whose sum is wrong, or whose fields cannot be told apart | [`FixError::Garbled`]: FIX says to ignore it |
//! | not beginning with `8=FIX`, or not ending where BodyLength says | [`FixError::Broken`]: nobody knows where the next one begins |
//! | a message longer than the bound | [`FixError::TooLarge`] |
//!
//! # Cannot see
//!
//! The groups of a message: a tag that is there twice may belong to two members of a group or be a contradiction. Encrypted
//! sessions (`98` other than 0) and other encodings than tag=value.

mod frame;

mod message;

mod draft;

mod answer;

mod session;

mod shown;

pub use answer::Answer;
pub use draft::Draft;
pub use frame::{Frame, Stream};
pub use message::{Message, is_credential};
pub use session::{Resent, Session};
pub use shown::shown;

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FixError {
    /// It is to be ignored; what comes behind it can be read.
    #[error("a garbled message: {0}")]
    Garbled(&'static str),
    /// Nothing more can be read.
    #[error("not FIX: {0}")]
    Broken(&'static str),
    /// It is longer than is allowed.
    #[error("a message is longer than is allowed")]
    TooLarge,
}

/// What ends a field.
const SOH: u8 = 1;

/// Tags of the standard, by their names.
#[expect(missing_docs, reason = "their names are those of the standard")]
pub mod tag {
    pub const ACCOUNT: u32 = 1;
    pub const AVG_PX: u32 = 6;
    pub const BEGIN_STRING: u32 = 8;
    pub const BODY_LENGTH: u32 = 9;
    pub const CHECK_SUM: u32 = 10;
    pub const CL_ORD_ID: u32 = 11;
    pub const CUM_QTY: u32 = 14;
    pub const EXEC_ID: u32 = 17;
    pub const EXEC_TRANS_TYPE: u32 = 20;
    pub const MSG_SEQ_NUM: u32 = 34;
    pub const MSG_TYPE: u32 = 35;
    pub const NEW_SEQ_NO: u32 = 36;
    pub const ORDER_ID: u32 = 37;
    pub const ORDER_QTY: u32 = 38;
    pub const ORD_STATUS: u32 = 39;
    pub const ORIG_CL_ORD_ID: u32 = 41;
    pub const POSS_DUP: u32 = 43;
    pub const REF_SEQ_NUM: u32 = 45;
    pub const SENDER_COMP_ID: u32 = 49;
    pub const SENDING_TIME: u32 = 52;
    pub const SIDE: u32 = 54;
    pub const SYMBOL: u32 = 55;
    pub const TARGET_COMP_ID: u32 = 56;
    pub const TEXT: u32 = 58;
    pub const TRANSACT_TIME: u32 = 60;
    pub const CXL_REJ_REASON: u32 = 102;
    pub const ORD_REJ_REASON: u32 = 103;
    pub const TEST_REQ_ID: u32 = 112;
    pub const ORIG_SENDING_TIME: u32 = 122;
    pub const GAP_FILL: u32 = 123;
    pub const RESET_SEQ_NUM: u32 = 141;
    pub const EXEC_TYPE: u32 = 150;
    pub const LEAVES_QTY: u32 = 151;
    pub const REF_MSG_TYPE: u32 = 372;
    pub const BUSINESS_REJECT_REASON: u32 = 380;
    pub const CXL_REJ_RESPONSE_TO: u32 = 434;
}

#[cfg(test)]
mod tests;
