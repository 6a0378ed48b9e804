//! YAML in block style, as lines: enough to find where a key's value begins and ends without touching anything else.

use std::ops::Range;

/// The lines of one document, without what ends them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines<'a>(pub(super) &'a [&'a str]);

impl<'a> Lines<'a> {
    pub(super) fn get(self, at: usize) -> &'a str {
        self.0.get(at).copied().unwrap_or_default()
    }

    /// Everything.
    pub(super) fn all(self) -> Range<usize> {
        0..self.0.len()
    }

    /// The line of `key` among the keys of the mapping in `within`.
    pub(super) fn key(self, within: Range<usize>, key: &str) -> Option<usize> {
        let mut own = within.clone().filter(|at| says_something(self.get(*at)));
        let depth = indent(self.get(own.next()?));
        within.into_iter().find(|at| {
            let line = self.get(*at);
            says_something(line) && indent(line) == depth && key_of(line) == Some(key)
        })
    }

    /// The lines of the value of the key at `at`. A sequence may stand as far left as its key.
    pub(super) fn value(self, at: usize) -> Range<usize> {
        let depth = indent(self.get(at));
        let inside = |line: &str| indent(line) > depth || (indent(line) == depth && is_item(line));
        let rest = at.saturating_add(1)..self.0.len();
        let end = rest.clone().find(|next| says_something(self.get(*next)) && !inside(self.get(*next)));
        rest.start..end.unwrap_or(rest.end)
    }

    /// The items of the sequence in `within`, each from its dash to its last word: comments behind it speak of what comes next.
    pub(super) fn items(self, within: Range<usize>) -> Vec<Range<usize>> {
        let Some(first) = within.clone().find(|at| says_something(self.get(*at))) else { return Vec::new() };
        let depth = indent(self.get(first));
        let starts: Vec<usize> =
            within.clone().filter(|at| indent(self.get(*at)) == depth && is_item(self.get(*at))).collect();
        let ends = starts.iter().skip(1).copied().chain([within.end]);
        let last = |range: Range<usize>| range.rev().find(|at| says_something(self.get(*at)));
        let item = |(start, end)| start..last(start..end).map_or(end, |last| last.saturating_add(1));
        starts.iter().copied().zip(ends).map(item).collect()
    }

    /// The comments right above `at`: they speak of what stands there.
    pub(super) fn with_comments(self, at: usize) -> usize {
        (0..at).rev().take_while(|above| self.get(*above).trim_start().starts_with('#')).last().unwrap_or(at)
    }
}

pub(super) fn indent(line: &str) -> usize {
    line.len().saturating_sub(line.trim_start_matches(' ').len())
}

/// Whether it is more than a comment.
pub(super) fn says_something(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

fn is_item(line: &str) -> bool {
    let line = line.trim_start_matches(' ');
    line == "-" || line.starts_with("- ")
}

fn key_of(line: &str) -> Option<&str> {
    let (key, rest) = line.trim_start_matches(' ').split_once(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| key.trim_matches(['"', '\'']))
}

/// What stands behind the colon, without a comment.
pub(super) fn behind(line: &str) -> &str {
    let rest = line.split_once(':').map_or("", |(_, rest)| rest);
    rest.split(" #").next().unwrap_or_default().trim()
}
