//! A proof on its own: that one entry is in the journal, in the text form of C2SP tlog-proof.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::chain::KeyChain;
use crate::checkpoint::{Checkpoint, NoteError};
use crate::proof::{Nodes, ProofError, inclusion_proof, verify_inclusion};
use crate::tree::{Hash, leaf_hash};

/// That one entry is in the tree of one checkpoint. Needs nothing but the key to be checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// The number of the entry.
    pub index: u64,
    /// The entry itself, if it travels with its proof.
    pub entry: Option<Vec<u8>>,
    /// Its neighbours on the way to the root.
    pub proof: Vec<Hash>,
    /// The signed note of the checkpoint.
    pub note: String,
}

impl TlogProof {
    /// Proves entry `index` with its line, at the checkpoint in `note` over `size` entries.
    ///
    /// # Errors
    ///
    /// When the entry is not below `size`, or a hash cannot be read.
    pub fn make(
        nodes: &(impl Nodes + ?Sized),
        (index, entry): (u64, Vec<u8>),
        (size, note): (u64, String),
    ) -> Result<Self, ProofError> {
        Ok(Self { index, entry: Some(entry), proof: inclusion_proof(nodes, index, size)?, note })
    }

    /// The text of a `.tlog-proof` file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("{HEADER}\n");
        if let Some(entry) = &self.entry {
            text.push_str(&format!("extra {}\n", STANDARD.encode(entry)));
        }
        text.push_str(&format!("index {}\n", self.index));
        for hash in &self.proof {
            text.push_str(&STANDARD.encode(hash));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note);
        text
    }

    /// Reads the text of a `.tlog-proof` file.
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, TlogProofError> {
        let rest = text.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix('\n')).ok_or(TlogProofError::Form)?;
        let (head, note) = rest.split_once("\n\n").ok_or(TlogProofError::Form)?;
        let mut lines = head.split('\n').peekable();
        let extra = lines.next_if(|line| line.starts_with("extra ")).and_then(|line| line.strip_prefix("extra "));
        let entry = extra.map(|extra| STANDARD.decode(extra)).transpose().map_err(|_| TlogProofError::Form)?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).ok_or(TlogProofError::Form)?;
        let index = index.parse().map_err(|_| TlogProofError::Form)?;
        let hash = |line: &str| STANDARD.decode(line).ok()?.try_into().ok();
        let proof: Option<Vec<Hash>> = lines.take(MAX_STEPS + 1).map(hash).collect();
        let proof = proof.filter(|proof| proof.len() <= MAX_STEPS).ok_or(TlogProofError::Form)?;
        Ok(Self { index, entry, proof, note: note.to_owned() })
    }

    /// Checks that `entry` is entry [`index`](Self::index) of the journal of `keys`, and returns the checkpoint it was
    /// proven at.
    ///
    /// # Errors
    ///
    /// When the checkpoint is not signed by one of them, or the proof does not lead to it.
    pub fn check(&self, entry: &[u8], keys: &KeyChain) -> Result<Checkpoint, TlogProofError> {
        let checkpoint = keys.open(&self.note)?;
        let root = (checkpoint.size, &checkpoint.root);
        verify_inclusion(&leaf_hash(entry), self.index, root, &self.proof)?;
        Ok(checkpoint)
    }
}

/// Why a proof is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// Not the text of a proof.
    #[error("it is not a {HEADER} proof")]
    Form,
    /// Its checkpoint is none of this journal.
    #[error("the checkpoint of the proof: {0}")]
    Checkpoint(#[from] NoteError),
    /// It does not lead to the root.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// As the standard has it: a tree has at most 2^63 entries.
const MAX_STEPS: usize = 63;
