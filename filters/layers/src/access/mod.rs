//! Asks who is calling, and counts those who cannot say.
//!
//! What lets a request pass:
//!
//! 1. its route asks nobody who they are; or
//! 2. it carries one `X-API-Key` of the form `sekisho_ID_SECRET` whose keyed hash policy knows; and
//! 3. the caller's address is one the key may be used from; and
//! 4. this key is not locked out from this address, nor everywhere but where it was used before; and
//! 5. the role of the key may use the route.
//!
//! Unlike a rate limit on requests, only failures are counted: per credential, per address (an IPv6 network counts as one),
//! per pair of both, and of all together. The pair is shut out first. A credential is shut out only when it is tried from
//! several addresses, and never where it was used with success before, so nobody can lock a key's rightful owner out. An
//! address is never shut out: there may be neighbours behind it; there the count turns 401 into 429, as the count of all
//! does. Counts and lockouts outlive the process ([`Kept`]). The key is taken off the request: it is meant for this door
//! and not for the service behind it.
//!
//! # Refuses
//!
//! | code | status | when |
//! |---|---|---|
//! | `unauthenticated` | 401 | no key, an unknown key, a wrong secret, or a wrong address: one answer for all |
//! | `locked_out` | 429 | too many failures; `Retry-After` says how long, and the time grows with every repetition |
//! | `forbidden` | 403 | the key is good, its role may not use the route |
//!
//! # Cannot see
//!
//! Who uses a stolen key from an address it may be used from. Proxies in front: the address is that of the connection.
//!
//! # Example
//!
//! ```
//! use sekisho_filters::access::{Key, Keys};
//! use sekisho_policy::Role;
//! let keys = Keys::new(b"a pepper of some length", vec![]).with(
//!     Key { id: "desk".into(), person: "desk".into(), role: Role::Service, scopes: vec![], allow: vec![] },
//!     &Keys::digest(b"a pepper of some length", b"a secret"),
//! );
//! let peer = "192.0.2.1".parse().unwrap();
//! assert!(keys.check(Some(b"sekisho_desk_a secret"), peer).is_ok());
//! assert!(keys.check(Some(b"sekisho_desk_another"), peer).is_err());
//! ```

mod counts;

mod failures;

mod familiar;

mod kept;

mod keys;

mod layer;

mod lockouts;

mod service;

pub use failures::{FailureLimits, Failures};
pub use kept::{Keeper, Kept, KeptLock, Of};
pub use keys::{Key, Keys, Network, Principal};
pub use layer::AccessLayer;
pub use service::{Access, Attempt, Door, Why};
