use super::frame::sum;
use super::{Message, SOH, tag};

/// A message being written. BodyLength and CheckSum are its own.
#[derive(Clone, Debug)]
pub struct Draft {
    version: String,
    body: Vec<u8>,
}

impl Draft {
    /// A message of one kind.
    #[must_use]
    pub fn new(version: &str, kind: &str) -> Self {
        Self { version: version.to_owned(), body: Vec::new() }.field(tag::MSG_TYPE, kind)
    }

    /// A message of one kind in the place of another: with its header, whose MsgSeqNum it takes.
    #[must_use]
    pub fn in_place_of(message: &Message<'_>, kind: &str) -> Self {
        let header = message.fields().filter(|(tag, _)| HEADER.contains(tag));
        header.fold(Self::new(message.version(), kind), |draft, (tag, value)| draft.field(tag, value))
    }

    /// As [`in_place_of`](Self::in_place_of), but a possible duplicate with a number of its own.
    #[must_use]
    pub fn again(message: &Message<'_>, kind: &str, number: u64) -> Self {
        let header = message.fields().filter(|(tag, _)| HEADER.contains(tag));
        let number = number.to_string();
        let draft = header.fold(Self::new(message.version(), kind), |draft, (tag, value)| {
            draft.field(tag, if tag == tag::MSG_SEQ_NUM { number.as_bytes() } else { value })
        });
        let first = message.get(tag::ORIG_SENDING_TIME).or_else(|| message.get(tag::SENDING_TIME));
        draft.field(tag::POSS_DUP, "Y").maybe(tag::ORIG_SENDING_TIME, first)
    }

    /// Adds a field. What would end it early is left out of its value; a field without a value is left out.
    #[must_use]
    pub fn field(mut self, tag: u32, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        if value.iter().all(|byte| *byte == SOH) {
            return self;
        }
        self.body.extend_from_slice(tag.to_string().as_bytes());
        self.body.push(b'=');
        self.body.extend(value.iter().filter(|byte| **byte != SOH));
        self.body.push(SOH);
        self
    }

    /// As [`field`](Self::field), if there is a value.
    #[must_use]
    pub fn maybe(self, tag: u32, value: Option<&[u8]>) -> Self {
        match value {
            Some(value) => self.field(tag, value),
            None => self,
        }
    }

    /// The whole message.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        let mut bytes = format!("8={}\u{1}9={}\u{1}", self.version, self.body.len()).into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes.extend_from_slice(format!("10={:03}\u{1}", sum(&bytes)).as_bytes());
        bytes
    }
}

/// Fields of the header that a message in the place of another keeps. Whether that one was a possible duplicate is not
/// among them.
const HEADER: [u32; 15] = [
    tag::SENDER_COMP_ID,
    tag::TARGET_COMP_ID,
    115,
    128,
    tag::MSG_SEQ_NUM,
    50,
    142,
    57,
    143,
    116,
    144,
    129,
    145,
    tag::SENDING_TIME,
    1128,
];
