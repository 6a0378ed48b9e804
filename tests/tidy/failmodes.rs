//! Every failure mode names a test that is there.

use crate::tree::Tree;

const TABLE: &str = "src/control/failmodes.rs";

fn faults(tree: &Tree) -> Vec<String> {
    let table = tree.get(TABLE).unwrap_or_default();
    let quoted = table.split('"').skip(1).step_by(2).filter(|text| text.contains(".rs::"));
    let missing = quoted.filter(|test| {
        let (path, name) = test.split_once("::").unwrap_or_default();
        !tree.get(path).is_some_and(|text| text.contains(&format!("fn {name}(")))
    });
    missing.map(|test| format!("{TABLE}: there is no test {test}")).collect()
}

#[test]
fn every_failure_mode_names_a_test() {
    let tree = Tree::here();
    assert!(tree.get(TABLE).is_some_and(|table| table.matches(".rs::").count() > 20), "the table was read");
    crate::tree::assert_none(&faults(tree));
}

#[test]
fn a_test_that_is_not_there_is_found() {
    let table = r#""a" { "b" => "c", "-", "tests/a.rs::is"; "d" => "e", "-", "tests/a.rs::was"; "f" => "g", "-", "tests/b.rs::is"; }"#;
    let tree = Tree::of([(TABLE, table), ("tests/a.rs", "fn is() {}\n")]);
    let expected = ["tests/a.rs::was", "tests/b.rs::is"].map(|test| format!("{TABLE}: there is no test {test}"));
    assert_eq!(faults(&tree), expected);
}
