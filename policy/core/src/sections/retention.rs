//! How long evidence is kept, and where a second copy of it goes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::Checker;
use crate::written::{Flag, Raw, Text, YearsWord};

/// How long evidence is kept, and where a second copy of it goes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RetentionWritten {
    /// For how long records are kept, by the type of event. Types that are not named are kept as long as the contract of
    /// audit_event says: operations a year, authentication and refusals two, all other evidence seven.
    pub(crate) keep: BTreeMap<String, Raw<YearsWord>>,
    /// Whether segments of the journal are deleted once none of their records has to be kept. Default false.
    pub(crate) prune: Option<Raw<Flag>>,
    /// A directory, by its absolute path, that full segments are copied to; nothing is deleted that has not arrived there.
    pub(crate) archive: Option<Raw<Text>>,
}

/// How long evidence is kept, and where a second copy of it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// For how long records are kept, by the type of event, where that is not what the contract says.
    pub keep: BTreeMap<String, KeepFor>,
    /// Whether segments are deleted once none of their records has to be kept.
    pub prune: bool,
    /// Where full segments are copied to.
    pub archive: Option<PathBuf>,
}

/// How long a record is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepFor {
    /// One year.
    OneYear,
    /// Two years.
    TwoYears,
    /// Seven years.
    SevenYears,
}

impl RetentionWritten {
    pub(crate) fn check(&self, checker: &mut Checker) -> RetentionPolicy {
        let mut keep = BTreeMap::new();
        for (event_type, raw) in &self.keep {
            let years = checker.choice(raw, &format!("retention.keep.{event_type}"), &YEARS);
            keep.extend(years.map(|years| (event_type.clone(), years)));
        }
        RetentionPolicy {
            keep,
            prune: checker.flag(self.prune.as_ref(), "retention.prune", false),
            archive: checker.path(self.archive.as_ref(), "retention.archive"),
        }
    }
}

const YEARS: [(&str, KeepFor); 3] = [("1y", KeepFor::OneYear), ("2y", KeepFor::TwoYears), ("7y", KeepFor::SevenYears)];
