//! Content codings and field readers, every one of them bounded.
//!
//! - [`gzip`] decodes and encodes the `gzip` coding in pieces, all members, up to a budget of output.
//! - [`json`] and [`form`] read a message into flat `name, value` pairs, strictly: what two readers could read in two
//!   ways is an [`Ambiguity`], because an order gate and a venue must not disagree about an order.
//!
//! This crate knows nothing of HTTP, of secrets or of orders.
#![forbid(unsafe_code)]

mod flat;

pub mod form;

pub mod gzip;

pub mod json;

pub use flat::{Ambiguity, FieldError, Flat, Limits};
