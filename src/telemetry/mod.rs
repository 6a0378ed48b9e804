//! What is counted, and who is told of every decision.

pub mod access_log;

pub mod log;

pub mod metrics;

mod pointers;

pub mod recorder;

pub mod traffic;

pub use metrics::Metrics;
pub use recorder::Recorder;
pub use traffic::Traffic;
