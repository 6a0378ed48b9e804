//! What is counted, and who is told of every decision.

pub mod metrics;

pub mod recorder;

pub use metrics::Metrics;
pub use recorder::Recorder;
