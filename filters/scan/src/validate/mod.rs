//! Checksums and shapes that only code can check.

mod base58check;

mod crc16;

mod crc32;

mod numbers;

mod words;

use base64::Engine as _;

use crate::ruleset::pack::Check;

pub(crate) use base58check::{is_base58check, wif, xrp_seed};
pub(crate) use crc16::{nats_seed, stellar_seed};
pub use crc32::base62;
pub(crate) use words::{LENGTHS as PHRASE_LENGTHS, is_listed, odd_pairs, phrase_within};

/// Whether `value` passes its checksum.
pub(crate) fn passes(check: Check, value: &[u8]) -> bool {
    match check {
        Check::Crc32Base62 => crc32::base62_tail(value),
        Check::Crc32Hex => crc32::hex_tail(value),
        Check::Base58check => is_base58check(value),
        Check::Card => numbers::is_card(value),
        Check::Iban => numbers::is_iban(value),
        Check::Aba => numbers::is_routing(value),
        Check::Ssn => numbers::is_social(value),
        Check::Pair => is_pair(value),
        Check::Phrase => {
            let words: Vec<&[u8]> =
                value.split(|byte| !byte.is_ascii_lowercase()).filter(|word| word.len() > 2).collect();
            words::is_phrase(&words)
        }
    }
}

/// Base64 of printable text with a colon in it, as `user:password`.
pub(crate) fn is_pair(value: &[u8]) -> bool {
    let plain: Vec<u8> = value.iter().copied().filter(|byte| *byte != b'=').collect();
    let decoded = base64::engine::general_purpose::STANDARD_NO_PAD.decode(&plain);
    decoded.is_ok_and(|bytes| bytes.contains(&b':') && bytes.iter().all(|byte| *byte >= 0x20))
}
