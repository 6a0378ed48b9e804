//! Each test that `docs/THREATS.md` names as proof of a control is there.

use crate::tree::Tree;

const PAGE: &str = "docs/THREATS.md";

fn faults(tree: &Tree) -> Vec<String> {
    let page = tree.get(PAGE).unwrap_or_default();
    let named: Vec<_> = page.split('`').skip(1).step_by(2).filter_map(|word| word.split_once("::")).collect();
    let missing = named.iter().filter(|(file, test)| {
        let text = tree.get(&format!("tests/it/{file}.rs")).unwrap_or_default();
        !text.contains(&format!("#[test]\nfn {test}("))
    });
    let mut faults: Vec<_> = missing.map(|(file, test)| format!("{PAGE}: there is no test `{file}::{test}`")).collect();
    if named.is_empty() {
        faults.push(format!("{PAGE}: names no test"));
    }
    faults
}

#[test]
fn controls_are_proved_by_tests_that_are_there() {
    crate::tree::assert_none(&faults(Tree::here()));
}

#[test]
fn a_test_that_is_not_there_is_named() {
    let tree = Tree::of([
        (PAGE, "| theft | `door::holds`, `door::sings`, `make deny` |"),
        ("tests/it/door.rs", "#[test]\nfn holds() {}\nfn sings() {}\n"),
    ]);
    assert_eq!(faults(&tree), ["docs/THREATS.md: there is no test `door::sings`"]);
    assert_eq!(faults(&Tree::of([])), ["docs/THREATS.md: names no test"]);
}
