//! Packs: detectors written in YAML.

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::pattern::Pattern;
use crate::finding::{Action, Category, Severity};

/// Where and why a pack was not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct PackError {
    /// The name the pack was given.
    pub file: String,
    /// Line, from 1; 0 when the fault is not in one place.
    pub line: u64,
    /// Column, from 1; 0 when the fault is not in one place.
    pub column: u64,
    /// What was expected.
    pub message: String,
}

/// A detector as checked.
#[derive(Debug, Clone)]
pub(crate) struct Detector {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) category: Category,
    pub(crate) severity: Severity,
    pub(crate) action: Option<Action>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) names: Vec<String>,
    pub(crate) values: Vec<Pattern>,
    pub(crate) engine: Option<Engine>,
    pub(crate) check: Option<Check>,
    pub(crate) proof: Proof,
    pub(crate) off: bool,
    pub(crate) keep: Vec<String>,
}

/// What a value must show beside its shape and its name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proof {
    /// The checksum must hold: for numbers that are no secrets at all without it.
    pub(crate) checked: bool,
    /// Least Shannon entropy, in hundredths of a bit a byte.
    pub(crate) entropy: u32,
    /// One of these words stands near, in lower case.
    pub(crate) near: Vec<String>,
    /// None of these stands shortly before, in lower case.
    pub(crate) unless: Vec<String>,
}

/// What no pattern can say, written in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Engine {
    /// `-----BEGIN … PRIVATE KEY-----` to the end marker.
    Pem,
    /// Base64url JSON header with `alg`.
    Jwt,
    /// `scheme://user:password@host`.
    UrlPassword,
    /// `Basic` and base64 of `user:password`.
    Basic,
    /// `Bearer` and a token.
    Bearer,
    /// Tags 553, 554, 925, 96 of a FIX message.
    Fix,
    /// Base58check private key, version 0x80 or 0xef.
    Wif,
    /// Stellar seed.
    Stellar,
    /// NATS nkey seed.
    Nats,
    /// Seed of the XRP Ledger.
    Xrp,
    /// Bot token of Discord: base64 of a number, and two more parts.
    Discord,
    /// A line of `.pgpass`: host, port, database, user and password.
    Pgpass,
    /// Values under forbidden names; the names are the builder's.
    FieldName,
    /// `Private-Lines:` of a PuTTY key.
    Putty,
    /// Dotted IPv4 addresses.
    Ipv4,
    /// Words of BIP-39 with their checksum, wherever they stand.
    Phrase,
    /// An IBAN without blanks, wherever it stands.
    Iban,
    /// A key of Mailgun: 32, 8 and 8 hex digits with dashes between.
    Mailgun,
    /// Commands with a password among their flags: `mysql -p…`, `curl -u …:…`.
    Command,
}

/// A checksum. One that fails lowers the confidence, no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Check {
    /// The last six: CRC-32 of the 30 before, in base 62.
    Crc32Base62,
    /// The last eight: CRC-32 of all before, in upper-case hex.
    Crc32Hex,
    /// Four bytes of double SHA-256.
    Base58check,
    /// Payment cards: the digits from the right, every second one doubled, and a range that issuers use.
    Card,
    /// IBAN: mod 97 of the digits, and the length of the country.
    Iban,
    /// US bank routing numbers: weights 3, 7, 1.
    Aba,
    /// US social security numbers: areas, groups and serials that are given out.
    Ssn,
    /// Base64 of text with a colon in it.
    Pair,
    /// Words of BIP-39, the last of which carries the checksum.
    Phrase,
}

/// A pack as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    #[serde(rename = "pack")]
    _name: String,
    detectors: Vec<Written>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Spanned<String>,
    title: String,
    category: Category,
    severity: Severity,
    #[serde(default)]
    action: Option<Action>,
    #[serde(default)]
    off: bool,
    #[serde(default, rename = "match")]
    patterns: Vec<Spanned<String>>,
    #[serde(default)]
    names: Vec<Spanned<String>>,
    #[serde(default)]
    values: Vec<Spanned<String>>,
    #[serde(default)]
    engine: Option<Engine>,
    #[serde(default)]
    check: Option<Check>,
    #[serde(default)]
    checked: bool,
    #[serde(default)]
    entropy: Option<Spanned<f64>>,
    #[serde(default)]
    near: Vec<String>,
    #[serde(default)]
    unless: Vec<String>,
    #[serde(default)]
    keep: Vec<String>,
    /// For the tests: `[[…]]` marks the secret.
    #[serde(default, rename = "examples")]
    _examples: Vec<String>,
    #[serde(default, rename = "counter")]
    _counter: Vec<String>,
}

