//! CRC-16/XMODEM at the end of a base32 seed, low byte first.

/// Whether a Stellar seed passes its checksum: `S`, 56 characters, version byte 0x90; none if it cannot be one.
pub(crate) fn stellar_seed(value: &[u8]) -> Option<bool> {
    let shape = value.len() == 56 && matches!(value, [b'S', b'A'..=b'D', ..]);
    seed(shape, value)
}

/// Whether an nkey seed of NATS passes its checksum: `S` and a role letter, 58 characters; none if it cannot be one.
pub(crate) fn nats_seed(value: &[u8]) -> Option<bool> {
    let shape = value.len() == 58 && matches!(value, [b'S', b'U' | b'A' | b'O' | b'C' | b'N' | b'X', ..]);
    seed(shape, value)
}

fn seed(shape: bool, value: &[u8]) -> Option<bool> {
    (shape && base32(value).is_some()).then(|| checked(value).is_some())
}

fn checked(value: &[u8]) -> Option<Vec<u8>> {
    let bytes = base32(value)?;
    let (body, sum) = bytes.split_last_chunk::<2>()?;
    (crc(body) == u16::from_le_bytes(*sum)).then(|| body.to_vec())
}

fn base32(value: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut bits: u32 = 0;
    let mut held = 0;
    for byte in value {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u32::from(digit);
        held += 5;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).ok()?);
            bits &= (1 << held) - 1;
        }
    }
    Some(bytes)
}

pub(super) fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    })
}
