//! Records within one JSON document: the elements of an array at its top, or of arrays deep inside it.

use super::{Bounds, Framing, FramingError, Place, Rewrite, Texts};

/// Where the records of a document are: the names on the way to their array. Arrays on the way are gone through. Of several names any will do.
pub type Way = &'static [&'static [&'static str]];

/// The document is an array of records: Datadog, CloudWatch-like exporters.
pub const ARRAY: Way = &[];
/// OTLP logs.
pub const OTLP_LOGS: Way =
    &[&["resourceLogs", "resource_logs"], &["scopeLogs", "scope_logs"], &["logRecords", "log_records"]];
/// OTLP traces.
pub const OTLP_TRACES: Way = &[&["resourceSpans", "resource_spans"], &["scopeSpans", "scope_spans"], &["spans"]];
/// OTLP metrics.
pub const OTLP_METRICS: Way = &[
    &["resourceMetrics", "resource_metrics"],
    &["scopeMetrics", "scope_metrics"],
    &["metrics"],
    &["gauge", "sum", "histogram", "exponentialHistogram", "exponential_histogram", "summary"],
    &["dataPoints", "data_points"],
];
/// Loki's push.
pub const LOKI: Way = &[&["streams"], &["values"]];
/// CloudWatch Logs' `PutLogEvents`.
pub const CLOUDWATCH: Way = &[&["logEvents"]];

/// A body that is one document, held whole.
#[derive(Debug)]
pub struct Document {
    way: Way,
    bounds: Bounds,
}

impl Document {
    /// A document whose records are at the end of `way`.
    #[must_use]
    pub const fn new(way: Way, bounds: Bounds) -> Self {
        Self { way, bounds }
    }
}

impl Framing for Document {
    fn whole(&mut self, held: &[u8], ended: bool) -> Result<usize, FramingError> {
        match (held.len() > self.bounds.bytes, ended) {
            (true, _) => Err(FramingError::TooLarge),
            (false, true) => Ok(held.len()),
            (false, false) => Ok(0),
        }
    }

    fn walk(&self, units: &[u8], texts: &mut dyn Texts) -> Result<Option<Vec<u8>>, FramingError> {
        let mut reader = Reader {
            text: units,
            at: 0,
            depth: self.bounds.depth,
            way: self.way,
            told: 0,
            texts,
            rewrite: Rewrite::new(units),
        };
        reader.value(Some(0))?;
        reader.space();
        if reader.at < units.len() {
            return Err(FramingError::Malformed);
        }
        reader.tell(units.len());
        Ok(reader.rewrite.finish())
    }
}

struct Reader<'d, 't> {
    text: &'d [u8],
    at: usize,
    depth: usize,
    way: Way,
    /// What stands before this has been told.
    told: usize,
    texts: &'t mut dyn Texts,
    rewrite: Rewrite<'d>,
}

impl Reader<'_, '_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    /// Tells what stands between records as the text that it is.
    fn tell(&mut self, to: usize) {
        let gap = self.text.get(self.told..to).unwrap_or_default();
        if gap.iter().any(u8::is_ascii_alphanumeric)
            && let Some(changed) = self.texts.text(&WHOLE, gap)
        {
            self.rewrite.replace(self.told, to, &[&changed]);
        }
        self.told = to;
    }

    /// `step` is how far on the way this value stands; none beside it.
    fn value(&mut self, step: Option<usize>) -> Result<(), FramingError> {
        self.space();
        match self.peek().ok_or(FramingError::Truncated)? {
            b'{' => self.within(|reader| reader.object(step)),
            b'[' if step == Some(self.way.len()) => self.within(Self::records),
            b'[' => self.within(|reader| reader.array(step)),
            b'"' => self.string().map(drop),
            _ => self.word(),
        }
    }

    fn within(&mut self, each: impl FnOnce(&mut Self) -> Result<(), FramingError>) -> Result<(), FramingError> {
        self.depth = self.depth.checked_sub(1).ok_or(FramingError::TooDeep)?;
        self.at += 1;
        each(self)?;
        self.depth += 1;
        Ok(())
    }

    /// Whether a container ends here; if it does not, the comma before its next member is taken.
    fn ends(&mut self, close: u8, first: bool) -> Result<bool, FramingError> {
        self.space();
        match self.peek().ok_or(FramingError::Truncated)? {
            byte if byte == close => {
                self.at += 1;
                Ok(true)
            }
            b',' if !first => {
                self.at += 1;
                self.space();
                Ok(false)
            }
            _ if first => Ok(false),
            _ => Err(FramingError::Malformed),
        }
    }

    fn object(&mut self, step: Option<usize>) -> Result<(), FramingError> {
        let mut first = true;
        while !self.ends(b'}', first)? {
            first = false;
            let (start, end) = self.string()?;
            let name = self.text.get(start..end).unwrap_or_default();
            self.space();
            if self.peek() != Some(b':') {
                return Err(FramingError::Malformed);
            }
            self.at += 1;
            let next = step.and_then(|step| Some((step, self.way.get(step)?)));
            let next = next.filter(|(_, names)| names.iter().any(|known| known.as_bytes() == name));
            self.value(next.map(|(step, _)| step + 1))?;
        }
        Ok(())
    }

    fn array(&mut self, step: Option<usize>) -> Result<(), FramingError> {
        let mut first = true;
        while !self.ends(b']', first)? {
            first = false;
            self.value(step)?;
        }
        Ok(())
    }

    /// An array of records: those that stay are written one after the other when one is left out.
    fn records(&mut self) -> Result<(), FramingError> {
        self.space();
        let begin = self.at;
        self.tell(begin);
        let (mut first, mut dropped, mut changed, mut end) = (true, false, false, begin);
        let mut kept: Vec<Vec<u8>> = Vec::new();
        while !self.ends(b']', first)? {
            first = false;
            let start = self.at;
            self.value(None)?;
            end = self.at;
            let record = self.text.get(start..end).unwrap_or_default();
            self.texts.enter();
            let instead = self.texts.text(&WHOLE, record);
            let stays = self.texts.leave();
            dropped |= !stays;
            changed |= instead.is_some();
            if stays {
                kept.push(instead.unwrap_or_else(|| record.to_vec()));
            }
        }
        if dropped || changed {
            self.rewrite.replace(begin, end, &[&kept.join(&b","[..])]);
        }
        self.told = end;
        Ok(())
    }

    /// Where the string is, without its quotes.
    fn string(&mut self) -> Result<(usize, usize), FramingError> {
        if self.peek() != Some(b'"') {
            return Err(FramingError::Malformed);
        }
        let start = self.at + 1;
        self.at = start;
        loop {
            match self.peek().ok_or(FramingError::Truncated)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Ok((start, self.at - 1))
    }

    fn word(&mut self) -> Result<(), FramingError> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')) {
            self.at += 1;
        }
        if self.at == start { Err(FramingError::Malformed) } else { Ok(()) }
    }
}

const WHOLE: Place<'static> = Place { path: &[], fixed: false };
