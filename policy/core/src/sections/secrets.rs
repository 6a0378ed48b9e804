//! Secrets, by reference only.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Deserialize;

use super::gates::{Probe, probe};
use super::openbao::BaoSecret;
use crate::check::Checker;
use crate::written::{At, Raw, Reference, Text};

/// A secret that must never leave.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SecretWritten {
    /// The name that findings use for it.
    pub(crate) name: Option<Raw<Text>>,
    /// Where it is to be had: `file:/PATH`, `env:NAME` or `openbao:MOUNT/PATH#FIELD`.
    pub(crate) r#ref: Option<Raw<Reference>>,
    /// `http://HOST:PORT/PATH`: told by POST when the secret is revoked or to be rotated. Default nobody is.
    pub(crate) hook: Option<Raw<Text>>,
}

/// A secret, by reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretRef {
    /// The name that findings use for it.
    pub name: String,
    /// Where it is to be had.
    pub source: SecretSource,
    /// Who is told when it is revoked or to be rotated.
    pub hook: Option<Probe>,
}

/// Where a secret is to be had. As text `file:/PATH`, `env:NAME` or, in a policy that names the server, `openbao:MOUNT/PATH#FIELD`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// In a file, by its absolute path.
    File(PathBuf),
    /// In a variable of the environment.
    Env(String),
    /// On an OpenBao server.
    OpenBao(BaoSecret),
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Env(name) => write!(f, "env:{name}"),
            Self::OpenBao(secret) => secret.fmt(f),
        }
    }
}

impl FromStr for SecretSource {
    type Err = NoReference;

    fn from_str(text: &str) -> Result<Self, NoReference> {
        if let Some(path) = text.strip_prefix("file:").map(PathBuf::from).filter(|path| path.is_absolute()) {
            return Ok(Self::File(path));
        }
        let name = text.strip_prefix("env:").ok_or(NoReference)?;
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let starts = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
        if starts && name.bytes().all(sound) { Ok(Self::Env(name.to_owned())) } else { Err(NoReference) }
    }
}

/// Text that refers to no secret. It does not say what the text was: it may be the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{EXPECTED}")]
pub struct NoReference;

pub(crate) fn check_secrets(written: &[At<SecretWritten>], checker: &mut Checker) -> Vec<SecretRef> {
    let mut names = BTreeSet::new();
    let mut secrets = Vec::new();
    for (index, secret) in written.iter().enumerate() {
        let path = format!("secrets[{index}]");
        let SecretWritten { name, r#ref, hook } = &secret.value;
        let hook = hook.as_ref().and_then(|raw| probe(raw, &format!("{path}.hook"), checker));
        let name = checker.needed(name.as_ref(), secret.place, &format!("{path}.name"));
        let source = checker.needed(r#ref.as_ref(), secret.place, &format!("{path}.ref"));
        let source = source.and_then(|source| reference(source, &format!("{path}.ref"), checker));
        let Some(raw) = name else { continue };
        let name = checker.name(raw, &format!("{path}.name"));
        if !names.insert(name.clone()) {
            checker.wrong(raw.place(), &format!("{path}.name"), "expected a name that no other secret has");
        }
        secrets.extend(source.map(|source| SecretRef { name, source, hook }));
    }
    secrets
}

pub(super) fn reference(raw: &Raw<Reference>, path: &str, checker: &mut Checker) -> Option<SecretSource> {
    let Some(secret) = raw.text().strip_prefix("openbao:") else { return checker.parsed(raw, path, IN_POLICY) };
    let Some(server) = checker.openbao.clone() else {
        checker.wrong(raw.place(), path, "expected the section openbao, which says where that server is");
        return None;
    };
    let secret = BaoSecret::parse(secret, &server);
    if secret.is_none() {
        checker.wrong(raw.place(), path, IN_POLICY);
    }
    secret.map(SecretSource::OpenBao)
}

const EXPECTED: &str = "expected file:/PATH or env:NAME, never the secret itself";
const IN_POLICY: &str = "expected file:/PATH, env:NAME or openbao:MOUNT/PATH#FIELD, never the secret itself";
