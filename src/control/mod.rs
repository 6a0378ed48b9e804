//! Who may change what is in force, and how the change reaches the filters.

pub mod sealed;

pub mod clock;

pub mod probe;

mod pace;

pub mod store;

pub mod history;

pub mod safety;

mod pending;

pub mod preconditions;

pub mod bundles;

pub mod break_glass;

pub mod release;

pub mod consents;

pub mod incidents;

pub mod signals;

pub mod gates;

pub mod positions;

pub mod sweeps;

pub mod explain;

pub mod failmodes;

pub mod memory;

pub mod watch;

pub use break_glass::BreakGlass;
pub use consents::Consents;
pub use gates::Gates;
pub use incidents::Incidents;
pub use release::Releases;
pub use safety::{Acknowledged, Safety};
pub use signals::Signals;
pub use store::StateFiles;
pub use sweeps::Sweeps;
