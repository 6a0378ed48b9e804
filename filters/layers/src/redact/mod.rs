//! Searches what leaves for secrets, and masks or refuses them.
//!
//! Unlike a log scrubber at the end of a pipeline it works on the way, in constant memory, and on every part of a message.
//! What lets a request (or, on export routes, an answer) pass:
//!
//! 1. nothing in its path, query, headers, body or trailers is found by a detector: it goes on byte for byte (a coded body that
//!    streams is packed anew, with the same content); or
//! 2. what is found may be masked: the secret's bytes are replaced, and nothing else is. What cannot be searched within the
//!    scanner's bound is a find too (`unscanned`), masked to the end of its line; or
//! 3. it stands in a header or query parameter that the route names as one its upstream is meant to receive
//!    (`allow_headers`, `allow_query`; in an order the fields of its body too).
//!
//! A message whose bytes something vouches for (a signature, a digest, one that a trailer will bring) and every order message
//! is never edited: it passes as it is, or not at all. With `redact.digests: recompute` a digest that anybody can compute is computed
//! anew, where the body is small. A small body is looked at whole before its first byte leaves; a larger one as it streams.
//!
//! What a body is, its type and its path say, or the route (`redact.format`). Formats that count their bytes (protobuf, gRPC,
//! MessagePack) are taken apart and put together again, and so is what keeps a name far from its value (CSV, forms in parts); the rest is
//! searched as the text that it is. A record that holds a secret is masked, left out or reason to refuse the message
//! (`redact.records`). Whoever sent it is told which detector found something in which field, in the header `sekisho-found`, and in the
//! answer itself where its protocol has a place for that: OTLP's `partial_success`, the items of `_bulk`.
//!
//! # Refuses
//!
//! | code | status | when |
//! |---|---|---|
//! | `secret_in_content` | 403 | a detector whose action is `block` found something, or any did in an order message, or in a host, a method or the name of a header, which cannot be masked |
//! | `signed_body` | 403 | a secret was found in a message that is signed or carries a digest of itself |
//! | `undecodable` | 403 | a body is not what its coding or its type says, is cut short, is nested too deeply, or decodes to too much |
//! | `unknown_content` | 415 | a body is of a type that is not known, and the route has `redact.block_unknown` |
//! | `unsupported_coding` | 415 | a body has a content coding that cannot be decoded here, or more of them than policy permits |
//!
//! A coded body for which those under way leave no memory (`limits.coding_memory_bytes`) is refused as the limits layer refuses.
//!
//! # Cannot see
//!
//! What the sender has encrypted, and secrets no detector knows. A field of a form in parts that is larger than `limits.record_bytes`
//! under its name, and an encoding of one part; a text that is cut in two by the format it stands in. In a body larger than `limits.buffered_body_bytes` a find
//! that must refuse comes when earlier bytes have left: the stream is cut then, and the journal says how much was sent.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use sekisho_filters::redact::RedactLimits;
//! use sekisho_codec::coding::Budget;
//! use sekisho_codec::framing::Bounds;
//! use std::time::Duration;
//! let limits = RedactLimits {
//!     buffered_body_bytes: 64 * 1024,
//!     decoded: Budget { output: 64 << 20, ratio: 500, members: 64, window: 8 << 20, block: 64 * 1024 },
//!     units: Bounds { depth: 32, bytes: 4 << 20 },
//!     codings: 1,
//!     coding_memory_bytes: 48 << 20,
//!     idle_flush: Duration::from_millis(250),
//!     retry_after_s: 1,
//! };
//! # let _ = limits;
//! ```

mod body;

mod coded;

mod coding;

mod feed;

mod format;

mod framed;

mod head;

mod integrity;

mod kept;

mod layer;

mod leaves;

mod memory;

mod message;

mod messages;

mod reply;

mod service;

mod told;

pub use feed::Feed;
pub use layer::{RedactLayer, RedactLimits};
pub use messages::{MessageSearch, meant_fields};
pub use service::Redact;
