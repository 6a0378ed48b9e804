//! Errors with a place, and the one who collects them: a document is read to its end, whatever is wrong with it.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sekisho_safety::Scope;

use crate::sections::BaoServer;
use crate::written::{Address, Bytes, Count, Flag, Place, Raw, ScopeText, Text, Time};

/// One thing that is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {}{message}", if .path.is_empty() { String::new() } else { format!("{}: ", .path) })]
pub struct PolicyError {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// The column, from 1.
    pub column: u64,
    /// The field, as in `routes[0].upstream`.
    pub path: String,
    /// What was expected there. Never what was found.
    pub message: String,
}

/// Everything that is wrong with a policy, in the order of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyErrors(Vec<PolicyError>);

impl PolicyErrors {
    pub(crate) const fn new(errors: Vec<PolicyError>) -> Self {
        Self(errors)
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &PolicyError> {
        self.0.iter()
    }
}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyErrors {}

/// Turns what is written into what is meant, and collects what is wrong. A wrong value is replaced by its default, so that
/// the rest can still be looked at; what was replaced never gets out, for with an error there is no policy.
#[derive(Debug)]
pub(crate) struct Checker {
    /// The server that references may name. Known before any of them is read.
    pub(crate) openbao: Option<Arc<BaoServer>>,
    file: String,
    errors: Vec<PolicyError>,
}

impl Checker {
    pub(crate) fn new(file: &str) -> Self {
        Self { openbao: None, file: file.to_owned(), errors: Vec::new() }
    }

    /// The errors, in the order of the document.
    ///
    /// # Errors
    ///
    /// All of them, when there is one.
    pub(crate) fn finish(mut self) -> Result<(), PolicyErrors> {
        if self.errors.is_empty() {
            return Ok(());
        }
        self.errors.sort_by_key(|error| (error.line, error.column));
        Err(PolicyErrors(self.errors))
    }

    pub(crate) fn wrong(&mut self, place: Place, path: &str, message: impl Into<String>) {
        self.errors.push(PolicyError {
            file: self.file.clone(),
            line: place.line,
            column: place.column,
            path: path.to_owned(),
            message: message.into(),
        });
    }

    /// A number, a time or a size within its bounds, which are written as the document would.
    pub(crate) fn bounded<K: Measure>(&mut self, raw: Option<&Raw<K>>, path: &str, bounds: Bounds) -> K::Value {
        let read = |text| K::read(text).unwrap_or_default();
        let Some(raw) = raw else { return read(bounds.default) };
        let value = K::read(raw.text()).filter(|value| (read(bounds.min)..=read(bounds.max)).contains(value));
        value.unwrap_or_else(|| {
            let Bounds { min, max, .. } = bounds;
            self.wrong(raw.place(), path, format!("expected {} from {min} to {max}", K::EXPECTED));
            read(bounds.default)
        })
    }

    pub(crate) fn flag(&mut self, raw: Option<&Raw<Flag>>, path: &str, default: bool) -> bool {
        let Some(raw) = raw else { return default };
        self.choice(raw, path, &[("true", true), ("false", false)]).unwrap_or(default)
    }

    pub(crate) fn address(&mut self, raw: Option<&Raw<Address>>, path: &str) -> Option<SocketAddr> {
        self.parsed(raw?, path, "expected an IP address and a port, as 127.0.0.1:8443")
    }

    /// A file, by its absolute path.
    pub(crate) fn path(&mut self, raw: Option<&Raw<Text>>, path: &str) -> Option<PathBuf> {
        let raw = raw?;
        let file = PathBuf::from(raw.text());
        if !file.is_absolute() {
            self.wrong(raw.place(), path, "expected an absolute path");
        }
        Some(file)
    }

    pub(crate) fn scope(&mut self, raw: &Raw<ScopeText>, path: &str) -> Option<Scope> {
        self.parsed(raw, path, "expected fleet, account:NAME, venue:NAME, strategy:NAME or instrument:NAME")
    }

    pub(crate) fn scopes(&mut self, raws: &[Raw<ScopeText>], path: &str) -> Vec<Scope> {
        let one = |(index, raw)| self.scope(raw, &format!("{path}[{index}]"));
        raws.iter().enumerate().filter_map(one).collect()
    }

    /// Anything that can be read from text.
    pub(crate) fn parsed<K, T: FromStr>(&mut self, raw: &Raw<K>, path: &str, expected: &str) -> Option<T> {
        let value = raw.text().parse().ok();
        if value.is_none() {
            self.wrong(raw.place(), path, expected);
        }
        value
    }

    /// One of a few words.
    pub(crate) fn choice<K, T: Copy>(&mut self, raw: &Raw<K>, path: &str, words: &[(&str, T)]) -> Option<T> {
        let value = words.iter().find(|(word, _)| *word == raw.text()).map(|(_, value)| *value);
        if value.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.wrong(raw.place(), path, format!("expected {}", one_of(&words)));
        }
        value
    }

    /// What must be there.
    pub(crate) fn needed<'r, T>(&mut self, value: Option<&'r T>, place: Place, path: &str) -> Option<&'r T> {
        if value.is_none() {
            self.wrong(place, path, "expected: it must be given");
        }
        value
    }

    /// A name of ours: lower-case letters, digits and `_ - .`, 1 to 64 of them.
    pub(crate) fn name<K>(&mut self, raw: &Raw<K>, path: &str) -> String {
        let sound = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.');
        let text = raw.text();
        if text.is_empty() || text.len() > 64 || !text.bytes().all(sound) {
            self.wrong(raw.place(), path, "expected 1 to 64 of a-z 0-9 _ - .");
        }
        text.to_owned()
    }
}

/// Words as a person would list them.
pub(crate) fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [word] => (*word).to_owned(),
        [words @ .., last] => format!("{} or {last}", words.join(", ")),
    }
}

/// The default of a number and the bounds it must keep, as a document would spell them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) default: &'static str,
    pub(crate) min: &'static str,
    pub(crate) max: &'static str,
}

/// What has a size.
pub(crate) trait Measure {
    type Value: Copy + Default + PartialOrd;

    const EXPECTED: &'static str;

    fn read(text: &str) -> Option<Self::Value>;
}

impl Measure for Count {
    type Value = u64;

    const EXPECTED: &'static str = "a whole number";

    fn read(text: &str) -> Option<u64> {
        digits(text)
    }
}

impl Measure for Bytes {
    type Value = u64;

    const EXPECTED: &'static str = "bytes, as 65536 or 64KiB,";

    fn read(text: &str) -> Option<u64> {
        let (number, unit) = unit(text);
        let factor: u64 = match unit {
            "" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        digits(number)?.checked_mul(factor)
    }
}

impl Measure for Time {
    type Value = Duration;

    const EXPECTED: &'static str = "a time, as 500ms, 10s, 5m or 1h,";

    fn read(text: &str) -> Option<Duration> {
        let (number, unit) = unit(text);
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        Some(Duration::from_millis(digits(number)?.checked_mul(factor)?))
    }
}

fn unit(text: &str) -> (&str, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn digits(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}
