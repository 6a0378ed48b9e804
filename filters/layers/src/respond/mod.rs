//! Turns every refusal and every fault into one answer. It is the outermost filter, so nothing behind it fails.
//!
//! Unlike a catch-all error handler it knows two texts: the client gets a stable code and a decision id, the witness
//! gets the cause. What lets a request pass:
//!
//! 1. the filters within answered it: their answer goes out as it is, with the decision id in `sekisho-decision`.
//!
//! # Refuses
//!
//! | code | status | when |
//! |---|---|---|
//! | `upstream_unavailable` | 502 | the upstream could not be reached, or broke off before it answered |
//! | `upstream_timeout` | 504 | the upstream did not answer within `limits.response_timeout` |
//! | `order_outcome_unknown` | 409 | an order was sent and not answered: whether the venue has it has to be asked there |
//! | `no_route` | 404 | no route takes the request |
//! | `bad_request` | 400 | the request is not one strict HTTP request |
//! | `upgrade_refused` | 403 | the request asks to leave HTTP |
//!
//! On an order route an answer made here is never 5xx or 429, which order clients take as leave to send again. Where the rules of
//! the route have the venue's own shape for a refusal, it is answered in that shape, with the problem details beside it under
//! `sekisho`; the status is then the venue's, which may be 200. To a gRPC call the answer is trailers alone.
//!
//! # Cannot see
//!
//! A stream that broke after its answer had begun: that is cut, and only the witness hears of it.
//!
//! # Example
//!
//! ```
//! use sekisho_filters::respond::{Asked, answer};
//! use sekisho_filters::DecisionId;
//! use sekisho_policy::Refusal;
//! let response = answer(&Refusal::Unauthenticated, DecisionId { boot: 1, number: 2 }, Asked::default());
//! assert_eq!(response.status(), 401);
//! assert_eq!(response.headers()["sekisho-decision"], "0000000000000001-2");
//! ```

mod answer;

mod layer;

mod message;

mod service;

pub use answer::{Asked, answer};
pub use layer::RespondLayer;
pub use message::{line, refused_message};
pub use service::Respond;
