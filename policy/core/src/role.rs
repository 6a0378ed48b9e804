//! Who may do what: the permission matrix of seed 003 §3.2, with the operations that the admin interface has.

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
    /// Lift a lockout, or revoke a key.
    ManageAccess,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Operator, Self::Viewer, Self::Service];

    /// Whether a caller of this role may do that.
    #[must_use]
    pub const fn may(self, operation: Operation) -> bool {
        let (admin, operator, viewer, service) = operation.row();
        match self {
            Self::Admin => admin,
            Self::Operator => operator,
            Self::Viewer => viewer,
            Self::Service => service,
        }
    }

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
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 14] = [
        Self::ReadConfig,
        Self::UpdateConfig,
        Self::ExecuteOperations,
        Self::ReadMetrics,
        Self::ReadAudit,
        Self::ReadState,
        Self::ReadEvents,
        Self::Tighten,
        Self::ProposeRelease,
        Self::ConfirmRelease,
        Self::ManageIncidents,
        Self::CreateBundle,
        Self::ReportGate,
        Self::ManageAccess,
    ];

    /// Admin, operator, viewer, service. The first five rows are the seed's own. A service may tighten, for it may be the
    /// first to see that something is wrong, and tightening is always safe; only people loosen.
    const fn row(self) -> (bool, bool, bool, bool) {
        match self {
            Self::ReadConfig | Self::ReadEvents => (true, true, true, false),
            Self::UpdateConfig | Self::ManageAccess => (true, false, false, false),
            Self::ExecuteOperations | Self::Tighten | Self::ReportGate => (true, true, false, true),
            Self::ReadMetrics | Self::ReadState => (true, true, true, true),
            Self::ReadAudit | Self::ManageIncidents | Self::CreateBundle => (true, true, false, false),
            Self::ProposeRelease | Self::ConfirmRelease => (true, true, false, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;

    #[test]
    fn matrix() {
        let mut table = format!("{:<18}", "");
        for role in Role::ALL {
            write!(table, "{:<9}", role.name()).unwrap();
        }
        for operation in Operation::ALL {
            write!(table, "\n{:<18}", format!("{operation:?}")).unwrap();
            for role in Role::ALL {
                write!(table, "{:<9}", if role.may(operation) { "yes" } else { "-" }).unwrap();
            }
        }
        insta::assert_snapshot!(table);
    }
}
