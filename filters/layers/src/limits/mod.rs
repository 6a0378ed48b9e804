//! Bounds what one request may cost.
//!
//! It differs from a load balancer's limits in one thing: order messages have a budget of their own, so a flood of
//! exports cannot keep a cancel out. What lets a request pass:
//!
//! 1. it has no more headers, and no longer ones, than policy allows; and
//! 2. the length it declares is within `limits.body_bytes`, and so is what then arrives; and
//! 3. there is room among the requests in flight of its kind, and among those of its route where that has a bound; and
//! 4. it carries orders, or less than `limits.memory_shed_percent` of `limits.memory_bytes` is in use; and
//! 5. its body keeps arriving: no gap is longer than `limits.body_idle_timeout`.
//!
//! Memory is shed in this order: new requests without orders, then their bodies that are under way. Orders have bounds of
//! their own, and the admin API does not pass here.
//!
//! # Refuses
//!
//! | code | status | when |
//! |---|---|---|
//! | `headers_too_large` | 431 | more than `limits.header_count` headers or `limits.header_bytes` bytes of them |
//! | `body_too_large` | 413 | more than `limits.body_bytes`, declared or arrived |
//! | `request_timeout` | 408 | the body paused for longer than `limits.body_idle_timeout` |
//! | `overloaded` | 503 | `limits.in_flight` (on order routes `limits.in_flight_orders`) requests are under way, or the route's own `in_flight`; or, without orders, memory is near its end |
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
//!     memory_shed_percent: 80,
//!     retry_after_s: 1,
//! });
//! # let _ = layer;
//! ```

mod body;

mod layer;

mod pressure;

mod room;

mod service;

pub use layer::{LimitsLayer, RequestLimits};
pub use pressure::Pressure;
pub use room::Room;
pub use service::Limits;
