//! What makes the state stricter without anybody asking.

use std::time::Duration;

use schemars::JsonSchema;
use sekisho_safety::{Level, Mode, Scope, Switch};
use serde::Deserialize;

use crate::check::{Bounds, Checker};
use crate::written::{Count, Raw, ScopeText, Text, Time};

/// What makes the state stricter without anybody asking. Absent: nothing does.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SignalsWritten {
    /// Lockouts.
    pub(crate) auth_failures: Option<SignalWritten>,
    /// Secrets found in what was about to leave.
    pub(crate) secret_leak: Option<SignalWritten>,
}

/// One such thing.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SignalWritten {
    /// How many within the window. Default 3, from 1 to 100000.
    pub(crate) count: Option<Raw<Count>>,
    /// What is counted together. Default 1m, from 1s to 24h.
    pub(crate) window: Option<Raw<Time>>,
    /// What it tightens to: `SAFE`, `CLOSE_ONLY`, `BLOCK` or `EMERGENCY_STOP`. Default SAFE.
    pub(crate) level: Option<Raw<Text>>,
    /// Where. Default fleet.
    pub(crate) scope: Option<Raw<ScopeText>>,
}

/// What makes the state stricter without anybody asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signals {
    /// Lockouts.
    pub auth_failures: Option<Signal>,
    /// Secrets found in what was about to leave.
    pub secret_leak: Option<Signal>,
}

/// One such thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signal {
    /// How many within the window.
    pub count: u32,
    /// What is counted together.
    pub window: Duration,
    /// What it tightens to.
    pub level: Level,
    /// Where.
    pub scope: Scope,
}

impl SignalsWritten {
    pub(crate) fn check(&self, checker: &mut Checker) -> Signals {
        let mut one = |signal: &Option<SignalWritten>, name: &str| {
            signal.as_ref().map(|signal| signal.check(&format!("signals.{name}"), checker))
        };
        Signals {
            auth_failures: one(&self.auth_failures, "auth_failures"),
            secret_leak: one(&self.secret_leak, "secret_leak"),
        }
    }
}

impl SignalWritten {
    fn check(&self, path: &str, checker: &mut Checker) -> Signal {
        let count = Bounds { default: "3", min: "1", max: "100000" };
        let window = Bounds { default: "1m", min: "1s", max: "24h" };
        let safe = Level { mode: Mode::Safe, ..Level::OPEN };
        let levels = [
            ("SAFE", safe),
            ("CLOSE_ONLY", Level::switch(Switch::CloseOnly)),
            ("BLOCK", Level::switch(Switch::Block)),
            ("EMERGENCY_STOP", Level { mode: Mode::EmergencyStop, ..Level::OPEN }),
        ];
        let count = checker.bounded(self.count.as_ref(), &format!("{path}.count"), count);
        let window = checker.bounded(self.window.as_ref(), &format!("{path}.window"), window);
        let level = self.level.as_ref().and_then(|raw| checker.choice(raw, &format!("{path}.level"), &levels));
        let scope = self.scope.as_ref().and_then(|raw| checker.scope(raw, &format!("{path}.scope")));
        Signal {
            count: count.try_into().unwrap_or(u32::MAX),
            window,
            level: level.unwrap_or(safe),
            scope: scope.unwrap_or(Scope::Fleet),
        }
    }
}
