//! The stream: what is held back, what is let go, and when.

use std::fmt;
use std::sync::Arc;

use crate::decode::LOOK_BACK;
use crate::edit::Edit;
use crate::finding::{Action, Finding, Shape};
use crate::hunt::{Hit, Kind, Range};
use crate::judge::Judge;
use crate::ruleset::Ruleset;
use crate::swallow::Swallow;
use crate::view::View;

/// Redacts one stream.
///
/// What comes out of [`Scanner::push`] and [`Scanner::finish`] together does not depend on how the stream was cut into chunks. The
/// scanner holds back what may still become a secret, and at most the ruleset's hold.
pub struct Scanner {
    rules: Arc<Ruleset>,
    shape: Shape,
    /// The kept piece of the stream; `base` is where it starts.
    bytes: Vec<u8>,
    base: u64,
    /// All below are offsets into `bytes`. Written out up to here.
    emitted: usize,
    /// Judged up to here.
    cursor: usize,
    /// Known secrets are looked for from here on, inside of what was masked too.
    known_cursor: usize,
    /// Replaced up to here.
    floor: usize,
    /// Escapes were decoded up to here.
    decoded: usize,
    /// The whole of a place asks for more: nothing from here on goes out.
    waiting: bool,
    swallow: Option<(Swallow, Finding)>,
    hits: Vec<Hit>,
    findings: Vec<Finding>,
    blocked: bool,
}

impl fmt::Debug for Scanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scanner")
            .field("shape", &self.shape)
            .field("held", &(self.bytes.len() - self.emitted))
            .field("findings", &self.findings.len())
            .field("blocked", &self.blocked)
            .finish_non_exhaustive()
    }
}

impl Scanner {
    /// A scanner at the start of a stream.
    #[must_use]
    pub fn new(rules: Arc<Ruleset>, shape: Shape) -> Self {
        Self {
            rules,
            shape,
            bytes: Vec::new(),
            base: 0,
            emitted: 0,
            cursor: 0,
            known_cursor: 0,
            floor: 0,
            decoded: 0,
            waiting: false,
            swallow: None,
            hits: Vec::new(),
            findings: Vec::new(),
            blocked: false,
        }
    }

