//! Asks who is calling, and counts those who cannot say.
//!
//! What lets a request pass:
//!
//! 1. its route asks nobody who they are, and the next line holds; or
//! 2. its address is one the route's callers may have, and it is within the rates of the route; and
//! 3. it carries one `X-API-Key` of the form `sekisho_ID_SECRET` whose keyed hash is known and whose time is not over, or else
//!    one bearer token ([`token`]) that an issuer of policy has signed for us, or else its connection came with a client
//!    certificate whose name policy knows ([`Certificates`]); and
//! 4. the caller's address is one the credential may be used from; and
//! 5. this credential is not locked out from this address, nor everywhere but where it was used before; and
//! 6. neither it nor whoever it stands for is revoked ([`Revocations`]), now or while the exchange lasts; and
//! 7. the role may use the route.
//!
//! Unlike a rate limit on requests, only failures are counted: per credential, per address (an IPv6 network counts as one),
//! per pair of both, and of all together. The pair is shut out first. A credential is shut out only when it is tried from
//! several addresses, and never where it was used with success before, so nobody can lock a key's rightful owner out. An
//! address is never shut out: there may be neighbours behind it; there the count turns 401 into 429, as the count of all
//! does. Where a route says so, a 401 or 403 of the upstream is a failure like any other, for whoever was let through or was
//! asked nothing. Counts and lockouts outlive the process ([`Kept`]). The credential is taken off the request: it is meant for this
//! door and not for the service behind it, unless an issuer's tokens are to go on.
//!
//! # Refuses
//!
//! | code | status | when |
//! |---|---|---|
//! | `unauthenticated` | 401 | no credential, an unknown, wrong, expired or revoked one, or a wrong address: one answer for all |
//! | `locked_out` | 429 | too many failures; `Retry-After` says how long, and the time grows with every repetition |
//! | `forbidden` | 403 | the credential is good, its role may not use the route |
//! | `address_refused` | 403 | nobody may use the route from this address |
//! | `rate_limited` | 429 | this caller has used up what the route's rates give it; `RateLimit` says so before it comes to that |
//!
//! # Cannot see
//!
//! How much of a quota was used before the sidecar was started: rates begin anew with the process.
//! Who uses a stolen credential from an address it may be used from. Proxies in front that are not among `listeners.trusted_hops`: the address is then theirs.
//! What an issuer would say now of a token it has signed, other than that it no longer signs with that key.
//!
//! # Example
//!
//! ```
//! use sekisho_filters::access::{Key, Keys};
//! use sekisho_policy::Role;
//! let keys = Keys::new(b"a pepper of some length", vec![]).with(
//!     Key { id: "desk".into(), person: "desk".into(), role: Role::Service, scopes: vec![], allow: vec![], made: false },
//!     &Keys::digest(b"a pepper of some length", b"a secret"),
//! );
//! let peer = "192.0.2.1".parse().unwrap();
//! assert!(keys.check(b"sekisho_desk_a secret", peer, 0).is_ok());
//! assert!(keys.check(b"sekisho_desk_another", peer, 0).is_err());
//! ```

mod principal;

mod why;

mod keys;

pub mod token;

mod certificates;

mod sessions;

mod revocations;

mod presented;

mod door;

mod failures;

mod counts;

mod familiar;

mod kept;

mod layer;

mod lockouts;

mod service;

mod guard;

mod callers;

mod rates;

pub use callers::Callers;
pub use certificates::{CertificateName, Certificates};
pub use door::{Attempt, Door};
pub use failures::{FailureLimits, Failures};
pub use kept::{Keeper, Kept, KeptLock, Of};
pub use keys::{Held, Keys};
pub use layer::AccessLayer;
pub use principal::{Key, Network, Principal, Proof};
pub use rates::{Rate, Rates};
pub use revocations::{NoSubject, Revocations, Sayer, Standing, Subject};
pub use service::Access;
pub use sessions::NewSession;
pub use why::Why;
