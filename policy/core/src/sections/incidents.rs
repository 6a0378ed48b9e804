//! How soon a person has to answer an incident.

use std::time::Duration;

use sekisho_safety::Sev;

use super::section::section;

section! {
    /// How soon a person has to answer an incident, and how many there may be.
    IncidentsWritten => Incidents {
        /// Until a person answers a SEV0.
        respond_sev0: Duration = Time("5m", "1s", "24h"),
        /// Until a person answers a SEV1.
        respond_sev1: Duration = Time("15m", "1s", "72h"),
        /// Until a person answers a SEV2.
        respond_sev2: Duration = Time("4h", "1s", "168h"),
        /// Until a person answers a SEV3.
        respond_sev3: Duration = Time("24h", "1s", "720h"),
        /// Incidents that are open at once. One more is refused to people, and is a remark on the newest for rules.
        open: usize = Count("64", "1", "1024"),
        /// Closed incidents that are shown. Older ones stay on the disk.
        shown: usize = Count("256", "1", "4096"),
    }
}

impl Incidents {
    /// Until a person answers an incident of this grade.
    #[must_use]
    pub const fn respond(&self, severity: Sev) -> Duration {
        match severity {
            Sev::Sev0 => self.respond_sev0,
            Sev::Sev1 => self.respond_sev1,
            Sev::Sev2 => self.respond_sev2,
            Sev::Sev3 => self.respond_sev3,
        }
    }
}
