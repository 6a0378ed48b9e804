//! How the safety state is watched and released.

use std::time::Duration;

use super::section::section;

section! {
    /// How the safety state is watched and released.
    SafetyWritten => Safety paths {
        /// A file whose presence is BLOCK, by its absolute path. None unless given.
        sentinel,
    } {
        /// How often the sentinel is looked for.
        sentinel_interval: Duration = Time("1s", "100ms", "1m"),
        /// How long a proposed release can be confirmed.
        challenge_ttl: Duration = Time("5m", "10s", "1h"),
        /// Proposed releases that wait at once.
        challenges: usize = Count("16", "1", "256"),
        /// How long a stage is stayed in before the next looser one.
        min_stay: Duration = Time("1m", "0s", "24h"),
        /// The longest that an emergency release holds before the state is what it was again.
        break_glass: Duration = Time("15m", "10s", "4h"),
        /// How long orders are held to a rate after a reopening and after a start. 0s: they are not.
        ramp: Duration = Time("0s", "0s", "24h"),
        /// Orders a second that open something, when a ramp begins.
        ramp_from: u32 = Count("1", "1", "100000"),
        /// Orders a second that open something, just before a ramp ends.
        ramp_to: u32 = Count("100", "1", "1000000"),
        /// How long a tightening waits for orders that have already started.
        settle_timeout: Duration = Time("5s", "100ms", "1m"),
    }
}
