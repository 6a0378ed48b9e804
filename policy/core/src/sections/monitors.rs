//! How the sidecar looks after itself.

use std::time::Duration;

use super::section::section;

section! {
    /// How the sidecar looks after itself: its disk, memory and descriptors, its journal, its policy file, its clocks.
    MonitorsWritten => Monitors {
        /// How often resources and the journal's health are looked at.
        interval: Duration = Time("5s", "100ms", "10m"),
        /// Free bytes of the data directory's file system, below which the disk is near full.
        disk_free_bytes: u64 = Bytes("32MiB", "0", "1024GiB"),
        /// The part of the memory limit of its control group that may be used, in percent. 100 looks away.
        memory_percent: u64 = Count("95", "10", "100"),
        /// How often the memory that the process uses is measured against `limits.memory_bytes`.
        memory_interval: Duration = Time("100ms", "10ms", "10s"),
        /// The part of its file descriptors that may be used, in percent. 100 looks away.
        descriptors_percent: u64 = Count("90", "10", "100"),
        /// How often the whole journal is read back and verified.
        integrity_interval: Duration = Time("10m", "1s", "24h"),
        /// How often the policy file is compared with what is in force.
        policy_interval: Duration = Time("5s", "100ms", "1h"),
        /// How often certificates, their keys and revocation lists are read again.
        certificate_interval: Duration = Time("10s", "100ms", "1h"),
        /// How often the files of secrets are looked at, to search for a value that has changed.
        secret_interval: Duration = Time("1s", "100ms", "1h"),
        /// How often secrets on an OpenBao server are read again. A token that has to be renewed has to live longer than that.
        openbao_interval: Duration = Time("1m", "1s", "24h"),
        /// How long before it expires a certificate is to be told of.
        certificate_expiry: Duration = Time("504h", "0s", "8760h"),
        /// How far the wall clock may move against the machine's own within a second before that is recorded.
        clock_jump: Duration = Time("2s", "100ms", "1h"),
    }
}
