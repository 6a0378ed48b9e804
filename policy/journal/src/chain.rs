//! The keys of one journal, one after the other: each handed over to the next by a statement that both signed.
//!
//! Whoever trusts one of them can follow the statements to all others. A key signs for the journal from the entry that records
//! its beginning; before that, it vouches for what its predecessors signed. A key that was handed over signs nothing longer than
//! it had reached: a checkpoint that it signed later is none.
//!
//! The statements are in the file [`KEYS`] of the journal, eight lines each: five of text, an empty one, two signatures as in C2SP
//! signed notes.

use sha2::{Digest as _, Sha256};

use crate::checkpoint::{Checkpoint, NoteError};
use crate::key::{SignerKey, VerifierKey};
use crate::store::Store;

/// One key hands over to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The entry of the journal that records it: the first that the new key signs for.
    pub seq: u64,
    /// The key until then.
    pub old: VerifierKey,
    /// The key from then on.
    pub new: VerifierKey,
    /// The statement with both signatures.
    pub note: String,
}

impl Handover {
    /// States that `new` takes over from `old` at entry `seq`, signed by both.
    ///
    /// # Errors
    ///
    /// When they are keys of different journals, or one and the same.
    pub fn sign(seq: u64, old: &SignerKey, new: &SignerKey) -> Result<Self, ChainError> {
        let (before, after) = (old.verifier(), new.verifier());
        if before.name() != after.name() || before == after {
            return Err(ChainError::Broken);
        }
        let text = text(seq, before, after);
        let note = format!("{text}\n{}{}", old.signature_line(&text), new.signature_line(&text));
        Ok(Self { seq, old: before.clone(), new: after.clone(), note })
    }

    /// SHA-256 of the statement with its signatures, in hex: what the entry in the journal names it by.
    #[must_use]
    pub fn digest(&self) -> String {
        Sha256::digest(&self.note).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads the eight lines of one statement, and checks both signatures.
    fn parse(lines: &[&str]) -> Option<Self> {
        let [HEADER, origin, seq, old, new, "", first, second] = lines else { return None };
        let (old, new) = (old.parse::<VerifierKey>().ok()?, new.parse::<VerifierKey>().ok()?);
        let seq: u64 = seq.parse().ok()?;
        let text = text(seq, &old, &new);
        let note = format!("{text}\n{first}\n{second}\n");
        let as_written = lines.join("\n") + "\n" == note;
        let signed = old.signed_line(&text, first) && new.signed_line(&text, second);
        let named = old.name() == *origin && new.name() == *origin && old != new;
        (as_written && signed && named).then_some(Self { seq, old, new, note })
    }
}

/// The text that both sign. Its first line can be no name of a journal, so it can never pass for a checkpoint.
fn text(seq: u64, old: &VerifierKey, new: &VerifierKey) -> String {
    format!("{HEADER}\n{}\n{seq}\n{old}\n{new}\n", old.name())
}

/// The keys of a journal, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChain {
    first: VerifierKey,
    handovers: Vec<Handover>,
}

impl KeyChain {
    /// Of a journal that has had one key only.
    #[must_use]
    pub fn of(key: &VerifierKey) -> Self {
        Self { first: key.clone(), handovers: Vec::new() }
    }

    /// Reads the statements of a journal, for somebody who trusts the key `trusted`, whichever of the chain it is.
    ///
    /// # Errors
    ///
    /// When a statement is none, is not signed by both its keys, does not follow the one before, or when `trusted` is not among
    /// the keys.
    pub fn read(statements: &str, trusted: &VerifierKey) -> Result<Self, ChainError> {
        let lines: Vec<&str> = statements.strip_suffix('\n').unwrap_or(statements).split('\n').collect();
        let mut handovers: Vec<Handover> = Vec::new();
        if !statements.is_empty() {
            for statement in lines.chunks(LINES) {
                let one = Handover::parse(statement).ok_or(ChainError::Broken)?;
                let follows = |last: &Handover| last.new == one.old && last.seq < one.seq;
                if !handovers.last().is_none_or(follows) {
                    return Err(ChainError::Broken);
                }
                handovers.push(one);
            }
        }
        let first = handovers.first().map_or(trusted, |one| &one.old).clone();
        let chain = Self { first, handovers };
        if chain.knows(trusted) { Ok(chain) } else { Err(ChainError::Stranger) }
    }

