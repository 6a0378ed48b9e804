//! What a state applies to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A name that people and files may carry: 1 to 64 of `A-Z a-z 0-9 . _ : @ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

/// Text that is no [`Name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 1 to {MAX_NAME} of A-Z a-z 0-9 . _ : @ -")]
pub struct BadName;

impl Name {
    /// A word of ours and a number, as in `inc-000017`.
    #[must_use]
    pub fn numbered(word: &'static str, number: u64) -> Self {
        // INVARIANT: words of ours are short and plain, and a number has at most 20 digits.
        Self(format!("{word}-{number:06}"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = BadName;

    fn try_from(text: String) -> Result<Self, BadName> {
        let sound = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b':' | b'@' | b'-');
        if text.is_empty() || text.len() > MAX_NAME || !text.bytes().all(sound) {
            return Err(BadName);
        }
        Ok(Self(text))
    }
}

impl FromStr for Name {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        text.to_owned().try_into()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a state applies to, widest first. The strictest of all scopes that apply to a message rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// Everything.
    Fleet,
    /// One trading account.
    Account(Name),
    /// One venue.
    Venue(Name),
    /// One strategy.
    Strategy(Name),
    /// One instrument.
    Instrument(Name),
}

impl Scope {
    /// How it is written, in two pieces: what it is, with a colon behind it, and its name; `fleet` has none.
    #[must_use]
    pub fn pieces(&self) -> [&str; 2] {
        match self {
            Self::Fleet => ["fleet", ""],
            Self::Account(name) => ["account:", name.as_str()],
            Self::Venue(name) => ["venue:", name.as_str()],
            Self::Strategy(name) => ["strategy:", name.as_str()],
            Self::Instrument(name) => ["instrument:", name.as_str()],
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces().into_iter().try_for_each(|piece| f.write_str(piece))
    }
}

impl FromStr for Scope {
    type Err = BadScope;

    fn from_str(text: &str) -> Result<Self, BadScope> {
        if text == "fleet" {
            return Ok(Self::Fleet);
        }
        let (kind, name) = text.split_once(':').ok_or(BadScope)?;
        let name = name.parse().map_err(|BadName| BadScope)?;
        match kind {
            "account" => Ok(Self::Account(name)),
            "venue" => Ok(Self::Venue(name)),
            "strategy" => Ok(Self::Strategy(name)),
            "instrument" => Ok(Self::Instrument(name)),
            _ => Err(BadScope),
        }
    }
}

/// Text that is no [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected fleet, account:NAME, venue:NAME, strategy:NAME or instrument:NAME")]
pub struct BadScope;

impl TryFrom<String> for Scope {
    type Error = BadScope;

    fn try_from(text: String) -> Result<Self, BadScope> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

const MAX_NAME: usize = 64;
