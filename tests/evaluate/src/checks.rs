//! The checksums that credential formats carry, written from their descriptions and not from the scanner's code.

use sha2::{Digest as _, Sha256};

use crate::rng::{BASE32, BASE62};

/// Leading zeros of the big number that `bytes` are become the first letter of the alphabet.
pub(crate) fn base58(alphabet: &str, bytes: &[u8]) -> String {
    let mut digits: Vec<usize> = Vec::new();
    for byte in bytes {
        let mut carry = usize::from(*byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).map(|_| 0);
    let letters = alphabet.as_bytes();
    zeros.chain(digits.into_iter().rev()).map(|digit| char::from(letters[digit])).collect()
}

/// The payload, and behind it four bytes of its double SHA-256.
pub(crate) fn base58check(alphabet: &str, payload: &[u8]) -> String {
    let sum = Sha256::digest(Sha256::digest(payload));
    base58(alphabet, &[payload, &sum[..4]].concat())
}

/// CRC-32 in base62, six digits: the tail of GitHub's and npm's tokens.
pub(crate) fn crc32_base62(text: &str) -> String {
    let mut rest = usize::try_from(crc32fast::hash(text.as_bytes())).unwrap();
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62.as_bytes()[rest % 62];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

/// CRC-16/XMODEM, little-endian at the end, all in base32: nkeys and Stellar seeds.
pub(crate) fn base32_crc16(payload: &[u8]) -> String {
    let mut crc: u16 = 0;
    for byte in payload {
        crc ^= u16::from(*byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 };
        }
    }
    base32(&[payload, &crc.to_le_bytes()].concat())
}

pub(crate) fn base32(bytes: &[u8]) -> String {
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit = |five: &[u8]| (0..5).fold(0, |sum, at| sum << 1 | usize::from(five.get(at).copied().unwrap_or(0)));
    bits.chunks(5).map(|five| char::from(BASE32.as_bytes()[digit(five)])).collect()
}

/// Bech32 (BIP-173) of `bytes` under `prefix`, lower case.
pub(crate) fn bech32(prefix: &str, bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let value = |five: &[u8]| (0..5).fold(0, |sum, at| sum << 1 | five.get(at).copied().unwrap_or(0));
    let data: Vec<u8> = bits.chunks(5).map(value).collect();
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    let whole: Vec<u8> = high.chain([0]).chain(low).chain(data.iter().copied()).chain([0; 6]).collect();
    let sum = polymod(&whole) ^ 1;
    let check = (0..6).map(|at| u8::try_from(sum >> (5 * (5 - at)) & 31).unwrap());
    let text = data.iter().copied().chain(check).map(|five| char::from(LETTERS[usize::from(five)]));
    format!("{prefix}1{}", text.collect::<String>())
}

fn polymod(values: &[u8]) -> u32 {
    const STEPS: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    values.iter().fold(1, |sum, value| {
        let top = sum >> 25;
        let next = (sum & 0x1ff_ffff) << 5 ^ u32::from(*value);
        STEPS.iter().enumerate().fold(next, |sum, (bit, step)| if top >> bit & 1 == 1 { sum ^ step } else { sum })
    })
}

/// The digit that makes `digits` and itself pass Luhn.
pub(crate) fn luhn(digits: &str) -> usize {
    let sum: usize = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let value = usize::from(digit - b'0') * (2 - at % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    (10 - sum % 10) % 10
}

/// The two digits of an IBAN for a country and an account part.
pub(crate) fn iban_check(country: &str, account: &str) -> u32 {
    let turned = format!("{account}{country}00");
    let rest = turned.chars().fold(0, |rest, letter| {
        let value = letter.to_digit(36).unwrap();
        (if value > 9 { rest * 100 } else { rest * 10 } + value) % 97
    });
    98 - rest
}

#[test]
fn published_vectors_hold() {
    assert_eq!(
        base58("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz", b"Hello World!"),
        "2NEpo7TZRRrLZSi2U"
    );
    assert_eq!(luhn("7992739871"), 3);
    assert_eq!(iban_check("GB", "WEST12345698765432"), 82);
    assert_eq!(crc32_base62(""), "000000");
    // CRC-16/XMODEM of "123456789" is 31C3.
    assert!(base32_crc16(b"123456789").ends_with(&base32(b"123456789\xc3\x31")[15..]));
    assert_eq!(bech32("a", &[]), "a12uel5l");
}
