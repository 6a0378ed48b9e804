//! Content codings and field readers, every one of them bounded.
//!
//! - [`coding`] decodes and encodes the content codings of HTTP in pieces, within a budget of output, ratio, members and window.
//! - [`framing`] takes messages that count their bytes or keep records apart into their texts, and puts them together again.
//! - [`digest`] says what a header that vouches for a body has to say when the body is another.
//! - [`json`] and [`form`] read a message into flat `name, value` pairs, strictly: what two readers could read in two
//!   ways is an [`Ambiguity`], because an order gate and a venue must not disagree about an order.
//! - [`certificate`] reads what an X.509 certificate says of its owner.
//! - [`ws`] reads WebSocket frames and messages; [`fix`] reads FIX, and takes messages out of its sessions.
//!
//! This crate knows nothing of HTTP, of secrets or of orders.
#![forbid(unsafe_code)]

mod flat;

mod crc;

pub mod coding;

pub mod digest;

pub mod framing;

pub mod form;

pub mod certificate;

pub mod json;

pub mod fix;

pub mod ws;

pub use flat::{Ambiguity, FieldError, Flat, Limits};
