//! Signed tokens (RFC 7519) by issuers that policy names: read strictly, judged without asking the token how.
//!
//! A token is three parts of base64url without padding. Its header may name an algorithm, a key and a type, and nothing that
//! changes what the signature means: `crit`, `b64`, `zip`, `cty`, and keys or addresses of keys (`jwk`, `jku`, `x5u`, `x5c`)
//! are refused, not passed over. No member of any object may stand twice. The algorithm must be one that policy pins to the
//! issuer, and the one that the key was made for (RFC 8725, 3.1 and 3.2): a public key is never taken for a shared secret, and
//! symmetric algorithms do not exist here.

mod json;

mod parse;

mod keyset;

mod issuer;

pub use issuer::{Issuer, IssuerSettings, Issuers};
pub use keyset::{Algorithm, KeySet, NoKeySet};
pub use parse::{Token, TokenFault};

#[cfg(test)]
mod tests;
