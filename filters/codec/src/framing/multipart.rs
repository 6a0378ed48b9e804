//! `multipart/form-data` (RFC 7578): fields whose name stands at the head of their part.
//!
//! Told are the values of fields; what a part says besides, and files, are for a search of the whole body as it goes by.

use super::{Bounds, Framing, FramingError, Place, Rewrite, Step, Texts};

/// A body of parts.
#[derive(Debug)]
pub struct Multipart {
    /// `--` and the boundary.
    delimiter: Vec<u8>,
    bounds: Bounds,
    stage: Stage,
    /// No delimiter begins before this.
    seen: usize,
    /// Whether the units that were measured last are one whole part.
    part: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before the first delimiter.
    Preamble,
    /// Behind a delimiter.
    Part,
    /// Within a part of which a piece has gone by already.
    Large,
    /// Behind the last delimiter.
    Over,
}

impl Multipart {
    /// A body whose parts `boundary` keeps apart.
    #[must_use]
    pub fn new(boundary: &[u8], bounds: Bounds) -> Self {
        let delimiter = [b"--", boundary].concat();
        Self { delimiter, bounds, stage: Stage::Preamble, seen: 0, part: false }
    }

    /// Where the next delimiter begins, which stands at the beginning of a line.
    fn find(&self, held: &[u8]) -> Option<usize> {
        let begins_line = |at: usize| at == 0 && self.stage == Stage::Preamble || held.get(..at).is_some_and(ends_line);
        let from = self.seen.saturating_sub(self.delimiter.len() + 2);
        let windows = held.get(from..)?.windows(self.delimiter.len()).enumerate();
        let mut found = windows.filter(|(_, window)| *window == self.delimiter).map(|(at, _)| from + at);
        found.find(|at| begins_line(*at) && ends_line_or_all(held.get(at + self.delimiter.len()..).unwrap_or_default()))
    }
}

/// Whether a delimiter, and not a longer word, stands before `after`, as far as that can be told.
fn ends_line_or_all(after: &[u8]) -> bool {
    match after {
        [] | [b'-'] | [b'-', b'-', ..] => true,
        [first, ..] => matches!(first, b'\r' | b'\n' | b' ' | b'\t'),
    }
}

fn ends_line(before: &[u8]) -> bool {
    before.ends_with(b"\n")
}

impl Framing for Multipart {
    fn whole(&mut self, held: &[u8], ended: bool) -> Result<usize, FramingError> {
        self.part = false;
        if self.stage == Stage::Over {
            return Ok(held.len());
        }
        if matches!(self.stage, Stage::Part) && held.starts_with(b"--") {
            self.stage = Stage::Over;
            return Ok(held.len());
        }
        // Of what may be the last delimiter, two bytes more tell.
        if let Some(at) = self.find(held) {
            let end = at + self.delimiter.len();
            if held.len() < end + 2 && !ended {
                return Ok(0);
            }
            self.part = self.stage == Stage::Part;
            self.stage = Stage::Part;
            return Ok(end);
        }
        if ended {
            return if held.is_empty() { Ok(0) } else { Err(FramingError::Truncated) };
        }
        self.seen = held.len();
        if held.len() <= self.bounds.bytes {
            return Ok(0);
        }
        // A file: it goes on in pieces that hold no delimiter.
        self.stage = if self.stage == Stage::Preamble { Stage::Preamble } else { Stage::Large };
        Ok(held.len() - self.delimiter.len() - 2)
    }

    fn walk(&self, units: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        if !self.part {
            return Ok(None);
        }
        let Some((head, start)) = head(units) else { return Err(FramingError::Malformed) };
        let content = units.get(start..units.len() - self.delimiter.len()).unwrap_or_default();
        let content = content.strip_suffix(b"\n").unwrap_or(content);
        let content = content.strip_suffix(b"\r").unwrap_or(content);
        let Some(name) = field_name(head).filter(|_| !content.is_empty()) else { return Ok(None) };
        texts.enter();
        let changed = texts.text(&Place { path: &[Step::Name(&name)], fixed: false }, content);
        let changed = if texts.leave() { changed } else { Some(Vec::new()) };
        let mut rewrite = Rewrite::new(units);
        if let Some(changed) = changed {
            rewrite.replace(start, start + content.len(), &[&changed]);
        }
        Ok(rewrite.finish())
    }

    fn pass(&mut self, units: &[u8], _out: &[u8]) {
        self.seen = self.seen.saturating_sub(units.len());
    }

    fn end(&mut self) -> Result<(), FramingError> {
        if self.stage == Stage::Over { Ok(()) } else { Err(FramingError::Truncated) }
    }
}

/// The head of a part, and where its content begins.
fn head(part: &[u8]) -> Option<(&[u8], usize)> {
    let with = |mark: &[u8]| {
        let at = part.windows(mark.len()).position(|window| window == mark)?;
        Some((part.get(..at)?, at + mark.len()))
    };
    with(b"\r\n\r\n").or_else(|| with(b"\n\n"))
}

/// The name of a field; none for a file.
fn field_name(head: &[u8]) -> Option<Vec<u8>> {
    let disposition = head.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(DISPOSITION.len())?;
        name.eq_ignore_ascii_case(DISPOSITION).then_some(value)
    })?;
    let (mut name, mut rest) = (None, disposition);
    while let Some(at) = rest.iter().position(|byte| *byte == b';') {
        rest = rest.get(at + 1..)?.trim_ascii();
        let equals = rest.iter().position(|byte| *byte == b'=')?;
        let (parameter, value) = rest.split_at_checked(equals)?;
        let (value, after) = parameter_value(value.get(1..)?);
        if parameter.trim_ascii().to_ascii_lowercase().starts_with(b"filename") {
            return None;
        }
        if parameter.trim_ascii().eq_ignore_ascii_case(b"name") {
            name.get_or_insert(value);
        }
        rest = after;
    }
    name
}

/// A token, or a text in quotes; and what follows.
fn parameter_value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
        let (value, after) = text.split_at(end);
        return (value.trim_ascii().to_vec(), after);
    };
    let mut value = Vec::new();
    let mut bytes = quoted.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return (value, quoted.get(at + 1..).unwrap_or_default()),
            b'\\' => value.extend(bytes.next().map(|(_, byte)| *byte)),
            other => value.push(*other),
        }
    }
    (value, b"")
}

const DISPOSITION: &[u8] = b"content-disposition:";
