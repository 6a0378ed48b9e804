use flate2::Crc;

use super::CodingError;
use super::decoder::Reader;
use super::deflate::{INFLATE, Inflate};
use super::encoder::Encoder;

/// A gzip body: members one after the other, each with a head, a DEFLATE stream, a CRC and a length.
///
/// A decoder that stops after the first member lets everything behind it pass unseen. This one reads all of them.
pub(super) struct Gzip {
    members: u32,
    at: At,
    asides: Vec<u8>,
}

enum At {
    /// Behind this many whole members.
    Between(u32),
    Head(Head),
    Stream(Box<Inflate>, Crc),
    Tail(Crc, Vec<u8>),
}

impl Gzip {
    pub(super) const fn new(members: u32) -> Self {
        Self { members, at: At::Between(0), asides: Vec::new() }
    }

    fn advance(&mut self, input: &mut &[u8], out: &mut Vec<u8>, room: usize) -> Result<Option<At>, CodingError> {
        match &mut self.at {
            At::Between(_) => {
                self.members = self.members.checked_sub(1).ok_or(CodingError::TooManyMembers)?;
                Ok(Some(At::Head(Head::default())))
            }
            At::Head(head) => {
                let done = head.read(input, &mut self.asides)?;
                Ok(done.then(|| At::Stream(Box::new(Inflate::new(false)), Crc::new())))
            }
            At::Stream(stream, crc) => {
                let start = out.len();
                stream.inflate(input, out, room)?;
                crc.update(out.get(start..).unwrap_or_default());
                Ok(stream.ended.then(|| At::Tail(std::mem::take(crc), Vec::new())))
            }
            At::Tail(crc, tail) => {
                let (now, rest) = input.split_at(input.len().min(TAIL - tail.len()));
                tail.extend_from_slice(now);
                *input = rest;
                if tail.len() < TAIL {
                    return Ok(None);
                }
                let wanted = [crc.sum().to_le_bytes(), crc.amount().to_le_bytes()].concat();
                if *tail == wanted { Ok(Some(At::Between(1))) } else { Err(CodingError::Malformed) }
            }
        }
    }
}

impl Reader for Gzip {
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>, room: usize) -> Result<(), CodingError> {
        let start = out.len();
        // A stream may end with nothing left of the input, and a member of no content gives nothing: on with the next part.
        while out.len() == start && !input.is_empty() {
            match self.advance(input, out, room)? {
                Some(next) => self.at = next,
                None if input.is_empty() => break,
                None => {}
            }
        }
        // What the last bytes of the input became may not have had room.
        if let At::Stream(..) = self.at
            && out.len() == start
            && let Some(next) = self.advance(input, out, room)?
        {
            self.at = next;
        }
        Ok(())
    }

    fn finish(&mut self, _out: &mut Vec<u8>) -> Result<(), CodingError> {
        if matches!(self.at, At::Between(1)) { Ok(()) } else { Err(CodingError::Truncated) }
    }

    fn asides(&mut self) -> Option<&mut Vec<u8>> {
        Some(&mut self.asides)
    }

    fn is_aside(&self) -> bool {
        matches!(self.at, At::Head(_))
    }

    fn memory(&self, _given: u64) -> usize {
        INFLATE
    }

    fn encoder(&self) -> Encoder {
        Encoder::gzip()
    }
}

/// The head of a member (RFC 1952, 2.3), read byte by byte.
#[derive(Default)]
struct Head {
    part: Part,
    /// Bytes of this part read so far.
    read: usize,
    flags: u8,
    extra: usize,
    aside: usize,
    crc: Crc,
    sum: [u8; 2],
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Part {
    #[default]
    Fixed,
    ExtraLength,
    Extra,
    Name,
    Comment,
    Sum,
    Done,
}

impl Head {
    /// True when it was read to its end.
    fn read(&mut self, input: &mut &[u8], asides: &mut Vec<u8>) -> Result<bool, CodingError> {
        while let (Some((byte, rest)), true) = (input.split_first(), self.part != Part::Done) {
            *input = rest;
            self.byte(*byte, asides)?;
        }
        Ok(self.part == Part::Done)
    }

    fn byte(&mut self, byte: u8, asides: &mut Vec<u8>) -> Result<(), CodingError> {
        if self.part == Part::Sum {
            self.sum.rotate_left(1);
            self.sum[1] = byte;
        } else {
            self.crc.update(&[byte]);
        }
        let at = self.read;
        self.read += 1;
        let over = match self.part {
            Part::Fixed => {
                let wanted = MAGIC.get(at).copied().or((at == 2).then_some(DEFLATE));
                if wanted.is_some_and(|wanted| wanted != byte) || at == 3 && byte & RESERVED != 0 {
                    return Err(CodingError::Malformed);
                }
                self.flags = if at == 3 { byte } else { self.flags };
                self.read == FIXED
            }
            Part::ExtraLength => {
                self.extra |= usize::from(byte) << (8 * at);
                self.read == 2
            }
            Part::Extra => self.aside(Some(byte), self.read == self.extra, asides)?,
            Part::Name | Part::Comment => self.aside((byte != 0).then_some(byte), byte == 0, asides)?,
            Part::Sum if self.read < 2 => false,
            Part::Sum if u32::from(u16::from_le_bytes(self.sum)) != self.crc.sum() & 0xFFFF => {
                return Err(CodingError::Malformed);
            }
            Part::Sum | Part::Done => true,
        };
        if over {
            self.next();
        }
        Ok(())
    }

    /// A byte of a text beside the content; `last` is handed back.
    fn aside(&mut self, byte: Option<u8>, last: bool, asides: &mut Vec<u8>) -> Result<bool, CodingError> {
        self.aside += 1;
        if self.aside > ASIDES {
            return Err(CodingError::Malformed);
        }
        asides.extend(byte.into_iter().chain(last.then_some(b'\n')));
        Ok(last)
    }

    /// On to the next part that this head has.
    fn next(&mut self) {
        self.read = 0;
        let has = |flag: u8| self.flags & flag != 0;
        self.part = match self.part {
            Part::Fixed if has(FEXTRA) => Part::ExtraLength,
            Part::ExtraLength if self.extra > 0 => Part::Extra,
            Part::Fixed | Part::ExtraLength | Part::Extra if has(FNAME) => Part::Name,
            Part::Fixed | Part::ExtraLength | Part::Extra | Part::Name if has(FCOMMENT) => Part::Comment,
            Part::Fixed | Part::ExtraLength | Part::Extra | Part::Name | Part::Comment if has(FHCRC) => Part::Sum,
            Part::Fixed | Part::ExtraLength | Part::Extra | Part::Name | Part::Comment | Part::Sum | Part::Done => {
                Part::Done
            }
        };
    }
}

pub(super) const MAGIC: [u8; 2] = [0x1F, 0x8B];
const DEFLATE: u8 = 8;
const FHCRC: u8 = 2;
const FEXTRA: u8 = 4;
const FNAME: u8 = 8;
const FCOMMENT: u8 = 16;
const RESERVED: u8 = 0xE0;
const FIXED: usize = 10;
const TAIL: usize = 8;
/// Most bytes that the head of a member may say.
const ASIDES: usize = 128 * 1024;
