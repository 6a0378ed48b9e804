//! Every signal of policy has a test that raises it, and one in which something is not enough.

use regex::Regex;

use crate::tree::Tree;

const FIELDS: &str = "policy/core/src/sections/signals.rs";
const TABLE: &str = "src/control/signals/mod.rs";

fn signals(tree: &Tree) -> Vec<&str> {
    let written = tree.get(FIELDS).unwrap_or_default().split("struct SignalsWritten {").nth(1).unwrap_or_default();
    let fields = written.split("\n}").next().unwrap_or_default();
    fields.lines().filter_map(|line| line.trim().strip_prefix("pub(crate) ")?.split(':').next()).collect()
}

fn faults(tree: &Tree) -> Vec<String> {
    let test = Regex::new(r"`(tests/[a-z_/]+\.rs)::(\w+)`").unwrap();
    let table = tree.get(TABLE).unwrap_or_default();
    let fault = |signal: &&str| {
        let Some(row) = table.lines().find(|line| line.starts_with(&format!("//! | `{signal}` |"))) else {
            return Some(format!("{TABLE}: no row says how {signal} is tested"));
        };
        let named: Vec<_> = test.captures_iter(row).map(|found| found.extract::<2>()).collect();
        let enough = named.len() == 2 || named.len() == 1 && row.ends_with("| the same |");
        let there = |path: &str, name: &str| tree.get(path).is_some_and(|text| text.contains(&format!("fn {name}(")));
        let gone = named.iter().find(|(_, [path, name])| !there(path, name));
        match gone {
            Some((what, _)) => Some(format!("{TABLE}: there is no test {what}")),
            None => (!enough).then(|| format!("{TABLE}: {signal} is not raised, or is raised by anything")),
        }
    };
    signals(tree).iter().filter_map(fault).collect()
}

#[test]
fn every_signal_is_raised_and_not_raised_by_a_test() {
    let tree = Tree::here();
    assert!(signals(tree).len() > 7, "the fields were read");
    crate::tree::assert_none(&faults(tree));
}

#[test]
fn a_signal_that_is_not_tested_both_ways_is_found() {
    let fields = "struct SignalsWritten {\n    pub(crate) a: X,\n    pub(crate) b: X,\n    pub(crate) c: X,\n    pub(crate) d: X,\n}";
    let table = "//! | `a` | `tests/a.rs::is` | the same |\n//! | `b` | `tests/a.rs::is` | `tests/a.rs::was` |\n//! | `c` | `tests/a.rs::is` | - |";
    let tree = Tree::of([(FIELDS, fields), (TABLE, table), ("tests/a.rs", "fn is() {}\n")]);
    let expected = [
        "there is no test `tests/a.rs::was`",
        "c is not raised, or is raised by anything",
        "no row says how d is tested",
    ];
    assert_eq!(faults(&tree), expected.map(|fault| format!("{TABLE}: {fault}")));
}
