//! Content codings, in pieces and within a budget: gzip, deflate, brotli, zstd, snappy, and chunks as S3's clients write them.
//!
//! A coded body is a door for what a search does not read. So these decoders read *all* of it: every member of a gzip body and
//! every frame of a zstd body, what stands beside the content ([`Decoder::take_asides`]), and whether anything is left behind the end.
//! What cannot be decoded to its end is not clean:
//!
//! | the body | is |
//! |---|---|
//! | damaged, another coding than it says, or with bytes behind its end | [`CodingError::Malformed`] |
//! | empty, or cut short | [`CodingError::Truncated`] |
//! | larger when decoded than the budget allows | [`CodingError::TooLarge`] |
//! | more bytes for each byte of it than the budget allows | [`CodingError::TooDense`] |
//! | of more members or frames than the budget allows | [`CodingError::TooManyMembers`] |
//! | in need of a larger window than the budget allows | [`CodingError::WindowTooLarge`] |
//!
//! A decoder gives out a step at a time, whatever it was given, so that a bomb never exists in memory.
//!
//! # Cannot see
//!
//! The metadata blocks of brotli, which its decoder passes over: see [`Coding::may_hide`]. That a body of framed snappy was cut off
//! between two chunks: the format has no end.

mod decoder;

mod encoder;

mod layers;

mod deflate;

mod gzip;

mod brotli;

mod zstd;

mod snappy;

mod aws;

pub use decoder::Decoder;
pub use encoder::Encoder;
pub use layers::{Decoders, Encoders};

/// A content coding that can be decoded and encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// `gzip` (RFC 1952): any number of members.
    Gzip,
    /// `deflate`: a zlib stream (RFC 1950), or raw DEFLATE (RFC 1951) as some senders understand the name.
    Deflate,
    /// `br` (RFC 7932).
    Brotli,
    /// `zstd` (RFC 8878): any number of frames, without a dictionary.
    Zstd,
    /// `snappy`: one block, or the framing format. Its first bytes tell which.
    Snappy,
    /// `x-snappy-framed`: the framing format.
    SnappyFramed,
    /// `aws-chunked`: chunks, signed or not, and trailers behind them.
    AwsChunked,
}

impl Coding {
    /// The coding that `Content-Encoding` calls `token`, in any case.
    #[must_use]
    pub fn named(token: &[u8]) -> Option<Self> {
        let known = NAMES.iter().find(|(name, _)| token.eq_ignore_ascii_case(name.as_bytes()));
        known.map(|(_, coding)| *coding)
    }

    /// The coding that a file begins like. Deflate, brotli and snappy blocks begin like nothing in particular.
    #[must_use]
    pub fn of_file(first: &[u8]) -> Option<Self> {
        let begins = |magic: &[u8]| first.starts_with(magic);
        if begins(&gzip::MAGIC) {
            Some(Self::Gzip)
        } else if begins(&zstd::MAGIC) {
            Some(Self::Zstd)
        } else {
            begins(&snappy::IDENTIFIER).then_some(Self::SnappyFramed)
        }
    }

    /// Whether a body of this coding may carry bytes that are neither content nor told by [`Decoder::take_asides`].
    /// They stand in the clear in the coded body.
    #[must_use]
    pub fn may_hide(self) -> bool {
        self == Self::Brotli
    }
}

const NAMES: [(&str, Coding); 8] = [
    ("gzip", Coding::Gzip),
    ("x-gzip", Coding::Gzip),
    ("deflate", Coding::Deflate),
    ("br", Coding::Brotli),
    ("zstd", Coding::Zstd),
    ("snappy", Coding::Snappy),
    ("x-snappy-framed", Coding::SnappyFramed),
    ("aws-chunked", Coding::AwsChunked),
];

/// How much a body may become, and what decoding it may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most decoded bytes of one body.
    pub output: u64,
    /// Most decoded bytes for each byte of a body, once more than [`DENSE`] have come out. 1 and more.
    pub ratio: u32,
    /// Most members of a gzip body, or frames of a zstd body.
    pub members: u32,
    /// Most bytes that a brotli or zstd decoder may look back. 1 KiB and more.
    pub window: u64,
    /// Most bytes, coded or decoded, of a snappy block, which can only be decoded whole.
    pub block: usize,
}

impl Budget {
    /// For those who brought the body themselves: no bound but a window of 128 MiB and a block of 1 GiB.
    pub const TRUSTED: Self =
        Self { output: u64::MAX, ratio: u32::MAX, members: u32::MAX, window: 128 << 20, block: 1 << 30 };
}

/// The ratio is of no concern up to this many decoded bytes.
pub const DENSE: u64 = 256 * 1024;

/// A decoder gives out at most this many bytes at a time, and a whole snappy block when it ends with one.
pub const STEP: usize = 64 * 1024;

/// Why a body cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodingError {
    /// Damaged, another coding than it says, or something behind its end.
    #[error("the body is not what its coding says")]
    Malformed,
    /// It ends too early, or is empty.
    #[error("the coded body ends too early")]
    Truncated,
    /// More decoded bytes than the budget allows.
    #[error("the coded body decodes to more than is allowed")]
    TooLarge,
    /// More decoded bytes for each byte than the budget allows.
    #[error("the coded body decodes to more for each byte than is allowed")]
    TooDense,
    /// More members or frames than the budget allows.
    #[error("the coded body has more members than allowed")]
    TooManyMembers,
    /// A larger window than the budget allows.
    #[error("the coded body needs a larger window than is allowed")]
    WindowTooLarge,
}

#[cfg(test)]
mod tests;
