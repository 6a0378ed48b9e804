use std::io::Write;

use brotli::CompressorWriter;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use zstd_safe::zstd_sys::ZSTD_EndDirective;
use zstd_safe::{CCtx, CParameter, InBuffer, OutBuffer};

use super::Coding;
use super::snappy::{CHUNK, COMPRESSED, IDENTIFIER, PLAIN, masked_crc32c};

/// Encodes one body in one member or frame, fast rather than small. [`Decoder::encoder`](super::Decoder::encoder) makes one
/// that fits what was decoded.
pub struct Encoder {
    kind: Kind,
}

enum Kind {
    Gzip(GzEncoder<Vec<u8>>),
    Zlib(ZlibEncoder<Vec<u8>>),
    Deflate(DeflateEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
    Zstd(CCtx<'static>),
    /// What waits for a chunk to be full; whether the identifier has been written.
    SnappyFramed(Vec<u8>, bool),
    SnappyBlock(Vec<u8>),
    AwsChunked,
}

impl Encoder {
    /// An encoder for a body that was never decoded: `deflate` is a zlib stream, and `snappy` one block.
    #[must_use]
    pub fn new(coding: Coding) -> Self {
        match coding {
            Coding::Gzip => Self::gzip(),
            Coding::Deflate => Self::zlib(),
            Coding::Brotli => Self::brotli(),
            Coding::Zstd => Self::zstd(),
            Coding::Snappy => Self::snappy_block(),
            Coding::SnappyFramed => Self::snappy_framed(),
            Coding::AwsChunked => Self::aws_chunked(),
        }
    }

    pub(super) fn gzip() -> Self {
        Self { kind: Kind::Gzip(GzEncoder::new(Vec::new(), Compression::fast())) }
    }

    pub(super) fn zlib() -> Self {
        Self { kind: Kind::Zlib(ZlibEncoder::new(Vec::new(), Compression::fast())) }
    }

    pub(super) fn deflate() -> Self {
        Self { kind: Kind::Deflate(DeflateEncoder::new(Vec::new(), Compression::fast())) }
    }

    pub(super) fn brotli() -> Self {
        let writer = CompressorWriter::new(Vec::new(), 4096, BROTLI_QUALITY, BROTLI_WINDOW_LOG);
        Self { kind: Kind::Brotli(Box::new(writer)) }
    }

    pub(super) fn zstd() -> Self {
        let mut context = CCtx::create();
        for parameter in [CParameter::CompressionLevel(1), CParameter::WindowLog(ZSTD_WINDOW_LOG)] {
            // INVARIANT: both are within the bounds that the format sets.
            let set = context.set_parameter(parameter);
            debug_assert!(set.is_ok(), "zstd refused a constant");
        }
        Self { kind: Kind::Zstd(context) }
    }

    pub(super) const fn snappy_framed() -> Self {
        Self { kind: Kind::SnappyFramed(Vec::new(), false) }
    }

    pub(super) const fn snappy_block() -> Self {
        Self { kind: Kind::SnappyBlock(Vec::new()) }
    }

    pub(super) const fn aws_chunked() -> Self {
        Self { kind: Kind::AwsChunked }
    }

    /// Encodes the next piece; what is ready goes onto `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match &mut self.kind {
            Kind::Gzip(inner) => written(&inner.write_all(piece), inner.get_mut(), out),
            Kind::Zlib(inner) => written(&inner.write_all(piece), inner.get_mut(), out),
            Kind::Deflate(inner) => written(&inner.write_all(piece), inner.get_mut(), out),
            Kind::Brotli(inner) => written(&inner.write_all(piece), inner.get_mut(), out),
            Kind::Zstd(context) => zstd(context, piece, ZSTD_EndDirective::ZSTD_e_continue, out),
            Kind::SnappyFramed(waiting, begun) => {
                waiting.extend_from_slice(piece);
                let full = waiting.len() - waiting.len() % CHUNK;
                chunks(waiting.get(..full).unwrap_or_default(), begun, out);
                waiting.drain(..full);
            }
            Kind::SnappyBlock(waiting) => waiting.extend_from_slice(piece),
            Kind::AwsChunked if piece.is_empty() => {}
            Kind::AwsChunked => {
                out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                out.extend_from_slice(piece);
                out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// Puts all that was pushed so far onto `out`, in a form that can be decoded at once. A snappy block has none.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        match &mut self.kind {
            Kind::Gzip(inner) => written(&inner.flush(), inner.get_mut(), out),
            Kind::Zlib(inner) => written(&inner.flush(), inner.get_mut(), out),
            Kind::Deflate(inner) => written(&inner.flush(), inner.get_mut(), out),
            Kind::Brotli(inner) => written(&inner.flush(), inner.get_mut(), out),
            Kind::Zstd(context) => zstd(context, &[], ZSTD_EndDirective::ZSTD_e_flush, out),
            Kind::SnappyFramed(waiting, begun) => {
                chunks(waiting, begun, out);
                waiting.clear();
            }
            Kind::SnappyBlock(_) | Kind::AwsChunked => {}
        }
    }

    /// Ends the body.
    pub fn finish(self, out: &mut Vec<u8>) {
        let last = match self.kind {
            Kind::Gzip(inner) => inner.finish(),
            Kind::Zlib(inner) => inner.finish(),
            Kind::Deflate(inner) => inner.finish(),
            Kind::Brotli(inner) => Ok(inner.into_inner()),
            Kind::Zstd(mut context) => {
                zstd(&mut context, &[], ZSTD_EndDirective::ZSTD_e_end, out);
                return;
            }
            Kind::SnappyFramed(waiting, mut begun) => {
                identify(&mut begun, out);
                chunks(&waiting, &mut begun, out);
                return;
            }
            Kind::AwsChunked => {
                out.extend_from_slice(b"0\r\n\r\n");
                return;
            }
            Kind::SnappyBlock(waiting) => {
                // INVARIANT: the budget of a block, which this was, is below the 4 GiB of the format.
                snap::raw::Encoder::new().compress_vec(&waiting).map_err(std::io::Error::other)
            }
        };
        debug_assert!(last.is_ok(), "a vector took less than it was given");
        out.append(&mut last.unwrap_or_default());
    }

    /// Bytes of memory that it uses at most.
    #[must_use]
    pub fn memory(&self) -> usize {
        match &self.kind {
            Kind::Gzip(_) | Kind::Zlib(_) | Kind::Deflate(_) => DEFLATE_MEMORY,
            Kind::Brotli(_) => BROTLI_MEMORY,
            Kind::Zstd(context) => context.sizeof(),
            Kind::SnappyFramed(waiting, _) | Kind::SnappyBlock(waiting) => waiting.capacity(),
            Kind::AwsChunked => 0,
        }
    }
}

/// Moves what an inner encoder has written onto `out`.
fn written(result: &std::io::Result<()>, inner: &mut Vec<u8>, out: &mut Vec<u8>) {
    // INVARIANT: a write into a vector does not fail.
    debug_assert!(result.is_ok(), "a vector took less than it was given");
    out.append(inner);
}

fn zstd(context: &mut CCtx<'static>, piece: &[u8], end: ZSTD_EndDirective, out: &mut Vec<u8>) {
    let mut input = InBuffer::around(piece);
    loop {
        out.reserve(CHUNK);
        let start = out.len();
        let result = context.compress_stream2(&mut OutBuffer::around_pos(out, start), &mut input, end);
        debug_assert!(result.is_ok(), "zstd refused to compress");
        let all = input.pos() == piece.len();
        let over = end == ZSTD_EndDirective::ZSTD_e_continue || result == Ok(0);
        if all && over || result.is_err() {
            return;
        }
    }
}

fn chunks(plain: &[u8], begun: &mut bool, out: &mut Vec<u8>) {
    for chunk in plain.chunks(CHUNK) {
        identify(begun, out);
        let coded = snap::raw::Encoder::new().compress_vec(chunk).ok().filter(|coded| coded.len() < chunk.len());
        let (kind, data) = coded.as_deref().map_or((PLAIN, chunk), |coded| (COMPRESSED, coded));
        let [low, middle, high, _] = u32::try_from(data.len() + 4).unwrap_or_default().to_le_bytes();
        out.extend_from_slice(&[kind, low, middle, high]);
        out.extend_from_slice(&masked_crc32c(chunk).to_le_bytes());
        out.extend_from_slice(data);
    }
}

fn identify(begun: &mut bool, out: &mut Vec<u8>) {
    if !*begun {
        out.extend_from_slice(&IDENTIFIER);
        *begun = true;
    }
}

impl std::fmt::Debug for Encoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").finish_non_exhaustive()
    }
}

/// One pass over the text, as gzip's level 1.
const BROTLI_QUALITY: u32 = 1;
/// 256 KiB: larger windows cost memory and find little more in logs.
const BROTLI_WINDOW_LOG: u32 = 18;
const ZSTD_WINDOW_LOG: u32 = 18;
/// A window twice, chains, heads, pending output and what was written last: measured, rounded up.
const DEFLATE_MEMORY: usize = 480 * 1024;
/// A ring buffer of twice the window, hash table and symbols.
const BROTLI_MEMORY: usize = 768 * 1024;
