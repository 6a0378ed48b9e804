//! Base58check: the last four bytes are the first of a double SHA-256.

use sha2::{Digest, Sha256};

/// Whether a Bitcoin private key passes its checksum: version 0x80 or 0xef, 32 bytes, and perhaps the mark of a compressed public
/// key; none if it cannot be one. Version and length leave few letters for the first two places.
pub(crate) fn wif(value: &[u8]) -> Option<bool> {
    let shape = matches!(
        (value.len(), value.first_chunk::<2>()?),
        (51, [b'5', b'H' | b'J' | b'K'] | [b'9', b'1' | b'2' | b'3'])
            | (52, [b'K', b'w'..=b'z'] | [b'L', b'1'..=b'5'] | [b'c', b'M'..=b'V'])
    );
    let letters = value.iter().all(|byte| ALPHABET.contains(byte));
    (shape && letters).then(|| checked(value, ALPHABET).is_some())
}

/// Whether a seed of the XRP Ledger passes its checksum; none if it does not, since its letters and their number say too little.
pub(crate) fn xrp_seed(value: &[u8]) -> Option<bool> {
    if value.first() != Some(&b's') || !(28..=31).contains(&value.len()) {
        return None;
    }
    let body = checked(value, RIPPLE)?;
    matches!((body.len(), body.as_slice()), (17, [0x21, ..]) | (19, [0x01, 0xe1, 0x4b, ..])).then_some(true)
}

/// Whether the checksum holds.
pub(crate) fn is_base58check(value: &[u8]) -> bool {
    checked(value, ALPHABET).is_some()
}

fn checked(value: &[u8], alphabet: &[u8; 58]) -> Option<Vec<u8>> {
    if value.len() > LONGEST {
        return None;
    }
    let bytes = base58(value, alphabet)?;
    let (body, sum) = bytes.split_last_chunk::<4>()?;
    let digest = Sha256::digest(Sha256::digest(body));
    (digest.get(..4) == Some(sum.as_slice())).then(|| body.to_vec())
}

fn base58(value: &[u8], alphabet: &[u8; 58]) -> Option<Vec<u8>> {
    let mut number: Vec<u8> = Vec::new();
    for byte in value {
        let digit = alphabet.iter().position(|letter| letter == byte)?;
        let mut carry = u32::try_from(digit).ok()?;
        for place in &mut number {
            carry += u32::from(*place) * 58;
            *place = u8::try_from(carry & 0xff).ok()?;
            carry >>= 8;
        }
        while carry > 0 {
            number.push(u8::try_from(carry & 0xff).ok()?);
            carry >>= 8;
        }
    }
    let zeros = value.iter().take_while(|byte| alphabet.first() == Some(*byte)).count();
    number.extend(std::iter::repeat_n(0, zeros));
    number.reverse();
    Some(number)
}

const LONGEST: usize = 128;
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
