//! What we write, judged by implementations that we did not write: the crates `signed_note` and `tlog_tiles`.

use signed_note::{Note, StandardVerifier, VerifierList};
use tlog_tiles::{Hash as TheirHash, Tile as TheirTile, TileHashReader, TileReader, check_record, check_tree};
use tlog_tiles::{prove_record, prove_tree, record_hash};

use super::tests::{Shelf, lines, signer};
use crate::store::{CHECKPOINT, Store as _};
use crate::tile::{self, Reader};
use crate::{KeyChain, TlogProof, consistency_proof, root_of};

/// Our tiles, read by their reader, which checks each hash against the root it was told.
struct Ours(Shelf);

impl TileReader for Ours {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[TheirTile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let path = |wanted: &TheirTile| tile::path(wanted.level(), wanted.level_index(), wanted.width() as usize);
        Ok(tiles.iter().map(|wanted| self.0.read(&path(wanted)).unwrap().unwrap()).collect())
    }

    fn save_tiles(&self, _tiles: &[TheirTile], _data: &[Vec<u8>]) {}
}

fn their_checkpoint(note: &[u8]) -> tlog_tiles::Checkpoint {
    let verifier = StandardVerifier::new(&signer(1).verifier().to_string()).unwrap();
    let note = Note::from_bytes(note).unwrap();
    note.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap()
}

#[test]
fn others_accept_our_checkpoint_tiles_and_proofs() {
    let all = lines(700);
    let shelf = Shelf::of(&all, 100);
    let theirs = their_checkpoint(&shelf.files[CHECKPOINT]);
    assert_eq!((theirs.origin(), theirs.size()), ("j", 700));
    let ours = Ours(shelf.clone());
    let hashes = TileHashReader::new(700, *theirs.hash(), &ours);
    let reader = Reader::new(&shelf, 700);
    let keys = KeyChain::of(signer(1).verifier());
    let note = String::from_utf8(shelf.files[CHECKPOINT].clone()).unwrap();
    for (seq, line) in (0_u64..).zip(&all).step_by(37) {
        let proof = TlogProof::make(&reader, (seq, line.clone()), (700, note.clone())).unwrap();
        let read = TlogProof::parse(&proof.text()).unwrap();
        assert_eq!(read, proof);
        assert_eq!(read.check(line, &keys).unwrap(), shelf.checkpoint());
        let steps: Vec<TheirHash> = read.proof.iter().map(|hash| TheirHash(*hash)).collect();
        check_record(&steps, 700, *theirs.hash(), seq, record_hash(line)).unwrap();
        assert_eq!(prove_record(700, seq, &hashes).unwrap(), steps, "they prove it from our tiles in the same way");
        assert!(read.check(b"another", &keys).is_err());
    }
    for old in [1, 255, 256, 300, 699] {
        let proof: Vec<TheirHash> = consistency_proof(&reader, old, 700).unwrap().into_iter().map(TheirHash).collect();
        let root = TheirHash(root_of(&reader, old).unwrap());
        check_tree(&proof, 700, *theirs.hash(), old, root).unwrap();
        assert_eq!(prove_tree(700, old, &hashes).unwrap(), proof);
    }
}

#[test]
fn others_refuse_what_we_refuse() {
    let shelf = Shelf::good(300);
    let mut note = shelf.files[CHECKPOINT].clone();
    note[2] ^= 1;
    let verifier = StandardVerifier::new(&signer(1).verifier().to_string()).unwrap();
    let verified =
        Note::from_bytes(&note).map(|note| note.verify(&VerifierList::new(vec![Box::new(verifier)])).is_ok());
    assert!(!verified.unwrap_or(false));
    let mut touched = shelf.clone();
    touched.flip("tile/0/000", 32 * 77);
    let theirs = their_checkpoint(&shelf.files[CHECKPOINT]);
    let ours = Ours(touched);
    // The proof of an entry leans on the hash of its neighbour.
    let proof = prove_record(300, 76, &TileHashReader::new(300, *theirs.hash(), &ours));
    let leaf = record_hash(&lines(300)[76]);
    assert!(proof.and_then(|proof| check_record(&proof, 300, *theirs.hash(), 76, leaf)).is_err());
}

#[test]
fn a_proof_that_was_touched_is_no_proof() {
    let shelf = Shelf::good(300);
    let note = String::from_utf8(shelf.files[CHECKPOINT].clone()).unwrap();
    let line = lines(300).swap_remove(123);
    let proof = TlogProof::make(&Reader::new(&shelf, 300), (123, line), (300, note)).unwrap();
    let text = proof.text();
    let keys = KeyChain::of(signer(1).verifier());
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1;
        let Ok(touched) = String::from_utf8(bytes) else { continue };
        let entry = |proof: &TlogProof| proof.entry.clone();
        let passes = TlogProof::parse(&touched)
            .is_ok_and(|read| entry(&read).is_some_and(|entry| read.check(&entry, &keys).is_ok()));
        assert!(!passes, "byte {at}");
    }
}
