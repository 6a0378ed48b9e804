//! What a fuzzer is let loose on. Each target takes any bytes, and stops where something does not hold that must hold for all of them.
//!
//! `make fuzz` runs them under libFuzzer, which needs a nightly compiler and `cargo-fuzz`. Their short form, over the committed corpus
//! and a bounded number of changes to it, is a test of `sekisho-evaluate`, which includes this file.
#![forbid(unsafe_code)]

use std::sync::{Arc, LazyLock};

use base64::Engine as _;
use sekisho_codec::coding::{Budget, Coding, CodingError, Decoder, Encoder};
use sekisho_scan::{Finding, KnownSecret, Ruleset, Scanner, Shape, redact};

/// What stops where something does not hold.
pub type Target = fn(&[u8]);

/// Every target, and the folder of its corpus.
pub const TARGETS: [(&str, Target); 8] = [
    ("scan_split", scan_split),
    ("mask", mask),
    ("pack", pack),
    ("codec_gzip", codec_gzip),
    ("codec_deflate", codec_deflate),
    ("codec_brotli", codec_brotli),
    ("codec_zstd", codec_zstd),
    ("codec_snappy", codec_snappy),
];

/// Where a stream is cut makes no difference, to what comes out and to what is found. The first byte says the shape, the next two where
/// it is cut: at that place, and after every so many bytes.
pub fn scan_split(data: &[u8]) {
    let [head, at, every, text @ ..] = data else {
        return;
    };
    let shape = SHAPES[usize::from(*head) % SHAPES.len()];
    let whole = scan(shape, [text]);
    let (first, rest) = text.split_at(usize::from(*at).min(text.len()));
    assert_eq!(scan(shape, [first, rest]), whole, "cut at {at}");
    assert_eq!(scan(shape, text.chunks(usize::from(*every).max(1))), whole, "in pieces of {every}");
}

/// A planted secret is not in what comes out, however it is written and whatever stands around it. The first byte says how, the second
/// how much of the rest stands before it.
pub fn mask(data: &[u8]) {
    let [way, before, around @ ..] = data else {
        return;
    };
    let (before, after) = around.split_at(usize::from(*before).min(around.len()));
    let planted = written(*way);
    let text = [before, b" ", &planted, b" ", after].concat();
    let clean = redact(&RULES, Shape::Text, &text);
    assert!(!holds(&clean.bytes, &planted), "{}", String::from_utf8_lossy(&text));
    assert!(!holds(&clean.bytes, SECRET.as_bytes()), "{}", String::from_utf8_lossy(&text));
    assert!(!clean.findings.is_empty());
}

/// No text makes a pack that cannot be told from a good one: it is refused with a place, or works.
pub fn pack(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Ruleset::builder().pack("fuzz.yaml", text).map(|builder| builder.build()) {
        Err(error) => assert!(!error.message.is_empty()),
        Ok(Err(_unbuildable)) => {}
        Ok(Ok(rules)) => {
            drop(redact(&Arc::new(rules), Shape::Text, data));
        }
    }
}

/// See [`codec`].
pub fn codec_gzip(data: &[u8]) {
    codec(Coding::Gzip, data);
}

/// See [`codec`].
pub fn codec_deflate(data: &[u8]) {
    codec(Coding::Deflate, data);
}

/// See [`codec`].
pub fn codec_brotli(data: &[u8]) {
    codec(Coding::Brotli, data);
}

/// See [`codec`].
pub fn codec_zstd(data: &[u8]) {
    codec(Coding::Zstd, data);
}

/// See [`codec`].
pub fn codec_snappy(data: &[u8]) {
    codec(Coding::Snappy, data);
}

/// What a coded body decodes to, or is refused for, does not depend on where it is cut, and is never more than the budget; what was
/// decoded can be coded again.
fn codec(coding: Coding, data: &[u8]) {
    let [every, coded @ ..] = data else {
        return;
    };
    let whole = decode(coding, [coded]);
    assert_eq!(decode(coding, coded.chunks(usize::from(*every).max(1))), whole, "in pieces of {every}");
    let Ok(plain) = whole else {
        return;
    };
    assert!(plain.len() as u64 <= BUDGET.output);
    let mut again = Vec::new();
    let mut encoder = Encoder::new(coding);
    encoder.push(&plain, &mut again);
    encoder.finish(&mut again);
    assert!(decode(coding, [again.as_slice()]).as_ref() == Ok(&plain));
}

/// `plain` in a coding, behind the byte that [`codec`] takes for the size of the pieces.
pub fn coded(target: &str, plain: &[u8]) -> Option<Vec<u8>> {
    let coding = Coding::named(target.strip_prefix("codec_")?.replace("brotli", "br").as_bytes())?;
    let mut out = vec![7];
    let mut encoder = Encoder::new(coding);
    encoder.push(plain, &mut out);
    encoder.finish(&mut out);
    Some(out)
}

fn decode<'a>(coding: Coding, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, CodingError> {
    let mut decoder = Decoder::new(coding, BUDGET);
    let mut out = Vec::new();
    for mut piece in pieces {
        while decoder.step(&mut piece, &mut out)? {}
    }
    decoder.finish(&mut out)?;
    Ok(out)
}

fn scan<'a>(shape: Shape, pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<u8>, Vec<Finding>) {
    let mut scanner = Scanner::new(Arc::clone(&RULES), shape);
    let mut out = Vec::new();
    for piece in pieces {
        scanner.push(piece, &mut out);
    }
    scanner.finish(&mut out);
    (out, scanner.take_findings())
}

fn written(way: u8) -> Vec<u8> {
    let all = |write: fn(u8) -> String| SECRET.bytes().map(write).collect::<String>().into_bytes();
    match way % 6 {
        0 => SECRET.as_bytes().to_vec(),
        1 => all(|byte| format!("%{byte:02X}")),
        2 => all(|byte| format!("\\u{byte:04x}")),
        3 => all(|byte| format!("{byte:02x}")),
        4 => base64::engine::general_purpose::STANDARD.encode(SECRET).into_bytes(),
        _ => all(|byte| format!("&#{byte};")),
    }
}

fn holds(text: &[u8], piece: &[u8]) -> bool {
    text.windows(piece.len()).any(|window| window == piece)
}

static RULES: LazyLock<Arc<Ruleset>> = LazyLock::new(|| {
    let known = KnownSecret { name: "planted".to_owned(), value: zeroize::Zeroizing::new(SECRET.into()) };
    let builder = Ruleset::builder().embedded().unwrap().known(known).unwrap();
    Arc::new(builder.hold_bytes(1024).build().unwrap())
});

const SECRET: &str = "Pl4nt-ed/S3cret+of=Nobody";
const SHAPES: [Shape; 4] = [Shape::Text, Shape::Json, Shape::Form, Shape::Query];
const BUDGET: Budget = Budget { output: 1 << 20, ratio: 1000, members: 16, window: 1 << 20, block: 1 << 20 };
