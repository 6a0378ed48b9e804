//! The codings in their forms, each with another implementation of it.

use std::io::{Read, Write};

use crate::coding::{Coding, Encoder};

/// A coding in one of its forms, and another implementation's way to read and write it.
pub(super) struct Form {
    pub(super) name: &'static str,
    pub(super) coding: Coding,
    pub(super) encoder: fn() -> Encoder,
    pub(super) write: fn(&[u8]) -> Vec<u8>,
    pub(super) read: fn(&[u8]) -> Vec<u8>,
}

pub(super) const FORMS: [Form; 7] = [
    Form { name: "gzip", coding: Coding::Gzip, encoder: Encoder::gzip, write: gzip, read: gunzip },
    Form { name: "zlib", coding: Coding::Deflate, encoder: Encoder::zlib, write: zlib, read: unzlib },
    Form { name: "deflate", coding: Coding::Deflate, encoder: Encoder::deflate, write: deflate, read: inflate },
    Form { name: "brotli", coding: Coding::Brotli, encoder: Encoder::brotli, write: brotli, read: unbrotli },
    Form { name: "zstd", coding: Coding::Zstd, encoder: Encoder::zstd, write: zstd, read: unzstd },
    Form { name: "snappy", coding: Coding::Snappy, encoder: Encoder::snappy_block, write: snappy, read: unsnappy },
    Form { name: "framed", coding: Coding::Snappy, encoder: Encoder::snappy_framed, write: framed, read: unframed },
];

pub(super) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzEncoder::new(plain, flate2::Compression::best()).read_to_end(&mut out).unwrap();
    out
}

pub(super) fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::ZlibEncoder::new(plain, flate2::Compression::best()).read_to_end(&mut out).unwrap();
    out
}

pub(super) fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::DeflateEncoder::new(plain, flate2::Compression::best()).read_to_end(&mut out).unwrap();
    out
}

pub(super) fn brotli(plain: &[u8]) -> Vec<u8> {
    brotli_of(plain, 20)
}

pub(super) fn brotli_of(plain: &[u8], window_log: u32) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::CompressorReader::new(plain, 4096, 5, window_log).read_to_end(&mut out).unwrap();
    out
}

pub(super) fn zstd(plain: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(zstd_safe::compress_bound(plain.len()));
    zstd_safe::compress(&mut out, plain, 3).unwrap();
    out
}

/// Written as a stream, so that the frame names a window and not the length of its content.
pub(super) fn zstd_of(plain: &[u8], window_log: u32) -> Vec<u8> {
    let mut context = zstd_safe::CCtx::create();
    context.set_parameter(zstd_safe::CParameter::WindowLog(window_log)).unwrap();
    let mut out = Vec::with_capacity(zstd_safe::compress_bound(plain.len()) + 64);
    let mut buffer = zstd_safe::OutBuffer::around(&mut out);
    context.compress_stream(&mut buffer, &mut zstd_safe::InBuffer::around(plain)).unwrap();
    assert_eq!(context.end_stream(&mut buffer), Ok(0));
    out
}

pub(super) fn snappy(plain: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(plain).unwrap()
}

pub(super) fn framed(plain: &[u8]) -> Vec<u8> {
    let mut writer = snap::write::FrameEncoder::new(Vec::new());
    writer.write_all(plain).unwrap();
    let out = writer.into_inner().unwrap();
    if out.is_empty() { crate::coding::snappy::IDENTIFIER.to_vec() } else { out }
}

pub(super) fn all(mut reader: impl Read) -> Vec<u8> {
    let mut out = Vec::new();
    reader.read_to_end(&mut out).unwrap();
    out
}

pub(super) fn gunzip(coded: &[u8]) -> Vec<u8> {
    all(flate2::read::MultiGzDecoder::new(coded))
}

pub(super) fn unzlib(coded: &[u8]) -> Vec<u8> {
    all(flate2::read::ZlibDecoder::new(coded))
}

pub(super) fn inflate(coded: &[u8]) -> Vec<u8> {
    all(flate2::read::DeflateDecoder::new(coded))
}

pub(super) fn unbrotli(coded: &[u8]) -> Vec<u8> {
    all(brotli::Decompressor::new(coded, 4096))
}

pub(super) fn unzstd(coded: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 << 20);
    zstd_safe::decompress(&mut out, coded).unwrap();
    out
}

pub(super) fn unsnappy(coded: &[u8]) -> Vec<u8> {
    snap::raw::Decoder::new().decompress_vec(coded).unwrap()
}

pub(super) fn unframed(coded: &[u8]) -> Vec<u8> {
    all(snap::read::FrameDecoder::new(coded))
}

/// Text that compresses like logs do.
pub(super) fn log(lines: usize) -> Vec<u8> {
    let line =
        |n: usize| format!("ts={} level=info qty=0.{} msg=\"filled\" order={:x}\n", n * 17, n % 7, n * 2_654_435_761);
    (0..lines).flat_map(|n| line(n).into_bytes()).collect()
}
