//! Makes API keys: the secret is shown once, and policy keeps its keyed hash.

use std::fmt::Write as _;

use sekisho_filters::access::Keys;
use zeroize::Zeroizing;

/// A fresh key.
pub struct NewKey {
    /// The whole key, as its owner sends it in `X-API-Key`.
    pub key: Zeroizing<String>,
    /// What policy stores under `identity.keys[].hash`.
    pub hash: String,
}

/// Makes a key for `id` under `pepper`: 43 letters and digits, 256 bits of chance.
///
/// # Errors
///
/// When the system gives no random bytes.
pub fn new_key(id: &str, pepper: &[u8]) -> Result<NewKey, getrandom::Error> {
    let secret = random_text(SECRET_LENGTH)?;
    let mut hash = String::with_capacity(64);
    for byte in Keys::digest(pepper, secret.as_bytes()) {
        // Writing to a string cannot fail.
        write!(hash, "{byte:02x}").unwrap_or_default();
    }
    Ok(NewKey { key: Zeroizing::new(format!("sekisho_{id}_{}", secret.as_str())), hash })
}

/// Letters and digits, each as likely as any other.
///
/// # Errors
///
/// When the system gives no random bytes.
pub fn random_text(length: usize) -> Result<Zeroizing<String>, getrandom::Error> {
    let mut text = Zeroizing::new(String::with_capacity(length));
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
    use sekisho_filters::access::{Key, Keys};
    use sekisho_policy::Role;

    use super::new_key;

    #[test]
    fn a_key_that_was_made_opens_the_door_its_hash_is_on() {
        let made = new_key("desk", b"pepper").unwrap();
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(made.hash.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        }
        let key = Key { id: "desk".into(), person: "desk".into(), role: Role::Service, scopes: vec![], allow: vec![] };
        let keys = Keys::new(b"pepper", vec![(key, hash)]);
        assert!(keys.check(Some(made.key.as_bytes()), "::1".parse().unwrap()).is_ok());
        assert_ne!(new_key("desk", b"pepper").unwrap().hash, made.hash);
    }
}