    /// Takes a piece of the stream and appends to `out` what is safe to go on.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if self.blocked || chunk.is_empty() {
            return;
        }
        for piece in chunk.chunks(PIECE) {
            self.bytes.extend_from_slice(piece);
            self.advance(false, out);
            self.forget();
        }
    }

    /// The stream ended: appends what was held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.advance(true, out);
        if let Some((mut swallow, finding)) = self.swallow.take() {
            swallow.finish(out);
            self.findings.push(finding);
        }
        self.bytes.clear();
        self.emitted = 0;
        self.cursor = 0;
        self.known_cursor = 0;
        self.floor = 0;
        self.decoded = 0;
    }

    /// Nothing came for a while: lets go what is held back up to the last delimiter, but nothing that may be in the middle of a secret.
    /// What was let go cannot be masked any more, so this is the one call that makes a difference to where the stream is cut.
    pub fn flush_idle(&mut self, out: &mut Vec<u8>) {
        if self.blocked || self.swallow.is_some() {
            return;
        }
        let stop = if self.waiting { self.cursor } else { self.bytes.len() };
        let held = self.bytes.get(self.emitted..stop).unwrap_or_default();
        let word = held.iter().rposition(|byte| matches!(byte, b' ' | b'\n' | b',' | b';' | b'&' | b'\t'));
        if let Some(word) = word {
            self.emit(self.emitted + word + 1, out);
        }
    }

    /// What was found since the last call.
    pub fn take_findings(&mut self) -> Vec<Finding> {
        std::mem::take(&mut self.findings)
    }

    /// Whether a finding's action stopped the stream. Nothing more comes out.
    #[must_use]
    pub fn blocked(&self) -> bool {
        self.blocked
    }

    fn advance(&mut self, ended: bool, out: &mut Vec<u8>) {
        loop {
            if self.blocked || !self.swallowed(out) {
                return;
            }
            let limit = self.limit(ended);
            self.waiting = false;
            if self.judge_to(limit, ended, out) {
                continue;
            }
            if self.blocked {
                return;
            }
            let stop = if ended && !self.waiting { self.bytes.len() } else { self.safe() };
            self.emit(stop, out);
            return;
        }
    }

    /// Feeds a running swallow; false when it wants more.
    fn swallowed(&mut self, out: &mut Vec<u8>) -> bool {
        let Some((mut swallow, mut finding)) = self.swallow.take() else {
            return true;
        };
        let rest = self.bytes.get(self.cursor..).unwrap_or_default();
        let (taken, done) = swallow.feed(rest, out);
        finding.length += taken as u64;
        self.cursor += taken;
        self.known_cursor = self.cursor;
        self.floor = self.cursor;
        self.emitted = self.cursor;
        if done {
            self.findings.push(finding);
        } else {
            self.swallow = Some((swallow, finding));
        }
        done
    }

    /// Judges the places before `limit`; true when a swallow began.
    fn judge_to(&mut self, limit: usize, ended: bool, out: &mut Vec<u8>) -> bool {
        let rules = Arc::clone(&self.rules);
        let mut hits = std::mem::take(&mut self.hits);
        hits.clear();
        let range = Range { start: self.cursor, known: self.known_cursor, limit };
        rules.hunt.find(&rules, &self.bytes, range, &mut hits);
        let mut began = false;
        for hit in &hits {
            if hit.at < self.cursor && hit.kind != Kind::Known {
                continue;
            }
            match self.judge_one(&rules, *hit, ended, out) {
                Outcome::On => {}
                Outcome::Wait => {
                    self.waiting = true;
                    self.cursor = self.cursor.max(hit.at);
                    self.known_cursor = hit.at;
                    break;
                }
                Outcome::Swallow => {
                    began = true;
                    break;
                }
                Outcome::Blocked => break,
            }
        }
        self.hits = hits;
        if !began && !self.waiting && !self.blocked {
            self.cursor = self.cursor.max(limit);
            self.known_cursor = self.known_cursor.max(limit);
        }
        began
    }

    fn judge_one(&mut self, rules: &Ruleset, hit: Hit, ended: bool, out: &mut Vec<u8>) -> Outcome {
        let stop = self.bytes.len().min(hit.at + rules.hold);
        let seen = self.bytes.get(..stop).unwrap_or_default();
        let back = hit.at.saturating_sub(LOOK_BACK);
        let view = View::new(seen, self.floor, back, ended && stop == self.bytes.len());
        let judge = Judge { rules, shape: self.shape, depth: 0 };
        let verdict = judge.judge(&view, hit, self.decoded);
        if view.starved() && stop < hit.at + rules.hold {
            return Outcome::Wait;
        }
        self.decoded = self.decoded.max(verdict.decoded);
        self.known_cursor = hit.at;
        for edit in verdict.edits {
            match self.apply(rules, edit, out) {
                Outcome::On => {}
                outcome @ (Outcome::Wait | Outcome::Swallow | Outcome::Blocked) => return outcome,
            }
        }
        Outcome::On
    }

    fn apply(&mut self, rules: &Ruleset, mut edit: Edit, out: &mut Vec<u8>) -> Outcome {
        let Some(detector) = rules.detector(edit.detector) else {
            return Outcome::On;
        };
        let action = rules.action(edit.detector);
        let finding = Finding {
            detector: Arc::clone(&detector.id),
            category: detector.category,
            severity: detector.severity,
            action,
            field: edit.field.take(),
            offset: self.base + edit.start as u64,
            length: (edit.end - edit.start) as u64,
            fingerprint: edit.tag().to_owned(),
            confidence: edit.confidence,
        };
        if action == Action::Alert {
            self.findings.push(finding);
            return Outcome::On;
        }
        edit.start = edit.start.max(self.emitted);
        if edit.end < edit.start {
            return Outcome::On;
        }
        self.emit(edit.start.min(edit.member.map_or(usize::MAX, |(start, _)| start)), out);
        if action == Action::Block {
            self.findings.push(finding);
            self.blocked = true;
            return Outcome::Blocked;
        }
        let mut end = edit.end;
        match edit.member {
            Some((start, stop)) if start >= self.emitted && edit.swallow.is_none() => end = stop,
            _ => out.extend_from_slice(&edit.replacement(action)),
        }
        self.emitted = end;
        self.floor = end;
        self.cursor = self.cursor.max(end);
        match edit.swallow {
            None => {
                self.findings.push(finding);
                Outcome::On
            }
            Some(swallow) => {
                self.cursor = end;
                self.decoded = end;
                self.swallow = Some((swallow, finding));
                Outcome::Swallow
            }
        }
    }

    /// Places before this can be told for certain: a newline ends every trigger, else the longest one must fit.
    fn limit(&self, ended: bool) -> usize {
        if ended {
            return self.bytes.len();
        }
        let far = self.bytes.len().saturating_sub(LONGEST_TRIGGER);
        let tail = self.bytes.get(far..).unwrap_or_default();
        let line = memchr::memrchr(b'\n', tail).map_or(0, |at| far + at + 1);
        far.max(line)
    }

    /// Nothing before this can become part of a secret.
    fn safe(&self) -> usize {
        let judged = self.cursor.min(self.known_cursor.max(self.emitted));
        let far = judged.saturating_sub(LOOK_BACK);
        let tail = self.bytes.get(far..judged).unwrap_or_default();
        memchr::memrchr(b'\n', tail).map_or(far, |at| far + at + 1)
    }

    fn emit(&mut self, to: usize, out: &mut Vec<u8>) {
        if let Some(clean) = self.bytes.get(self.emitted..to) {
            out.extend_from_slice(clean);
            self.emitted = to;
        }
    }

    /// Drops what no verifier will look back at.
    fn forget(&mut self) {
        let needed = self.cursor.min(self.known_cursor).saturating_sub(LOOK_BACK).min(self.emitted);
        self.bytes.drain(..needed);
        self.base += needed as u64;
        self.emitted -= needed;
        self.cursor -= needed;
        self.known_cursor -= needed;
        self.floor = self.floor.saturating_sub(needed);
        self.decoded = self.decoded.saturating_sub(needed);
    }
}

enum Outcome {
    On,
    Wait,
    Swallow,
    Blocked,
}

/// A run that only its whole length tells, and what is asked of the bytes behind it.
const LONGEST_TRIGGER: usize = 64;
/// Large pushes are taken in pieces, so that the kept piece stays small and in the cache.
const PIECE: usize = 64 * 1024;

/// One edit applied to a whole value.
pub(crate) fn field<'a>(rules: &Arc<Ruleset>, value: &'a [u8], edit: Edit) -> crate::Redacted<'a> {
    let mut scanner = Scanner::new(Arc::clone(rules), Shape::HeaderValue);
    let mut out = Vec::new();
    scanner.bytes.extend_from_slice(value);
    let end = edit.end;
    let outcome = scanner.apply(rules, edit, &mut out);
    if let Outcome::On | Outcome::Swallow = outcome {
        scanner.emit(end.max(scanner.emitted), &mut out);
    }
    crate::Redacted {
        blocked: scanner.blocked,
        findings: scanner.findings,
        bytes: if out == value { value.into() } else { out.into() },
    }
}
