//! No file and no function is longer than a reader's patience. Tests count like everything else.

use crate::tokens::Source;
use crate::tree::{Tree, has_extension};

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 60;
const CODE: [&str; 4] = ["rs", "py", "sh", "js"];

fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    for (path, text) in tree.files().filter(|(path, _)| has_extension(path, &CODE)) {
        let lines = text.lines().count();
        if lines > FILE_LINES {
            faults.push(format!("{path}: {lines} lines, at most {FILE_LINES}"));
        }
    }
    for (path, text) in tree.rust("") {
        let long = Source::parse(text).functions().into_iter().filter(|function| function.lines > FUNCTION_LINES);
        faults.extend(long.map(|function| {
            format!(
                "{path}:{}: `{}` has {} lines, at most {FUNCTION_LINES}",
                function.line, function.name, function.lines
            )
        }));
    }
    faults
}

#[test]
fn files_and_functions_are_short() {
    crate::tree::assert_none(&faults(Tree::here()));
}

#[test]
fn a_long_file_and_a_long_function_are_found() {
    let file = "// a line\n".repeat(FILE_LINES + 1);
    let long = format!("fn long() {{\n{}}}\n", "    step();\n".repeat(FUNCTION_LINES - 1));
    let fits = format!("fn fits() {{\n{}}}\n", "    step();\n".repeat(FUNCTION_LINES - 2));
    let tree = Tree::of([("src/file.rs", &file), ("src/long.rs", &long), ("src/fits.rs", &fits), ("data.yaml", &file)]);
    assert_eq!(
        faults(&tree),
        ["src/file.rs: 401 lines, at most 400", "src/long.rs:1: `long` has 61 lines, at most 60"]
    );
}
