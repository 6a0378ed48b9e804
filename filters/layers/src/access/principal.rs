use std::net::IpAddr;
use std::sync::Arc;

use sekisho_policy::Role;
use sekisho_safety::Scope;

/// Who is calling, proven.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The key that was used, or what a token or a session stands for.
    pub key: Arc<Key>,
    /// How it was proven.
    pub proof: Proof,
}

/// How somebody has proven who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// By an API key.
    Key,
    /// By a session that was begun with an API key.
    Session(Arc<str>),
    /// By a certificate that its connection was opened with.
    Certificate,
    /// By a signed token; the text is its `jti`, if it has one.
    Token(Option<Arc<str>>),
}

/// What is known of an API key besides the hash of its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// Names it: what stands between the underscores.
    pub id: String,
    /// Whose it is. Two keys of one person are one person when a release asks for two.
    pub person: String,
    /// What it may do.
    pub role: Role,
    /// Where it may do it; empty is everywhere.
    pub scopes: Vec<Scope>,
    /// Networks it may be used from; empty is anywhere.
    pub allow: Vec<Network>,
    /// Whether it was made while the sidecar ran: whoever had it made has seen its secret, whosever it is.
    pub made: bool,
}

/// An address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Any address within it.
    pub address: IpAddr,
    /// Leading bits, 0 to 32 or 128.
    pub prefix: u8,
}

impl Key {
    /// Whether it may be used from `peer`.
    #[must_use]
    pub fn is_allowed(&self, peer: IpAddr) -> bool {
        self.allow.is_empty() || self.allow.iter().any(|network| network.holds(peer))
    }
}

impl Network {
    /// Whether `peer` is in it. An IPv4 address in IPv6 clothes is an IPv4 address.
    #[must_use]
    pub fn holds(&self, peer: IpAddr) -> bool {
        let bits = |address: IpAddr| match address.to_canonical() {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, true),
            IpAddr::V6(v6) => (u128::from(v6), false),
        };
        let ((ours, v4), (theirs, their_v4)) = (bits(self.address), bits(peer));
        let outside = u32::from(128_u8.saturating_sub(self.prefix));
        let mask = u128::MAX.checked_shl(outside).unwrap_or(0);
        v4 == their_v4 && ours & mask == theirs & mask
    }
}
