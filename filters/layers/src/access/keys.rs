use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use super::{Key, Why};

/// API keys. Secrets are known by their keyed hash alone.
#[derive(Clone)]
pub struct Keys {
    pepper: Hmac<Sha256>,
    known: HashMap<String, Known>,
}

/// What a presented secret is held against. Times are seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// [`Keys::digest`] of the secret.
    pub digest: [u8; 32],
    /// That of the secret before it was rotated, and until when it is good as well.
    pub before: Option<([u8; 32], u64)>,
    /// When the key's time is over.
    pub expires_s: Option<u64>,
}

#[derive(Clone)]
struct Known {
    key: Arc<Key>,
    held: Held,
}

impl Held {
    /// A secret that is good for ever.
    #[must_use]
    pub const fn new(digest: [u8; 32]) -> Self {
        Self { digest, before: None, expires_s: None }
    }

    /// Looks at both secrets, whatever the first one says.
    fn matches(&self, digest: &[u8; 32], now_s: u64) -> bool {
        let (before, until) = self.before.unwrap_or((self.digest, u64::MAX));
        let is_before = digest.ct_eq(&before) & Choice::from(u8::from(now_s < until));
        bool::from(digest.ct_eq(&self.digest) | is_before)
    }
}

impl Keys {
    /// Keys hashed with `pepper`, each with the [`digest`](Self::digest) of its secret.
    #[must_use]
    pub fn new(pepper: &[u8], keys: Vec<(Key, [u8; 32])>) -> Self {
        let empty = Self { pepper: keyed(pepper), known: HashMap::new() };
        keys.into_iter().fold(empty, |keys, (key, digest)| keys.with(key, &digest))
    }

    /// Adds a key that is good for ever.
    #[must_use]
    pub fn with(self, key: Key, digest: &[u8; 32]) -> Self {
        self.holding(key, Held::new(*digest))
    }

    /// Adds a key.
    #[must_use]
    pub fn holding(self, key: Key, held: Held) -> Self {
        self.put(key.id.to_ascii_lowercase(), Arc::new(key), held)
    }

    pub(super) fn put(mut self, id: String, key: Arc<Key>, held: Held) -> Self {
        self.known.insert(id, Known { key, held });
        self
    }

    /// Those of them whose time is not over.
    pub(super) fn without_expired(&self, now_s: u64) -> Self {
        let good = self.known.iter().filter(|(_, known)| known.held.expires_s.is_none_or(|expires| now_s < expires));
        Self { pepper: self.pepper.clone(), known: good.map(|(id, known)| (id.clone(), known.clone())).collect() }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The same pepper, and no key.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self { pepper: self.pepper.clone(), known: HashMap::new() }
    }

    /// HMAC-SHA-256 of a secret under a pepper: what is stored of it.
    #[must_use]
    pub fn digest(pepper: &[u8], secret: &[u8]) -> [u8; 32] {
        keyed(pepper).chain_update(secret).finalize().into_bytes().into()
    }

    /// The same under the pepper of these keys.
    #[must_use]
    pub fn digest_of(&self, secret: &[u8]) -> [u8; 32] {
        self.pepper.clone().chain_update(secret).finalize().into_bytes().into()
    }

