//! Who vouches for positions.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::Probe;
use crate::check::{Bounds, Checker};
use crate::sections::probe_of;
use crate::written::{Place, Raw, Text, Time};

/// Who is asked for positions, so that in CLOSE_ONLY an order without a flag passes when it can only close. The answer is JSON:
/// `{"positions": [{"instrument": "BTCUSDT", "quantity": "-1.5", "closing": "0"}]}`, where quantity is below zero for a short one and
/// `closing` is how much of it orders that rest at the venue would close.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct PositionsWritten {
    /// `http://HOST:PORT/PATH`.
    pub(crate) url: Option<Raw<Text>>,
    /// How often it is asked. Default 500ms, from 50ms to 1m.
    pub(crate) interval: Option<Raw<Time>>,
    /// How long an answer counts. Default 2s, from 100ms to 1m.
    pub(crate) ttl: Option<Raw<Time>>,
}

/// Who is asked for positions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionSource {
    /// Where.
    pub probe: Probe,
    /// How often.
    pub interval: Duration,
    /// How long an answer counts.
    pub ttl: Duration,
}

impl PositionsWritten {
    pub(super) fn check(&self, place: Place, path: &str, checker: &mut Checker) -> Option<PositionSource> {
        let bounds = Bounds { default: "500ms", min: "50ms", max: "1m" };
        let interval = checker.bounded(self.interval.as_ref(), &format!("{path}.interval"), bounds);
        let bounds = Bounds { default: "2s", min: "100ms", max: "1m" };
        let ttl = checker.bounded(self.ttl.as_ref(), &format!("{path}.ttl"), bounds);
        let path = format!("{path}.url");
        let url = checker.needed(self.url.as_ref(), place, &path)?;
        let probe = probe_of(url.text());
        if probe.is_none() {
            checker.wrong(url.place(), &path, "expected http://HOST:PORT/PATH");
        }
        Some(PositionSource { probe: probe?, interval, ttl })
    }
}
