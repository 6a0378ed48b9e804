//! Who may do what: the permission matrix of seed 003 §3.2, with the operations that the admin interface has. The table itself
//! is data, `policy/packs/roles.yaml`, of which a policy may replace rows.

use std::fmt;

/// What a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Everything that people do.
    Admin,
    /// Reads and operates.
    Operator,
    /// Watches.
    Viewer,
    /// A program with its defined endpoints.
    Service,
}

/// What a caller may want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Read the policy in force.
    ReadConfig,
    /// Replace the policy.
    UpdateConfig,
    /// Send an operation (an order among them) through a route.
    ExecuteOperations,
    /// Read metrics.
    ReadMetrics,
    /// Read the journal, and verify it.
    ReadAudit,
    /// Read the safety state.
    ReadState,
    /// Follow events as they happen.
    ReadEvents,
    /// Make the safety state stricter.
    Tighten,
    /// Revoke, quarantine, or close a listener.
    Contain,
    /// Ask for a loosening.
    ProposeRelease,
    /// Agree to somebody else's loosening.
    ConfirmRelease,
    /// Open and close incidents.
    ManageIncidents,
    /// Make a support bundle.
    CreateBundle,
    /// Say how a gate is.
    ReportGate,
    /// Make and revoke keys, end sessions, lift lockouts.
    ManageAccess,
}

/// Which role may do what: a bit for each role, a row for each operation. Small enough to be copied to whoever asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matrix {
    rows: [u8; Operation::ALL.len()],
}

impl Matrix {
    /// Nobody may do anything.
    pub(crate) const NOTHING: Self = Self { rows: [0; Operation::ALL.len()] };

    /// Whether a caller of this role may do that.
    #[must_use]
    pub fn may(&self, role: Role, operation: Operation) -> bool {
        self.rows.get(operation as usize).is_some_and(|row| row & role.bit() != 0)
    }

    /// Exactly these roles may do it.
    pub(crate) fn permit(&mut self, operation: Operation, roles: &[Role]) {
        if let Some(row) = self.rows.get_mut(operation as usize) {
            *row = roles.iter().fold(0, |row, role| row | role.bit());
        }
    }

    /// Whether nobody may do more under `after`.
    #[must_use]
    pub fn holds(&self, after: &Self) -> bool {
        self.rows.iter().zip(&after.rows).all(|(before, after)| after & !before == 0)
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<19}", "")?;
        for role in Role::ALL {
            write!(f, "{:<9}", role.name())?;
        }
        for operation in Operation::ALL {
            write!(f, "\n{:<19}", operation.name())?;
            for role in Role::ALL {
                write!(f, "{:<9}", if self.may(role, operation) { "yes" } else { "-" })?;
            }
        }
        Ok(())
    }
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Operator, Self::Viewer, Self::Service];

    /// The word that policy uses for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Viewer => "viewer",
            Self::Service => "service",
        }
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 15] = [
        Self::ReadConfig,
        Self::UpdateConfig,
        Self::ExecuteOperations,
        Self::ReadMetrics,
        Self::ReadAudit,
        Self::ReadState,
        Self::ReadEvents,
        Self::Tighten,
        Self::Contain,
        Self::ProposeRelease,
        Self::ConfirmRelease,
        Self::ManageIncidents,
        Self::CreateBundle,
        Self::ReportGate,
        Self::ManageAccess,
    ];

    /// The word that policy uses for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadConfig => "read_config",
            Self::UpdateConfig => "update_config",
            Self::ExecuteOperations => "execute_operations",
            Self::ReadMetrics => "read_metrics",
            Self::ReadAudit => "read_audit",
            Self::ReadState => "read_state",
            Self::ReadEvents => "read_events",
            Self::Tighten => "tighten",
            Self::Contain => "contain",
            Self::ProposeRelease => "propose_release",
            Self::ConfirmRelease => "confirm_release",
            Self::ManageIncidents => "manage_incidents",
            Self::CreateBundle => "create_bundle",
            Self::ReportGate => "report_gate",
            Self::ManageAccess => "manage_access",
        }
    }

    /// Whether it takes people whom policy knows: it makes something looser.
    #[must_use]
    pub const fn takes_people(self) -> bool {
        matches!(self, Self::ProposeRelease | Self::ConfirmRelease)
    }

    /// Whether it lets more happen, or more people in: no program does that, and nobody who only watches.
    pub(crate) const fn loosens(self) -> bool {
        self.takes_people() || matches!(self, Self::UpdateConfig | Self::ManageAccess)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_its_own() {
        for (index, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, index, "{operation:?}");
            let mut matrix = Matrix::NOTHING;
            matrix.permit(operation, &[Role::Viewer]);
            let permitted = |role| Operation::ALL.into_iter().filter(|one| matrix.may(role, *one)).collect::<Vec<_>>();
            assert_eq!((permitted(Role::Viewer), permitted(Role::Admin)), (vec![operation], vec![]));
            assert!(matrix.holds(&Matrix::NOTHING) && !Matrix::NOTHING.holds(&matrix));
        }
    }
}
