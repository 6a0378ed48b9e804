//! Field names that make a value secret, read without regard to case and separators.

use std::collections::HashMap;

/// All names of a ruleset.
#[derive(Debug, Default)]
pub(crate) struct Names {
    suffixes: HashMap<Vec<u8>, Entry>,
    tails: Tails,
}

#[derive(Debug, Default)]
struct Entry {
    /// Only where a word begins: `pin` in `card_pin`, not in `spin`.
    whole: bool,
    /// Indexes into the ruleset's list of named rules, in order.
    rules: Vec<usize>,
}

/// The last three letters of every name: what the hot pass asks of the bytes before a separator.
pub(crate) struct Tails(Vec<bool>);

impl std::fmt::Debug for Tails {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tails")
    }
}

impl Default for Tails {
    fn default() -> Self {
        Self(vec![false; 1 << 15])
    }
}

impl Tails {
    /// Whether a name ends in these letters of either case.
    #[inline]
    pub(crate) fn has(&self, tail: [u8; 3]) -> bool {
        self.0.get(Self::slot(tail)).copied().unwrap_or_default()
    }

    fn add(&mut self, name: &[u8]) {
        if let Some(tail) = name.last_chunk::<3>()
            && let Some(bit) = self.0.get_mut(Self::slot(*tail))
        {
            *bit = true;
        }
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

    /// The rules of `name`, most specific first.
    pub(crate) fn rules(&self, name: &[u8]) -> Vec<usize> {
        let folded = Folded::of(name);
        if spared(&folded.text) {
            return Vec::new();
        }
        let mut rules = Vec::new();
        for (start, word) in folded.starts.iter().enumerate() {
            let suffix = folded.text.get(start..).unwrap_or_default();
            if let Some(entry) = self.suffixes.get(suffix)
                && (*word || !entry.whole)
            {
                rules.extend_from_slice(&entry.rules);
            }
        }
        rules
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

/// Names that end like a secret and are none: cursors of paging, flags.
fn spared(folded: &[u8]) -> bool {
    const ENDS: [&[u8]; 8] = [
        b"pagetoken",
        b"nexttoken",
        b"continuationtoken",
        b"synctoken",
        b"quotetoken",
        b"basetoken",
        b"unexpectedtoken",
        b"idempotencytoken",
    ];
    const STARTS: [&[u8]; 4] = [b"haspassword", b"requirepassword", b"resetpassword", b"changepassword"];
    ENDS.iter().any(|end| folded.ends_with(end)) || STARTS.contains(&folded)
}

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
    "cookie",
    "webhook_secret",
    "apisign",
    "auth_key",
    "authkey",
    "keypair",
    "userpwd",
    "license_key",
    "private_token",
];