    /// Reads the keys of the journal in `store`, for somebody who trusts one of them.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and when the file cannot be read.
    pub fn stored(store: &dyn Store, trusted: &VerifierKey) -> Result<Self, ChainError> {
        let bytes = store.read(KEYS).map_err(ChainError::Unreadable)?.unwrap_or_default();
        Self::read(str::from_utf8(&bytes).map_err(|_| ChainError::Broken)?, trusted)
    }

    /// Those of the `statements` that speak of entries up to number `size`: as the file was when the journal had that many. Nothing is
    /// checked here.
    #[must_use]
    pub fn stated_until(statements: &str, size: u64) -> String {
        let lines: Vec<&str> = statements.split_inclusive('\n').collect();
        let at = |statement: &[&str]| statement.get(2).and_then(|line| line.trim_end().parse::<u64>().ok());
        lines.chunks(LINES).take_while(|one| at(one).is_none_or(|seq| seq <= size)).flatten().copied().collect()
    }

    /// Adds a handover from the newest key.
    ///
    /// # Errors
    ///
    /// When it does not follow.
    pub fn hand_over(&mut self, one: Handover) -> Result<(), ChainError> {
        let follows = *self.newest() == one.old && self.handovers.last().is_none_or(|last| last.seq < one.seq);
        if !follows {
            return Err(ChainError::Broken);
        }
        self.handovers.push(one);
        Ok(())
    }

    /// The text of the file [`KEYS`].
    #[must_use]
    pub fn text(&self) -> String {
        self.handovers.iter().map(|one| one.note.as_str()).collect()
    }

    /// The key that signs now, or will from the next entry on.
    #[must_use]
    pub fn newest(&self) -> &VerifierKey {
        self.handovers.last().map_or(&self.first, |one| &one.new)
    }

    /// Whether it is one of the keys.
    #[must_use]
    pub fn knows(&self, key: &VerifierKey) -> bool {
        self.keys().any(|one| one == key)
    }

    /// Every handover, the oldest first.
    #[must_use]
    pub fn handovers(&self) -> &[Handover] {
        &self.handovers
    }

    /// Opens a checkpoint that a key of this chain signed which had not been handed over at its size.
    ///
    /// # Errors
    ///
    /// As [`Checkpoint::open`], and when only a key signed it that had been handed over.
    pub fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let keys: Vec<&VerifierKey> = self.keys().collect();
        for (place, key) in keys.into_iter().enumerate().rev() {
            match Checkpoint::open(note, key) {
                Ok(checkpoint) if place >= self.in_force(checkpoint.size) => return Ok(checkpoint),
                Ok(_) => return Err(NoteError::Retired),
                Err(NoteError::Unsigned) => {}
                Err(error) => return Err(error),
            }
        }
        Err(NoteError::Unsigned)
    }

    /// Whether one of the keys that may sign for a journal of `size` entries signed `text`, in this line.
    pub(crate) fn signed_line(&self, text: &str, line: &str, size: u64) -> bool {
        self.keys().skip(self.in_force(size)).any(|key| key.signed_line(text, line))
    }

    /// The place of the key that signs for a journal of `size` entries.
    fn in_force(&self, size: u64) -> usize {
        self.handovers.iter().take_while(|one| one.seq < size).count()
    }

    fn keys(&self) -> impl Iterator<Item = &VerifierKey> {
        std::iter::once(&self.first).chain(self.handovers.iter().map(|one| &one.new))
    }
}

/// Why the keys of a journal cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// The file of the statements cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// A statement that is none, or follows nothing.
    #[error("a statement about its keys is not signed by both, or does not follow the one before")]
    Broken,
    /// The trusted key is of another journal, or of another history of this one.
    #[error("the given key is none of this journal's keys")]
    Stranger,
}

