//! How often it is tried whether the controls bite.

use std::time::Duration;

use schemars::JsonSchema;
use sekisho_safety::{Level, Sev};
use serde::Deserialize;

use super::signals::{LEVELS, SAFE};
use crate::check::{Bounds, Checker};
use crate::written::{Raw, Text, Time};

/// A made-up secret and a made-up order go through the filters in force, with nothing behind them.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DrillWritten {
    /// How often, from 1s to 168h. Default never: then it takes somebody who asks.
    pub(crate) every: Option<Raw<Time>>,
    /// What a control that did not bite tightens to: `NONE`, `SAFE`, `CLOSE_ONLY`, `BLOCK` or `EMERGENCY_STOP`. Default SAFE.
    pub(crate) level: Option<Raw<Text>>,
    /// The grade of the incident that it opens: `NONE`, `SEV0`, `SEV1`, `SEV2` or `SEV3`. Default SEV1.
    pub(crate) incident: Option<Raw<Text>>,
}

/// How often it is tried whether the controls bite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// How often; `None`: when somebody asks.
    pub every: Option<Duration>,
    /// What a control that did not bite tightens to.
    pub level: Option<Level>,
    /// The grade of the incident that it opens.
    pub incident: Option<Sev>,
}

impl DrillWritten {
    pub(crate) fn check(&self, checker: &mut Checker) -> Drill {
        let bounds = Bounds { default: "1h", min: "1s", max: "168h" };
        let every = self.every.as_ref().map(|raw| checker.bounded(Some(raw), "drill.every", bounds));
        let levels: Vec<_> =
            [("NONE", None)].into_iter().chain(LEVELS.map(|(word, level)| (word, Some(level)))).collect();
        let grades: Vec<_> =
            [("NONE", None)].into_iter().chain(Sev::ALL.map(|sev| (sev.as_str(), Some(sev)))).collect();
        let level = self.level.as_ref().and_then(|raw| checker.choice(raw, "drill.level", &levels));
        let incident = self.incident.as_ref().and_then(|raw| checker.choice(raw, "drill.incident", &grades));
        Drill { every, level: level.unwrap_or(Some(SAFE)), incident: incident.unwrap_or(Some(Sev::Sev1)) }
    }
}
