//! Field names that make a value secret, read without regard to case and separators.

use std::collections::HashMap;

use foldhash::fast::RandomState;

/// All names of a ruleset.
#[derive(Debug, Default)]
pub(crate) struct Names {
    suffixes: HashMap<Vec<u8>, Entry, RandomState>,
    tails: Tails,
}

#[derive(Debug, Default)]
struct Entry {
    /// Only where a word begins: `pin` in `card_pin`, not in `spin`.
    whole: bool,
    /// Indexes into the ruleset's list of named rules, in order.
    rules: Vec<usize>,
}

/// The last letters of every name: what the hot pass asks of the bytes before a separator.
pub(crate) struct Tails {
    /// The last three.
    three: Vec<bool>,
    /// Hashes of the last six, or of all where a name has fewer.
    six: Vec<bool>,
}

impl std::fmt::Debug for Tails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tails")
    }
}

impl Default for Tails {
    fn default() -> Self {
        Self { three: vec![false; 1 << 15], six: vec![false; 1 << 15] }
    }
}

impl Tails {
    /// Whether a name ends in these letters of either case.
    #[inline]
    pub(crate) fn has(&self, tail: [u8; 3]) -> bool {
        self.three.get(Self::slot(tail)).copied().unwrap_or_default()
    }

    /// Whether a name may be all there is of `letters`, the last letter first, or a part of it that ends where it ends.
    pub(crate) fn ends(&self, letters: &[u8]) -> bool {
        let mut hash = 0;
        letters.iter().take(TAIL).enumerate().any(|(index, letter)| {
            hash = Self::hash(hash, *letter);
            let slot = hash.wrapping_add(index + 1) & 0x7fff;
            index >= 2 && self.six.get(slot).copied().unwrap_or_default()
        })
    }

    fn add(&mut self, name: &[u8]) {
        if let Some(tail) = name.last_chunk::<3>()
            && let Some(bit) = self.three.get_mut(Self::slot(*tail))
        {
            *bit = true;
        }
        let letters = name.iter().rev().take(TAIL).take_while(|byte| byte.is_ascii_alphabetic());
        let (count, hash) = letters.fold((0, 0), |(count, hash), letter| (count + 1, Self::hash(hash, *letter)));
        if let Some(bit) = self.six.get_mut(hash.wrapping_add(count) & 0x7fff) {
            *bit = true;
        }
    }

    fn hash(hash: usize, letter: u8) -> usize {
        (hash ^ usize::from(letter & 31)).wrapping_mul(0x9e37_79b1) >> 3
    }

    /// All of them, in lower case, those with the same last letter together.
    pub(crate) fn letters(&self) -> Vec<Vec<u8>> {
        let set = self.three.iter().enumerate().filter(|(_, set)| **set).map(|(slot, _)| slot);
        let letter = |slot: usize, place: u32| u8::try_from(slot >> (5 * place) & 31).unwrap_or_default() | 0x60;
        let mut letters: Vec<Vec<u8>> = set.map(|slot| [2, 1, 0].map(|place| letter(slot, place)).to_vec()).collect();
        letters.sort_by(|one, other| one.iter().rev().cmp(other.iter().rev()));
        letters
    }

    #[inline]
    fn slot(tail: [u8; 3]) -> usize {
        tail.iter().fold(0, |slot, letter| slot << 5 | usize::from(letter & 31))
    }
}

impl Names {
    /// Adds a name; names of up to four letters count only as whole words.
    pub(crate) fn add(&mut self, name: &str, rule: usize) {
        let folded = Folded::of(name.as_bytes()).text;
        self.tails.add(&folded);
        let whole = folded.len() <= SHORT;
        let entry = self.suffixes.entry(folded).or_default();
        entry.whole = whole;
        entry.rules.push(rule);
    }

    pub(crate) fn tails(&self) -> &Tails {
        &self.tails
    }

    /// Whether a name may end as `name` does.
    pub(crate) fn may_end(&self, name: &[u8]) -> bool {
        let mut letters = trim_digits(name).iter().rev().filter(|byte| byte.is_ascii_alphanumeric());
        let tail = [letters.next(), letters.next(), letters.next()];
        matches!(tail, [Some(third), Some(second), Some(first)] if self.tails.has([*first, *second, *third]))
    }

    /// The rules of `name`, most specific first.
    pub(crate) fn rules(&self, name: &[u8]) -> Vec<usize> {
        let folded = Folded::of(name);
        let mut rules = Vec::new();
        for (start, word) in folded.starts.iter().enumerate() {
            let suffix = folded.text.get(start..).unwrap_or_default();
            if let Some(entry) = self.suffixes.get(suffix)
                && (*word || !entry.whole)
            {
                rules.extend_from_slice(&entry.rules);
            }
        }
        if !rules.is_empty() && spared(&folded.text) { Vec::new() } else { rules }
    }
}

/// A name in lower case without separators and trailing digits, and where its words begin.
struct Folded {
    text: Vec<u8>,
    starts: Vec<bool>,
}

impl Folded {
    fn of(name: &[u8]) -> Self {
        let name = trim_digits(name);
        let mut text = Vec::with_capacity(name.len());
        let mut starts = Vec::with_capacity(name.len());
        let mut previous = b'_';
        for byte in name {
            if byte.is_ascii_alphanumeric() || *byte >= 0x80 {
                let camel = byte.is_ascii_uppercase() && !previous.is_ascii_uppercase();
                starts.push(camel || !previous.is_ascii_alphanumeric());
                text.push(byte.to_ascii_lowercase());
            }
            previous = *byte;
        }
        Self { text, starts }
    }
}

