//! How evidence is written.

use std::time::Duration;

use super::section::section;

section! {
    /// How evidence is written.
    JournalWritten => JournalPolicy {
        /// The longest that a record waits for its fsync.
        flush_interval: Duration = Time("50ms", "1ms", "10s"),
        /// Records in one write.
        batch: usize = Count("512", "1", "65536"),
        /// Records waiting to be written.
        queue: usize = Count("8192", "64", "1048576"),
        /// Records in a segment, rounded up to a multiple of 256, at which every segment ends.
        segment_records: u64 = Count("65536", "256", "16777216"),
        /// Bytes in a segment after which it ends, with the next multiple of 256 records.
        segment_bytes: u64 = Bytes("64MiB", "64KiB", "256MiB"),
        /// Age of a segment at which it ends, with the next multiple of 256 records.
        segment_age: Duration = Time("24h", "1m", "720h"),
        /// Silence that is broken by a record of its own.
        heartbeat: Duration = Time("1m", "1s", "1h"),
        /// What becomes one record with a count.
        aggregate_window: Duration = Time("10s", "1s", "10m"),
        /// Kinds of record that are counted at once.
        aggregate_keys: usize = Count("1024", "16", "65536"),
        /// Recent records kept in memory for those who follow them.
        ring: usize = Count("1024", "16", "65536"),
    }
}
