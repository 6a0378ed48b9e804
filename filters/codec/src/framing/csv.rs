//! CSV (RFC 4180) and its relatives: a row of names, then rows of values under them.

use super::{Bounds, Framing, FramingError, Place, Rewrite, Step, Texts};

/// A body of rows.
#[derive(Debug)]
pub struct Csv {
    bounds: Bounds,
    delimiter: Option<u8>,
    columns: Vec<Vec<u8>>,
    /// How far the end of a row was looked for, and what is there.
    seen: usize,
    within: Within,
}

/// A quote opens a cell at its beginning only: elsewhere it is a letter, as in `5" pipe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    /// At the beginning of a cell.
    Start,
    Plain,
    Quoted,
    /// Behind a quote that ends the cell, or is the first of two.
    Closed,
}

impl Within {
    /// Behind `byte`. `divides` says whether it stands between cells where it is not quoted.
    const fn step(self, byte: u8, divides: bool) -> Self {
        match (self, byte) {
            (Self::Quoted, b'"') => Self::Closed,
            (Self::Quoted, _) | (Self::Start | Self::Closed, b'"') => Self::Quoted,
            _ if divides => Self::Start,
            (Self::Start | Self::Plain | Self::Closed, _) => Self::Plain,
        }
    }
}

impl Csv {
    /// A body whose first row are the names. `delimiter` stands between values; none: whichever of comma, semicolon, tab and bar stands
    /// first in the row of names.
    #[must_use]
    pub const fn new(delimiter: Option<u8>, bounds: Bounds) -> Self {
        Self { bounds, delimiter, columns: Vec::new(), seen: 0, within: Within::Start }
    }

    /// Whether a byte that is not quoted stands between cells.
    fn divides(&self, byte: u8) -> bool {
        byte == b'\n' || self.delimiter.map_or_else(|| DELIMITERS.contains(&byte), |delimiter| byte == delimiter)
    }

    fn names(&mut self, row: &[u8]) {
        let first = row.iter().find(|byte| DELIMITERS.contains(byte));
        let delimiter = self.delimiter.unwrap_or_else(|| first.copied().unwrap_or(b','));
        self.delimiter = Some(delimiter);
        let cells = Cells { rest: row, at: 0, delimiter, over: false };
        self.columns = cells.take(MOST_COLUMNS).map(|cell| cell.value.trim_ascii().to_vec()).collect();
    }

    fn row(&self, start: usize, row: &[u8], texts: &mut dyn Texts, rewrite: &mut Rewrite<'_>) {
        let delimiter = self.delimiter.unwrap_or(b',');
        texts.enter();
        let mut edits = Vec::new();
        for (index, cell) in (Cells { rest: row, at: 0, delimiter, over: false }).enumerate() {
            let number = Step::Number(u32::try_from(index + 1).unwrap_or(u32::MAX));
            let step = self.columns.get(index).filter(|name| !name.is_empty()).map_or(number, |name| Step::Name(name));
            if cell.value.is_empty() {
                continue;
            }
            if let Some(instead) = texts.text(&Place { path: &[step], fixed: false }, &cell.value) {
                edits.push((start + cell.start, start + cell.end, cell.written(&instead, delimiter)));
            }
        }
        if texts.leave() {
            edits.iter().for_each(|(from, to, instead)| rewrite.replace(*from, *to, &[instead]));
        } else {
            rewrite.replace(start, start + row.len(), &[]);
        }
    }
}

impl Framing for Csv {
    fn whole(&mut self, held: &[u8], ended: bool) -> Result<usize, FramingError> {
        let mut whole = 0;
        // The row of names goes by alone: what follows is told under them.
        let alone = self.columns.is_empty();
        while let Some(byte) = held.get(self.seen).filter(|_| !alone || whole == 0) {
            self.seen += 1;
            let divides = self.divides(*byte);
            self.within = self.within.step(*byte, divides);
            if *byte == b'\n' && self.within == Within::Start {
                whole = self.seen;
            }
        }
        if ended && (whole == 0 || !alone) {
            return Ok(held.len());
        }
        let rest = if alone && whole > 0 { 0 } else { held.len() - whole };
        if rest > self.bounds.bytes { Err(FramingError::TooLarge) } else { Ok(whole) }
    }

    fn walk(&self, units: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        let mut rewrite = Rewrite::new(units);
        if self.columns.is_empty() {
            if let Some(changed) = texts.text(&Place { path: &[], fixed: false }, units.trim_ascii_end()) {
                rewrite.replace(0, units.trim_ascii_end().len(), &[&changed]);
            }
            return Ok(rewrite.finish());
        }
        let (mut start, mut within) = (0, Within::Start);
        for (at, byte) in units.iter().enumerate() {
            within = within.step(*byte, self.divides(*byte));
            if *byte == b'\n' && within == Within::Start {
                self.row(start, units.get(start..=at).unwrap_or_default(), texts, &mut rewrite);
                start = at + 1;
            }
        }
        if let Some(last) = units.get(start..).filter(|last| !last.is_empty()) {
            self.row(start, last, texts, &mut rewrite);
        }
        Ok(rewrite.finish())
    }

    fn pass(&mut self, units: &[u8], _out: &[u8]) {
        if self.columns.is_empty() {
            self.names(units);
        }
        self.seen = self.seen.saturating_sub(units.len());
    }
}

struct Cell {
    start: usize,
    end: usize,
    quoted: bool,
    value: Vec<u8>,
}

impl Cell {
    fn written(&self, value: &[u8], delimiter: u8) -> Vec<u8> {
        let needs = |byte: &u8| *byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
        if !self.quoted && !value.iter().any(needs) {
            return value.to_vec();
        }
        let mut out = vec![b'"'];
        for byte in value {
            out.extend_from_slice(if *byte == b'"' { b"\"\"" } else { std::slice::from_ref(byte) });
        }
        out.push(b'"');
        out
    }
}

/// The cells of one row, one after the other.
struct Cells<'r> {
    rest: &'r [u8],
    at: usize,
    delimiter: u8,
    over: bool,
}

impl Iterator for Cells<'_> {
    type Item = Cell;

    fn next(&mut self) -> Option<Cell> {
        if self.over {
            return None;
        }
        let row = self.rest.strip_suffix(b"\n").unwrap_or(self.rest);
        let row = row.strip_suffix(b"\r").unwrap_or(row);
        let start = self.at;
        let mut within = Within::Start;
        let end = row.iter().enumerate().skip(start).find(|(_, byte)| {
            let divides = **byte == self.delimiter;
            within = within.step(**byte, divides);
            divides && within == Within::Start
        });
        let end = end.map_or(row.len(), |(at, _)| at);
        self.over = end >= row.len();
        self.at = end + 1;
        let text = row.get(start..end).unwrap_or_default();
        let inner = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
        let value = inner.map_or_else(|| text.to_vec(), unquoted);
        Some(Cell { start, end, quoted: inner.is_some(), value })
    }
}

fn unquoted(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().peekable();
    while let Some(byte) = bytes.next() {
        out.push(*byte);
        if *byte == b'"' {
            bytes.next_if_eq(&&b'"');
        }
    }
    out
}

const DELIMITERS: [u8; 4] = *b",;\t|";
/// More columns have no names.
const MOST_COLUMNS: usize = 4096;
