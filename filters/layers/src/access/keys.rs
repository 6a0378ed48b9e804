use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use sekisho_policy::Role;
use sekisho_safety::Scope;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::Why;

/// Who is calling, proven.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The key that was used.
    pub key: Arc<Key>,
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
}

/// An address and how many of its leading bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// Any address within it.
    pub address: IpAddr,
    /// Leading bits, 0 to 32 or 128.
    pub prefix: u8,
}

/// The API keys of one sidecar. Secrets are known by their keyed hash alone.
#[derive(Clone)]
pub struct Keys {
    pepper: Hmac<Sha256>,
    known: HashMap<String, Known>,
}

#[derive(Clone)]
struct Known {
    key: Arc<Key>,
    digest: [u8; 32],
}

impl Keys {
    /// Keys hashed with `pepper`, each with the [`digest`](Self::digest) of its secret.
    #[must_use]
    pub fn new(pepper: &[u8], keys: Vec<(Key, [u8; 32])>) -> Self {
        let empty = Self { pepper: keyed(pepper), known: HashMap::new() };
        keys.into_iter().fold(empty, |keys, (key, digest)| keys.with(key, &digest))
    }

    /// Adds a key.
    #[must_use]
    pub fn with(mut self, key: Key, digest: &[u8; 32]) -> Self {
        self.known.insert(key.id.to_ascii_lowercase(), Known { key: Arc::new(key), digest: *digest });
        self
    }

    /// HMAC-SHA-256 of a secret under a pepper: what policy stores.
    #[must_use]
    pub fn digest(pepper: &[u8], secret: &[u8]) -> [u8; 32] {
        keyed(pepper).chain_update(secret).finalize().into_bytes().into()
    }

    /// Whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether there is a key of this id, given in lower case.
    pub(super) fn has(&self, id: &str) -> bool {
        self.known.contains_key(id)
    }

    /// Checks a presented key. An unknown id costs as much as a wrong secret.
    ///
    /// # Errors
    ///
    /// Why it is not good, for the journal and not for the caller.
    pub fn check(&self, presented: Option<&[u8]>, peer: IpAddr) -> Result<Principal, Why> {
        let (id, secret) = split(presented.ok_or(Why::Missing)?).ok_or(Why::Malformed)?;
        let known = self.known.get(&id);
        let digest: [u8; 32] = self.pepper.clone().chain_update(secret).finalize().into_bytes().into();
        let matches = bool::from(digest.ct_eq(known.map_or(&[0; 32], |known| &known.digest)));
        let Some(known) = known else { return Err(Why::UnknownKey) };
        if !matches {
            return Err(Why::WrongSecret { id: Arc::clone(&known.key) });
        }
        if !known.key.allow.is_empty() && !known.key.allow.iter().any(|network| network.holds(peer)) {
            return Err(Why::WrongAddress { id: Arc::clone(&known.key) });
        }
        Ok(Principal { key: Arc::clone(&known.key) })
    }

    /// The id in a presented key, as failures are counted by it: lower case, whatever its owner wrote.
    pub(super) fn claimed(presented: Option<&[u8]>) -> Option<String> {
        split(presented?).map(|(id, _)| id)
    }
}

impl Network {
    fn holds(&self, peer: IpAddr) -> bool {
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

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("known", &self.known.len()).finish_non_exhaustive()
    }
}

/// `sekisho_ID_SECRET`: the id is 1 to 64 of `a-z 0-9 . -` in any case, the secret 1 to 256 bytes.
fn split(presented: &[u8]) -> Option<(String, &[u8])> {
    let rest = presented.strip_prefix(b"sekisho_")?;
    let at = rest.iter().position(|byte| *byte == b'_')?;
    let (id, secret) = rest.split_at_checked(at)?;
    let secret = secret.get(1..)?;
    let plain = id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    if !plain || id.is_empty() || id.len() > 64 || secret.is_empty() || secret.len() > 256 {
        return None;
    }
    Some((String::from_utf8(id.to_ascii_lowercase()).ok()?, secret))
}

fn keyed(pepper: &[u8]) -> Hmac<Sha256> {
    // INVARIANT: HMAC takes a key of any length.
    Hmac::new_from_slice(pepper).unwrap_or_else(|_never| Hmac::new(&hmac::digest::Key::<Hmac<Sha256>>::default()))
}

#[cfg(test)]
mod tests {
    use super::{IpAddr, Key, Keys, Network, Role, Why};

    fn keys(allow: Vec<Network>) -> Keys {
        let key = Key { id: "Desk".into(), person: "ann".into(), role: Role::Service, scopes: vec![], allow };
        Keys::new(b"pepper", vec![(key, Keys::digest(b"pepper", b"right"))])
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_key_is_known_by_its_id_in_any_case_and_its_secret() {
        let keys = keys(vec![]);
        assert!(keys.check(Some(b"sekisho_desk_right"), peer("::1")).is_ok());
        assert!(keys.check(Some(b"sekisho_DESK_right"), peer("::1")).is_ok());
        for (presented, why) in [
            (None, "missing"),
            (Some(&b"right"[..]), "malformed"),
            (Some(b"sekisho_desk"), "malformed"),
            (Some(b"sekisho_desk_"), "malformed"),
            (Some(b"sekisho__right"), "malformed"),
            (Some(b"sekisho_d sk_right"), "malformed"),
            (Some(b"sekisho_other_right"), "unknown_key"),
            (Some(b"sekisho_desk_Right"), "wrong_secret"),
        ] {
            assert_eq!(keys.check(presented, peer("::1")).unwrap_err().as_str(), why, "{presented:?}");
        }
    }

    #[test]
    fn a_key_may_be_bound_to_networks() {
        let keys = keys(vec![Network { address: peer("10.1.0.0"), prefix: 16 }]);
        assert!(keys.check(Some(b"sekisho_desk_right"), peer("10.1.2.3")).is_ok());
        assert!(keys.check(Some(b"sekisho_desk_right"), peer("::ffff:10.1.2.3")).is_ok());
        for outside in ["10.2.0.1", "::1", "a01::"] {
            let why = keys.check(Some(b"sekisho_desk_right"), peer(outside)).unwrap_err();
            assert!(matches!(why, Why::WrongAddress { .. }), "{outside}");
        }
    }

    #[test]
    fn debug_prints_no_digest() {
        assert_eq!(format!("{:?}", keys(vec![])), "Keys { known: 1, .. }");
    }
}
