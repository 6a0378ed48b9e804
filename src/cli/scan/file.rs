use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use sekisho_codec::coding::{Budget, Coding, Decoder, Encoder};
use sekisho_scan::{Finding, Ruleset, Scanner, Shape};

use super::lines::Lines;
use super::walk::Entry;

/// Searches one file after the other, piece by piece.
pub(super) struct Reader {
    pub(super) rules: Arc<Ruleset>,
    pub(super) budget: Budget,
}

/// A finding and where it stands.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) finding: Finding,
    pub(super) line: u64,
    pub(super) column: u64,
}

/// What was found in a file.
#[derive(Debug, Default)]
pub(super) struct All {
    /// The first of them.
    pub(super) found: Vec<Found>,
    /// How many more there were: a stream without an end must not fill the memory.
    pub(super) untold: u64,
}

impl All {
    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

impl Reader {
    /// Reads a file to its end and writes it, masked, to `out`. A file in a coding that is told by its first bytes is decoded, and
    /// coded again.
    pub(super) fn read(&self, entry: &Entry, out: &mut dyn Write) -> io::Result<All> {
        let mut input: Box<dyn Read> = match &entry.path {
            None => Box::new(io::stdin().lock()),
            Some(path) => Box::new(File::open(path)?),
        };
        let mut piece = vec![0; PIECE];
        let first = fill(&mut *input, &mut piece)?;
        let first = piece.get(..first).unwrap_or_default();
        let mut pass = Pass {
            decoder: coding(entry, first).map(|coding| Decoder::new(coding, self.budget)),
            encoder: None,
            scanner: None,
            lines: Lines::default(),
            all: All::default(),
            rules: Arc::clone(&self.rules),
        };
        pass.push(first, out)?;
        loop {
            let read = fill(&mut *input, &mut piece)?;
            if read == 0 {
                break;
            }
            pass.push(piece.get(..read).unwrap_or_default(), out)?;
        }
        pass.finish(out)
    }
}

struct Pass {
    decoder: Option<Decoder>,
    encoder: Option<Encoder>,
    scanner: Option<Scanner>,
    lines: Lines,
    all: All,
    rules: Arc<Ruleset>,
}

impl Pass {
    fn push(&mut self, mut piece: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let Some(mut decoder) = self.decoder.take() else {
            return self.scan(piece, out);
        };
        let mut plain = Vec::new();
        while decoder.step(&mut piece, &mut plain).map_err(io::Error::other)? {
            self.encoder.get_or_insert_with(|| decoder.encoder());
            self.scan(&plain, out)?;
            plain.clear();
        }
        self.decoder = Some(decoder);
        Ok(())
    }

    fn scan(&mut self, plain: &[u8], out: &mut dyn Write) -> io::Result<()> {
        if plain.is_empty() {
            return Ok(());
        }
        self.lines.push(plain);
        let shape = match plain.trim_ascii_start().first() {
            Some(b'{' | b'[') => Shape::Json,
            Some(_) | None => Shape::Text,
        };
        let scanner = self.scanner.get_or_insert_with(|| Scanner::new(Arc::clone(&self.rules), shape));
        let mut clean = Vec::with_capacity(plain.len());
        scanner.push(plain, &mut clean);
        let findings = scanner.take_findings();
        self.place(findings);
        self.write(&clean, out)
    }

    fn write(&mut self, clean: &[u8], out: &mut dyn Write) -> io::Result<()> {
        match &mut self.encoder {
            None => out.write_all(clean),
            Some(encoder) => {
                let mut coded = Vec::new();
                encoder.push(clean, &mut coded);
                out.write_all(&coded)
            }
        }
    }

    fn place(&mut self, findings: Vec<Finding>) {
        for finding in findings {
            if self.all.found.len() >= MOST_TOLD {
                self.all.untold = self.all.untold.saturating_add(1);
                continue;
            }
            let (line, column) = self.lines.position(finding.offset);
            self.all.found.push(Found { finding, line, column });
        }
    }

    fn finish(mut self, out: &mut dyn Write) -> io::Result<All> {
        if let Some(mut decoder) = self.decoder.take() {
            let mut rest = Vec::new();
            decoder.finish(&mut rest).map_err(io::Error::other)?;
            self.scan(&rest, out)?;
        }
        if let Some(mut scanner) = self.scanner.take() {
            let mut rest = Vec::new();
            scanner.finish(&mut rest);
            self.place(scanner.take_findings());
            self.write(&rest, out)?;
        }
        if let Some(encoder) = self.encoder.take() {
            let mut rest = Vec::new();
            encoder.finish(&mut rest);
            out.write_all(&rest)?;
        }
        out.flush()?;
        Ok(self.all)
    }
}

/// By how the file begins, or, where a coding begins like nothing in particular, by how it is named.
fn coding(entry: &Entry, first: &[u8]) -> Option<Coding> {
    let named = || match entry.path.as_deref()?.extension()?.to_str()? {
        "br" => Some(Coding::Brotli),
        "zz" | "zlib" | "deflate" => Some(Coding::Deflate),
        "snappy" => Some(Coding::Snappy),
        _ => None,
    };
    Coding::of_file(first).or_else(named)
}

/// Reads until the piece is full or the input ends, so that the first piece of a pipe is long enough to be told by.
fn fill(input: &mut dyn Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = piece.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(read) => filled = filled.saturating_add(read),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

const PIECE: usize = 64 * 1024;
/// Findings of one file that are told one by one.
const MOST_TOLD: usize = 100_000;
