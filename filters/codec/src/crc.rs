//! Cyclic redundancy checks that no crate of the tree has.

use std::sync::LazyLock;

/// Castagnoli's, as iSCSI, snappy and S3 use it.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    let table = &*CRC32C;
    let update = |sum: u32, byte: &u8| {
        let [low, ..] = (sum ^ u32::from(*byte)).to_le_bytes();
        table.get(usize::from(low)).copied().unwrap_or_default() ^ (sum >> 8)
    };
    !bytes.iter().fold(!0, update)
}

/// NVMe's of 64 bits, as S3 uses it.
pub(crate) fn crc64nvme(bytes: &[u8]) -> u64 {
    let table = &*CRC64_NVME;
    let update = |sum: u64, byte: &u8| {
        let [low, ..] = (sum ^ u64::from(*byte)).to_le_bytes();
        table.get(usize::from(low)).copied().unwrap_or_default() ^ (sum >> 8)
    };
    !bytes.iter().fold(!0, update)
}

/// The polynomial, reflected, for each byte.
static CRC32C: LazyLock<[u32; 256]> = LazyLock::new(|| {
    let shifted = |sum: u32, _bit| (sum >> 1) ^ (0x82F6_3B78 & (sum & 1).wrapping_neg());
    std::array::from_fn(|byte| (0..8).fold(u32::try_from(byte).unwrap_or_default(), shifted))
});

static CRC64_NVME: LazyLock<[u64; 256]> = LazyLock::new(|| {
    let shifted = |sum: u64, _bit| (sum >> 1) ^ (0x9A6C_9329_AC4B_C9B5 & (sum & 1).wrapping_neg());
    std::array::from_fn(|byte| (0..8).fold(u64::try_from(byte).unwrap_or_default(), shifted))
});
