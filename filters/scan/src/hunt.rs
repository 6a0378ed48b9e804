//! The hot pass: where could a secret be?
//!
//! It looks for rare literals (SIMD, in shards), for separators whose name ends in the letters of a forbidden name, for long runs by
//! sampling, and for known secrets by sampling a hash. Every place is found independently of where the search started, so that
//! chunks make no difference.

use std::collections::BTreeMap;

use aho_corasick::packed::{Config, MatchKind, Searcher};

use crate::class;
use crate::ruleset::names::Tails;
use crate::ruleset::pack::Engine;
use crate::ruleset::{Ruleset, Shaped};

/// A place worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) at: usize,
    pub(crate) kind: Kind,
}

/// Why a place is worth a look; in the order they are judged in at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A known secret may start here.
    Known,
    /// A literal; index of its bucket.
    Literal(usize),
    /// A run of 51 or more letters and digits may start around here.
    Run,
    /// `:` or `=` after something like a name, or `://`.
    Separator,
    /// A percent escape that is not needed.
    Percent,
    /// A zero byte: UTF-16 may stand here.
    Zero,
}

impl Kind {
    /// Whether what stands there must be decoded first: it may begin before the place.
    pub(crate) fn is_encoded(self) -> bool {
        match self {
            Self::Percent | Self::Zero | Self::Literal(_) => true,
            Self::Known | Self::Run | Self::Separator => false,
        }
    }
}

/// Who asked for a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    Pattern(usize),
    Engine(Engine),
    /// `\u00`
    Escape,
}

/// The compiled hot pass.
#[derive(Debug)]
pub(crate) struct Hunt {
    shards: Vec<(Searcher, Vec<usize>)>,
    buckets: Vec<(Vec<u8>, Vec<Asker>)>,
    /// The patterns that begin with each byte.
    starting: Vec<Vec<usize>>,
    runs: bool,
}

impl Hunt {
    pub(crate) fn new(patterns: &[Shaped], engines: &BTreeMap<Engine, usize>) -> Result<Self, String> {
        let mut asked: Vec<(Vec<u8>, Asker)> = vec![(b"\\u00".to_vec(), Asker::Escape)];
        for (index, shaped) in patterns.iter().enumerate() {
            asked.push((shaped.pattern.anchor().to_vec(), Asker::Pattern(index)));
        }
        for engine in engines.keys() {
            for literal in literals(*engine) {
                asked.push((literal.to_vec(), Asker::Engine(*engine)));
            }
        }
        let buckets = buckets(&asked);
        let runs = [Engine::Wif, Engine::Stellar, Engine::Nats].iter().any(|engine| engines.contains_key(engine));
        let mut shards = Vec::new();
        let order: Vec<usize> = (0..buckets.len()).collect();
        let size = buckets.len().div_ceil(buckets.len().div_ceil(SHARD).max(1)).max(1);
        for shard in order.chunks(size) {
            let mut builder = Config::new().match_kind(MatchKind::LeftmostFirst).builder();
            for bucket in shard {
                if let Some((trigger, _)) = buckets.get(*bucket) {
                    builder.add(trigger);
                }
            }
            let searcher = builder.build().ok_or("no searcher for these literals")?;
            shards.push((searcher, shard.to_vec()));
        }
        Ok(Self { shards, buckets, starting: starting(patterns), runs })
    }

    /// Who asked for the literal of `bucket`.
    pub(crate) fn askers(&self, bucket: usize) -> &[Asker] {
        self.buckets.get(bucket).map(|(_, askers)| askers.as_slice()).unwrap_or_default()
    }

