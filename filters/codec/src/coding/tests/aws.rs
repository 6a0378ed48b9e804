//! `aws-chunked`, which nobody but S3's clients writes: held to bodies in the form that its documentation shows.

use super::{BUDGET, decode, encode};
use crate::coding::{Coding, CodingError, Decoder, Encoder};

fn body(signed: bool) -> Vec<u8> {
    let signature = if signed { format!(";chunk-signature={}", "ad80c730a21e5b8d".repeat(4)) } else { String::new() };
    let trailer = if signed { format!("x-amz-trailer-signature:{}\r\n", "0f".repeat(32)) } else { String::new() };
    format!(
        "5{signature}\r\nhello\r\nC{signature}\r\n, secret\r\n42\r\n0{signature}\r\nx-amz-checksum-crc32:AAAAAA==\r\n{trailer}\r\n"
    )
    .into_bytes()
}

#[test]
fn the_content_is_put_together_wherever_it_is_cut() {
    for signed in [false, true] {
        let body = body(signed);
        for at in 0..=body.len() {
            let (left, right) = body.split_at(at);
            let (mut decoder, mut out, mut asides) = (Decoder::new(Coding::AwsChunked, BUDGET), Vec::new(), Vec::new());
            for mut piece in [left, right] {
                while decoder.step(&mut piece, &mut out).unwrap() {}
                asides.append(&mut decoder.take_asides());
            }
            decoder.finish(&mut out).unwrap();
            assert_eq!(out, b"hello, secret\r\n42", "{signed}: cut at {at}");
            assert_eq!(asides, b"x-amz-checksum-crc32:AAAAAA==\n", "{signed}: cut at {at}");
        }
    }
}

#[test]
fn what_is_not_a_signature_is_told() {
    let mut decoder = Decoder::new(Coding::AwsChunked, BUDGET);
    let (mut input, mut out) = (&b"1;note=a;chunk-signature=short\r\nx\r\n0\r\nb:c\r\n\r\n"[..], Vec::new());
    while decoder.step(&mut input, &mut out).unwrap() {}
    assert_eq!(decoder.take_asides(), b"note=a\nchunk-signature=short\nb:c\n");
}

#[test]
fn what_is_not_the_format_is_refused() {
    for (body, wanted) in [
        (&b"x\r\n"[..], CodingError::Malformed),
        (b"\r\n", CodingError::Malformed),
        (b"5\nhello\r\n0\r\n\r\n", CodingError::Malformed),
        (b"5\r\nhello!\r\n0\r\n\r\n", CodingError::Malformed),
        (b"-5\r\nhello\r\n0\r\n\r\n", CodingError::Malformed),
        (b"FFFFFFFFFFFFFFFFF\r\n", CodingError::Malformed),
        (b"0\r\n\r\nbehind", CodingError::Malformed),
        (b"5\r\nhello\r\n0\r\n", CodingError::Truncated),
        (b"5\r\nhel", CodingError::Truncated),
        (b"", CodingError::Truncated),
    ] {
        assert_eq!(decode(Coding::AwsChunked, &[body], BUDGET), Err(wanted), "{body:?}");
    }
    assert_eq!(decode(Coding::AwsChunked, &[&vec![b'1'; 10_000]], BUDGET), Err(CodingError::Malformed));
}

#[test]
fn what_is_written_is_read() {
    let coded = encode(Encoder::new(Coding::AwsChunked), &[b"one,", b"", b"two"]);
    assert_eq!(coded, b"4\r\none,\r\n3\r\ntwo\r\n0\r\n\r\n");
    assert_eq!(decode(Coding::AwsChunked, &[&coded], BUDGET), Ok(b"one,two".to_vec()));
}
