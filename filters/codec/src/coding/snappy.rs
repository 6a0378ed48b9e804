use snap::raw::{Decoder as Block, decompress_len};

use super::CodingError;
use super::decoder::Reader;
use super::encoder::Encoder;
use crate::crc::crc32c;

/// Snappy: one block, or the framing format, told by the first bytes.
pub(super) struct Snappy {
    most: usize,
    form: Form,
    /// Coded bytes of which more must come, from `at` on.
    coded: Vec<u8>,
    /// Decoded and not given out, from `given` on.
    ready: Vec<u8>,
    given: usize,
    asides: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Unknown,
    Block,
    /// Whether it has to begin with its identifier.
    Framed(bool),
}

impl Snappy {
    pub(super) const fn new(most: usize, framed: bool) -> Self {
        let form = if framed { Form::Framed(true) } else { Form::Unknown };
        Self { most, form, coded: Vec::new(), ready: Vec::new(), given: 0, asides: Vec::new() }
    }

    fn give(&mut self, out: &mut Vec<u8>, room: usize) {
        let ready = self.ready.get(self.given..).unwrap_or_default();
        let now = ready.get(..room).unwrap_or(ready);
        out.extend_from_slice(now);
        self.given += now.len();
        if self.given == self.ready.len() {
            self.ready.clear();
            self.given = 0;
        }
    }

    /// Moves bytes from `input` until `wanted` are there.
    fn want(&mut self, wanted: usize, input: &mut &[u8]) -> bool {
        let (now, rest) = input.split_at(input.len().min(wanted.saturating_sub(self.coded.len())));
        self.coded.extend_from_slice(now);
        *input = rest;
        self.coded.len() >= wanted
    }

    fn tell(&mut self, input: &mut &[u8]) {
        while self.want(self.coded.len() + 1, input) {
            if !IDENTIFIER.starts_with(&self.coded) {
                self.form = Form::Block;
                return;
            }
            if self.coded.len() == IDENTIFIER.len() {
                self.form = Form::Framed(true);
                return;
            }
        }
    }

    fn gather(&mut self, input: &mut &[u8]) -> Result<(), CodingError> {
        let whole = self.coded.len().saturating_add(input.len());
        if whole > self.most {
            return Err(CodingError::TooLarge);
        }
        self.want(whole, input);
        Ok(())
    }

    fn chunk(&mut self, first: bool, input: &mut &[u8]) -> Result<(), CodingError> {
        if !self.want(HEAD, input) {
            return Ok(());
        }
        let [kind, low, middle, high] = *self.coded.first_chunk::<HEAD>().unwrap_or(&[0; HEAD]);
        let length = u32::from_le_bytes([low, middle, high, 0]) as usize;
        let identifies = kind == IDENTIFIER[0];
        if length > most_of(kind) || identifies && length != IDENTIFIER.len() - HEAD || first && !identifies {
            return Err(CodingError::Malformed);
        }
        if !self.want(HEAD + length, input) {
            return Ok(());
        }
        let chunk = std::mem::take(&mut self.coded);
        let data = chunk.get(HEAD..).unwrap_or_default();
        match kind {
            COMPRESSED | PLAIN => self.ready = decode(kind, data)?,
            _ if identifies && chunk != IDENTIFIER => return Err(CodingError::Malformed),
            _ if identifies => {}
            SKIPPABLE.. => self.asides.extend(data.iter().copied().chain([b'\n'])),
            _unskippable => return Err(CodingError::Malformed),
        }
        self.form = Form::Framed(false);
        Ok(())
    }

    fn block(&mut self, out: &mut Vec<u8>) -> Result<(), CodingError> {
        // The length is looked at before a byte of it is allocated: it is what the sender claims.
        match decompress_len(&self.coded) {
            Ok(length) if length > self.most => return Err(CodingError::TooLarge),
            Ok(_) => {}
            Err(_damaged) => return Err(CodingError::Malformed),
        }
        let plain = Block::new().decompress_vec(&self.coded).map_err(|_damaged| CodingError::Malformed)?;
        out.extend_from_slice(&plain);
        Ok(())
    }
}

impl Reader for Snappy {
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<u8>, room: usize) -> Result<(), CodingError> {
        if !self.ready.is_empty() {
            self.give(out, room);
            return Ok(());
        }
        if self.form == Form::Unknown {
            self.tell(input);
        }
        match self.form {
            Form::Unknown => Ok(()),
            Form::Block => self.gather(input),
            Form::Framed(first) => self.chunk(first, input),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), CodingError> {
        match self.form {
            Form::Framed(false) if self.coded.is_empty() => Ok(()),
            Form::Block => self.block(out),
            // What may still become the identifier is no block: it would be longer.
            Form::Framed(_) | Form::Unknown => Err(CodingError::Truncated),
        }
    }

    fn asides(&mut self) -> Option<&mut Vec<u8>> {
        Some(&mut self.asides)
    }

    fn is_aside(&self) -> bool {
        matches!(self.form, Form::Framed(_)) && self.coded.first().is_some_and(|kind| *kind >= SKIPPABLE)
    }

    fn memory(&self, _given: u64) -> usize {
        // A block is decoded in one go at the end, and gone before anything else happens.
        self.coded.capacity().saturating_add(self.ready.capacity()).saturating_add(self.asides.capacity())
    }

    fn encoder(&self) -> Encoder {
        if matches!(self.form, Form::Framed(_)) { Encoder::snappy_framed() } else { Encoder::snappy_block() }
    }
}

fn decode(kind: u8, data: &[u8]) -> Result<Vec<u8>, CodingError> {
    let (sum, data) = data.split_first_chunk::<4>().ok_or(CodingError::Malformed)?;
    let plain = if kind == PLAIN {
        data.to_vec()
    } else {
        match decompress_len(data) {
            Ok(length) if length <= CHUNK => {
                Block::new().decompress_vec(data).map_err(|_damaged| CodingError::Malformed)?
            }
            Ok(_) | Err(_) => return Err(CodingError::Malformed),
        }
    };
    if plain.len() > CHUNK || masked_crc32c(&plain) != u32::from_le_bytes(*sum) {
        return Err(CodingError::Malformed);
    }
    Ok(plain)
}

/// The longest body of a chunk of this kind. What is to be skipped is kept short: somebody has to look at it.
fn most_of(kind: u8) -> usize {
    match kind {
        COMPRESSED => 4 + snap::raw::max_compress_len(CHUNK),
        PLAIN => 4 + CHUNK,
        _ => CHUNK,
    }
}

/// Section 3 of the framing format: CRC-32C, rotated and offset, so that a sum over sums is no sum.
pub(super) fn masked_crc32c(bytes: &[u8]) -> u32 {
    crc32c(bytes).rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// What a framed stream begins with; it may come again.
pub(super) const IDENTIFIER: [u8; 10] = *b"\xFF\x06\x00\x00sNaPpY";
pub(super) const COMPRESSED: u8 = 0;
pub(super) const PLAIN: u8 = 1;
const SKIPPABLE: u8 = 0x80;
/// Most bytes that a chunk decodes to.
pub(super) const CHUNK: usize = 64 * 1024;
const HEAD: usize = 4;
