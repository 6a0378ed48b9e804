//! The hot pass: where could a secret be?
//!
//! It looks for literals, for separators whose name ends in the letters of a forbidden name, for long runs, and for known secrets by
//! sampling a hash. Every place is found independently of where the search started, so that chunks make no difference. DESIGN.md
//! teaches how.

mod groups;

mod literals;

mod masks;

mod near;

#[cfg(test)]
mod slow;

pub(crate) mod words;

use std::collections::BTreeMap;

use groups::deal;
use literals::Literals;
use masks::{Found, found};
use near::{fix_tag, has_colon, is_wide, named, percent};

use crate::class;
use crate::decode;
use crate::ruleset::names::Tails;
use crate::ruleset::pack::Engine;
use crate::ruleset::{Ruleset, Shaped};
use crate::simd::{AHEAD, BLOCK, Filter, Filters, GROUPS, Masks, fill};

/// A place worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) at: usize,
    pub(crate) kind: Kind,
}

/// Why a place is worth a look; in the order they are judged in at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A known secret may start here; which.
    Known(usize),
    /// A row of a table starts here. The hot pass knows nothing of tables: verdicts give these two.
    Row,
    /// The value of a column of a table; which.
    Cell(usize),
    /// A literal; index of its bucket.
    Literal(usize),
    /// A run of letters and digits starts here that is as long as a seed, an account or a key that no literal tells.
    Run,
    /// A run of letters and blanks starts here that may hold a phrase.
    Words,
    /// A run of them starts here that is base64 of text, so many letters behind its beginning.
    Base64(u8),
    /// As [`Self::Base64`], of hex digits.
    Hex(u8),
    /// `:` or `=` after something like a name, or `://`.
    Separator,
    /// A percent escape that is not needed.
    Percent,
    /// A zero byte: UTF-16 may stand here.
    Zero,
    /// A dot of what may be an address.
    Dot,
}

impl Kind {
    /// Whether what stands there must be decoded first: it may begin before the place.
    pub(crate) fn is_encoded(self) -> bool {
        match self {
            Self::Percent | Self::Zero | Self::Literal(_) | Self::Base64(_) | Self::Hex(_) => true,
            Self::Known(_) | Self::Row | Self::Cell(_) | Self::Run | Self::Words | Self::Separator | Self::Dot => false,
        }
    }
}

/// Who asked for a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    Pattern(usize),
    Engine(Engine),
    /// `\u00` or `\x`
    Escape,
    /// `&quot;` or `&#`
    Entity,
    /// `://`: a password may stand behind it, before an `@`.
    Authority,
}

/// The compiled hot pass.
#[derive(Debug)]
pub(crate) struct Hunt {
    filters: Filters,
    literals: Literals,
    /// The patterns that begin with each byte.
    starting: Vec<Vec<usize>>,
    seeds: bool,
    phrases: bool,
    accounts: bool,
    keys: bool,
    dots: bool,
}

impl Hunt {
    pub(crate) fn new(patterns: &[Shaped], engines: &BTreeMap<Engine, usize>, tails: &Tails) -> Result<Self, String> {
        let literals = Literals::new(&asked(patterns, engines))?;
        let inner = deal(&literals.triggers(true), 2 * GROUPS, false);
        let (inner, more) = inner.split_at(GROUPS);
        let filters = Filters {
            word: Filter::new(&deal(&literals.triggers(false), GROUPS, false)),
            inner: [inner, more].map(Filter::new),
            tail: Filter::folded(&deal(&ends(tails, engines), GROUPS, true)),
        };
        let seeds = [Engine::Wif, Engine::Stellar, Engine::Nats, Engine::Xrp];
        let seeds = seeds.iter().any(|engine| engines.contains_key(engine));
        let has = |engine| engines.contains_key(&engine);
        let (phrases, dots) = (has(Engine::Phrase), has(Engine::Ipv4));
        let (accounts, keys) = (has(Engine::Iban), has(Engine::Mailgun));
        Ok(Self { filters, literals, starting: starting(patterns), seeds, phrases, accounts, keys, dots })
    }

    /// Who asked for the literal of `bucket`.
    pub(crate) fn askers(&self, bucket: usize) -> impl Iterator<Item = Asker> {
        self.literals.askers(bucket)
    }

