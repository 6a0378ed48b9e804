//! Who may change what is in force, and how the change reaches the filters.

mod sealed;

pub mod store;

pub mod history;

pub mod safety;

pub mod release;

pub mod incidents;

pub mod signals;

pub mod watch;

pub use incidents::Incidents;
pub use release::Releases;
pub use safety::{Acknowledged, Safety};
pub use signals::Signals;
pub use store::StateFiles;
