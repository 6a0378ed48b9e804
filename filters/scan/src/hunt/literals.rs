//! The literals of all detectors: which stands here?
//!
//! The filters of the hot pass let some places by that are none. One Aho-Corasick automaton over all literals, anchored at the place,
//! says which one stands there: it reads a byte a step and gives up at the first that no literal has, whatever their number.

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, PatternID, StartKind};

use super::Asker;

/// Literals, grouped by their first bytes so that at most one group stands at any place.
#[derive(Debug)]
pub(super) struct Literals {
    buckets: Vec<Bucket>,
    begins: Beginnings,
    automaton: DFA,
    /// The bucket of each literal of the automaton.
    owners: Vec<usize>,
}

#[derive(Debug)]
struct Bucket {
    trigger: Vec<u8>,
    /// Somebody looks for it within words too.
    inner: bool,
    askers: Vec<(Vec<u8>, Asker)>,
}

impl Literals {
    /// Each literal, who asked for it, and whether it counts within words too.
    pub(super) fn new(asked: &[(Vec<u8>, Asker, bool)]) -> Result<Self, String> {
        if asked.iter().any(|(literal, ..)| literal.len() < 2) {
            return Err("a literal is shorter than two bytes".to_owned());
        }
        let buckets = buckets(asked);
        let literals = buckets.iter().enumerate().flat_map(|(index, bucket)| {
            bucket.askers.iter().map(move |(literal, _)| (index, literal.get(..LONGEST).unwrap_or(literal)))
        });
        let (owners, literals): (Vec<usize>, Vec<&[u8]>) = literals.unzip();
        let automaton = DFA::builder().start_kind(StartKind::Anchored).build(literals);
        let begins = Beginnings::new(buckets.iter().map(|bucket| bucket.trigger.as_slice()));
        Ok(Self { automaton: automaton.map_err(|error| error.to_string())?, begins, buckets, owners })
    }

    /// The first bytes of the literals that count within words, or of those that do not.
    pub(super) fn triggers(&self, inner: bool) -> Vec<Vec<u8>> {
        self.buckets.iter().filter(|bucket| bucket.inner == inner).map(|bucket| bucket.trigger.clone()).collect()
    }

    pub(super) fn askers(&self, bucket: usize) -> impl Iterator<Item = Asker> {
        self.buckets.get(bucket).into_iter().flat_map(|bucket| bucket.askers.iter().map(|(_, asker)| *asker))
    }

    pub(super) fn begins(&self, tail: &[u8]) -> bool {
        self.buckets.iter().any(|bucket| bucket.trigger.len() > tail.len() && bucket.trigger.starts_with(tail))
    }

    /// The bucket of each literal, whether it counts within words, and the literal.
    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = (usize, bool, &[u8])> {
        self.buckets.iter().enumerate().flat_map(|(index, bucket)| {
            bucket.askers.iter().map(move |(literal, _)| (index, bucket.inner, literal.as_slice()))
        })
    }

    /// The bucket of which a literal stands at `at`, and whether it counts within words.
    #[inline]
    pub(super) fn at(&self, bytes: &[u8], at: usize) -> Option<(usize, bool)> {
        let rest = bytes.get(at..).filter(|rest| self.begins.may(rest))?;
        let literal = self.stands(rest)?;
        let bucket = *self.owners.get(literal.as_usize())?;
        Some((bucket, self.buckets.get(bucket)?.inner))
    }

    /// The shortest literal that `rest` begins with. Others that it begins with have the same bucket.
    #[inline]
    fn stands(&self, rest: &[u8]) -> Option<PatternID> {
        let mut state = self.automaton.start_state(Anchored::Yes).ok()?;
        for (index, byte) in rest.iter().enumerate() {
            state = self.automaton.next_state(Anchored::Yes, state, *byte);
            if self.automaton.is_dead(state) {
                return None;
            }
            if self.automaton.is_match(state) {
                // a state also has the literals that end in it and begin later, behind its own
                let literal = self.automaton.match_pattern(state, 0);
                if self.automaton.pattern_len(literal) == index + 1 {
                    return Some(literal);
                }
            }
        }
        None
    }
}

/// A bit for the hash of every three bytes that a literal begins with: it turns most places away before the automaton is asked, which
/// costs a branch that nobody foresees.
struct Beginnings(Vec<u64>);

impl std::fmt::Debug for Beginnings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Beginnings")
    }
}

impl Beginnings {
    fn new<'a>(triggers: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut begins = Self(vec![0; 1 << (BITS - 6)]);
        for trigger in triggers {
            match *trigger {
                [first, second, third, ..] => begins.add([first, second, third]),
                [first, second] => (0..=u8::MAX).for_each(|third| begins.add([first, second, third])),
                _ => begins.0.fill(u64::MAX),
            }
        }
        begins
    }

    fn add(&mut self, three: [u8; 3]) {
        let slot = Self::slot(three);
        if let Some(word) = self.0.get_mut(slot >> 6) {
            *word |= 1 << (slot & 63);
        }
    }

    /// Whether a literal may begin as `rest` does. What is shorter than three bytes may be one of two.
    #[inline]
    fn may(&self, rest: &[u8]) -> bool {
        let Some(three) = rest.first_chunk::<3>() else { return true };
        let slot = Self::slot(*three);
        self.0.get(slot >> 6).is_some_and(|word| word >> (slot & 63) & 1 == 1)
    }

    #[inline]
    fn slot([first, second, third]: [u8; 3]) -> usize {
        let number = u32::from_le_bytes([first, second, third, 0]);
        (number.wrapping_mul(0x9e37_79b1) >> (u32::BITS - BITS)) as usize
    }
}

fn buckets(asked: &[(Vec<u8>, Asker, bool)]) -> Vec<Bucket> {
    let mut triggers: Vec<Vec<u8>> =
        asked.iter().map(|(literal, ..)| literal.iter().copied().take(TRIGGER).collect()).collect();
    triggers.sort();
    triggers.dedup_by(|later, earlier| later.starts_with(earlier));
    let bucket = |trigger: Vec<u8>| {
        let mine = || asked.iter().filter(|(literal, ..)| literal.starts_with(&trigger));
        let askers = mine().map(|(literal, asker, _)| (literal.clone(), *asker)).collect();
        Bucket { inner: mine().any(|(.., inner)| *inner), askers, trigger: trigger.clone() }
    };
    triggers.into_iter().map(bucket).collect()
}

const TRIGGER: usize = 5;
/// Bits of a hash of three bytes: 8 KiB of them stay in the first cache.
const BITS: u32 = 16;
/// So much of a literal the automaton holds: the hot pass is sure of no more bytes than that.
const LONGEST: usize = 60;