    /// Whether there is no key at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether there is a key of this id, given in lower case.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.known.contains_key(id)
    }

    /// Checks a presented key at a time, in seconds since 1970. An unknown id costs as much as a wrong secret.
    ///
    /// # Errors
    ///
    /// Why it is not good, for the journal and not for the caller.
    pub fn check(&self, presented: &[u8], peer: IpAddr, now_s: u64) -> Result<Arc<Key>, Why> {
        let (id, secret) = split(presented).ok_or(Why::Malformed)?;
        let known = self.known.get(&id);
        let matches = known.map_or(&NOBODY, |known| &known.held).matches(&self.digest_of(secret), now_s);
        let Some(Known { key, held }) = known else { return Err(Why::UnknownKey) };
        let id = Arc::clone(key);
        if !matches {
            return Err(Why::WrongSecret { id });
        }
        if held.expires_s.is_some_and(|expires| now_s >= expires) {
            return Err(Why::Expired { id });
        }
        if key.is_allowed(peer) { Ok(id) } else { Err(Why::WrongAddress { id }) }
    }

    /// The id in a presented key, as failures are counted by it: lower case, whatever its owner wrote.
    pub(super) fn claimed(presented: &[u8]) -> Option<String> {
        split(presented).map(|(id, _)| id)
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

/// What a secret is held against when there is no such key: as much work, and nobody's digest.
const NOBODY: Held = Held { digest: [0; 32], before: Some(([0; 32], 0)), expires_s: None };

#[cfg(test)]
mod tests {
    use sekisho_policy::Role;

    use super::super::Network;
    use super::{Held, IpAddr, Key, Keys, Why};

    fn key(allow: Vec<Network>) -> Key {
        Key { id: "Desk".into(), person: "ann".into(), role: Role::Service, scopes: vec![], allow, made: false }
    }

    fn keys(allow: Vec<Network>) -> Keys {
        Keys::new(b"pepper", vec![(key(allow), Keys::digest(b"pepper", b"right"))])
    }

    fn peer(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_key_is_known_by_its_id_in_any_case_and_its_secret() {
        let keys = keys(vec![]);
        assert!(keys.check(b"sekisho_desk_right", peer("::1"), 0).is_ok());
        assert!(keys.check(b"sekisho_DESK_right", peer("::1"), 0).is_ok());
        for (presented, why) in [
            (&b"right"[..], "malformed"),
            (b"sekisho_desk", "malformed"),
            (b"sekisho_desk_", "malformed"),
            (b"sekisho__right", "malformed"),
            (b"sekisho_d sk_right", "malformed"),
            (b"sekisho_other_right", "unknown_key"),
            (b"sekisho_desk_Right", "wrong_secret"),
        ] {
            assert_eq!(keys.check(presented, peer("::1"), 0).unwrap_err().as_str(), why, "{presented:?}");
        }
    }

    #[test]
    fn a_rotated_key_is_good_with_both_secrets_and_after_the_overlap_with_one() {
        let digest = |secret: &[u8]| Keys::digest(b"pepper", secret);
        let held = Held { digest: digest(b"new"), before: Some((digest(b"old"), 100)), expires_s: Some(200) };
        let keys = Keys::new(b"pepper", vec![]).holding(key(vec![]), held);
        for (secret, now_s, expected) in [
            ("new", 0, None),
            ("old", 99, None),
            ("old", 100, Some("wrong_secret")),
            ("new", 199, None),
            ("new", 200, Some("expired")),
            ("other", 0, Some("wrong_secret")),
        ] {
            let outcome = keys.check(format!("sekisho_desk_{secret}").as_bytes(), peer("::1"), now_s);
            assert_eq!(outcome.err().map(|why| why.as_str()), expected, "{secret} at {now_s}");
        }
    }

    #[test]
    fn a_key_may_be_bound_to_networks() {
        let keys = keys(vec![Network { address: peer("10.1.0.0"), prefix: 16 }]);
        assert!(keys.check(b"sekisho_desk_right", peer("10.1.2.3"), 0).is_ok());
        assert!(keys.check(b"sekisho_desk_right", peer("::ffff:10.1.2.3"), 0).is_ok());
        for outside in ["10.2.0.1", "::1", "a01::"] {
            let why = keys.check(b"sekisho_desk_right", peer(outside), 0).unwrap_err();
            assert!(matches!(why, Why::WrongAddress { .. }), "{outside}");
        }
    }

    #[test]
    fn debug_prints_no_digest() {
        assert_eq!(format!("{:?}", keys(vec![])), "Keys { known: 1, .. }");
    }
}
