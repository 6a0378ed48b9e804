//! The wire form of protobuf: tags, variable-length numbers, lengths.

use super::FramingError;

/// A field of a message, and where in the message it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'m> {
    pub(super) number: u32,
    pub(super) value: Value<'m>,
    /// Where its tag begins.
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'m> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32,
    Bytes(&'m [u8]),
    GroupStart,
    GroupEnd,
}

/// The fields of one message, one after the other.
#[derive(Debug)]
pub(super) struct Fields<'m> {
    pub(super) message: &'m [u8],
    pub(super) at: usize,
}

impl<'m> Fields<'m> {
    pub(super) const fn of(message: &'m [u8]) -> Self {
        Self { message, at: 0 }
    }

    /// The next field. [`FramingError::Truncated`] when it may go on behind the end.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Result<Field<'m>, FramingError>> {
        let rest = self.message.get(self.at..).filter(|rest| !rest.is_empty())?;
        Some(self.read(rest))
    }

    #[inline]
    fn read(&mut self, rest: &'m [u8]) -> Result<Field<'m>, FramingError> {
        let (tag, head) = read(rest)?;
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..=MOST_FIELD).contains(number));
        let number = number.ok_or(FramingError::Malformed)?;
        let after = rest.get(head..).unwrap_or_default();
        let (value, length) = match tag & 7 {
            0 => read(after).map(|(value, length)| (Value::Varint(value), length))?,
            1 => (Value::Fixed64(*after.first_chunk().ok_or(FramingError::Truncated)?), 8),
            2 => {
                let (length, head) = read(after)?;
                let length = usize::try_from(length).ok().filter(|length| *length <= MOST_BYTES);
                let length = length.ok_or(FramingError::Malformed)?;
                let bytes = after.get(head..head + length).ok_or(FramingError::Truncated)?;
                (Value::Bytes(bytes), head + length)
            }
            3 => (Value::GroupStart, 0),
            4 => (Value::GroupEnd, 0),
            5 => (after.first_chunk::<4>().map(|_| Value::Fixed32).ok_or(FramingError::Truncated)?, 4),
            _ => return Err(FramingError::Malformed),
        };
        let start = self.at;
        self.at += head + length;
        Ok(Field { number, value, start, end: self.at })
    }
}

/// Whether `bytes` are one whole field after the other, to their end.
pub(super) fn is_message(bytes: &[u8]) -> bool {
    let mut fields = Fields::of(bytes);
    let mut groups = Vec::new();
    while let Some(field) = fields.next() {
        match field {
            Ok(Field { value: Value::GroupStart, number, .. }) => groups.push(number),
            Ok(Field { value: Value::GroupEnd, number, .. }) if groups.pop() != Some(number) => return false,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    !bytes.is_empty() && groups.is_empty()
}

/// A number, and how many bytes it takes. Nearly all take one.
#[inline]
pub(super) fn read(bytes: &[u8]) -> Result<(u64, usize), FramingError> {
    match bytes.first() {
        Some(byte @ ..0x80) => Ok((u64::from(*byte), 1)),
        _ => long(bytes),
    }
}

fn long(bytes: &[u8]) -> Result<(u64, usize), FramingError> {
    let mut value = 0_u64;
    for (index, byte) in bytes.iter().take(LONGEST).enumerate() {
        let bits = u64::from(byte & 0x7F);
        if index == LONGEST - 1 && bits > 1 {
            return Err(FramingError::Malformed);
        }
        value |= bits << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, index + 1));
        }
    }
    Err(if bytes.len() < LONGEST { FramingError::Truncated } else { FramingError::Malformed })
}

pub(super) fn write(mut value: u64, out: &mut Vec<u8>) {
    loop {
        let [low, ..] = value.to_le_bytes();
        value >>= 7;
        if value == 0 {
            return out.push(low & 0x7F);
        }
        out.push(low | 0x80);
    }
}

/// The tag and the length of a field of `length` bytes.
pub(super) fn head(number: u32, length: usize) -> Vec<u8> {
    let mut head = Vec::with_capacity(2 * LONGEST);
    write(u64::from(number) << 3 | 2, &mut head);
    write(length as u64, &mut head);
    head
}

const LONGEST: usize = 10;
const MOST_FIELD: u32 = (1 << 29) - 1;
/// What the format permits: two GiB.
const MOST_BYTES: usize = 0x7FFF_FFFF;
