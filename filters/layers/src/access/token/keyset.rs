use std::fmt;
use std::str::FromStr;

use aws_lc_rs::signature::{
    self, EcdsaVerificationAlgorithm, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::json::object;

/// How a token may be signed (RFC 7518, 3.1; RFC 8037). There is no symmetric one, and none that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSA PKCS #1 v1.5 with SHA-256.
    Rs256,
    /// RSA PKCS #1 v1.5 with SHA-384.
    Rs384,
    /// RSA PKCS #1 v1.5 with SHA-512.
    Rs512,
    /// RSA PSS with SHA-256.
    Ps256,
    /// RSA PSS with SHA-384.
    Ps384,
    /// RSA PSS with SHA-512.
    Ps512,
    /// Ed25519.
    EdDsa,
}

impl Algorithm {
    /// Every one, as a header names it.
    pub const ALL: [(&str, Self); 9] = [
        ("ES256", Self::Es256),
        ("ES384", Self::Es384),
        ("RS256", Self::Rs256),
        ("RS384", Self::Rs384),
        ("RS512", Self::Rs512),
        ("PS256", Self::Ps256),
        ("PS384", Self::Ps384),
        ("PS512", Self::Ps512),
        ("EdDSA", Self::EdDsa),
    ];
}

impl FromStr for Algorithm {
    type Err = NoKeySet;

    fn from_str(text: &str) -> Result<Self, NoKeySet> {
        Self::ALL.iter().find(|(name, _)| *name == text).map(|(_, algorithm)| *algorithm).ok_or(NoKeySet::Algorithm)
    }
}

/// The public keys of an issuer (RFC 7517), those of them that can sign tokens.
#[derive(Clone, Default)]
pub struct KeySet {
    keys: Vec<Jwk>,
}

#[derive(Clone)]
struct Jwk {
    kid: Option<String>,
    /// The one algorithm that its maker made it for, if he said so.
    pinned: Option<Algorithm>,
    key: Key,
}

#[derive(Clone)]
enum Key {
    P256(Vec<u8>),
    P384(Vec<u8>),
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ed25519(Vec<u8>),
}

/// Why bytes are no key set that could be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKeySet {
    /// Too many bytes or keys.
    #[error("a key set of at most {MOST_BYTES} bytes and {MOST_KEYS} keys was expected")]
    TooLarge,
    /// Not JSON, doubled members, or no `keys`.
    #[error("it is not a JSON Web Key Set")]
    Malformed,
    /// Nothing in it can check a signature.
    #[error("it has no key that checks signatures")]
    NoUse,
    /// No such algorithm.
    #[error("there is no such algorithm here")]
    Algorithm,
}

impl KeySet {
    /// Reads a key set. Keys that are of no use here are left out: symmetric and private ones, those for encryption, RSA keys
    /// below 2048 bits, curves that no algorithm here uses.
    ///
    /// # Errors
    ///
    /// [`NoKeySet`], also when nothing is left.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoKeySet> {
        if bytes.len() > MOST_BYTES {
            return Err(NoKeySet::TooLarge);
        }
        let set = object(bytes).ok_or(NoKeySet::Malformed)?;
        let all = set.get("keys").and_then(Value::as_array).ok_or(NoKeySet::Malformed)?;
        if all.len() > MOST_KEYS {
            return Err(NoKeySet::TooLarge);
        }
        let keys: Vec<Jwk> = all.iter().filter_map(Value::as_object).filter_map(Jwk::read).collect();
        if keys.is_empty() { Err(NoKeySet::NoUse) } else { Ok(Self { keys }) }
    }

    /// How many keys it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether `signature` is that of a key with this id over `message`; `None` if there is no such key. Without an id there
    /// must be one key that fits, and no second.
    pub(super) fn verify(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Option<bool> {
        let named = |key: &&Jwk| kid.is_none_or(|kid| key.kid.as_deref() == Some(kid));
        let mut fitting = self.keys.iter().filter(named).filter(|key| key.fits(algorithm));
        let (first, second) = (fitting.next()?, fitting.next());
        Some(second.is_none() && first.key.verify(algorithm, message, signature))
    }

    /// Whether a key of this id is here, for whatever algorithm.
    pub(super) fn has(&self, kid: Option<&str>) -> bool {
        self.keys.iter().any(|key| kid.is_none_or(|kid| key.kid.as_deref() == Some(kid)))
    }
}

impl Jwk {
    fn read(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
        let is_private = PRIVATE.iter().any(|name| jwk.contains_key(*name));
        let is_for_others = text("use").is_some_and(|r#use| r#use != "sig");
        let operations =
            jwk.get("key_ops").map(|all| all.as_array().is_some_and(|all| all.iter().any(|op| op == "verify")));
        if is_private || is_for_others || operations == Some(false) {
            return None;
        }
        let key = match (text("kty")?, text("crv")) {
            ("EC", Some("P-256")) => Key::P256(point(&bytes("x")?, &bytes("y")?, 32)?),
            ("EC", Some("P-384")) => Key::P384(point(&bytes("x")?, &bytes("y")?, 48)?),
            ("OKP", Some("Ed25519")) => Key::Ed25519(bytes("x").filter(|x| x.len() == 32)?),
            ("RSA", _) => {
                let (n, e) = (bytes("n")?, bytes("e")?);
                if !(256..=1024).contains(&n.len()) || n.first() == Some(&0) {
                    return None;
                }
                Key::Rsa { n, e }
            }
            _ => return None,
        };
        // One that is made for an algorithm unknown here is of no use here.
        let pinned = match jwk.get("alg") {
            None => None,
            Some(alg) => Some(alg.as_str()?.parse().ok()?),
        };
        Some(Self { kid: text("kid").map(str::to_owned), pinned, key })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        let family = match (&self.key, algorithm) {
            (Key::P256(_), Algorithm::Es256) | (Key::P384(_), Algorithm::Es384) => true,
            (Key::Ed25519(_), Algorithm::EdDsa) => true,
            (Key::Rsa { .. }, algorithm) => rsa(algorithm).is_some(),
            (Key::P256(_) | Key::P384(_) | Key::Ed25519(_), _) => false,
        };
        family && self.pinned.is_none_or(|pinned| pinned == algorithm)
    }
}

impl Key {
    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let ecdsa = |curve: &'static EcdsaVerificationAlgorithm, point: &[u8]| {
            UnparsedPublicKey::new(curve, point).verify(message, signature).is_ok()
        };
        match self {
            Self::P256(point) => ecdsa(&signature::ECDSA_P256_SHA256_FIXED, point),
            Self::P384(point) => ecdsa(&signature::ECDSA_P384_SHA384_FIXED, point),
            Self::Ed25519(point) => {
                UnparsedPublicKey::new(&signature::ED25519, point).verify(message, signature).is_ok()
            }
            Self::Rsa { n, e } => rsa(algorithm)
                .is_some_and(|how| RsaPublicKeyComponents { n, e }.verify(how, message, signature).is_ok()),
        }
    }
}

const fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::Rs256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => None,
    }
}

/// An uncompressed point (SEC 1, 2.3.3).
fn point(x: &[u8], y: &[u8], width: usize) -> Option<Vec<u8>> {
    (x.len() == width && y.len() == width).then(|| [&[4], x, y].concat())
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySet").field("keys", &self.keys.len()).finish()
    }
}

/// Members that only private and symmetric keys have.
const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];
const MOST_BYTES: usize = 64 * 1024;
const MOST_KEYS: usize = 64;
