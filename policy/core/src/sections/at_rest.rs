//! How files are sealed at rest, and what a support bundle may hold.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::secrets::{SecretSource, reference};
use super::upstreams::authority;
use crate::check::{Bounds, Checker};
use crate::written::{Bytes, MasterWord, Place, Raw, Reference, Text, Time};

/// How files are sealed at rest, and what a support bundle may hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AtRestWritten {
    /// What wraps the keys of sealed files: `file:/PATH` or `env:NAME` of a key that `sekisho keys master` made, or
    /// `openbao:MOUNT/KEY`. Absent: nothing is sealed.
    pub(crate) master_key: Option<Raw<MasterWord>>,
    /// Master keys that still wrap some of them.
    pub(crate) old_master_keys: Vec<Raw<MasterWord>>,
    /// The OpenBao server.
    pub(crate) openbao: Option<OpenBaoWritten>,
    /// How often full segments of the journal are looked for.
    ///
    /// Default 10s, from 100ms to 1h.
    pub(crate) seal_interval: Option<Raw<Time>>,
    /// Age at which a master key is to be replaced.
    ///
    /// Default 8760h, from 1h to 87600h.
    pub(crate) master_key_age: Option<Raw<Time>>,
    /// Time since its last wrapping at which a data key is to be wrapped anew.
    ///
    /// Default 2160h, from 1h to 87600h.
    pub(crate) data_key_age: Option<Raw<Time>>,
    /// What a support bundle may hold before it is packed.
    ///
    /// Default 64MiB, from 1MiB to 1GiB.
    pub(crate) bundle_bytes: Option<Raw<Bytes>>,
}

/// An OpenBao server with a transit engine.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct OpenBaoWritten {
    /// `http://HOST:PORT`: the server, or an agent on loopback that speaks TLS to it.
    pub(crate) url: Option<Raw<Text>>,
    /// The token to use.
    pub(crate) token: Option<Raw<Reference>>,
    /// How long one call may take.
    ///
    /// Default 5s, from 100ms to 1m.
    pub(crate) timeout: Option<Raw<Time>>,
}

/// How files are sealed at rest, and what a support bundle may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtRest {
    /// What wraps the keys of sealed files. None: nothing is sealed.
    pub master_key: Option<MasterSource>,
    /// Master keys that still wrap some of them.
    pub old_master_keys: Vec<MasterSource>,
    /// The OpenBao server; there is one if a master key is there.
    pub openbao: Option<OpenBao>,
    /// How often full segments of the journal are looked for.
    pub seal_interval: Duration,
    /// Age at which a master key is to be replaced.
    pub master_key_age: Duration,
    /// Time since its last wrapping at which a data key is to be wrapped anew.
    pub data_key_age: Duration,
    /// Bytes that a support bundle may hold before it is packed.
    pub bundle_bytes: u64,
}

/// Where a master key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MasterSource {
    /// A key to be read from here.
    Secret(SecretSource),
    /// A key that stays in the transit engine of the OpenBao server.
    OpenBao {
        /// Where the engine is mounted.
        mount: String,
        /// The key's name.
        key: String,
    },
}

/// An OpenBao server with a transit engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBao {
    /// Host and port.
    pub authority: String,
    /// Where its token is to be had.
    pub token: SecretSource,
    /// How long one call may take.
    pub timeout: Duration,
}

impl fmt::Display for MasterSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(source) => source.fmt(f),
            Self::OpenBao { mount, key } => write!(f, "openbao:{mount}/{key}"),
        }
    }
}

impl FromStr for MasterSource {
    type Err = super::NoReference;

    fn from_str(text: &str) -> Result<Self, super::NoReference> {
        let Some(path) = text.strip_prefix("openbao:") else {
            return text.parse().map(Self::Secret);
        };
        let sound = |part: &str| {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            !part.is_empty() && part.len() <= 64 && part.bytes().all(plain) && !part.starts_with('.')
        };
        match path.rsplit_once('/') {
            Some((mount, key)) if mount.split('/').all(sound) && sound(key) => {
                Ok(Self::OpenBao { mount: mount.to_owned(), key: key.to_owned() })
            }
            _ => Err(super::NoReference),
        }
    }
}

impl AtRestWritten {
    pub(crate) fn check(&self, checker: &mut Checker) -> AtRest {
        let master = |raw: &Raw<MasterWord>, path: &str, checker: &mut Checker| {
            checker.parsed::<_, MasterSource>(raw, path, EXPECTED)
        };
        let master_key = self.master_key.as_ref().and_then(|raw| master(raw, "at_rest.master_key", checker));
        let old = self.old_master_keys.iter().enumerate();
        let old_master_keys: Vec<MasterSource> =
            old.filter_map(|(index, raw)| master(raw, &format!("at_rest.old_master_keys[{index}]"), checker)).collect();
        if let (None, Some(raw)) = (&self.master_key, self.old_master_keys.first()) {
            checker.wrong(raw.place(), "at_rest.master_key", "expected one, since there are old ones");
        }
        let openbao = self.openbao.as_ref().and_then(|written| written.check(checker));
        let on_server = |source: &MasterSource| matches!(source, MasterSource::OpenBao { .. });
        if self.openbao.is_none() && master_key.iter().chain(&old_master_keys).any(on_server) {
            let place = self.master_key.as_ref().map_or(Place::START, Raw::place);
            checker.wrong(place, "at_rest.openbao", "expected the server, since a master key is there");
        }
        let time = |raw: Option<&Raw<Time>>, path: &str, (default, min, max), checker: &mut Checker| {
            checker.bounded(raw, path, Bounds { default, min, max })
        };
        let bytes = |raw: Option<&Raw<Bytes>>, path: &str, (default, min, max), checker: &mut Checker| {
            checker.bounded(raw, path, Bounds { default, min, max })
        };
        let year = ("8760h", "1h", "87600h");
        let quarter = ("2160h", "1h", "87600h");
        let interval = ("10s", "100ms", "1h");
        AtRest {
            seal_interval: time(self.seal_interval.as_ref(), "at_rest.seal_interval", interval, checker),
            master_key_age: time(self.master_key_age.as_ref(), "at_rest.master_key_age", year, checker),
            data_key_age: time(self.data_key_age.as_ref(), "at_rest.data_key_age", quarter, checker),
            bundle_bytes: bytes(self.bundle_bytes.as_ref(), "at_rest.bundle_bytes", ("64MiB", "1MiB", "1GiB"), checker),
            master_key,
            old_master_keys,
            openbao,
        }
    }
}

impl OpenBaoWritten {
    fn check(&self, checker: &mut Checker) -> Option<OpenBao> {
        let place = self.url.as_ref().map_or(Place::START, Raw::place);
        let bounds = Bounds { default: "5s", min: "100ms", max: "1m" };
        let timeout = checker.bounded(self.timeout.as_ref(), "at_rest.openbao.timeout", bounds);
        let url = checker.needed(self.url.as_ref(), place, "at_rest.openbao.url")?;
        let Some((host, port)) = authority(url.text()) else {
            checker.wrong(url.place(), "at_rest.openbao.url", "expected http://HOST:PORT and nothing after it");
            return None;
        };
        let token = checker.needed(self.token.as_ref(), url.place(), "at_rest.openbao.token")?;
        let token = reference(token, "at_rest.openbao.token", checker)?;
        Some(OpenBao { authority: format!("{host}:{port}"), token, timeout })
    }
}

const EXPECTED: &str = "expected file:/PATH, env:NAME or openbao:MOUNT/KEY, never the key itself";
