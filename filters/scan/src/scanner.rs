//! The stream: what is held back, what is let go, and when.

mod apply;

mod look;

use std::fmt;
use std::sync::Arc;

pub(crate) use apply::field;

use crate::class;
use crate::decode::{self, LOOK_BACK};
use crate::finding::{Finding, Shape};

use crate::hunt::{Hit, Range};
use crate::judge::Before;
use crate::ruleset::Ruleset;
use crate::swallow::Swallow;
use crate::work::Credit;

/// Redacts one stream.
///
/// What comes out of [`Scanner::push`] and [`Scanner::finish`] together does not depend on how the stream was cut into chunks. The
/// scanner holds back what may still become a secret, and at most the ruleset's hold. The work is linear in the stream: the hot pass
/// sees every byte once, and what it points at is looked into as far as the stream's credit goes.
pub struct Scanner {
    rules: Arc<Ruleset>,
    shape: Shape,
    /// The kept piece of the stream; `base` is where it starts.
    bytes: Vec<u8>,
    base: u64,
    /// All below are offsets into `bytes`. Written out up to here.
    emitted: usize,
    /// The hot pass found every place before this.
    hunted: usize,
    /// Places found and not judged yet, from `next` on.
    hits: Vec<Hit>,
    next: usize,
    /// Replaced up to here: only known secrets are looked for inside.
    floor: usize,
    /// Swallowed up to here: nothing is looked for inside.
    swallowed: usize,
    /// What the places judged so far left to those behind them.
    before: Before,
    /// How long `bytes` was when it was last looked at.
    looked: usize,
    swallow: Option<(Swallow, Finding)>,
    credit: Credit,
    /// Bytes read by all looks, those that came too early included.
    spent: u64,
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
            credit: Credit::new(rules.hold),
            rules,
            shape,
            bytes: Vec::new(),
            base: 0,
            emitted: 0,
            hunted: 0,
            hits: Vec::new(),
            next: 0,
            floor: 0,
            swallowed: 0,
            before: Before::default(),
            looked: 0,
            swallow: None,
            spent: 0,
            findings: Vec::new(),
            blocked: false,
        }
    }

    /// Takes a piece of the stream and appends to `out` what is safe to go on.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if self.blocked {
            return;
        }
        for piece in chunk.chunks(PIECE) {
            self.bytes.extend_from_slice(piece);
            if self.swallow.is_none() && self.too_early() {
                continue;
            }
            self.advance(self.limit(), false, out);
            self.emit(self.safe(), out);
            self.forget();
        }
        self.shrink();
    }

    /// A piece of nothing but zeros is a place for each byte: the room that took is not kept while the stream waits.
    fn shrink(&mut self) {
        if self.hits.capacity() > FEW_HITS {
            self.hits.drain(..self.next);
            self.next = 0;
            self.hits.shrink_to(FEW_HITS);
        }
    }

    /// The stream ended: appends what was held back.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.advance(self.bytes.len(), true, out);
        if let Some((mut swallow, finding)) = self.swallow.take() {
            swallow.finish(&self.rules, out);
            self.findings.push(finding);
        } else if !self.blocked {
            self.emit(self.bytes.len(), out);
        }
        self.base += self.bytes.len() as u64;
        self.drop_front(self.bytes.len());
        self.hits.clear();
        self.next = 0;
    }

    /// Nothing came for a while: lets go of whole words that can be told already, and of nothing that may be the beginning of a secret.
    /// What was let go cannot be masked any more: where [`crate::Action::DropField`] would have taken it, the value alone is masked.
    pub fn flush_idle(&mut self, out: &mut Vec<u8>) {
        self.let_go(out);
        self.bytes.shrink_to(PIECE);
        self.hits.shrink_to(FEW_HITS / 16);
    }

    fn let_go(&mut self, out: &mut Vec<u8>) {
        if self.blocked || self.swallow.is_some() {
            return;
        }
        let limit = self.begun().max(self.hunted);
        self.advance(limit, false, out);
        if self.blocked || self.swallow.is_some() {
            return;
        }
        let stop = match self.hits.get(self.next).filter(|hit| hit.at < limit) {
            None => limit,
            Some(hit) if hit.kind.is_encoded() => self.safe(),
            Some(hit) => self.last_word(hit.at),
        };
        self.emit(stop, out);
        self.forget();
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

    /// Bytes of memory that the stream keeps while it waits.
    #[cfg(test)]
    pub(crate) fn room(&self) -> usize {
        self.bytes.capacity() + self.hits.capacity() * size_of::<Hit>() + size_of::<Self>()
    }

    /// Bytes read by verifiers so far.
    #[cfg(test)]
    pub(crate) fn spent(&self) -> u64 {
        self.spent
    }

    /// Whether so little came since the last look that looking again would read the same bytes over and over. Each look is at a
    /// quarter more than the one before, so that all together read five times what the last one reads, however small the pieces.
    fn too_early(&self) -> bool {
        (self.bytes.len() - self.looked) * 4 < self.bytes.len() - self.judged()
    }

    /// Finds and judges the places before `limit`, as far as what came in allows.
    fn advance(&mut self, limit: usize, ended: bool, out: &mut Vec<u8>) {
        self.looked = self.bytes.len();
        let rules = Arc::clone(&self.rules);
        while !self.blocked && self.feed_swallow(out) {
            self.hunt(&rules, limit);
            if !self.judge_on(&rules, ended, out) {
                return;
            }
        }
    }

    /// Feeds a running swallow; false when it wants more.
    fn feed_swallow(&mut self, out: &mut Vec<u8>) -> bool {
        let Some((mut swallow, mut finding)) = self.swallow.take() else {
            return true;
        };
        let rest = self.bytes.get(self.floor..).unwrap_or_default();
        let (taken, done) = swallow.feed(&self.rules, rest, out);
        finding.length += taken as u64;
        self.floor += taken;
        self.swallowed = self.floor;
        self.emitted = self.floor;
        self.hunted = self.hunted.max(self.floor);
        // What was found in it before is behind: as long as it counted, nothing would be forgotten.
        let behind = |hit: &&Hit| hit.at < self.floor;
        self.next += self.hits.get(self.next..).unwrap_or_default().iter().take_while(behind).count();
        if done {
            self.findings.push(finding);
            if let Swallow::Rest(_) = swallow {
                self.before.resume(self.floor + 1, &mut self.hits);
            }
        } else {
            self.swallow = Some((swallow, finding));
        }
        done
    }

    fn hunt(&mut self, rules: &Ruleset, limit: usize) {
        if self.hunted >= limit {
            return;
        }
        self.hits.drain(..self.next);
        self.next = 0;
        let range = Range { start: self.hunted, limit, base: self.base };
        rules.hunt.find(rules, &self.bytes, range, &mut self.hits);
        // places that a verdict gave may lie behind those that were found now
        if !self.hits.is_sorted() {
            self.hits.sort_unstable();
        }
        self.hunted = limit;
    }

    /// Places before this can be told for certain: a newline ends every trigger, unless a known secret has one
    /// inside, else the longest one must fit.
    fn limit(&self) -> usize {
        let far = self.bytes.len().saturating_sub(LONGEST_TRIGGER);
        if self.rules.known.spans_lines() {
            return far.max(self.hunted);
        }
        let tail = self.bytes.get(far..).unwrap_or_default();
        memchr::memrchr(b'\n', tail).map_or(far, |at| far + at + 1).max(self.hunted)
    }

    /// Behind the last whole word, or where something begins that has to do with several words.
    fn begun(&self) -> usize {
        let end = self.bytes.len();
        let word = self.spelled_from(self.last_word(end));
        let tail = self.bytes.get(end.saturating_sub(SHORT_TAIL)..).unwrap_or_default();
        let cut = (0..tail.len()).find(|skip| {
            let tail = tail.get(*skip..).unwrap_or_default();
            self.rules.known.begins(tail) || self.rules.hunt.begins(tail)
        });
        cut.map_or(word, |skip| word.min(end - tail.len() + skip))
    }

    /// Behind the last delimiter before `to`.
    fn last_word(&self, to: usize) -> usize {
        let held = self.bytes.get(self.emitted..to).unwrap_or_default();
        let word = held.iter().rposition(|byte| matches!(byte, b' ' | b'\n' | b',' | b';' | b'&' | b'\t'));
        word.map_or(self.emitted, |word| self.emitted + word + 1)
    }

    /// Where the words begin that end before `to` and spell bytes: `&#65;`, `41 42`, `0x41, `. A known secret may begin with them.
    fn spelled_from(&self, to: usize) -> usize {
        let mut from = to;
        while self.rules.known.len() > 0
            && from > self.hunted.max(self.emitted)
            && decode::spells_bytes(self.bytes.get(self.emitted..from).unwrap_or_default())
        {
            let mark = |byte: &u8| matches!(byte, b' ' | b',' | b';' | b'&');
            let held = self.bytes.get(self.emitted..from).unwrap_or_default();
            let marks = held.iter().rev().take_while(|byte| mark(byte)).count();
            from = self.last_word(from - marks);
        }
        from
    }

    /// Every place before this was judged.
    fn judged(&self) -> usize {
        self.hits.get(self.next).map_or(self.hunted, |hit| hit.at.min(self.hunted))
    }

    /// Nothing before this can become part of a secret. A line that ends in a comma may still lose it with the member behind it.
    fn safe(&self) -> usize {
        let judged = self.judged();
        let far = judged.saturating_sub(LOOK_BACK);
        let tail = self.bytes.get(far..judged).unwrap_or_default();
        let Some(at) = memchr::memrchr(b'\n', tail) else {
            return far;
        };
        let line = tail.get(..at).unwrap_or_default();
        match line.iter().rposition(|byte| !class::is(*byte, class::SPACE)) {
            Some(comma) if line.get(comma) == Some(&b',') => far + comma,
            _ => far + at + 1,
        }
    }

    fn emit(&mut self, to: usize, out: &mut Vec<u8>) {
        if let Some(clean) = self.bytes.get(self.emitted..to)
            && self.swallow.is_none()
            && !self.blocked
        {
            out.extend_from_slice(clean);
            self.emitted = to;
        }
    }

    /// Drops what no verifier will look back at, once it is most of what is kept.
    fn forget(&mut self) {
        let needed = self.judged().saturating_sub(LOOK_BACK).min(self.emitted);
        if needed >= self.bytes.len() / 2 {
            self.base += needed as u64;
            self.drop_front(needed);
        }
    }

    fn drop_front(&mut self, count: usize) {
        self.bytes.drain(..count);
        self.hits.drain(..self.next);
        self.next = 0;
        for hit in &mut self.hits {
            hit.at = hit.at.saturating_sub(count);
        }
        for place in [
            &mut self.emitted,
            &mut self.hunted,
            &mut self.floor,
            &mut self.swallowed,
            &mut self.before.decoded,
            &mut self.looked,
        ] {
            *place = place.saturating_sub(count);
        }
    }
}

enum Outcome {
    On,
    Wait,
    Swallow,
    Blocked,
}

/// A run that only its whole length tells, and what is asked of the bytes behind it.
const LONGEST_TRIGGER: usize = 112;
/// A known secret of which less than this has come is no place yet.
const SHORT_TAIL: usize = 16;
/// Room for this many places is kept between pushes.
const FEW_HITS: usize = 1024;
/// Large pushes are taken in pieces, so that the kept piece stays small and in the cache: with what a hold keeps it has room in 64 KiB.
const PIECE: usize = 32 * 1024;
