//! What a document is made of: single values that know where they stand and are not yet believed.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde_saphyr::Spanned;

/// A single value as written. It cannot be printed: somebody may have put a secret where a reference belongs.
#[derive(Clone)]
pub(crate) struct Raw<K> {
    text: String,
    at: Place,
    kind: PhantomData<K>,
}

/// A line and a column, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: u64,
    pub(crate) column: u64,
}

impl Place {
    pub(crate) const START: Self = Self { line: 1, column: 1 };
}

impl<K> Raw<K> {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) const fn place(&self) -> Place {
        self.at
    }
}

impl<K> fmt::Debug for Raw<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Raw").field("at", &self.at).finish_non_exhaustive()
    }
}

impl<'de, K> Deserialize<'de> for Raw<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Scalar>::deserialize(deserializer)?;
        let at = Place { line: spanned.referenced.line(), column: spanned.referenced.column() };
        Ok(Self { text: spanned.value.0, at, kind: PhantomData })
    }
}

impl<K: Kind> JsonSchema for Raw<K> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        K::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        K::schema()
    }
}

/// A section or an item of a list, and where it begins.
#[derive(Clone, Debug)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) place: Place,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<T>::deserialize(deserializer)?;
        let place = Place { line: spanned.referenced.line(), column: spanned.referenced.column() };
        Ok(Self { value: spanned.value, place })
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// What a value is supposed to be, for the schema that editors read.
pub(crate) trait Kind {
    const NAME: &'static str;

    fn schema() -> Schema;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $schema:tt),* $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub(crate) enum $name {}

            impl Kind for $name {
                const NAME: &'static str = stringify!($name);

                fn schema() -> Schema {
                    json_schema!($schema)
                }
            }
        )*
    };
}

kinds! {
    /// Any text.
    Text = { "type": "string" },
    /// `true` or `false`.
    Flag = { "type": "boolean" },
    /// A whole number.
    Count = { "type": "integer", "minimum": 0 },
    /// A length of time with its unit.
    Time = { "type": "string", "pattern": "^[0-9]+(ms|s|m|h)$" },
    /// A number of bytes, with a unit or without.
    Bytes = { "type": ["string", "integer"], "pattern": "^[0-9]+(KiB|MiB|GiB)?$", "minimum": 0 },
    /// An address and a port.
    Address = { "type": "string", "examples": ["127.0.0.1:8443"] },
    /// A scope of the safety state.
    ScopeText = { "type": "string", "pattern": "^(fleet|(account|venue|strategy|instrument):.+)$" },
    /// Where a secret is to be had.
    Reference = { "type": "string", "pattern": "^(file:/|env:|openbao:)" },
    /// Where a master key is.
    MasterWord = { "type": "string", "pattern": "^(file:/|env:|openbao:)" },
    /// A day.
    DateText = { "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" },
    /// An algorithm of signed tokens.
    AlgorithmWord = { "enum": ["ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "EdDSA"] },
    /// A role.
    RoleWord = { "enum": ["admin", "operator", "viewer", "service"] },
    /// A listener.
    ListenerWord = { "enum": ["ingress", "egress"] },
    /// A class of order message.
    ClassWord = { "enum": [
        "read_only", "cancel", "reduce_enforced", "opposite_side", "opening", "amend_down", "amend", "batch",
        "relax_risk", "move_funds", "unknown", "keep_alive"
    ] },
    /// How long a record is kept.
    YearsWord = { "enum": ["1y", "2y", "7y"] },
    /// How bodies are read.
    FormatWord = { "enum": [
        "auto", "raw", "json", "lines", "bulk", "hec", "loki", "otlp", "protobuf", "grpc", "msgpack", "csv", "multipart", "events"
    ] },
    /// A log protocol over TCP.
    StreamWord = { "enum": ["syslog", "forward"] },
    /// What becomes of a record that holds a secret.
    RecordWord = { "enum": ["mask", "drop_record", "block"] },
    /// What becomes of a body that a digest vouches for.
    DigestWord = { "enum": ["refuse", "recompute"] },
    /// What is done with a finding.
    ActionWord = { "enum": ["mask", "hash", "drop_field", "block", "alert"] },
}

/// Any scalar as text. A list, a map or nothing at all is refused.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a single value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar(value.to_owned()))
    }
}
