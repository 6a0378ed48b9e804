//! Every refusal code has one page in `docs/runbooks` and one row in a filter's table, with the status it is answered with; and there
//! is no page and no row for anything else.

use std::collections::BTreeMap;

use crate::tree::Tree;

const REFUSALS: &str = "policy/core/src/refusal.rs";
const RUNBOOKS: &str = "docs/runbooks/";

fn faults(tree: &Tree) -> Vec<String> {
    let (codes, rows) = (codes(tree.get(REFUSALS).unwrap_or_default()), rows(tree));
    let mut faults = Vec::new();
    for (code, status) in &codes {
        let page = format!("{RUNBOOKS}{code}.md");
        match tree.get(&page).map(|text| text.starts_with(&format!("# `{code}`\n\nStatus {status}"))) {
            None => faults.push(format!("{code}: no page {page}")),
            Some(false) => faults.push(format!("{page}: does not begin with the code and `Status {status}`")),
            Some(true) => {}
        }
        match rows.get(code).map(Vec::as_slice) {
            None => faults.push(format!("{code}: in no filter's table")),
            Some([(_, said)]) if said == status => {}
            Some([(path, said)]) => faults.push(format!("{path}: `{code}` is {status}, not {said}")),
            Some(more) => faults.push(format!("{code}: in {} tables", more.len())),
        }
    }
    let unknown = rows
        .iter()
        .filter(|(code, _)| !codes.contains_key(*code))
        .flat_map(|(code, rows)| rows.iter().map(move |row| (row.0, code)));
    faults.extend(unknown.map(|(path, code)| format!("{path}: there is no code `{code}`")));
    let pages = tree.files().filter_map(|(path, _)| path.strip_prefix(RUNBOOKS)?.strip_suffix(".md"));
    let stray = pages.filter(|page| *page != "README" && !codes.contains_key(page));
    faults.extend(stray.map(|page| format!("{RUNBOOKS}{page}.md: there is no code `{page}`")));
    faults
}

/// From `facts!("code", status, …)`, each code with its status.
fn codes(source: &str) -> BTreeMap<&str, &str> {
    let calls = source.split("facts!(").skip(1).filter_map(|call| {
        let mut arguments = call.splitn(3, ',').map(str::trim);
        Some((arguments.next()?.trim_matches('"'), arguments.next()?))
    });
    calls.collect()
}

/// From ``//! | `code` | status | when |``, each code with the pages and statuses that it stands with.
fn rows(tree: &Tree) -> BTreeMap<&str, Vec<(&str, &str)>> {
    let mut rows: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for (path, text) in tree.rust("filters/layers/src/") {
        for row in text.lines().filter_map(|line| line.strip_prefix("//! | `")) {
            let mut cells = row.split('|').map(|cell| cell.trim().trim_end_matches('`'));
            let (code, status) = (cells.next().unwrap_or_default(), cells.next().unwrap_or_default());
            rows.entry(code).or_default().push((path, status));
        }
    }
    rows
}

#[test]
fn every_code_has_one_page_and_one_row() {
    let tree = Tree::here();
    let mut known = sekisho_policy::Refusal::ALL_CODES.to_vec();
    known.sort_unstable();
    assert_eq!(codes(tree.get(REFUSALS).unwrap()).into_keys().collect::<Vec<_>>(), known, "all codes were read");
    crate::tree::assert_none(&faults(tree));
}

#[test]
fn a_code_without_its_page_and_a_page_without_its_code_are_found() {
    let tree = Tree::of([
        (
            REFUSALS,
            "facts!(\"one\", 403, \"a\")\nfacts!(\n    \"two\",\n    404,\n    \"b\"\n)\nfacts!(\"three\", 400, \"c\")",
        ),
        ("docs/runbooks/one.md", "# `one`\n\nStatus 403.\n"),
        ("docs/runbooks/three.md", "# `three`\n\nStatus 401.\n"),
        ("docs/runbooks/four.md", "# `four`\n"),
        (
            "filters/layers/src/a/mod.rs",
            "//! | `one` | 403 | when |\n//! | `three` | 403 | when |\n//! | `five` | 403 | when |\n",
        ),
        ("filters/layers/src/b/mod.rs", "//! | `one` | 403 | when |\n"),
    ]);
    let expected = [
        "one: in 2 tables",
        "docs/runbooks/three.md: does not begin with the code and `Status 400`",
        "filters/layers/src/a/mod.rs: `three` is 400, not 403",
        "two: no page docs/runbooks/two.md",
        "two: in no filter's table",
        "filters/layers/src/a/mod.rs: there is no code `five`",
        "docs/runbooks/four.md: there is no code `four`",
    ];
    assert_eq!(faults(&tree), expected);
}
