//! Puts in force what was decided while requests are under way: another policy, other values of secrets, containments. And
//! tries whether it holds.

pub mod reload;

pub mod hangup;

pub mod values;

pub mod containments;

pub mod rules;

pub mod drill;

pub use containments::Containments;
pub use drill::Drill;
pub use reload::{Reload, ReloadError};
