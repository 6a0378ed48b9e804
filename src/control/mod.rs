//! Who may change what is in force, and how the change reaches the filters.

mod sealed;

pub mod clock;

mod probe;

pub mod store;

pub mod history;

pub mod safety;

pub mod preconditions;

pub mod bundles;

pub mod break_glass;

pub mod release;

pub mod incidents;

pub mod signals;

pub mod gates;

pub mod positions;

pub mod watch;

pub use break_glass::BreakGlass;
pub use gates::Gates;
pub use incidents::Incidents;
pub use release::Releases;
pub use safety::{Acknowledged, Safety};
pub use signals::Signals;
pub use store::StateFiles;
