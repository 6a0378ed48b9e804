//! Does a word look like a word, or like something a generator made?

use crate::class;
use crate::validate::odd_pairs;

/// Whether a sentence may hold `value` as one of its words: a word, a short number, a version, the name of an algorithm.
pub(super) fn is_plain(value: &[u8]) -> bool {
    if value.len() < SHORT || ALGORITHMS.iter().any(|name| starts(value, name)) {
        return true;
    }
    let symbol = value.iter().any(|byte| b"!@#$%^&*+=~?|{}[]".contains(byte));
    if symbol && !(value.starts_with(b"$") || value.starts_with(b"%")) {
        return false;
    }
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    if digits > 0 {
        return letters == 0 && digits < LONG_NUMBER || is_date(value);
    }
    value.split(|byte| !byte.is_ascii_alphabetic()).all(is_word)
}

/// Whether `value` is random enough to be a key: digits and letters mixed, or letters that make no word.
pub(super) fn looks_made(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let mixed = digits >= 2 && letters >= 2 && !is_date(value);
    let sound = value.iter().all(|byte| class::is(*byte, class::TOKEN68));
    let path =
        value.starts_with(b"/") && value.len() < LONGEST_PATH || value.starts_with(b"./") || value.starts_with(b"http");
    sound && !path && (mixed || letters > 0 && !value.split(|byte| !byte.is_ascii_alphabetic()).all(is_word))
}

/// Shannon entropy of the bytes of `value`, in hundredths of a bit for each.
pub(super) fn entropy(value: &[u8]) -> u32 {
    let mut counts = [0_u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = f64::from(u32::try_from(value.len()).unwrap_or(u32::MAX));
    let bits: f64 =
        counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total).map(|p| -p * p.log2()).sum();
    let hundredths = (bits * 100.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 800")]
    let hundredths = hundredths as u32;
    hundredths
}

/// English, or nearly: `CamelCase` is taken apart first.
pub(super) fn is_word(letters: &[u8]) -> bool {
    let upper = letters.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let humps = letters.array_windows::<2>().filter(|[a, b]| a.is_ascii_lowercase() && b.is_ascii_uppercase()).count();
    let shouted = upper == letters.len();
    let written = shouted || upper <= 1 + humps;
    let long = humps < MAX_HUMPS || letters.len() >= SHORTEST_HUMP * (humps + 1);
    written && humps <= MAX_HUMPS && long && letters.len() <= LONGEST_WORD && odd_pairs(letters) <= 1 + humps
}

fn is_date(value: &[u8]) -> bool {
    value.len() >= 10
        && value.iter().all(|byte| byte.is_ascii_digit() || b"-:.TZ+/".contains(byte))
        && value.get(4) == Some(&b'-')
}

fn starts(value: &[u8], name: &[u8]) -> bool {
    value.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
        && value.get(name.len()).is_none_or(|byte| !byte.is_ascii_alphanumeric())
}

const ALGORITHMS: [&[u8]; 14] = [
    b"base64",
    b"base64url",
    b"sha1",
    b"sha256",
    b"sha512",
    b"md5",
    b"utf8",
    b"oauth2",
    b"ed25519",
    b"rs256",
    b"hs256",
    b"es256",
    b"x509",
    b"argon2id",
];
/// Base64 may begin with a slash too.
const LONGEST_PATH: usize = 40;
const SHORT: usize = 5;
const LONG_NUMBER: usize = 6;
const LONGEST_WORD: usize = 28;
const MAX_HUMPS: usize = 3;
/// Of several words in one each has so many letters, on the average.
const SHORTEST_HUMP: usize = 3;
