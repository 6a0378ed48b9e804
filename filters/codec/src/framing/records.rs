//! Records of text, one after the other, for who has to drop or refuse one of them and let the others go on.

use super::json::Ends;
use super::{Bounds, Framing, FramingError, Place, Rewrite, Texts};

/// How records are kept apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By line feeds: NDJSON, log lines.
    Lines,
    /// As Elasticsearch's `_bulk`: a line that says what to do and, unless that is `delete`, a line with the document.
    Bulk,
    /// JSON values, with white space between them or nothing: Splunk's HTTP event collector.
    Values,
    /// By empty lines: server-sent events.
    Events,
}

/// A body of records.
#[derive(Debug)]
pub struct Records {
    kind: Kind,
    bounds: Bounds,
    /// How much was held when it was last looked at.
    seen: usize,
    ends: Ends,
}

impl Records {
    /// A body of records that are kept apart as `kind` says.
    #[must_use]
    pub fn new(kind: Kind, bounds: Bounds) -> Self {
        Self { kind, bounds, seen: 0, ends: Ends::default() }
    }

    /// Whether what came since the last look cannot have ended a record, or is little beside what was looked at already.
    fn too_early(&self, held: &[u8]) -> bool {
        let new = held.get(self.seen..).unwrap_or_default();
        !new.contains(&b'\n') || held.len() > LARGE && new.len() < held.len() / 8
    }

    fn values(&mut self, held: &[u8], ended: bool) -> Result<usize, FramingError> {
        let mut whole = 0;
        while let Some(end) = self.ends.next(held, ended, self.bounds.depth)? {
            whole = end;
        }
        match (ended, self.ends.is_between()) {
            (true, true) => Ok(held.len()),
            (true, false) => Err(FramingError::Truncated),
            (false, _) => Ok(whole),
        }
    }
}

impl Framing for Records {
    fn whole(&mut self, held: &[u8], ended: bool) -> Result<usize, FramingError> {
        let whole = match self.kind {
            Kind::Values => self.values(held, ended)?,
            _ if ended => held.len(),
            Kind::Lines | Kind::Bulk | Kind::Events if self.too_early(held) => 0,
            Kind::Lines | Kind::Bulk | Kind::Events => {
                let mut whole = 0;
                while let Some(length) = first(self.kind, held.get(whole..).unwrap_or_default()) {
                    whole += length;
                }
                self.seen = held.len();
                whole
            }
        };
        let rest = held.len() - whole;
        if rest > self.bounds.bytes { Err(FramingError::TooLarge) } else { Ok(whole) }
    }

    fn walk(&self, units: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        let mut rewrite = Rewrite::new(units);
        let mut ends = Ends::default();
        let mut at = 0;
        while let Some(rest) = units.get(at..).filter(|rest| !rest.is_empty()) {
            let end = match self.kind {
                Kind::Values => ends.next(units, true, self.bounds.depth)?.unwrap_or(units.len()),
                Kind::Lines | Kind::Bulk | Kind::Events => at + first(self.kind, rest).unwrap_or(rest.len()),
            };
            let record = units.get(at..end).unwrap_or_default();
            let text = record.trim_ascii_end();
            if !text.trim_ascii_start().is_empty() {
                texts.enter();
                let changed = texts.text(&WHOLE, text);
                if !texts.leave() {
                    rewrite.replace(at, end, &[]);
                } else if let Some(changed) = changed {
                    rewrite.replace(at, at + text.len(), &[&changed]);
                }
            }
            at = end;
        }
        Ok(rewrite.finish())
    }

    fn pass(&mut self, units: &[u8], _out: &[u8]) {
        self.ends.forget(units.len());
        self.seen = self.seen.saturating_sub(units.len());
    }
}

/// How long the first record is, with what ends it.
fn first(kind: Kind, held: &[u8]) -> Option<usize> {
    let line = |from: usize| held.get(from..)?.iter().position(|byte| *byte == b'\n').map(|at| from + at + 1);
    match kind {
        Kind::Lines | Kind::Values => line(0),
        Kind::Bulk => {
            let action = line(0)?;
            let said = held.get(..action).unwrap_or_default().trim_ascii();
            let alone = said.is_empty() || is_delete(said);
            if alone { Some(action) } else { line(action) }
        }
        Kind::Events => {
            let mut end = line(0)?;
            while !held.get(end..).is_some_and(|rest| rest.starts_with(b"\n") || rest.starts_with(b"\r\n")) {
                end = line(end)?;
            }
            line(end)
        }
    }
}

/// `{"delete": …}`: an action without a document.
fn is_delete(action: &[u8]) -> bool {
    let name = action.strip_prefix(b"{").map(<[u8]>::trim_ascii_start).unwrap_or_default();
    name.starts_with(b"\"delete\"")
}

const WHOLE: Place<'static> = Place { path: &[], fixed: false };
/// Below this it costs little to look again.
const LARGE: usize = 4 * 1024;
