//! What is told of traffic besides the journal.

use super::section::section;

section! {
    /// What is told of traffic besides the journal.
    TelemetryWritten => Telemetry paths {
        /// A file that gets a line of JSON for each answer; `/dev/stdout` is the standard output. Default none. Its paths pass the
        /// scanner, queries are left out, and addresses are kept as networks. One that is moved away is opened anew under its name.
        access_log,
    } {
        /// Most lines of the access log that wait to be written. Beyond, they are counted and lost.
        access_log_lines: usize = Count("4096", "16", "1048576"),
    }
}
