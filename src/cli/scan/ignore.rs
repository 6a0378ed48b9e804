use std::path::Path;
use std::sync::Arc;

/// What the `.sekishoignore` files of a directory, and of those above it, leave out. They read as git's own do: the last pattern
/// that fits decides, `!` takes back, and a directory that is left out is not entered.
#[derive(Clone, Debug, Default)]
pub(super) struct Ignore {
    /// From the root of the walk down; each with how many parts of a path lead to it.
    files: Vec<(usize, Arc<Vec<Rule>>)>,
}

impl Ignore {
    /// With the patterns of a file in a directory that so many parts lead to.
    pub(super) fn with(&self, depth: usize, text: &[u8]) -> Self {
        let rules: Vec<Rule> = text.split(|byte| *byte == b'\n').filter_map(Rule::parse).collect();
        let mut files = self.files.clone();
        files.push((depth, Arc::new(rules)));
        Self { files }
    }

    /// Whether the file or directory at `below`, a path below the root, is left out.
    pub(super) fn leaves_out(&self, below: &Path, is_dir: bool) -> bool {
        let parts: Vec<&[u8]> = below.iter().map(|part| part.as_encoded_bytes()).collect();
        let fits = |(depth, rules): &(usize, Arc<Vec<Rule>>)| {
            let parts = parts.get(*depth..)?;
            rules.iter().rev().find(|rule| rule.fits(parts, is_dir)).map(|rule| !rule.keeps)
        };
        self.files.iter().rev().find_map(fits).unwrap_or_default()
    }
}

/// One pattern.
#[derive(Debug)]
struct Rule {
    parts: Vec<Vec<u8>>,
    /// From the directory of the file on; else anywhere below it.
    anchored: bool,
    dirs: bool,
    keeps: bool,
}

impl Rule {
    /// A line, if it is no comment.
    fn parse(line: &[u8]) -> Option<Self> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut line = match line.iter().rposition(|byte| *byte != b' ') {
            // a blank that was escaped belongs to the name
            Some(last) if line.get(last) == Some(&b'\\') => line.get(..=last.saturating_add(1)).unwrap_or(line),
            Some(last) => line.get(..=last)?,
            None => return None,
        };
        if line.starts_with(b"#") {
            return None;
        }
        let keeps = line.starts_with(b"!");
        line = line.strip_prefix(b"!").unwrap_or(line);
        let dirs = line.ends_with(b"/");
        line = line.strip_suffix(b"/").unwrap_or(line);
        let anchored = line.contains(&b'/');
        line = line.strip_prefix(b"/").unwrap_or(line);
        let parts: Vec<Vec<u8>> = line.split(|byte| *byte == b'/').map(<[u8]>::to_vec).collect();
        (!line.is_empty()).then_some(Self { parts, anchored, dirs, keeps })
    }

    fn fits(&self, path: &[&[u8]], is_dir: bool) -> bool {
        if self.dirs && !is_dir {
            return false;
        }
        match (self.parts.as_slice(), path.last()) {
            ([name], Some(last)) if !self.anchored => glob(name, last),
            (parts, Some(_)) => lead(parts, path),
            (_, None) => false,
        }
    }
}

/// Whether `parts` say `path`; `**` says any number of parts, and at the end at least one.
fn lead(parts: &[Vec<u8>], path: &[&[u8]]) -> bool {
    match (parts.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((part, rest)), _) if part == b"**" => {
            let least = usize::from(rest.is_empty());
            (least..=path.len()).any(|skip| path.get(skip..).is_some_and(|path| rest.is_empty() || lead(rest, path)))
        }
        (Some((part, parts)), Some((name, path))) => glob(part, name) && lead(parts, path),
        (None, Some(_)) | (Some(_), None) => false,
    }
}

