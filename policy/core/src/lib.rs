//! Policy: as written (a YAML document), as checked ([`Policy`]), and what it decides ([`decide`]).
//!
//! Pure: no socket, file, clock or environment. A document goes in as text; what comes out can be relied on, or is a list
//! of errors with line and column. Values of a document are never repeated in an error: they may be secrets.
//!
//! ```
//! use sekisho_policy::Policy;
//!
//! let policy = Policy::parse("default.yaml", Policy::embedded()).expect("the embedded policy is sound");
//! assert_eq!(policy.listeners.admin.port(), 9911);
//!
//! let errors = Policy::parse("p.yaml", "version: 2\nservice: desk\n").expect_err("no such version");
//! assert_eq!(errors.to_string(), "p.yaml:1:10: version: expected 1");
//! ```
#![forbid(unsafe_code)]

mod refusal;

mod class;

mod orders;

mod role;

mod policy;

mod outward;

mod diff;

mod sections;

mod bodies;

mod written;

mod check;

mod date;

mod position;

pub use bodies::{BadRecords, Bodies, BodyFormat, Digests};
pub use check::{PolicyError, PolicyErrors};
pub use class::Class;
pub use diff::{Difference, Means};
pub use orders::{
    Beyond, Classified, Decimal, MessageView, NotDecimal, Order, OrderBounds, OrderHead, OrderRules, OrderView, Permit,
    PositionSource, Rate, Shape, Side, UnknownOrders, decide,
};
pub use outward::{Outward, OutwardProtocol};
pub use policy::Policy;
pub use refusal::{Forwarded, OrderRefusal, Refusal};
pub use role::{Matrix, Operation, Role};
pub use sections::{
    ActionName, Allow, ApiKey, AtRest, AuthFailures, BaoLogin, BaoSecret, BaoServer, CallersPolicy, CertificateOwner,
    CertificateSource, ClientCertificates, Contain, Detectors, Drill, Fix, Gate, HealthCheck, Identity, Incidents,
    IpNet, IssuerPolicy, JournalPolicy, JwksSource, KeepFor, KnownCertificate, Limits, Listener, ListenerTls,
    Listeners, MasterSource, Monitors, NoNetwork, NoReference, OpenBao, OrdersLedger, OrdersPolicy, Probe, Protocol,
    RetentionPolicy, RoutePolicy, Safety, SecretRef, SecretSource, Signal, Signals, StreamFormat, StreamPolicy, Sweep,
    Telemetry, TlsVersion, Upstream, UpstreamTls,
};
