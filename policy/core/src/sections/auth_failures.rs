//! How many failed attempts are too many.

use std::time::Duration;

use super::section::section;

section! {
    /// How many failed attempts to authenticate are too many, and what follows.
    AuthFailuresWritten => AuthFailures {
        /// What is counted together.
        window: Duration = Time("15m", "1s", "24h"),
        /// Failures of one credential, from anywhere.
        per_credential: u32 = Count("10", "1", "100000"),
        /// Failures from one peer, with any credential.
        per_peer: u32 = Count("20", "1", "100000"),
        /// Failures of one credential from one peer.
        per_pair: u32 = Count("5", "1", "100000"),
        /// Failures of all together; beyond it whoever fails is told to wait, and nobody is shut out for it.
        overall: u32 = Count("1000", "1", "1000000"),
        /// The first lockout.
        lockout: Duration = Time("1m", "1s", "1h"),
        /// The longest lockout.
        lockout_max: Duration = Time("1h", "1s", "24h"),
        /// By how much each further lockout is longer.
        growth: u32 = Count("2", "1", "10"),
        /// How much longer than that a lockout may be by chance, in percent: lockouts that began together do not end together.
        jitter_percent: u32 = Count("10", "0", "100"),
        /// How long the place stays familiar that a credential was used from: an attack from elsewhere does not shut it out there.
        familiar_for: Duration = Time("720h", "1m", "8760h"),
        /// How often the counts are written to the data directory. Lockouts are written as they begin.
        save_interval: Duration = Time("5s", "100ms", "1m"),
        /// Entries that are remembered.
        max_entries: usize = Count("65536", "1024", "1048576"),
        /// The part of an IPv6 address that is one peer, in bits.
        ipv6_prefix: u8 = Count("64", "32", "128"),
    }
}
