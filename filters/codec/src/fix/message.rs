use std::fmt;
use std::ops::Range;

use super::{FixError, SOH, tag};

/// The fields of one message, in the order written. BeginString, BodyLength and CheckSum are not among them.
#[derive(Clone)]
pub struct Message<'m> {
    bytes: &'m [u8],
    fields: Vec<(u32, Range<usize>)>,
}

impl<'m> Message<'m> {
    pub(super) fn read(bytes: &'m [u8], body: Range<usize>) -> Result<Self, FixError> {
        let mut message = Self { bytes, fields: Vec::new() };
        let (mut at, mut data) = (body.start, None);
        while at < body.end {
            let rest = bytes.get(at..body.end).unwrap_or_default();
            let (tag, digits) = tag_of(rest)?;
            let value = rest.get(digits + 1..).unwrap_or_default();
            let length = match data.take() {
                // Raw data may have any byte in it: its length was said just before.
                Some((expected, length)) if expected == tag => Some(length),
                Some(_) => return Err(FixError::Garbled("a length without its data")),
                None => value.iter().position(|byte| *byte == SOH),
            };
            let length = length.filter(|length| value.get(*length) == Some(&SOH) && *length > 0);
            let length = length.ok_or(FixError::Garbled("a field without a value or an end"))?;
            let start = at + digits + 1;
            message.fields.push((tag, start..start + length));
            at = start + length + 1;
            if let Some((_, of)) = DATA.iter().find(|(length, _)| *length == tag) {
                let said = value.get(..length).and_then(|text| str::from_utf8(text).ok()?.parse::<usize>().ok());
                data = Some((*of, said.ok_or(FixError::Garbled("a length that is no number"))?));
            }
            if message.fields.len() > MOST_FIELDS {
                return Err(FixError::Garbled("it has too many fields"));
            }
        }
        if data.is_some() || at != body.end {
            return Err(FixError::Garbled("a length without its data"));
        }
        Ok(message)
    }

    /// BeginString: `FIX.4.2`.
    #[must_use]
    pub fn version(&self) -> &'m str {
        let end = self.bytes.iter().position(|byte| *byte == SOH).unwrap_or_default();
        self.bytes.get(2..end).and_then(|version| str::from_utf8(version).ok()).unwrap_or_default()
    }

    /// MsgType.
    #[must_use]
    pub fn kind(&self) -> &'m str {
        self.text(tag::MSG_TYPE).unwrap_or_default()
    }

    /// MsgSeqNum.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        self.parsed(tag::MSG_SEQ_NUM)
    }

    /// A number.
    #[must_use]
    pub fn parsed(&self, tag: u32) -> Option<u64> {
        self.text(tag).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
    }

    /// Whether a flag is `Y`.
    #[must_use]
    pub fn flag(&self, tag: u32) -> bool {
        self.get(tag) == Some(b"Y")
    }

    /// The value of the first field with this tag.
    #[must_use]
    pub fn get(&self, tag: u32) -> Option<&'m [u8]> {
        self.fields().find(|(ours, _)| *ours == tag).map(|(_, value)| value)
    }

    /// As [`get`](Self::get), when it is text.
    #[must_use]
    pub fn text(&self, tag: u32) -> Option<&'m str> {
        str::from_utf8(self.get(tag)?).ok()
    }

    /// Tags and values.
    pub fn fields(&self) -> impl Iterator<Item = (u32, &'m [u8])> {
        let bytes = self.bytes;
        self.fields.iter().map(move |(tag, place)| (*tag, bytes.get(place.clone()).unwrap_or_default()))
    }

    /// Where the values are of fields that may hold a credential, which a counterparty is meant to receive.
    #[must_use]
    pub fn credentials(&self) -> Vec<Range<usize>> {
        self.fields.iter().filter(|(tag, _)| is_credential(*tag)).map(|(_, place)| place.clone()).collect()
    }

    /// The first tag that is there twice, of those that have one value in a message without groups of orders.
    #[must_use]
    pub fn given_twice(&self) -> Option<u32> {
        ONCE.into_iter().find(|once| self.fields.iter().filter(|(tag, _)| tag == once).count() > 1)
    }
}

/// Whether a field of a logon or a user request may hold a credential: RawData, Username, Password, NewPassword and the
/// encrypted ones, and the fields that venues use besides.
#[must_use]
pub fn is_credential(tag: u32) -> bool {
    matches!(tag, 89 | 91 | 96 | 553 | 554 | 925 | 1402 | 1404 | 5025 | 8013 | 9406 | 9407)
}

/// A tag and how many digits it has.
fn tag_of(bytes: &[u8]) -> Result<(u32, usize), FixError> {
    let end = bytes.iter().take(LONGEST_TAG + 1).position(|byte| *byte == b'=');
    let digits = end.and_then(|end| bytes.get(..end)).filter(|digits| digits.iter().all(u8::is_ascii_digit));
    let digits = digits.filter(|digits| !digits.is_empty() && !digits.starts_with(b"0"));
    let tag = digits.and_then(|digits| str::from_utf8(digits).ok()?.parse().ok().zip(Some(digits.len())));
    let (tag, digits) = tag.ok_or(FixError::Garbled("a tag that is no number"))?;
    // These frame the message, and stand outside.
    if matches!(tag, tag::BEGIN_STRING | tag::BODY_LENGTH | tag::CHECK_SUM) {
        return Err(FixError::Garbled("a field that frames a message stands within it"));
    }
    Ok((tag, digits))
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A logon has secrets in it.
        f.debug_struct("Message").field("kind", &self.kind()).field("number", &self.number()).finish_non_exhaustive()
    }
}

/// Fields of which a message without groups of orders has one: those that say whose it is, and what an order does.
const ONCE: [u32; 23] = [
    tag::MSG_TYPE,
    tag::MSG_SEQ_NUM,
    tag::SENDER_COMP_ID,
    tag::TARGET_COMP_ID,
    tag::POSS_DUP,
    97,
    tag::NEW_SEQ_NO,
    tag::GAP_FILL,
    tag::ACCOUNT,
    tag::CL_ORD_ID,
    tag::ORIG_CL_ORD_ID,
    tag::ORDER_ID,
    tag::SYMBOL,
    48,
    tag::SIDE,
    tag::ORDER_QTY,
    40,
    44,
    99,
    77,
    18,
    59,
    1028,
];

/// Lengths, each with the tag of the data that follows it.
const DATA: [(u32, u32); 19] = [
    (90, 91),
    (93, 89),
    (95, 96),
    (212, 213),
    (348, 349),
    (350, 351),
    (352, 353),
    (354, 355),
    (356, 357),
    (358, 359),
    (360, 361),
    (362, 363),
    (364, 365),
    (445, 446),
    (618, 619),
    (621, 622),
    (1184, 1185),
    (1401, 1402),
    (1403, 1404),
];

const MOST_FIELDS: usize = 4096;

const LONGEST_TAG: usize = 9;
