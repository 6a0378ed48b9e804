//! CRC-32 at the end of a token.

/// GitHub and npm: the last six characters are the CRC-32 of the 30 before them in base 62, digits first, left-padded with `0`.
pub(super) fn base62_tail(value: &[u8]) -> bool {
    let Some((head, tail)) = value.split_last_chunk::<6>() else {
        return false;
    };
    let Some(body) = head.last_chunk::<30>() else {
        return false;
    };
    base62(body) == *tail
}

/// The CRC-32 of `body` in base 62, as it stands at the end of a token: for who makes tokens that scanners are to know.
#[must_use]
pub fn base62(body: &[u8]) -> [u8; 6] {
    let mut crc = crc32fast::hash(body);
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        let index = usize::try_from(crc % 62).unwrap_or_default();
        *digit = ALPHABET.get(index).copied().unwrap_or_default();
        crc /= 62;
    }
    digits
}

/// Atlassian: the last eight characters are the CRC-32 of everything before them in upper-case hex.
pub(super) fn hex_tail(value: &[u8]) -> bool {
    value
        .split_last_chunk::<8>()
        .is_some_and(|(head, tail)| format!("{:08X}", crc32fast::hash(head)).as_bytes() == tail)
}

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
