//! Bounds what one request may cost.
//!
//! It differs from a load balancer's limits in one thing: order messages have a budget of their own, so a flood of
//! exports cannot keep a cancel out. What lets a request pass:
//!
//! 1. it has no more headers, and no longer ones, than policy allows; and
//! 2. the length it declares is within `limits.body_bytes`, and so is what then arrives; and
//! 3. there is room among the requests in flight of its kind; and
//! 4. its body keeps arriving: no gap is longer than `limits.body_idle_timeout`.
//!
//! # Refuses
//!
//! | code | status | when |
//! |---|---|---|
//! | `headers_too_large` | 431 | more than `limits.header_count` headers or `limits.header_bytes` bytes of them |
//! | `body_too_large` | 413 | more than `limits.body_bytes`, declared or arrived |
//! | `request_timeout` | 408 | the body paused for longer than `limits.body_idle_timeout` |
//! | `overloaded` | 503 | `limits.in_flight` (on order routes `limits.in_flight_orders`) requests are under way |
//!
//! # Cannot see
//!
//! Connections that never send a head: the listener closes those (`limits.header_timeout`, `limits.connections`).
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//! use sekisho_filters::limits::{LimitsLayer, RequestLimits};
//! let layer = LimitsLayer::new(RequestLimits {
//!     header_count: 64,
//!     header_bytes: 16 * 1024,
//!     body_bytes: 1 << 20,
//!     body_idle_timeout: Duration::from_secs(10),
//!     in_flight: 512,
//!     in_flight_orders: 128,
//!     retry_after_s: 1,
//! });
//! # let _ = layer;
//! ```

mod body;

mod layer;

mod room;

mod service;

pub use layer::{LimitsLayer, RequestLimits};
pub use service::Limits;
