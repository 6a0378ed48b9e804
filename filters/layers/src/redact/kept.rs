use std::collections::VecDeque;

use sekisho_policy::Refusal;

/// A signed body in a coding: each piece as it came is kept until all that it decodes to was found clean.
///
/// To decode and encode again would change bytes that something vouches for, even where no secret is.
#[derive(Default)]
pub(super) struct Kept {
    /// With how much had been decoded when each had come.
    pieces: VecDeque<(Vec<u8>, u64)>,
    /// Decoded and not yet clean.
    plain: Vec<u8>,
    decoded: u64,
    clean: u64,
    bytes: usize,
}

impl Kept {
    /// What the piece at hand has decoded to, so far.
    pub(super) fn decoded(&mut self, plain: &[u8]) {
        self.decoded = self.decoded.saturating_add(plain.len() as u64);
        self.plain.extend_from_slice(plain);
    }

    /// The piece at hand, of which nothing more will come.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.bytes > MOST {
            return Err(Refusal::Undecodable);
        }
        self.pieces.push_back((piece.to_vec(), self.decoded));
        Ok(())
    }

    /// What may go on now that `clean` came out of the scanner, which is nothing while something that was said beside the content
    /// is half read. What came out otherwise than it went in was masked.
    pub(super) fn release(&mut self, clean: &[u8], in_head: bool) -> Result<Vec<u8>, Refusal> {
        if !self.plain.starts_with(clean) {
            return Err(Refusal::SignedBody);
        }
        self.plain.drain(..clean.len());
        self.clean = self.clean.saturating_add(clean.len() as u64);
        let mut out = Vec::new();
        while let Some((piece, _)) = self.pieces.pop_front_if(|(_, decoded)| *decoded <= self.clean && !in_head) {
            out.extend_from_slice(&piece);
        }
        self.bytes = self.bytes.saturating_sub(out.len());
        Ok(out)
    }
}

/// A scanner holds back far less than this; what decodes to nothing adds up to it.
const MOST: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::{Kept, MOST, Refusal};

    fn push(kept: &mut Kept, piece: &[u8], plain: &[u8]) -> Result<(), Refusal> {
        kept.decoded(plain);
        kept.push(piece)
    }

    #[test]
    fn a_piece_goes_when_all_of_it_is_clean() {
        let mut kept = Kept::default();
        push(&mut kept, b"A", b"first").unwrap();
        push(&mut kept, b"B", b"second").unwrap();
        push(&mut kept, b"C", b"").unwrap();
        assert_eq!(kept.release(b"firs", false).unwrap(), b"");
        assert_eq!(kept.release(b"tsec", true).unwrap(), b"");
        assert_eq!(kept.release(b"", false).unwrap(), b"A");
        assert_eq!(kept.release(b"ond", false).unwrap(), b"BC");
    }

    #[test]
    fn what_was_masked_goes_nowhere() {
        let mut kept = Kept::default();
        push(&mut kept, b"A", b"key 12345678").unwrap();
        assert!(matches!(kept.release(b"key ****", false), Err(Refusal::SignedBody)));
    }

    #[test]
    fn what_decodes_to_nothing_is_not_kept_for_ever() {
        let mut kept = Kept::default();
        push(&mut kept, b"A", b"x").unwrap();
        assert!(matches!(push(&mut kept, &vec![0; MOST], b""), Err(Refusal::Undecodable)));
    }
}
