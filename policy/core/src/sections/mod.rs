//! The sections of a policy, one a file: as written, as checked, and the way from the one to the other.

mod section;

mod listeners;

mod limits;

mod tls;

mod upstreams;

mod routes;

mod streams;

mod fix;

mod secrets;

mod openbao;

mod roles;

mod detectors;

mod identity;

mod auth_failures;

mod signals;

mod gates;

mod monitors;

mod telemetry;

mod safety;

mod drill;

mod sweeps;

mod incidents;

mod journal;

mod orders_ledger;

mod at_rest;

mod retention;

pub(crate) use at_rest::AtRestWritten;
pub use at_rest::{AtRest, MasterSource, OpenBao};
pub use auth_failures::AuthFailures;
pub(crate) use auth_failures::AuthFailuresWritten;
pub(crate) use detectors::DetectorsWritten;
pub use detectors::{ActionName, Allow, Detectors};
pub use drill::Drill;
pub(crate) use drill::DrillWritten;
pub use fix::Fix;
pub(crate) use fix::{FixWritten, check_fix};
pub use gates::{Gate, Probe};
pub(crate) use gates::{GateWritten, check_gates, probe_of};
pub(crate) use identity::IdentityWritten;
pub use identity::{ApiKey, CertificateOwner, Identity, IpNet, IssuerPolicy, JwksSource, KnownCertificate, NoNetwork};
pub use incidents::Incidents;
pub(crate) use incidents::IncidentsWritten;
pub use journal::JournalPolicy;
pub(crate) use journal::JournalWritten;
pub use limits::Limits;
pub(crate) use limits::LimitsWritten;
pub(crate) use listeners::ListenersWritten;
pub use listeners::{Listener, Listeners};
pub use monitors::Monitors;
pub(crate) use monitors::MonitorsWritten;
pub(crate) use openbao::BaoWritten;
pub use openbao::{BaoLogin, BaoSecret, BaoServer};
pub use orders_ledger::OrdersLedger;
pub(crate) use orders_ledger::OrdersLedgerWritten;
pub(crate) use retention::RetentionWritten;
pub use retention::{KeepFor, RetentionPolicy};
pub(crate) use roles::{RolesWritten, check_roles as check_matrix};
pub(crate) use routes::{Around, RouteWritten, check_routes};
pub use routes::{CallersPolicy, OrdersPolicy, RoutePolicy};
pub use safety::Safety;
pub(crate) use safety::SafetyWritten;
pub use secrets::{NoReference, SecretRef, SecretSource};
pub(crate) use secrets::{SecretWritten, check_secrets};
pub(crate) use section::Number;
pub(crate) use signals::SignalsWritten;
pub use signals::{Contain, Signal, Signals};
pub use streams::{StreamFormat, StreamPolicy};
pub(crate) use streams::{StreamWritten, check_streams};
pub use sweeps::Sweep;
pub(crate) use sweeps::{SweepWritten, check_sweeps};
pub use telemetry::Telemetry;
pub(crate) use telemetry::TelemetryWritten;
pub use tls::{CertificateSource, ClientCertificates, ListenerTls, TlsVersion, UpstreamTls};
pub use upstreams::{HealthCheck, Protocol, Upstream};
pub(crate) use upstreams::{UpstreamWritten, check_upstreams};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_readable_and_within_its_bounds() {
        let all = [
            LimitsWritten::bounds(),
            AuthFailuresWritten::bounds(),
            JournalWritten::bounds(),
            SafetyWritten::bounds(),
            IncidentsWritten::bounds(),
            MonitorsWritten::bounds(),
            TelemetryWritten::bounds(),
            OrdersLedgerWritten::bounds(),
        ];
        for (field, sound) in all.concat() {
            assert!(sound, "{field}");
        }
    }
}
