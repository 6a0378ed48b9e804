//! What is counted, and who is told of every decision.

pub mod log;

pub mod metrics;

mod pointers;

pub mod recorder;

pub use metrics::Metrics;
pub use recorder::Recorder;