/// Whether a pattern of one part says `name`: `*`, `?`, `[a-z]`, `[!a-z]`, and `\` before what is meant as it is. Where it fails behind
/// a star it goes on at the last one, so that it takes no longer than the lengths multiplied.
fn glob(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        let step = match (pattern, name) {
            ([], []) => return true,
            ([b'*', rest @ ..], _) => {
                star = Some((rest, name));
                Some((rest, name))
            }
            (_, [byte, after @ ..]) => one(pattern, *byte).map(|rest| (rest, after)),
            (_, []) => None,
        };
        (pattern, name) = match (step, star) {
            (Some(next), _) => next,
            (None, Some((rest, [_, after @ ..]))) => {
                star = Some((rest, after));
                (rest, after)
            }
            (None, Some((_, []))) | (None, None) => return false,
        };
    }
}

/// What follows the front of `pattern`, if that says `byte`.
fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'\\', escaped, rest @ ..] => (*escaped == byte).then_some(rest),
        [b'[', rest @ ..] => match class(rest, byte) {
            Some((says, rest)) => says.then_some(rest),
            // a bracket that nothing closes is a bracket
            None => (byte == b'[').then_some(rest),
        },
        [plain, rest @ ..] => (*plain == byte).then_some(rest),
        [] => None,
    }
}

/// Whether the class that goes on with `pattern` has `byte`, and what follows it.
fn class(pattern: &[u8], byte: u8) -> Option<(bool, &[u8])> {
    let not = matches!(pattern.first(), Some(b'!' | b'^'));
    let mut rest = pattern.get(usize::from(not)..)?;
    let (mut has, mut first) = (false, true);
    loop {
        match rest {
            [b']', after @ ..] if !first => return Some((has != not, after)),
            [from, b'-', to, after @ ..] if *to != b']' => {
                has |= (*from..=*to).contains(&byte);
                rest = after;
            }
            [letter, after @ ..] => {
                has |= *letter == byte;
                rest = after;
            }
            [] => return None,
        }
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_git_has_it() {
        for (pattern, path, is_dir, out) in [
            ("*.log", "a.log", false, true),
            ("*.log", "deep/er/a.log", false, true),
            ("*.log", "a.log.gz", false, false),
            ("/a.log", "a.log", false, true),
            ("/a.log", "b/a.log", false, false),
            ("b/a.log", "b/a.log", false, true),
            ("b/a.log", "c/b/a.log", false, false),
            ("target/", "target", true, true),
            ("target/", "deep/target", true, true),
            ("target/", "target", false, false),
            ("**/a/b", "x/y/a/b", false, true),
            ("**/a/b", "a/b", false, true),
            ("a/**/b", "a/b", false, true),
            ("a/**/b", "a/x/y/b", false, true),
            ("a/**", "a", true, false),
            ("a/**", "a/x/y", false, true),
            ("a?c", "abc", false, true),
            ("a?c", "ac", false, false),
            ("[a-c]x", "bx", false, true),
            ("[!a-c]x", "bx", false, false),
            ("[]]x", "]x", false, true),
            ("[x", "[x", false, true),
            ("\\!a", "!a", false, true),
            ("\\*a", "xa", false, false),
            ("# a", "# a", false, false),
            ("a  ", "a", false, true),
            ("a*b*c", "a-b-b-c", false, true),
            ("a*b*c", "a-b-b", false, false),
            ("", "a", false, false),
        ] {
            let ignore = Ignore::default().with(0, pattern.as_bytes());
            assert_eq!(ignore.leaves_out(Path::new(path), is_dir), out, "`{pattern}` and {path}");
        }
    }

    #[test]
    fn the_last_that_fits_decides_and_a_deeper_file_goes_before() {
        let ignore = Ignore::default().with(0, b"*.log\n!keep.log\n").with(1, b"!a.log\nkeep.log\n");
        for (path, out) in [("x/a.log", false), ("x/keep.log", true), ("x/b.log", true), ("keep.log", false)] {
            assert_eq!(ignore.leaves_out(Path::new(path), false), out, "{path}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!glob(format!("{}c", "a*".repeat(100)).as_bytes(), "a".repeat(5_000).as_bytes()));
    }
}