    /// The patterns whose match begins with `byte`, those apart that begin with a class.
    pub(crate) fn starting(&self, byte: u8) -> &[usize] {
        self.starting.get(usize::from(byte)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether `tail` is how a literal begins, and not all of it.
    pub(crate) fn begins(&self, tail: &[u8]) -> bool {
        self.literals.begins(tail)
    }

    /// Adds every place of `from` to `hits`.
    pub(crate) fn find(&self, rules: &Ruleset, bytes: &[u8], from: Range, hits: &mut Vec<Hit>) {
        let old = hits.len();
        #[cfg(test)]
        if rules.slow {
            return slow::find(rules, bytes, from, hits);
        }
        let mut push = |at, kind| {
            if (from.start..from.limit).contains(&at) {
                hits.push(Hit { at, kind });
            }
        };
        rules.known.hunt(bytes, from.start, from.base, |at, needle| push(at, Kind::Known(needle)));
        let text = Text { hunt: self, tails: rules.names.tails(), bytes };
        // a block more, so that the first one knows what stands before it
        text.find(from.start.saturating_sub(BLOCK), &mut push);
        if self.dots {
            dots(bytes, from.start, &mut push);
        }
        hits.get_mut(old..).unwrap_or_default().sort_unstable();
        hits.dedup();
    }
}

/// Where the hot pass begins and ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) start: usize,
    pub(crate) limit: usize,
    /// Where the bytes start in the stream.
    pub(crate) base: u64,
}

/// What the hot pass goes over.
struct Text<'a> {
    hunt: &'a Hunt,
    tails: &'a Tails,
    bytes: &'a [u8],
}

/// Places of several blocks, by what they may be. Going over each list for itself is what a processor foresees best.
#[derive(Debug, Default)]
struct Places {
    literals: Vec<usize>,
    separators: Vec<usize>,
    tags: Vec<usize>,
    rare: Vec<usize>,
    runs: Vec<usize>,
    words: Vec<usize>,
}

impl Places {
    #[inline]
    fn add(&mut self, base: usize, found: &Found) {
        each(found.literals, |offset| self.literals.push(base + offset));
        each(found.separators, |offset| self.separators.push(base + offset));
        each(found.tags, |offset| self.tags.push(base + offset));
        each(found.rare, |offset| self.rare.push(base + offset));
        each(found.runs, |offset| self.runs.push(base + offset));
        each(found.words, |offset| self.words.push(base + offset));
    }

    fn clear(&mut self) {
        self.literals.clear();
        self.separators.clear();
        self.tags.clear();
        self.rare.clear();
        self.runs.clear();
        self.words.clear();
    }
}

impl Text<'_> {
    fn find(&self, from: usize, push: &mut impl FnMut(usize, Kind)) {
        let blocks = self.bytes.len().saturating_sub(from).div_ceil(BLOCK).min(BLOCKS);
        let mut masks = vec![Masks::default(); blocks + 2];
        let mut places = Places::default();
        let mut at = from;
        while at < self.bytes.len() {
            // the first is the last block of those before; the last is there for what reaches into it
            masks.copy_within(blocks..=blocks, 0);
            self.fill(at, masks.get_mut(1..).unwrap_or_default());
            for three in masks.windows(3) {
                if let [last, now, next] = three {
                    places.add(at, &found([last, now, next]));
                }
                at += BLOCK;
            }
            self.confirm(&places, push);
            places.clear();
        }
    }

    /// The masks of the blocks from `at` on; behind the end stands nothing, and line ends do as well.
    fn fill(&self, at: usize, masks: &mut [Masks]) {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let whole = (rest.len().saturating_sub(AHEAD) / BLOCK).min(masks.len());
        let (full, end) = masks.split_at_mut(whole);
        fill(&self.hunt.filters, rest, full);
        for (index, masks) in end.iter_mut().enumerate() {
            let rest = rest.get((whole + index) * BLOCK..).unwrap_or_default();
            let mut last = [b'\n'; BLOCK + AHEAD];
            last.iter_mut().zip(rest).for_each(|(to, byte)| *to = *byte);
            *masks = Masks::default();
            if !rest.is_empty() {
                fill(&self.hunt.filters, &last, std::slice::from_mut(masks));
            }
        }
    }

    fn confirm(&self, places: &Places, push: &mut impl FnMut(usize, Kind)) {
        for at in places.literals.iter().copied() {
            if let Some(kind) = self.literal(at) {
                push(at, kind);
            }
        }
        for at in places.separators.iter().copied().filter(|at| named(self.bytes, *at, self.tails)) {
            push(at, Kind::Separator);
        }
        for at in places.tags.iter().copied().filter(|at| fix_tag(self.bytes, *at)) {
            push(at, Kind::Separator);
        }
        for at in places.rare.iter().copied() {
            if let Some(kind) = self.rare(at) {
                push(at, kind);
            }
        }
        for (at, kind) in places.runs.iter().filter_map(|at| self.run(*at)) {
            push(at, kind);
        }
        if self.hunt.phrases {
            places.words.iter().for_each(|at| push(*at, Kind::Words));
        }
    }

    /// What the run of letters and digits may be that starts at `at`, and where.
    fn run(&self, at: usize) -> Option<(usize, Kind)> {
        // two digits before may be the tail of an escape
        let escaped = at > 0 && self.bytes.get(at - 1) == Some(&b'%');
        let start = if escaped { at + 2 } else { at };
        let base64 = || decode::base64_phase(self.bytes, at).map(Kind::Base64);
        if let Some(kind) = decode::hex_phase(self.bytes, at).map(Kind::Hex).or_else(base64) {
            return Some((at, kind));
        }
        let rest = self.bytes.get(start..).unwrap_or_default();
        let seen = rest.get(..LONGEST_SEED).unwrap_or(rest);
        let length = seen.iter().position(|byte| !class::is(*byte, class::ALNUM)).unwrap_or(seen.len());
        let seed = || rest.first().is_some_and(|mark| SEED_MARKS.contains(mark)) && matches!(length, 28..=31 | 51..=58);
        let asked = self.hunt.seeds && seed()
            || self.hunt.accounts && near::is_account(seen, length)
            || self.hunt.keys && near::is_split_key(seen, length);
        asked.then_some((start, Kind::Run))
    }

    #[inline]
    fn literal(&self, at: usize) -> Option<Kind> {
        let (bucket, inner) = self.hunt.literals.at(self.bytes, at)?;
        if self.hunt.literals.askers(bucket).any(|asker| asker == Asker::Authority) {
            return has_colon(self.bytes, at).then_some(Kind::Separator);
        }
        (inner || self.may_start(at)).then_some(Kind::Literal(bucket))
    }

    /// Whether a word may start at `at`: behind no letter or digit, or behind an escape.
    fn may_start(&self, at: usize) -> bool {
        let before = |places: usize| at.checked_sub(places).and_then(|at| self.bytes.get(at)).copied();
        before(1).is_none_or(|byte| !class::is(byte, class::ALNUM))
            || before(2) == Some(b'\\')
            || before(6) == Some(b'\\')
            || before(3) == Some(b'%')
    }

    fn rare(&self, at: usize) -> Option<Kind> {
        match self.bytes.get(at) {
            Some(b'%') => percent(self.bytes, at).then_some(Kind::Percent),
            _ => is_wide(self.bytes, at).then_some(Kind::Zero),
        }
    }
}

