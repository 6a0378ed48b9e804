//! Who may do what.

use std::collections::BTreeMap;

use super::identity::ROLES;
use crate::check::Checker;
use crate::policy::read;
use crate::role::{Matrix, Operation, Role};
use crate::written::{At, Place, Raw, RoleWord};

/// Rows of the table, by operation.
pub(crate) type RolesWritten = BTreeMap<String, At<Vec<Raw<RoleWord>>>>;

/// The table that ships, with the rows that policy replaces.
pub(crate) fn check_roles(written: &RolesWritten, checker: &mut Checker) -> Matrix {
    let mut matrix = standard();
    for (name, row) in written {
        let path = format!("roles.{name}");
        let Some(operation) = Operation::ALL.into_iter().find(|operation| operation.name() == name) else {
            let names = Operation::ALL.map(Operation::name);
            checker.wrong(row.place, &path, format!("expected {}", crate::check::one_of(&names)));
            continue;
        };
        let roles = roles(row, &path, checker);
        // A word that is no role has been told already.
        let none = row.value.is_empty().then_some("expected at least one role");
        if let Some(wrong) = none.or_else(|| unfit(operation, &roles)) {
            checker.wrong(row.place, &path, wrong);
        }
        matrix.permit(operation, &roles);
    }
    matrix
}

/// What no row may say.
fn unfit(operation: Operation, roles: &[Role]) -> Option<&'static str> {
    let program = roles.iter().any(|role| matches!(role, Role::Service | Role::Viewer));
    (operation.loosens() && program).then_some("expected admin or operator: only people make anything looser")
}

fn roles(row: &At<Vec<Raw<RoleWord>>>, path: &str, checker: &mut Checker) -> Vec<Role> {
    row.value.iter().filter_map(|role| checker.choice(role, path, &ROLES)).collect()
}

/// `policy/packs/roles.yaml`.
fn standard() -> Matrix {
    let mut matrix = Matrix::NOTHING;
    let mut checker = Checker::new("roles.yaml");
    // A test reads it, so it is sound unless somebody has changed the program.
    let written: RolesWritten = read("roles.yaml", include_str!("../../../packs/roles.yaml")).unwrap_or_default();
    for operation in Operation::ALL {
        if let Some(row) = written.get(operation.name()) {
            matrix.permit(operation, &roles(row, "", &mut checker));
        }
    }
    matrix
}

/// Whether an order route is open to a role that may not send an operation through it.
pub(super) fn check_order_route(matrix: &Matrix, roles: &[Role], at: (Place, &str), checker: &mut Checker) {
    if roles.iter().any(|role| !matrix.may(*role, Operation::ExecuteOperations)) {
        checker.wrong(at.0, at.1, "expected roles that may execute_operations: the route has orders");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(rows: &str) -> Result<Matrix, String> {
        let written: RolesWritten = read("p.yaml", rows).unwrap();
        let mut checker = Checker::new("p.yaml");
        let matrix = check_roles(&written, &mut checker);
        checker.finish().map(|()| matrix).map_err(|errors| errors.to_string())
    }

    #[test]
    fn the_matrix() {
        let written: RolesWritten = read("roles.yaml", include_str!("../../../packs/roles.yaml")).unwrap();
        assert_eq!(written.len(), Operation::ALL.len());
        assert_eq!(checked(include_str!("../../../packs/roles.yaml")), Ok(standard()));
        insta::assert_snapshot!(standard());
    }

    #[test]
    fn a_row_is_replaced_and_the_others_stay() {
        let matrix = checked("report_gate: [service]\n").unwrap();
        assert!(!matrix.may(Role::Admin, Operation::ReportGate) && matrix.may(Role::Service, Operation::ReportGate));
        assert!(matrix.may(Role::Admin, Operation::Tighten));
    }

    #[test]
    fn no_row_lets_a_program_loosen() {
        for (rows, expected) in [
            ("tighten: []\n", "p.yaml:1:10: roles.tighten: expected at least one role"),
            ("fly: [admin]\n", "p.yaml:1:6: roles.fly: expected read_config"),
            ("tighten: [root]\n", "p.yaml:1:11: roles.tighten: expected admin, operator, viewer or service"),
            ("confirm_release: [admin, service]\n", "p.yaml:1:18: roles.confirm_release: expected admin or operator"),
            ("manage_access: [viewer]\n", "p.yaml:1:16: roles.manage_access: expected admin or operator"),
        ] {
            let error = checked(rows).unwrap_err();
            assert!(error.starts_with(expected), "{rows}: {error}");
        }
    }
}
