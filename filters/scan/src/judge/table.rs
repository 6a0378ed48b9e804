//! Tables of CSV: a line of names, and below it a value of each in every line.

use super::value::{Value, Written};
use crate::class;
use crate::decode::LOOK_BACK;
use crate::edit::Edit;
use crate::hunt::{Hit, Kind};
use crate::judge::{Judge, Verdict};
use crate::view::View;

/// A table that was recognised by its first line, until a line comes that has another number of fields.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    delimiter: u8,
    fields: usize,
    /// The columns whose name is forbidden, from left to right.
    columns: Vec<Column>,
}

#[derive(Debug, Clone)]
struct Column {
    place: usize,
    name: Vec<u8>,
    rules: Vec<usize>,
}

impl Judge<'_> {
    /// The table whose first line has the piece of a name at `at`; its first row is a place to be judged.
    pub(super) fn table(&self, view: &View<'_>, at: usize) -> Option<Verdict> {
        let name = view.run(at, class::NAME, MAX_NAME);
        let quote = usize::from(view.at(name) == Some(b'"'));
        let next = view.at(name + quote);
        let last = next.is_none_or(|byte| matches!(byte, b'\n' | b'\r'));
        if !last && !next.is_some_and(|byte| DELIMITERS.contains(&byte)) {
            return None;
        }
        let start = line_start(view, at)?;
        let head = view.slice(start, at);
        let delimiter = if last { *DELIMITERS.iter().find(|byte| head.contains(byte))? } else { next? };
        let titles = |line| titles(line, delimiter);
        // what stands before the name is looked at first: the rest of the line may have to be waited for
        let before = head.iter().rposition(|byte| *byte == delimiter).and_then(|end| head.get(..end));
        if before.is_some_and(|before| titles(before).is_none()) {
            return None;
        }
        let end = view.until(at, MAX_LINE, |byte| byte == b'\n');
        let names = titles(view.slice(start, end)).filter(|names| names.len() > 1 && view.at(end).is_some())?;
        let column = |(place, name): (usize, &&[u8])| {
            let rules = self.rules.names.rules(name);
            (!rules.is_empty()).then(|| Column { place, name: name.to_vec(), rules })
        };
        let columns: Vec<Column> = names.iter().enumerate().filter_map(column).collect();
        let first = Hit { at: end + 1, kind: Kind::Row };
        let table = Table { delimiter, fields: names.len(), columns };
        (!table.columns.is_empty()).then(|| Verdict { table: Some(table), more: vec![first], ..Verdict::default() })
    }

    /// The values of the row of `table` that starts at `at`, and the next row; none if what stands there is no row of it.
    pub(super) fn row(&self, view: &View<'_>, at: usize, table: &Table) -> Option<Verdict> {
        let mut more = Vec::new();
        let mut from = at;
        let mut place = 0;
        view.at(at)?;
        loop {
            if let Some(column) = table.columns.iter().position(|column| column.place == place) {
                more.push(Hit { at: from, kind: Kind::Cell(column) });
            }
            place += 1;
            from = field_end(view, from, table.delimiter);
            match view.at(from) {
                Some(byte) if byte == table.delimiter && place < table.fields => from += 1,
                Some(b'\n' | b'\r') | None if place == table.fields && !view.is_cut(from) => break,
                _ => return None,
            }
        }
        more.push(Hit { at: from + usize::from(view.at(from) == Some(b'\r')) + 1, kind: Kind::Row });
        Some(Verdict { more, ..Verdict::default() })
    }

    /// The value at `at`, of the column of `table` with this number.
    pub(super) fn cell(&self, view: &View<'_>, at: usize, (table, column): (&Table, usize)) -> Option<Edit> {
        let column = table.columns.get(column)?;
        let end = field_end(view, at, table.delimiter);
        let quoted = view.at(at) == Some(b'"') && end > at + 1 && view.before(end) == Some(b'"');
        let inner = if quoted { (at + 1, end - 1) } else { (at, end) };
        let written = if quoted { Written::Quoted { quote: b'"', slashes: 0 } } else { Written::Bare };
        let start = inner.0.max(view.floor());
        if start >= inner.1 {
            return None;
        }
        let value = Value { start, end: inner.1, after: end, written };
        let text = view.slice(start, inner.1);
        if self.survives(&column.name, text, written) {
            return None;
        }
        let detector = self.rule(view, (value.start, value.end), &column.rules)?;
        let mut edit = Edit::new(self.rules, view, (value.start, value.end), detector);
        edit.field = Some(String::from_utf8_lossy(&column.name).into_owned());
        Some(edit)
    }
}

/// Where the line of `at` starts; none where that is too far behind to be seen.
fn line_start(view: &View<'_>, at: usize) -> Option<usize> {
    let mut start = at;
    while start > 0 && view.before(start) != Some(b'\n') {
        start -= 1;
        if at - start >= LOOK_BACK {
            return None;
        }
    }
    Some(start)
}

/// The names of a line of names.
fn titles(line: &[u8], delimiter: u8) -> Option<Vec<&[u8]>> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let names: Vec<&[u8]> = line.split(|byte| *byte == delimiter).map(unquoted).collect();
    names.iter().all(|name| is_title(name)).then_some(names)
}

/// The end of the field at `from`; one in quotes may hold delimiters, line breaks and doubled quotes.
fn field_end(view: &View<'_>, from: usize, delimiter: u8) -> usize {
    let ends = |byte: u8| byte == delimiter || matches!(byte, b'\n' | b'\r');
    if view.at(from) != Some(b'"') {
        return view.until(from, usize::MAX, ends);
    }
    let mut at = from + 1;
    loop {
        at = view.until(at, usize::MAX, |byte| byte == b'"');
        match (view.at(at), view.at(at + 1)) {
            (Some(_), Some(b'"')) => at += 2,
            (Some(_), _) => return view.until(at + 1, usize::MAX, ends),
            (None, _) => return at,
        }
    }
}

fn unquoted(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"\"").and_then(|name| name.strip_suffix(b"\"")).unwrap_or(name)
}

/// Whether `name` may stand above a column: some words, none of code, and no blank at either end, as lists in sentences have.
fn is_title(name: &[u8]) -> bool {
    let letter = |byte: &u8| class::is(*byte, class::LETTER | class::UNDERSCORE | class::HIGH);
    let sound = |byte: &u8| class::is(*byte, class::NAME | class::HIGH) || *byte == b' ';
    let words = name.iter().filter(|byte| **byte == b' ').count();
    (1..=MAX_NAME).contains(&name.len())
        && name.first().is_some_and(letter)
        && name.last() != Some(&b' ')
        && name.iter().all(sound)
        && words < MAX_WORDS
        && !CODE.iter().any(|word| name.starts_with(word))
}

/// What separates the columns of a table.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
const MAX_NAME: usize = 64;
const MAX_WORDS: usize = 4;
const CODE: [&[u8]; 8] = [b"import ", b"from ", b"return ", b"select ", b"SELECT ", b"let ", b"use ", b"with "];
/// Longer lines of names are not recognised.
const MAX_LINE: usize = 4096;
