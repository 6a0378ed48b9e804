use super::WsError;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// A further fragment of a message.
    Continuation,
    /// A text message, or its first fragment.
    Text,
    /// A binary message, or its first fragment.
    Binary,
    /// The end of what one side has to say.
    Close,
    /// To be answered with a pong.
    Ping,
    /// The answer.
    Pong,
}

impl Opcode {
    /// Whether it may stand between the fragments of a message.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    const fn read(nibble: u8) -> Option<Self> {
        Some(match nibble {
            0 => Self::Continuation,
            1 => Self::Text,
            2 => Self::Binary,
            8 => Self::Close,
            9 => Self::Ping,
            10 => Self::Pong,
            _ => return None,
        })
    }

    const fn nibble(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

/// The head of a frame (RFC 6455, 5.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Whether the message ends with it.
    pub fin: bool,
    /// Whether the message is compressed: the first reserved bit.
    pub rsv1: bool,
    /// What it is.
    pub opcode: Opcode,
    /// What its payload is masked with.
    pub mask: Option<[u8; 4]>,
    /// Bytes of its payload.
    pub length: u64,
}

/// Most bytes of a head.
pub(super) const LONGEST_HEAD: usize = 14;

/// Most bytes of the payload of a control frame.
pub(super) const LONGEST_CONTROL: u64 = 125;

impl Head {
    /// Reads a head from the beginning of `bytes`, and says how many of them it took. `None`, when more are needed.
    ///
    /// # Errors
    ///
    /// [`WsError::Protocol`], as soon as the bytes can be no head.
    pub fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, WsError> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        if first & 0x30 != 0 {
            return Err(WsError::Protocol("a reserved bit is set"));
        }
        let opcode = Opcode::read(first & 0x0F).ok_or(WsError::Protocol("a reserved opcode"))?;
        let (fin, rsv1) = (first & 0x80 != 0, first & 0x40 != 0);
        let short = u64::from(second & 0x7F);
        if opcode.is_control() && (!fin || short > LONGEST_CONTROL) {
            return Err(WsError::Protocol("a control frame is fragmented or too long"));
        }
        let (length, rest, taken) = match (short, rest) {
            (126, [a, b, rest @ ..]) => (u64::from(u16::from_be_bytes([*a, *b])), rest, 4),
            (127, [a, b, c, d, e, f, g, h, rest @ ..]) => {
                (u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]), rest, 10)
            }
            (126 | 127, _) => return Ok(None),
            (short, rest) => (short, rest, 2),
        };
        let least = match taken {
            4 => LONGEST_CONTROL + 1,
            10 => 1 << 16,
            _ => 0,
        };
        if length < least || length >> 63 != 0 {
            return Err(WsError::Protocol("a length is not in its shortest form"));
        }
        let (mask, taken) = match (second & 0x80 != 0, rest) {
            (false, _) => (None, taken),
            (true, [a, b, c, d, ..]) => (Some([*a, *b, *c, *d]), taken + 4),
            (true, _) => return Ok(None),
        };
        Ok(Some((Self { fin, rsv1, opcode, mask, length }, taken)))
    }

    /// Appends it to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(u8::from(self.fin) << 7 | u8::from(self.rsv1) << 6 | self.opcode.nibble());
        let masked = u8::from(self.mask.is_some()) << 7;
        match (u8::try_from(self.length), u16::try_from(self.length)) {
            (Ok(short), _) if u64::from(short) <= LONGEST_CONTROL => out.push(masked | short),
            (_, Ok(medium)) => {
                out.push(masked | 126);
                out.extend_from_slice(&medium.to_be_bytes());
            }
            (_, Err(_long)) => {
                out.push(masked | 127);
                out.extend_from_slice(&self.length.to_be_bytes());
            }
        }
        out.extend(self.mask.into_iter().flatten());
    }
}

/// Masks bytes, or takes their mask off: it is the same (RFC 6455, 5.3).
pub fn mask(bytes: &mut [u8], key: [u8; 4]) {
    let wide = u64::from_ne_bytes([key[0], key[1], key[2], key[3], key[0], key[1], key[2], key[3]]);
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        if let Ok(eight) = <[u8; 8]>::try_from(&*chunk) {
            chunk.copy_from_slice(&(u64::from_ne_bytes(eight) ^ wide).to_ne_bytes());
        }
    }
    for (byte, key) in chunks.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// A whole, uncompressed frame.
#[must_use]
pub fn frame(opcode: Opcode, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let head = Head { fin: true, rsv1: false, opcode, mask: key, length: payload.len() as u64 };
    let mut out = Vec::with_capacity(payload.len().saturating_add(LONGEST_HEAD));
    head.write(&mut out);
    let start = out.len();
    out.extend_from_slice(payload);
    if let Some(key) = key {
        mask(out.get_mut(start..).unwrap_or_default(), key);
    }
    out
}