fn trim_digits(name: &[u8]) -> &[u8] {
    let mut name = name;
    while let [head @ .., b'0'..=b'9' | b'_' | b'-' | b']' | b')'] = name {
        name = head;
    }
    name
}

/// Names that end like a secret and are none: cursors of paging, assets that are called tokens, flags.
fn spared(folded: &[u8]) -> bool {
    SPARED_ENDS.iter().any(|end| folded.ends_with(end)) || SPARED.contains(&folded)
}

/// So many letters of a name tell it in the hot pass.
pub(crate) const TAIL: usize = 6;

const SPARED_ENDS: [&[u8]; 30] = [
    b"pagetoken",
    b"nexttoken",
    b"continuationtoken",
    b"synctoken",
    b"quotetoken",
    b"basetoken",
    b"unexpectedtoken",
    b"idempotencytoken",
    b"cancellationtoken",
    b"canceltoken",
    b"cursortoken",
    b"instrumenttoken",
    b"symboltoken",
    b"feetoken",
    b"lptoken",
    b"inputtoken",
    b"outputtoken",
    b"prompttoken",
    b"stoptoken",
    b"eostoken",
    b"padtoken",
    b"rewardtoken",
    b"collateraltoken",
    b"underlyingtoken",
    b"nativetoken",
    b"publicaccesskey",
    b"publicapikey",
    b"publishableapikey",
    b"publictoken",
    b"siteverificationtoken",
];
const SPARED: [&[u8]; 14] = [
    b"haspassword",
    b"requirepassword",
    b"requirespassword",
    b"resetpassword",
    b"changepassword",
    b"forgotpassword",
    b"usepassword",
    b"needspassword",
    b"showpassword",
    b"invalidpassword",
    b"wrongpassword",
    b"missingtoken",
    b"invalidtoken",
    b"hassecret",
];

/// Names this short are looked for as whole words only.
const SHORT: usize = 4;

/// Field names whose values are secret whatever they look like.
pub(crate) const FORBIDDEN: &[&str] = &[
    "api_key",
    "api_keys",
    "apikey",
    "api_secret",
    "api_token",
    "app_secret",
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "pass_phrase",
    "passcode",
    "pwd",
    "pass",
    "userpass",
    "dbpass",
    "secret",
    "secrets",
    "secret_key",
    "token",
    "access_token",
    "refresh_token",
    "id_token",
    "auth_token",
    "session_token",
    "bearer_token",
    "access_key",
    "secret_access_key",
    "private_key",
    "priv_key",
    "privkey",
    "signing_key",
    "encryption_key",
    "master_key",
    "account_key",
    "shared_access_key",
    "shared_key",
    "pre_shared_key",
    "client_secret",
    "authorization",
    "proxy_authorization",
    "credential",
    "credentials",
    "creds",
    "mnemonic",
    "seed_phrase",
    "recovery_phrase",
    "secret_seed",
    "totp_secret",
    "otp_seed",
    "jwt",
    "listen_key",
    "session_id",
    "sessid",
    "connect_sid",
    "webhook_secret",
    "apisign",
    "auth_key",
    "authkey",
    "keypair",
    "userpwd",
    "license_key",
    "private_token",
    "access_code",
    "security_code",
    "api_pass",
    "app_password",
    "app_key",
    "application_key",
    "consumer_key",
    "consumer_secret",
    "key_secret",
    "hmac_key",
    "aes_key",
    "cipher_key",
    "decryption_key",
    "crypto_key",
    "storage_key",
    "service_key",
    "deploy_key",
    "ssh_key",
    "gpg_key",
    "pgp_key",
    "private_key_pem",
    "session_key",
    "session_cookie",
    "sas_token",
    "sas_key",
    "root_token",
    "unseal_key",
    "recovery_key",
    "recovery_code",
    "recovery_codes",
    "backup_code",
    "backup_codes",
    "preshared_key",
    "psk",
    "passkey",
    "subscription_key",
    "function_key",
    "functions_key",
    "x_functions_key",
    "oauth_token",
    "oauth_verifier",
    "auth_header",
    "bearer",
    "access_secret",
    "access_token_secret",
    "token_secret",
    "secret_token",
    "secret_value",
    "secret_string",
    "signing_secret",
    "shared_secret",
    "user_secret",
    "secret_phrase",
    "secret_words",
    "mnemonic_phrase",
    "seed_words",
    "recovery_words",
    "passwort",
    "kennwort",
    "mot_de_passe",
    "contrasena",
    "senha",
    "wachtwoord",
    "password_hash",
    "cvv",
    "cvv2",
    "totp",
    "otp_code",
    "mfa_code",
    "pass_word",
    "pwd_hash",
    "pincode",
    "pin_code",
    "user_pass",
    "db_pwd",
    "basic_auth",
    "http_auth",
    "keystore_pass",
    "truststore_pass",
    "sec_key",
    "ingest_key",
    "write_key",
    "integration_key",
    "publishing_key",
    "hec_token",
    "webhook_token",
    "signing_private_key",
    "auth_password",
    "auth_secret",
    "auth_pass",
    "smtp_pass",
    "ftp_pass",
    "sa_password",
    "requirepass",
    "masterauth",
    "secret_key_base",
    "service_bus_key",
    "ssh_private_key",
    "master_auth",
    "keystore_password",
];
