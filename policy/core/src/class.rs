//! What a message on an order route does to risk.

use std::fmt;

/// The row of the decision table: what a message on an order route does to risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A: market data, queries, user streams.
    ReadOnly,
    /// B: cancels, or arms a dead-man switch.
    Cancel,
    /// C: reduces, and the venue enforces that it does.
    ReduceEnforced,
    /// D: the opposite side, without a flag that the venue would enforce.
    OppositeSide,
    /// E: opens or increases, or may.
    Opening,
    /// F: an amendment that can only lower the quantity.
    AmendDown,
    /// G: any other amendment, and cancel-replace.
    Amend,
    /// H: several orders in one message.
    Batch,
    /// I: relaxes a limit of risk: leverage, margin mode, a dead-man switch disarmed.
    RelaxRisk,
    /// J: moves funds or manages keys.
    MoveFunds,
    /// K: not known.
    Unknown,
    /// L: keeps a session alive.
    KeepAlive,
}

impl Class {
    /// Every class, in the order of the table.
    pub const ALL: [Self; 12] = [
        Self::ReadOnly,
        Self::Cancel,
        Self::ReduceEnforced,
        Self::OppositeSide,
        Self::Opening,
        Self::AmendDown,
        Self::Amend,
        Self::Batch,
        Self::RelaxRisk,
        Self::MoveFunds,
        Self::Unknown,
        Self::KeepAlive,
    ];

    /// The letter of its row, `A` to `L`.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::ReadOnly => 'A',
            Self::Cancel => 'B',
            Self::ReduceEnforced => 'C',
            Self::OppositeSide => 'D',
            Self::Opening => 'E',
            Self::AmendDown => 'F',
            Self::Amend => 'G',
            Self::Batch => 'H',
            Self::RelaxRisk => 'I',
            Self::MoveFunds => 'J',
            Self::Unknown => 'K',
            Self::KeepAlive => 'L',
        }
    }

    /// The word that rules use for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOnly => "read_only",
            Self::Cancel => "cancel",
            Self::ReduceEnforced => "reduce_enforced",
            Self::OppositeSide => "opposite_side",
            Self::Opening => "opening",
            Self::AmendDown => "amend_down",
            Self::Amend => "amend",
            Self::Batch => "batch",
            Self::RelaxRisk => "relax_risk",
            Self::MoveFunds => "move_funds",
            Self::Unknown => "unknown",
            Self::KeepAlive => "keep_alive",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
