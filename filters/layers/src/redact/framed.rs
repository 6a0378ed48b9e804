use std::sync::Arc;

use sekisho_codec::framing::{Framing, FramingError, drive};
use sekisho_scan::{Finding, Ruleset, Scanner, Shape, redact};

use super::coding::sniff;
use super::leaves::{Dropped, Edits, Leaves};

/// What the decoded bytes of a body pass: a framing, of which every text is scanned; the scanner, for the bytes as they come; or
/// both.
pub(super) struct Through {
    rules: Arc<Ruleset>,
    framed: Option<Framed>,
    /// None where the framing tells all there is.
    raw: Option<Raw>,
    findings: Vec<Finding>,
}

/// The bytes as they come.
struct Raw {
    /// None until the first bytes have come, which tell it where nothing else does.
    shape: Option<Shape>,
    scanner: Option<Scanner>,
}

/// A body that is taken apart.
struct Framed {
    framing: Box<dyn Framing + Send>,
    held: Vec<u8>,
    leaves: Leaves,
    drops: bool,
    dropped: Vec<Dropped>,
    records: usize,
    /// How much has gone by.
    offset: u64,
}

/// How a body is read.
pub(super) struct Reading {
    /// What takes it apart, if something has to.
    pub(super) framing: Option<Box<dyn Framing + Send>>,
    /// Whether its bytes are scanned as they come, and in what shape if that is said.
    pub(super) raw: Option<Option<Shape>>,
    /// Whether records in which something is found are left out.
    pub(super) drops: bool,
}

impl Through {
    pub(super) fn new(rules: Arc<Ruleset>, reading: Reading) -> Self {
        let Reading { framing, raw, drops } = reading;
        let framed = framing.map(|framing| Framed {
            framing,
            held: Vec::new(),
            leaves: Leaves::default(),
            drops,
            dropped: Vec::new(),
            records: 0,
            offset: 0,
        });
        let raw = raw.map(|shape| Raw { shape, scanner: None });
        Self { rules, framed, raw, findings: Vec::new() }
    }

    /// Takes decoded bytes; what may go on goes onto `out`.
    pub(super) fn push(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), FramingError> {
        match &mut self.framed {
            None => self.scan(plain, out),
            Some(framed) => {
                framed.held.extend_from_slice(plain);
                let passed = framed.advance(&self.rules, false, &mut self.findings)?;
                self.behind(passed, out);
            }
        }
        Ok(())
    }

    /// The body has ended.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), FramingError> {
        if let Some(framed) = &mut self.framed {
            let passed = framed.advance(&self.rules, true, &mut self.findings)?;
            self.behind(passed, out);
        }
        if let Some(scanner) = self.scanner() {
            scanner.finish(out);
        }
        Ok(())
    }

    /// Lets go of what is held back because the sender pauses. Of a unit nothing goes before it is whole.
    pub(super) fn flush(&mut self, out: &mut Vec<u8>) {
        if let Some(scanner) = self.scanner() {
            scanner.flush_idle(out);
        }
    }

    fn scanner(&mut self) -> Option<&mut Scanner> {
        self.raw.as_mut()?.scanner.as_mut()
    }

    fn behind(&mut self, mut passed: Vec<u8>, out: &mut Vec<u8>) {
        match self.raw {
            None => out.append(&mut passed),
            Some(_) => self.scan(&passed, out),
        }
    }

    fn scan(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        let Some(Raw { shape, scanner }) = &mut self.raw else { return };
        if plain.is_empty() {
            return;
        }
        let shape = *shape.get_or_insert_with(|| sniff(plain));
        scanner.get_or_insert_with(|| Scanner::new(Arc::clone(&self.rules), shape)).push(plain, out);
    }

    /// What was found since the last call.
    pub(super) fn take_findings(&mut self) -> Vec<Finding> {
        let mut findings = std::mem::take(&mut self.findings);
        if let Some(scanner) = self.scanner() {
            findings.append(&mut scanner.take_findings());
        }
        findings
    }

    /// Records that were left out since the last call.
    pub(super) fn take_dropped(&mut self) -> Vec<Dropped> {
        self.framed.as_mut().map(|framed| std::mem::take(&mut framed.dropped)).unwrap_or_default()
    }

    /// Whether a unit has begun and is not whole.
    pub(super) fn is_within(&self) -> bool {
        self.framed.as_ref().is_some_and(|framed| !framed.held.is_empty())
    }

    /// Bytes of memory that it holds beside what every scanner does.
    pub(super) fn memory(&self) -> usize {
        self.framed.as_ref().map_or(0, |framed| framed.held.capacity() + framed.leaves.text.capacity())
    }
}

impl Framed {
    /// Goes through what is whole, and gives out what has become of it.
    fn advance(
        &mut self,
        rules: &Arc<Ruleset>,
        ended: bool,
        findings: &mut Vec<Finding>,
    ) -> Result<Vec<u8>, FramingError> {
        let Self { framing, held, leaves, drops, dropped, records, offset } = self;
        let mut out = Vec::new();
        drive(&mut **framing, (held, ended), &mut out, |framing, units| {
            leaves.begin(units.len());
            framing.walk(units, leaves)?;
            if leaves.is_over() {
                return Err(FramingError::TooLarge);
            }
            let start = *offset;
            *offset += units.len() as u64;
            let found = redact(rules, Shape::Text, &leaves.text).findings;
            if found.is_empty() && !*drops {
                return Ok(None);
            }
            let mut edits = Edits::new(rules, leaves, found, *drops);
            let changed = framing.walk(units, &mut edits)?;
            dropped.extend(edits.dropped.drain(..).map(|one| Dropped { number: one.number + *records, ..one }));
            *records += edits.records();
            // Where in the unit it was is not known any more; where the unit was is.
            findings.extend(edits.into_findings().into_iter().map(|finding| Finding { offset: start, ..finding }));
            Ok(changed)
        })?;
        if held.is_empty() && held.capacity() > KEPT {
            *held = Vec::new();
            *leaves = Leaves::default();
        }
        Ok(out)
    }
}

impl std::fmt::Debug for Through {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Through").field("framed", &self.framed.is_some()).finish_non_exhaustive()
    }
}

/// The room that a body between two units may keep.
const KEPT: usize = 256 * 1024;
