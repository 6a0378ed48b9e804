use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::{CHUNK, DataKey, Head, KeyFile, KeyFileError, MasterKey, SealError, open, seal};

fn key(n: u8) -> DataKey {
    DataKey::new(Zeroizing::new([n; 32]))
}

fn master(n: u8) -> MasterKey {
    MasterKey::new(Zeroizing::new([n; 32]))
}

fn plain(length: usize) -> Vec<u8> {
    (0..length).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

const NAME: &str = "segments/000000000000.ndjson";

fn sealed(length: usize) -> Vec<u8> {
    seal(NAME, &key(1), [9; 7], &plain(length)).unwrap()
}

/// Where the chunks begin.
fn body(sealed: &[u8]) -> usize {
    sealed.len() - Head::split(sealed).unwrap().1.len()
}

#[test]
fn what_was_sealed_opens_at_every_length_around_a_chunk() {
    for length in [0, 1, 1000, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 17] {
        let sealed = sealed(length);
        assert_eq!(open(NAME, &key(1), &sealed).unwrap(), plain(length), "{length}");
        let chunks = length.div_ceil(CHUNK).max(1);
        assert_eq!(sealed.len(), body(&sealed) + length + 16 * chunks, "{length}");
    }
}

#[test]
fn the_chunks_are_those_of_the_construction() {
    use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
    use sha2::{Digest as _, Sha256};
    let sealed = sealed(CHUNK + 3);
    let start = body(&sealed);
    let digest = Sha256::digest(&sealed[..start]);
    let cipher = aes_gcm::Aes256Gcm::new_from_slice(&[1; 32]).unwrap();
    let parts = [(0..CHUNK, [0, 0, 0, 0, 0]), (CHUNK..CHUNK + 3, [0, 0, 0, 1, 1])];
    let mut expected = Vec::new();
    for (range, counter_and_flag) in parts {
        let nonce = [&[9; 7][..], &counter_and_flag].concat();
        let message = Payload { msg: &plain(CHUNK + 3)[range], aad: &digest };
        expected.extend(cipher.encrypt(aes_gcm::Nonce::from_slice(&nonce), message).unwrap());
    }
    assert_eq!(&sealed[start..], &expected[..]);
}

#[test]
fn nothing_of_the_plain_text_is_left() {
    let text = b"a text that nobody shall read without the key".repeat(100);
    let sealed = seal("x", &key(1), [0; 7], &text).unwrap();
    assert!(!sealed.windows(8).any(|window| text.windows(8).any(|plain| plain == window)));
}

#[test]
fn every_way_of_touching_a_sealed_file_is_found() {
    let good = sealed(3 * CHUNK);
    let start = body(&good);
    let each = CHUNK + 16;
    let chunk = |n: usize| &good[start + n * each..start + (n + 1) * each];
    let head = &good[..start];
    let other = seal(NAME, &key(1), [8; 7], &plain(3 * CHUNK)).unwrap();
    let damaged = |chunk| SealError::Damaged { chunk };
    let table: [(&str, Vec<u8>, SealError); 9] = [
        ("last chunk cut off", good[..start + 2 * each].to_vec(), damaged(1)),
        ("cut within a chunk", good[..good.len() - 1].to_vec(), damaged(2)),
        ("everything cut off", head.to_vec(), damaged(0)),
        ("a byte added", [&good[..], b"x"].concat(), damaged(2)),
        ("a chunk twice", [head, chunk(0), chunk(0), chunk(1), chunk(2)].concat(), damaged(1)),
        ("a chunk left out", [head, chunk(0), chunk(2)].concat(), damaged(1)),
        ("two chunks exchanged", [head, chunk(1), chunk(0), chunk(2)].concat(), damaged(0)),
        ("the head of another file", [&other[..start], &good[start..]].concat(), damaged(0)),
        ("no head", good[start..].to_vec(), SealError::Head),
    ];
    for (what, bytes, expected) in table {
        assert_eq!(open(NAME, &key(1), &bytes), Err(expected), "{what}");
    }
    assert_eq!(open("segments/000000000001.ndjson", &key(1), &good), Err(SealError::OtherName));
    assert_eq!(open(NAME, &key(2), &good), Err(SealError::OtherKey));
}

#[test]
fn a_head_has_one_form() {
    let good = sealed(1);
    let text = String::from_utf8_lossy(&good[..body(&good)]).into_owned();
    for (from, to) in
        [("prefix: 09", "prefix: 0A"), ("name: ", "name:  "), ("sealed/1", "sealed/2"), ("\n\n", "\n \n\n")]
    {
        let changed = [text.replacen(from, to, 1).as_bytes(), &good[text.len()..]].concat();
        assert!(open(NAME, &key(1), &changed).is_err(), "{to}");
    }
    for name in ["", "two\nlines", &"x".repeat(257)] {
        assert_eq!(seal(name, &key(1), [0; 7], b""), Err(SealError::Name));
    }
}

#[test]
fn a_wrapped_key_comes_out_with_its_master_key_only() {
    let wrapped = master(1).wrap(&key(7), [3; 12]).unwrap();
    let file = KeyFile::new(key(7).id(), &master(1).name(), &wrapped, 1000);
    let read = KeyFile::parse(file.text().as_bytes()).unwrap();
    assert_eq!(read, file);
    assert_eq!(master(1).unwrap(&read).unwrap().id(), key(7).id());
    assert_eq!(master(2).unwrap(&read).unwrap_err(), KeyFileError::Master);
    let renamed = KeyFile::new(key(8).id(), file.master(), file.wrapped(), 1000);
    assert_eq!(master(1).unwrap(&renamed).unwrap_err(), KeyFileError::Master);
    assert!(!file.text().contains("BwcH"), "the key itself, in base64, is not in the file");
}

#[test]
fn wrapping_anew_keeps_the_key_and_its_age() {
    let wrapped = master(1).wrap(&key(7), [3; 12]).unwrap();
    let file = KeyFile::new(key(7).id(), &master(1).name(), &wrapped, 1000);
    let again = master(2).wrap(&master(1).unwrap(&file).unwrap(), [4; 12]).unwrap();
    let file = file.rewrapped(&master(2).name(), &again, 5000);
    assert_eq!((file.created_ms(), file.wrapped_ms()), (1000, 5000));
    assert_eq!(master(2).unwrap(&file).unwrap().id(), key(7).id());
    assert_eq!(master(1).unwrap(&file).unwrap_err(), KeyFileError::Master);
}

#[test]
fn keys_are_read_back_from_text_and_never_printed() {
    let text = master(5).danger_text();
    assert_eq!(text.parse::<MasterKey>().unwrap().id(), master(5).id());
    assert!(text.parse::<DataKey>().is_err(), "a master key is no data key");
    let data = key(5).danger_text();
    assert_eq!(format!("{}\n", *data).parse::<DataKey>().unwrap().id(), key(5).id());
    assert_eq!(format!("{:?}", key(5)), format!("DataKey({})", key(5).id()));
    assert!("sekisho-data-1:AAAA".parse::<DataKey>().is_err());
}

proptest! {
    #[test]
    fn any_changed_byte_is_found(length in 0..3000_usize, at in any::<proptest::sample::Index>(), bit in 0..8_u8) {
        let mut sealed = sealed(length);
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert!(open(NAME, &key(1), &sealed).is_err());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let with_head = [&sealed(0)[..], &bytes].concat();
        prop_assert!(open(NAME, &key(1), &bytes).is_err());
        prop_assert_eq!(open(NAME, &key(1), &with_head).is_ok(), bytes.is_empty());
        prop_assert!(KeyFile::parse(&bytes).is_err());
    }
}
