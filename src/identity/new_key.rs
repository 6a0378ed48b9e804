//! Makes API keys: the secret is shown once, and policy keeps its keyed hash.

use sekisho_filters::access::Keys;
use zeroize::Zeroizing;

use super::credentials::hex;

/// A fresh key.
pub struct NewKey {
    /// The whole key, as its owner sends it in `X-API-Key`.
    pub key: Zeroizing<String>,
    /// What policy stores under `identity.keys[].hash`.
    pub hash: String,
}

/// Makes a key for `id` under `pepper`: 43 letters and digits, 256 bits of chance, and six that are their checksum, so that a
/// scanner knows one that has leaked from what only looks like one.
///
/// # Errors
///
/// When the system gives no random bytes.
pub fn new_key(id: &str, pepper: &[u8]) -> Result<NewKey, getrandom::Error> {
    let secret = new_secret()?;
    let hash = hex(&Keys::digest(pepper, secret.as_bytes()));
    Ok(NewKey { key: Zeroizing::new(format!("sekisho_{id}_{}", secret.as_str())), hash })
}

/// What stands behind the id: chance and its checksum, which is that of the last 30 letters, as GitHub's is.
///
/// # Errors
///
/// When the system gives no random bytes.
pub(super) fn new_secret() -> Result<Zeroizing<String>, getrandom::Error> {
    let mut secret = random_text(SECRET_LENGTH)?;
    let checked = secret.as_bytes().last_chunk::<30>().copied().unwrap_or_default();
    // Room was made for it, so that no copy of the secret is left behind.
    secret.extend(sekisho_scan::base62(&checked).map(char::from));
    Ok(secret)
}

/// Letters and digits, each as likely as any other.
///
/// # Errors
///
/// When the system gives no random bytes.
pub fn random_text(length: usize) -> Result<Zeroizing<String>, getrandom::Error> {
    let mut text = Zeroizing::new(String::with_capacity(length.saturating_add(8)));
    while text.len() < length {
        let mut bytes = Zeroizing::new([0; 64]);
        getrandom::fill(bytes.as_mut())?;
        // 248 is the largest multiple of 62 in a byte: what is above would favour the first letters.
        let letters = bytes.iter().filter(|byte| **byte < 248).filter_map(|byte| ALPHABET.get(usize::from(byte % 62)));
        text.extend(letters.map(|letter| char::from(*letter)));
        text.truncate(length);
    }
    Ok(text)
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").finish_non_exhaustive()
    }
}

/// 43 of 62 letters hold 256 bits.
const SECRET_LENGTH: usize = 43;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sekisho_filters::access::{Key, Keys};
    use sekisho_policy::Role;
    use sekisho_scan::{Confidence, Ruleset, Shape};

    use super::new_key;

    #[test]
    fn a_key_that_was_made_opens_the_door_its_hash_is_on() {
        let made = new_key("desk", b"pepper").unwrap();
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(made.hash.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        }
        let key = Key {
            id: "desk".into(),
            person: "desk".into(),
            role: Role::Service,
            scopes: vec![],
            allow: vec![],
            made: false,
        };
        let keys = Keys::new(b"pepper", vec![(key, hash)]);
        assert!(keys.check(made.key.as_bytes(), "::1".parse().unwrap(), 0).is_ok());
        assert_ne!(new_key("desk", b"pepper").unwrap().hash, made.hash);
    }

    #[test]
    fn our_own_scanner_knows_a_key_that_was_made_and_that_it_is_one() {
        let rules = Arc::new(Ruleset::builder().embedded().unwrap().build().unwrap());
        let key = new_key("desk.1", b"pepper").unwrap().key;
        let middle: String = key.chars().skip(20).take(20).collect();
        let line = |key: &str| format!("a log line with {key} in it").into_bytes();
        let text = line(&key);
        let redacted = sekisho_scan::redact(&rules, Shape::Text, &text);
        let [finding] = redacted.findings.as_slice() else { panic!("{:?}", redacted.findings) };
        assert_eq!((&*finding.detector, finding.confidence), ("sekisho-api-key", Confidence::High));
        assert!(!String::from_utf8_lossy(&redacted.bytes).contains(&middle));
        // One letter off it is still masked, and known to be no key that was made.
        let last = if key.ends_with('0') { '1' } else { '0' };
        let text = line(&key.chars().take(key.len() - 1).chain([last]).collect::<String>());
        let redacted = sekisho_scan::redact(&rules, Shape::Text, &text);
        assert!(redacted.findings.iter().all(|finding| finding.confidence != Confidence::High), "{redacted:?}");
        assert!(!String::from_utf8_lossy(&redacted.bytes).contains(&middle));
    }
}
