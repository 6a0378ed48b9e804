//! Packs: detectors written in YAML.

use serde::Deserialize;

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
    pub(crate) keep: Vec<String>,
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
    /// Values under forbidden names; the names are the builder's.
    FieldName,
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
    id: String,
    title: String,
    category: Category,
    severity: Severity,
    #[serde(default)]
    action: Option<Action>,
    #[serde(default, rename = "match")]
    patterns: Vec<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    engine: Option<Engine>,
    #[serde(default)]
    check: Option<Check>,
    #[serde(default)]
    keep: Vec<String>,
    /// For the tests: `[[…]]` marks the secret.
    #[serde(default, rename = "examples")]
    _examples: Vec<String>,
    #[serde(default, rename = "counter")]
    _counter: Vec<String>,
}

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
    let fault = |id: &str, message: String| PackError {
        file: file.to_owned(),
        line: 0,
        column: 0,
        message: format!("detector `{id}`: {message}"),
    };
    pack.detectors
        .into_iter()
        .map(|written| {
            let id = written.id.clone();
            checked(written).map_err(|message| fault(&id, message))
        })
        .collect()
}

fn checked(written: Written) -> Result<Detector, String> {
    let compile =
        |texts: &[String]| -> Result<Vec<Pattern>, String> { texts.iter().map(|text| Pattern::parse(text)).collect() };
    let patterns = compile(&written.patterns)?;
    if let Some(index) = patterns.iter().position(|pattern| pattern.anchor().len() < MIN_ANCHOR) {
        let text = written.patterns.get(index).cloned().unwrap_or_default();
        return Err(format!(
            "`{text}`: needs a literal of at least {MIN_ANCHOR} bytes; without one, use `names` and `values`"
        ));
    }
    if patterns.is_empty() && written.names.is_empty() && written.engine.is_none() {
        return Err("has neither `match` nor `names` nor `engine`".to_owned());
    }
    Ok(Detector {
        values: compile(&written.values)?,
        id: written.id,
        title: written.title,
        category: written.category,
        severity: written.severity,
        action: written.action,
        patterns,
        names: written.names,
        engine: written.engine,
        check: written.check,
        keep: written.keep,
    })
}

/// Shorter anchors are too common to look for.
const MIN_ANCHOR: usize = 3;

/// The packs that are compiled in.
pub(crate) const EMBEDDED: &[(&str, &str)] = &[
    ("providers.yaml", include_str!("../../../packs/providers.yaml")),
    ("structures.yaml", include_str!("../../../packs/structures.yaml")),
    ("exchanges.yaml", include_str!("../../../packs/exchanges.yaml")),
    ("wallets.yaml", include_str!("../../../packs/wallets.yaml")),
];