/// The file of a journal that holds the statements; there is none while it has had one key only.
pub const KEYS: &str = "keys";

/// The action of the entry that records a handover.
pub const HANDED_OVER: &str = "journal.key.handed_over";

/// The output of that entry that holds the digest of the statement.
pub const STATEMENT: &str = "statement_sha256";

const HEADER: &str = "sekisho journal key handover 1";

/// Lines of a statement.
const LINES: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn signer(n: u8) -> SignerKey {
        SignerKey::from_seed("j", &[n; 32]).unwrap()
    }

    /// Keys 1, 2 and 3, which begin at the entries 0, 10 and 20.
    fn chain() -> KeyChain {
        let mut chain = KeyChain::of(signer(1).verifier());
        chain.hand_over(Handover::sign(10, &signer(1), &signer(2)).unwrap()).unwrap();
        chain.hand_over(Handover::sign(20, &signer(2), &signer(3)).unwrap()).unwrap();
        chain
    }

    #[test]
    fn who_trusts_any_key_can_follow_to_all() {
        let text = chain().text();
        for trusted in [1, 2, 3] {
            assert_eq!(KeyChain::read(&text, signer(trusted).verifier()), Ok(chain()));
        }
        assert_eq!(KeyChain::read(&text, signer(4).verifier()), Err(ChainError::Stranger));
        assert_eq!(KeyChain::read("", signer(1).verifier()), Ok(KeyChain::of(signer(1).verifier())));
    }

    #[test]
    fn a_key_signs_until_it_is_handed_over_and_a_newer_one_vouches_for_what_was_before() {
        let chain = chain();
        let note = |size, key| Checkpoint { origin: "j".into(), size, root: [7; 32] }.sign(&signer(key));
        for (size, key, opens) in [
            (0, 1, true),
            (10, 1, true),
            (11, 1, false),
            (30, 1, false),
            (10, 2, true),
            (20, 2, true),
            (21, 2, false),
            (5, 3, true),
            (21, 3, true),
        ] {
            let opened = chain.open(&note(size, key));
            assert_eq!(opened.is_ok(), opens, "{size} by key {key}: {opened:?}");
            assert!(opens || opened == Err(NoteError::Retired));
        }
        assert_eq!(chain.open(&note(5, 4)), Err(NoteError::Unsigned));
    }

    #[test]
    fn a_statement_that_was_touched_is_none() {
        let text = chain().text();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            let Ok(touched) = String::from_utf8(bytes) else { continue };
            assert!(KeyChain::read(&touched, signer(1).verifier()).is_err(), "byte {at}");
        }
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let second_alone: String = lines[8..].concat();
        assert_eq!(KeyChain::read(&second_alone, signer(1).verifier()), Err(ChainError::Stranger), "one left out");
        let turned: String = [&lines[8..], &lines[..8]].concat().concat();
        assert!(KeyChain::read(&turned, signer(1).verifier()).is_err());
        assert!(KeyChain::read(text.trim_end(), signer(1).verifier()).is_ok(), "but for the last newline");
        assert!(KeyChain::read(&lines[..15].concat(), signer(1).verifier()).is_err(), "a signature left out");
    }

    #[test]
    fn one_signature_is_not_enough() {
        // Somebody with the new key alone, and somebody with the old alone: both lines by one of them.
        let (old, new) = (signer(1), signer(2));
        let text = text(10, old.verifier(), new.verifier());
        for by in [&old, &new] {
            let forged = format!("{text}\n{}{}", by.signature_line(&text), by.signature_line(&text));
            assert_eq!(KeyChain::read(&forged, old.verifier()), Err(ChainError::Broken));
        }
        assert!(Handover::sign(1, &old, &old).is_err());
        let namesake = SignerKey::from_seed("other", &[2; 32]).unwrap();
        assert!(Handover::sign(1, &old, &namesake).is_err());
    }
}