/// Calls `then` with the place of every bit.
#[inline]
fn each(mut bits: u64, mut then: impl FnMut(usize)) {
    while bits != 0 {
        then(bits.trailing_zeros() as usize);
        bits &= bits - 1;
    }
}

/// Dots between digits, for who asks for addresses.
fn dots(bytes: &[u8], from: usize, push: &mut impl FnMut(usize, Kind)) {
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    for at in memchr::memchr_iter(b'.', bytes.get(from..).unwrap_or_default()).map(|offset| from + offset) {
        if at > 0 && digit(at - 1) && digit(at + 1) {
            push(at, Kind::Dot);
        }
    }
}

/// The last three bytes of names and tags that may hold a secret, digits first.
fn ends(tails: &Tails, engines: &BTreeMap<Engine, usize>) -> Vec<Vec<u8>> {
    let tags = if engines.contains_key(&Engine::Fix) { near::FIX_ENDS } else { &[] };
    tags.iter().map(|tag| tag.to_vec()).chain(tails.letters()).collect()
}

fn asked(patterns: &[Shaped], engines: &BTreeMap<Engine, usize>) -> Vec<(Vec<u8>, Asker, bool)> {
    let own: [(&[u8], Asker); 7] = [
        (b"\\u00", Asker::Escape),
        (b"\\x", Asker::Escape),
        (b"&quot;", Asker::Entity),
        (b"&#", Asker::Entity),
        (b"&amp;quot;", Asker::Entity),
        (b"&amp;#", Asker::Entity),
        (b"://", Asker::Authority),
    ];
    let mut asked: Vec<_> = own.iter().map(|(literal, asker)| (literal.to_vec(), *asker, true)).collect();
    for (index, shaped) in patterns.iter().enumerate() {
        let anchor = shaped.pattern.anchor();
        let inside = anchor.first().is_none_or(|byte| class::is(*byte, class::ALNUM));
        asked.push((anchor.to_vec(), Asker::Pattern(index), shaped.pattern.has_lead() || !inside));
    }
    for engine in engines.keys() {
        for literal in words::of(*engine) {
            asked.push((literal, Asker::Engine(*engine), !matches!(engine, Engine::Jwt | Engine::Discord)));
        }
    }
    asked
}

fn starting(patterns: &[Shaped]) -> Vec<Vec<usize>> {
    let mut starting = vec![Vec::new(); 256];
    for (index, shaped) in patterns.iter().enumerate().filter(|(_, shaped)| !shaped.pattern.has_lead()) {
        if let Some(first) = shaped.pattern.anchor().first()
            && let Some(patterns) = starting.get_mut(usize::from(*first))
        {
            patterns.push(index);
        }
    }
    starting
}

/// Masks that are made at once: 4 KiB of text.
const BLOCKS: usize = 64;
/// What a WIF key, a Stellar seed, a NATS seed or one of the XRP Ledger may begin with.
const SEED_MARKS: &[u8] = b"5KL9cSs";
/// One more than any seed has.
const LONGEST_SEED: usize = 59;
