//! How the servers of an upstream are asked whether they are well.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::check::{Bounds, Checker};
use crate::written::{Count, Raw, Text, Time};

/// Asks each server of an upstream whether it is well, with a `GET` on a connection of its own: 2xx is yes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct HealthCheckWritten {
    /// What is asked for. Default `/`.
    pub(crate) path: Option<Raw<Text>>,
    /// How often. Default 5s, from 100ms to 10m.
    pub(crate) interval: Option<Raw<Time>>,
    /// How long it may take to answer, connecting included. Default 1s, from 10ms to 1m.
    pub(crate) timeout: Option<Raw<Time>>,
    /// After how many failures in a row a server is taken to be unwell. Default 2, from 1 to 100.
    pub(crate) fail_after: Option<Raw<Count>>,
    /// After how many answers in a row it is taken to be well again. Default 2, from 1 to 100.
    pub(crate) pass_after: Option<Raw<Count>>,
}

/// How the servers of an upstream are asked whether they are well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// What is asked for.
    pub path: String,
    /// How often.
    pub interval: Duration,
    /// How long an answer may take, connecting included.
    pub timeout: Duration,
    /// After how many failures in a row a server is unwell.
    pub fail_after: u32,
    /// After how many answers in a row it is well again.
    pub pass_after: u32,
}

impl HealthCheckWritten {
    pub(super) fn check(&self, at: &str, checker: &mut Checker) -> HealthCheck {
        let Self { path, interval, timeout, fail_after, pass_after } = self;
        let sound =
            |path: &str| path.starts_with('/') && path.len() <= MOST && path.bytes().all(|b| b.is_ascii_graphic());
        let asked = path.as_ref().map_or("/", |path| {
            if !sound(path.text()) || path.text().contains('#') {
                checker.wrong(path.place(), &format!("{at}.path"), "expected a path of plain ASCII, as /healthz");
            }
            path.text()
        });
        let times = |written: &Option<Raw<Count>>, field: &str, checker: &mut Checker| {
            u32::try_from(checker.bounded(written.as_ref(), &format!("{at}.{field}"), TIMES)).unwrap_or(u32::MAX)
        };
        HealthCheck {
            path: asked.to_owned(),
            interval: checker.bounded(interval.as_ref(), &format!("{at}.interval"), INTERVAL),
            timeout: checker.bounded(timeout.as_ref(), &format!("{at}.timeout"), TIMEOUT),
            fail_after: times(fail_after, "fail_after", checker),
            pass_after: times(pass_after, "pass_after", checker),
        }
    }
}

const INTERVAL: Bounds = Bounds { default: "5s", min: "100ms", max: "10m" };
const TIMEOUT: Bounds = Bounds { default: "1s", min: "10ms", max: "1m" };
const TIMES: Bounds = Bounds { default: "2", min: "1", max: "100" };

/// Bytes of a path.
const MOST: usize = 1024;
