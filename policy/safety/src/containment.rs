//! What can be contained besides the flow of orders, and one containment.
//!
//! ```
//! use sekisho_safety::Measure;
//! let measure: Measure = "route:exports".parse().unwrap();
//! assert_eq!(measure.to_string(), "route:exports");
//! assert!("route:".parse::<Measure>().is_err());
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Name;

/// What is kept out, cut off or no longer believed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Measure {
    /// A person is revoked, with every key of theirs.
    Person(Name),
    /// One key is revoked.
    Key(Name),
    /// A secret is revoked: the values that it has are refused everywhere.
    Secret(Name),
    /// A route is in quarantine, or a log stream or the sessions of a FIX listener, by their names.
    Route(Name),
    /// An upstream is in quarantine, whatever route leads there.
    Upstream(Name),
    /// The service is in quarantine: nothing passes in either direction.
    Service,
    /// A side of the service is no longer exposed: its listener is closed.
    Exposure(Side),
}

/// A side of the service that can be closed. The admin API is none: it is how it is opened again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Where requests to the service come in.
    Ingress,
    /// Where requests of the service go out.
    Egress,
}

/// A containment that is in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Containment {
    /// Names it.
    pub id: Name,
    /// What is contained.
    pub measure: Measure,
    /// The person, or the part of the sidecar, that contained it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when, in milliseconds since 1970.
    pub at_ms: u64,
    /// Of a secret: keyed marks of the values that it had.
    pub marks: Vec<String>,
}

impl Side {
    /// As policy names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Egress => "egress",
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => write!(f, "person:{name}"),
            Self::Key(name) => write!(f, "key:{name}"),
            // Not by its own word: `secret:NAME` is what a scanner takes for one and masks.
            Self::Secret(name) => write!(f, "known:{name}"),
            Self::Route(name) => write!(f, "route:{name}"),
            Self::Upstream(name) => write!(f, "upstream:{name}"),
            Self::Service => f.write_str("service"),
            Self::Exposure(side) => write!(f, "listener:{}", side.as_str()),
        }
    }
}

impl FromStr for Measure {
    type Err = BadMeasure;

    fn from_str(text: &str) -> Result<Self, BadMeasure> {
        if text == "service" {
            return Ok(Self::Service);
        }
        let (kind, name) = text.split_once(':').ok_or(BadMeasure)?;
        let named = || name.parse::<Name>().map_err(|_no_name| BadMeasure);
        match (kind, name) {
            ("person", _) => Ok(Self::Person(named()?)),
            ("key", _) => Ok(Self::Key(named()?)),
            ("known", _) => Ok(Self::Secret(named()?)),
            ("route", _) => Ok(Self::Route(named()?)),
            ("upstream", _) => Ok(Self::Upstream(named()?)),
            ("listener", "ingress") => Ok(Self::Exposure(Side::Ingress)),
            ("listener", "egress") => Ok(Self::Exposure(Side::Egress)),
            _ => Err(BadMeasure),
        }
    }
}

/// Text that is no [`Measure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected person:NAME, key:ID, known:NAME, route:NAME, upstream:NAME, service, listener:ingress or listener:egress"
)]
pub struct BadMeasure;

impl TryFrom<String> for Measure {
    type Error = BadMeasure;

    fn try_from(text: String) -> Result<Self, BadMeasure> {
        text.parse()
    }
}

impl From<Measure> for String {
    fn from(measure: Measure) -> Self {
        measure.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::Measure;

    #[test]
    fn a_measure_is_read_as_it_is_written() {
        for text in [
            "person:ann",
            "key:ann-2",
            "known:venue",
            "route:a",
            "upstream:b.c",
            "service",
            "listener:ingress",
            "listener:egress",
        ] {
            assert_eq!(text.parse::<Measure>().unwrap().to_string(), text);
        }
        for text in ["", "service:x", "listener:admin", "route:", "route:a b", "person", "fleet"] {
            assert!(text.parse::<Measure>().is_err(), "{text}");
        }
    }
}