    /// The patterns whose match begins with `byte`, those apart that begin with a class.
    pub(crate) fn starting(&self, byte: u8) -> &[usize] {
        self.starting.get(usize::from(byte)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether `tail` is how a literal begins, and not all of it.
    pub(crate) fn begins(&self, tail: &[u8]) -> bool {
        self.buckets.iter().any(|(trigger, _)| trigger.len() > tail.len() && trigger.starts_with(tail))
    }

    /// Adds every place of `from` to `hits`.
    pub(crate) fn find(&self, rules: &Ruleset, bytes: &[u8], from: Range, hits: &mut Vec<Hit>) {
        let old = hits.len();
        let mut push = |at, kind| {
            if at < from.limit {
                hits.push(Hit { at, kind });
            }
        };
        rules.known.hunt(bytes, from.start, |at| push(at, Kind::Known));
        for (searcher, map) in &self.shards {
            let mut at = from.start;
            while let Some(found) = searcher.find_in(bytes, (at..bytes.len()).into()) {
                if let Some(bucket) = map.get(found.pattern().as_usize()) {
                    push(found.start(), Kind::Literal(*bucket));
                }
                at = found.start() + 1;
            }
        }
        separators(bytes, from.start, rules.names.tails(), &mut push);
        zeros(bytes, from.start, &mut push);
        if self.runs {
            runs(bytes, from.start, &mut push);
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
}

fn separators(bytes: &[u8], from: usize, tails: &Tails, push: &mut impl FnMut(usize, Kind)) {
    let rest = bytes.get(from..).unwrap_or_default();
    for offset in memchr::memchr3_iter(b':', b'=', b'%', rest) {
        let at = from + offset;
        match bytes.get(at) {
            Some(b'%') => {
                if percent(bytes, at) {
                    push(at, Kind::Percent);
                }
            }
            Some(b':') if bytes.get(at + 1) == Some(&b'/') => {
                if bytes.get(at + 2) == Some(&b'/') {
                    push(at, Kind::Separator);
                }
            }
            _ => {
                if named(bytes, at, tails) {
                    push(at, Kind::Separator);
                }
            }
        }
    }
}

/// Whether a name of the list may end before the separator at `at`: by its last three letters, or by the digits of a FIX tag.
#[inline]
fn named(bytes: &[u8], at: usize, tails: &Tails) -> bool {
    let around = class::QUOTE | class::SPACE | class::SLASH | class::BRACKET;
    let within = class::UNDERSCORE | class::DASH | class::DOT | class::SPACE;
    let mut tail = [0; 3];
    let mut found = 0;
    let mut digits = false;
    for byte in bytes.get(at.saturating_sub(MAX_GAP)..at).unwrap_or_default().iter().rev() {
        if byte.is_ascii_alphabetic() {
            let [_, second, third] = tail;
            tail = match found {
                0 => [0, 0, *byte],
                1 => [0, *byte, third],
                _ => return tails.has([*byte, second, third]),
            };
            found += 1;
        } else if found == 0 && byte.is_ascii_digit() {
            if digits {
                return fix_tag(bytes, at);
            }
            digits = true;
        } else if !class::is(*byte, if found == 0 { around | within } else { within }) {
            return false;
        }
    }
    false
}

/// Whether the bytes before `at` are the end of a tag that holds a credential.
fn fix_tag(bytes: &[u8], at: usize) -> bool {
    at.checked_sub(3)
        .and_then(|from| bytes.get(from..at))
        .is_some_and(|tag| matches!(tag, b"553" | b"554" | b"925" | b"401" | b"402" | b"404" | [1 | b'|', b'9', b'6']))
}

fn percent(bytes: &[u8], at: usize) -> bool {
    let Some([_, high, low]) = bytes.get(at..).and_then(<[u8]>::first_chunk::<3>) else {
        return false;
    };
    crate::decode::hex(*high, *low)
        .is_some_and(|byte| class::is(byte, class::B64U) || matches!(byte, b'=' | b':' | b'%' | b'"'))
}

/// Zero bytes; only the first of a group is told, what follows is judged with it.
fn zeros(bytes: &[u8], from: usize, push: &mut impl FnMut(usize, Kind)) {
    let rest = bytes.get(from..).unwrap_or_default();
    for offset in memchr::memchr_iter(0, rest) {
        push(from + offset, Kind::Zero);
    }
}

/// Every run of 51 bytes or more has two neighbouring places of a grid of 24 inside.
fn runs(bytes: &[u8], from: usize, push: &mut impl FnMut(usize, Kind)) {
    let alnum = |at: usize| bytes.get(at).is_some_and(|byte| class::is(*byte, class::ALNUM));
    let mut at = from;
    while at < bytes.len() {
        if alnum(at) && alnum(at + 24) && alnum(at + 8) && alnum(at + 16) {
            let mut start = at;
            while start > 0 && at - start < LONGEST_RUN && alnum(start - 1) {
                start -= 1;
            }
            let mut end = at;
            while end - at < LONGEST_RUN && alnum(end) {
                end += 1;
            }
            let mark = bytes.get(start).copied().unwrap_or_default();
            if (51..=58).contains(&(end - start)) && b"5KL9cS".contains(&mark) && start >= from {
                push(start, Kind::Run);
            }
        }
        at += 24;
    }
}

fn literals(engine: Engine) -> &'static [&'static [u8]] {
    match engine {
        Engine::Pem => &[b"BEGIN "],
        Engine::Jwt => &[b"eyJ"],
        Engine::Basic => &[b"asic ", b"ASIC "],
        Engine::Bearer => &[b"earer ", b"EARER "],
        Engine::UrlPassword | Engine::Fix | Engine::Wif | Engine::Stellar | Engine::Nats | Engine::FieldName => &[],
    }
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

/// Groups literals by their first bytes, so that at most one trigger stands at any place.
fn buckets(asked: &[(Vec<u8>, Asker)]) -> Vec<(Vec<u8>, Vec<Asker>)> {
    let mut triggers: Vec<Vec<u8>> =
        asked.iter().map(|(literal, _)| literal.iter().copied().take(TRIGGER).collect()).collect();
    triggers.sort();
    triggers.dedup_by(|later, earlier| later.starts_with(earlier));
    triggers
        .into_iter()
        .map(|trigger| {
            let askers =
                asked.iter().filter(|(literal, _)| literal.starts_with(&trigger)).map(|(_, asker)| *asker).collect();
            (trigger, askers)
        })
        .collect()
}

/// Teddy is built for up to 64 literals and is fast up to about 48.
const SHARD: usize = 40;
const TRIGGER: usize = 5;
const MAX_GAP: usize = 16;
const LONGEST_RUN: usize = 60;
