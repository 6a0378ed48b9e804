//! How long orders that went on are remembered.

use std::time::Duration;

use super::section::section;

section! {
    /// Orders that went on to a venue, by the ids that their senders gave them: whoever sends one again learns that it went on, and
    /// not that it was refused.
    OrdersLedgerWritten => OrdersLedger {
        /// So many orders are remembered; newer ones push out older ones.
        entries: usize = Count("20000", "16", "1000000"),
        /// For so long.
        keep: Duration = Time("24h", "1m", "720h"),
    }
}
