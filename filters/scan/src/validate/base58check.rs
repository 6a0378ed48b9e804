//! Base58check: the last four bytes are the first of a double SHA-256.

use sha2::{Digest, Sha256};

/// A Bitcoin private key: version 0x80 or 0xef, 32 bytes, and perhaps the mark of a compressed public key.
pub(crate) fn is_wif(value: &[u8]) -> bool {
    matches!(value.len(), 51 | 52)
        && matches!(value.first(), Some(b'5' | b'K' | b'L' | b'9' | b'c'))
        && checked(value).is_some_and(|body| matches!(body.first(), Some(0x80 | 0xef)) && matches!(body.len(), 33 | 34))
}

/// Whether the checksum holds.
pub(crate) fn is_base58check(value: &[u8]) -> bool {
    checked(value).is_some()
}

fn checked(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() > LONGEST {
        return None;
    }
    let bytes = base58(value)?;
    let (body, sum) = bytes.split_last_chunk::<4>()?;
    let digest = Sha256::digest(Sha256::digest(body));
    (digest.get(..4) == Some(sum.as_slice())).then(|| body.to_vec())
}

fn base58(value: &[u8]) -> Option<Vec<u8>> {
    let mut number: Vec<u8> = Vec::new();
    for byte in value {
        let digit = ALPHABET.iter().position(|letter| letter == byte)?;
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
    let zeros = value.iter().take_while(|byte| **byte == b'1').count();
    number.extend(std::iter::repeat_n(0, zeros));
    number.reverse();
    Some(number)
}

const LONGEST: usize = 128;
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
