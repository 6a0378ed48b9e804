//! Checksums and shapes that only code can check.

mod base58check;

mod crc16;

mod crc32;

use crate::ruleset::pack::Check;

pub(crate) use base58check::{is_base58check, is_wif};
pub(crate) use crc16::{is_nats_seed, is_stellar_seed};

/// Whether `value` passes its checksum.
pub(crate) fn passes(check: Check, value: &[u8]) -> bool {
    match check {
        Check::Crc32Base62 => crc32::base62_tail(value),
        Check::Crc32Hex => crc32::hex_tail(value),
        Check::Base58check => is_base58check(value),
    }
}