/// What is wrong, and where.
type Fault = ((u64, u64), String);

pub(crate) fn parse(file: &str, yaml: &str) -> Result<Vec<Detector>, PackError> {
    let pack: Pack = serde_saphyr::from_str(yaml).map_err(|error| {
        let place = error.location();
        PackError {
            file: file.to_owned(),
            line: place.map_or(0, |place| place.line()),
            column: place.map_or(0, |place| place.column()),
            message: error.to_string(),
        }
    })?;
    let fault = |((line, column), message)| PackError { file: file.to_owned(), line, column, message };
    if pack.detectors.len() > MAX_DETECTORS {
        return Err(fault(((1, 1), format!("a pack holds at most {MAX_DETECTORS} detectors: divide it"))));
    }
    pack.detectors.into_iter().map(|written| checked(written).map_err(fault)).collect()
}

fn checked(written: Written) -> Result<Detector, Fault> {
    let id = &written.id.value;
    let patterns = compile(id, &written.patterns, Pattern::parse)?;
    for (pattern, text) in patterns.iter().zip(&written.patterns) {
        pattern.anchored().map_err(|why| wrong(id, text, &why))?;
    }
    if id.is_empty() || id.len() > MAX_ID || !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(wrong(id, &written.id, "expected an id of 1 to 64 letters, digits and dashes"));
    }
    if patterns.is_empty() && written.names.is_empty() && written.engine.is_none() {
        return Err(wrong(id, &written.id, "expected `match` or `names` or `engine`, and has none"));
    }
    if let Some(name) = written.names.iter().find(|name| !is_name(&name.value)) {
        return Err(wrong(id, name, "expected a name of 2 to 64 letters, digits, `_`, `-` and `.`"));
    }
    let entropy = match &written.entropy {
        None => 0,
        Some(bits) => {
            hundredths(bits.value).ok_or_else(|| wrong(id, bits, "expected bits for each byte, from 0 to 8"))?
        }
    };
    let lower = |words: &[String]| words.iter().map(|word| word.to_ascii_lowercase()).collect();
    Ok(Detector {
        values: compile(id, &written.values, Pattern::value)?,
        proof: Proof { checked: written.checked, entropy, near: lower(&written.near), unless: lower(&written.unless) },
        id: written.id.value,
        title: written.title,
        category: written.category,
        severity: written.severity,
        action: written.action,
        off: written.off,
        patterns,
        names: written.names.into_iter().map(|name| name.value).collect(),
        engine: written.engine,
        check: written.check,
        keep: written.keep,
    })
}

type Parse = fn(&str) -> Result<Pattern, String>;

fn compile(id: &str, texts: &[Spanned<String>], parse: Parse) -> Result<Vec<Pattern>, Fault> {
    texts.iter().map(|text| parse(&text.value).map_err(|why| wrong(id, text, &why))).collect()
}

fn wrong<T>(id: &str, at: &Spanned<T>, message: &str) -> Fault {
    ((at.referenced.line(), at.referenced.column()), format!("detector `{id}`: {message}"))
}

fn is_name(name: &str) -> bool {
    let sound = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.');
    (2..=64).contains(&name.len()) && name.chars().all(sound) && name.chars().any(char::is_alphanumeric)
}

fn hundredths(bits: f64) -> Option<u32> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 800")]
    (0.0..=8.0).contains(&bits).then(|| (bits * 100.0).round() as u32)
}

const MAX_DETECTORS: usize = 10_000;
const MAX_ID: usize = 64;

/// The packs that are compiled in.
pub(crate) const EMBEDDED: &[(&str, &str)] = &[
    ("providers.yaml", include_str!("../../../packs/providers.yaml")),
    ("structures.yaml", include_str!("../../../packs/structures.yaml")),
    ("exchanges.yaml", include_str!("../../../packs/exchanges.yaml")),
    ("wallets.yaml", include_str!("../../../packs/wallets.yaml")),
    ("generic.yaml", include_str!("../../../packs/generic.yaml")),
    ("places.yaml", include_str!("../../../packs/places.yaml")),
    ("personal.yaml", include_str!("../../../packs/personal.yaml")),
];
