//! Texts that are on this machine anyway: documentation, sources, logs. Nobody labelled them: what is found there has to be looked at.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sekisho_scan::Ruleset;

use crate::alarms::Alarms;

/// Reads at most `limit` bytes of text below each of `roots` and counts what is changed, by root.
pub(crate) fn alarms(rules: &Arc<Ruleset>, roots: &[PathBuf], limit: usize) -> Vec<(PathBuf, Alarms)> {
    let one = |root: &PathBuf| {
        let mut alarms = Alarms::default();
        for path in files(root) {
            if alarms.bytes >= limit {
                break;
            }
            let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            if let Some(text) = text_of(&path) {
                alarms.add(rules, &name, &text);
            }
        }
        (root.clone(), alarms)
    };
    roots.iter().map(one).collect()
}

/// A file that is not too long and has no zero near its front.
fn text_of(path: &Path) -> Option<Vec<u8>> {
    let text = fs::read(path).ok().filter(|text| text.len() <= 4 << 20)?;
    let plain = !text.iter().take(8 << 10).any(|byte| *byte == 0);
    plain.then_some(text)
}

/// In the order of their names, so that the same tree gives the same numbers.
fn files(root: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => found.push(entry.path()),
                _ => {}
            }
        }
    }
    found.sort();
    found
}
