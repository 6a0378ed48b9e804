//! How strict: the three dimensions of a level, and the column of the decision table they come to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The kill-switch. Later is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Switch {
    /// Orders pass.
    Allow,
    /// Only what reduces or cancels passes.
    CloseOnly,
    /// Only reading and cancelling passes.
    Block,
}

/// The safety mode. Later is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    /// Nothing is suspected.
    Normal,
    /// Something is: at least CLOSE_ONLY.
    Safe,
    /// Stop everything that can be stopped.
    EmergencyStop,
}

/// Whether the monitors can be believed. Later is stricter: what is not monitored is not healthy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Health {
    /// They report, and report well.
    Ok,
    /// They are silent: at least SAFE.
    Unknown,
}

/// How strict a source, or all of them together, asks to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level {
    /// The kill-switch.
    pub switch: Switch,
    /// The safety mode.
    pub mode: Mode,
    /// Monitoring health.
    pub health: Health,
}

/// The column of the decision table that a level comes to. Later is stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Posture {
    /// Everything policy permits.
    Allow,
    /// Reducing and cancelling.
    CloseOnly,
    /// Reading and cancelling.
    Block,
    /// Reading and cancelling, unless policy seals even that.
    EmergencyStop,
}

impl Level {
    /// Nothing is asked for.
    pub const OPEN: Self = Self { switch: Switch::Allow, mode: Mode::Normal, health: Health::Ok };

    /// A level that asks for a kill-switch position and nothing else.
    #[must_use]
    pub const fn switch(switch: Switch) -> Self {
        Self { switch, ..Self::OPEN }
    }

    /// The strictest of both, dimension by dimension.
    #[must_use]
    pub fn join(self, other: Self) -> Self {
        Self {
            switch: self.switch.max(other.switch),
            mode: self.mode.max(other.mode),
            health: self.health.max(other.health),
        }
    }

    /// The loosest of both, dimension by dimension: what a release leaves of a source.
    #[must_use]
    pub fn meet(self, other: Self) -> Self {
        Self {
            switch: self.switch.min(other.switch),
            mode: self.mode.min(other.mode),
            health: self.health.min(other.health),
        }
    }

    /// Whether it is at least as strict as `other` in every dimension.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.join(other) == self
    }

    /// The column of the decision table. SAFE and UNKNOWN are at least CLOSE_ONLY.
    #[must_use]
    pub fn posture(self) -> Posture {
        let by_switch = match self.switch {
            Switch::Allow => Posture::Allow,
            Switch::CloseOnly => Posture::CloseOnly,
            Switch::Block => Posture::Block,
        };
        let by_mode = match self.mode {
            Mode::Normal => Posture::Allow,
            Mode::Safe => Posture::CloseOnly,
            Mode::EmergencyStop => Posture::EmergencyStop,
        };
        let by_health = match self.health {
            Health::Ok => Posture::Allow,
            Health::Unknown => Posture::CloseOnly,
        };
        by_switch.max(by_mode).max(by_health)
    }
}

impl Switch {
    /// One position looser; ALLOW stays.
    #[must_use]
    pub const fn looser(self) -> Self {
        match self {
            Self::Allow | Self::CloseOnly => Self::Allow,
            Self::Block => Self::CloseOnly,
        }
    }

    /// As policy, the API and people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::CloseOnly => "CLOSE_ONLY",
            Self::Block => "BLOCK",
        }
    }
}

impl Mode {
    /// One position looser; NORMAL stays.
    #[must_use]
    pub const fn looser(self) -> Self {
        match self {
            Self::Normal | Self::Safe => Self::Normal,
            Self::EmergencyStop => Self::Safe,
        }
    }

    /// As policy, the API and people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "NORMAL",
            Self::Safe => "SAFE",
            Self::EmergencyStop => "EMERGENCY_STOP",
        }
    }
}

impl Health {
    /// As policy, the API and people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl Posture {
    /// As the decision table heads its columns.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "ALLOW",
            Self::CloseOnly => "CLOSE_ONLY",
            Self::Block => "BLOCK",
            Self::EmergencyStop => "EMERGENCY_STOP",
        }
    }
}

/// A word that names no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}")]
pub struct UnknownWord {
    /// The words that would have been understood.
    pub expected: &'static str,
}

impl FromStr for Switch {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Allow, Self::CloseOnly, Self::Block]
            .into_iter()
            .find(|switch| switch.as_str() == word)
            .ok_or(UnknownWord { expected: "ALLOW, CLOSE_ONLY or BLOCK" })
    }
}

impl FromStr for Mode {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Normal, Self::Safe, Self::EmergencyStop]
            .into_iter()
            .find(|mode| mode.as_str() == word)
            .ok_or(UnknownWord { expected: "NORMAL, SAFE or EMERGENCY_STOP" })
    }
}

impl fmt::Display for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Posture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.switch, self.mode, self.health)
    }
}
