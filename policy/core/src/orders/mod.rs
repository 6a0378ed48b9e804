//! What a message on an order route is, and whether it may pass.
//!
//! # Cannot see
//!
//! The position. So nothing is taken for reducing because it is on the opposite side; only a flag that the venue enforces
//! counts, and only where the venue does enforce it. An amendment is never taken for one that lowers.

mod written;

mod view;

mod path;

mod condition;

mod decimal;

mod order;

mod rules;

mod shape;

mod bounds;

mod source;

mod packs;

mod classify;

mod websocket;

mod decide;

pub use bounds::{Beyond, OrderBounds, Rate};
pub use classify::Classified;
pub use decide::{Permit, decide};
pub use decimal::{Decimal, NotDecimal};
pub use order::{Order, Side};
pub use rules::{OrderRules, UnknownOrders};
pub use shape::Shape;
pub use source::PositionSource;
pub use view::{OrderHead, OrderView};
pub use websocket::MessageView;
pub(crate) use written::{Beside, OrdersWritten};

#[cfg(test)]
mod tests;

#[cfg(test)]
mod message_tests;
