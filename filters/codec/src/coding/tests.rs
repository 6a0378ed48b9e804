//! One table of codings, and what must hold for each of them. What is encoded here is decoded by other implementations, and the
//! other way round, so that a mistake on one side does not hide one on the other.

mod aws;

mod forms;

mod properties;

use std::io::Write;

use super::{Budget, Coding, CodingError, DENSE, Decoder, Decoders, Encoder, STEP};
use forms::{FORMS, brotli_of, framed, gzip, log, snappy, zstd, zstd_of};

const BUDGET: Budget = Budget { output: 4 << 20, ratio: u32::MAX, members: 4, window: 8 << 20, block: 4 << 20 };

fn decode_with(decoder: &mut Decoders, pieces: &[&[u8]]) -> Result<Vec<u8>, CodingError> {
    let mut out = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        while decoder.step(&mut input, &mut out)? {}
    }
    decoder.finish(&mut out)?;
    Ok(out)
}

fn decode(coding: Coding, pieces: &[&[u8]], budget: Budget) -> Result<Vec<u8>, CodingError> {
    decode_with(&mut Decoders::new(&[coding], budget), pieces)
}

fn encode(mut encoder: Encoder, pieces: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        encoder.push(piece, &mut out);
    }
    encoder.finish(&mut out);
    out
}

#[test]
fn what_others_write_is_read_and_what_is_written_others_read() {
    for form in &FORMS {
        for plain in [b"".to_vec(), b"a".to_vec(), b"short text".to_vec(), log(8000), vec![0; 1 << 20]] {
            let coded = (form.write)(&plain);
            assert!(decode(form.coding, &[&coded], BUDGET).as_ref() == Ok(&plain), "{}: {}", form.name, plain.len());
            let ours = encode((form.encoder)(), &plain.chunks(70_000).collect::<Vec<_>>());
            assert!((form.read)(&ours) == plain, "{}: {}", form.name, plain.len());
        }
    }
}

#[test]
fn where_it_is_cut_makes_no_difference() {
    for form in &FORMS {
        let coded = (form.write)(&log(6));
        for at in 0..=coded.len() {
            let (left, right) = coded.split_at(at);
            assert_eq!(decode(form.coding, &[left, right], BUDGET), Ok(log(6)), "{} cut at {at}", form.name);
        }
        let bytes: Vec<&[u8]> = coded.chunks(1).collect();
        assert_eq!(decode(form.coding, &bytes, BUDGET), Ok(log(6)), "{} byte by byte", form.name);
    }
}

#[test]
fn a_body_that_ends_too_early_is_refused_at_every_byte() {
    for form in &FORMS {
        let coded = (form.write)(&log(6));
        // Framed snappy has no end: one that stops between two chunks is whole.
        for at in (0..coded.len()).filter(|at| form.name != "framed" || *at != 10) {
            let error = decode(form.coding, &[&coded[..at]], BUDGET).expect_err(form.name);
            // A snappy block says how long it is, and is damaged when it is not.
            let wanted = if form.name == "snappy" && at > 0 { CodingError::Malformed } else { CodingError::Truncated };
            assert_eq!(error, wanted, "{} cut at {at}", form.name);
        }
    }
}

#[test]
fn nothing_may_follow_the_end() {
    for form in &FORMS {
        for behind in [&b"secret in the clear"[..], &[0; 32]] {
            let coded = [&(form.write)(b"text"), behind].concat();
            let split = [&coded[..coded.len() - 3], &coded[coded.len() - 3..]];
            for pieces in [&[&coded[..]][..], &split] {
                let error = decode(form.coding, pieces, BUDGET).unwrap_err();
                assert_eq!(error, CodingError::Malformed, "{}: {behind:?}", form.name);
            }
        }
    }
}

#[test]
fn another_coding_than_it_says_is_refused() {
    for form in &FORMS {
        for other in FORMS.iter().filter(|other| other.coding != form.coding) {
            let outcome = decode(other.coding, &[&(form.write)(&log(40))], BUDGET);
            assert!(outcome.is_err(), "{} read as {}", form.name, other.name);
        }
        assert!(decode(form.coding, &[b"{\"msg\":\"in the clear\"}"], BUDGET).is_err(), "{}", form.name);
    }
    assert_eq!(decode(Coding::SnappyFramed, &[&snappy(b"a block")], BUDGET), Err(CodingError::Malformed));
}

#[test]
fn a_changed_byte_never_decodes_to_something_else_where_there_is_a_checksum() {
    for form in FORMS.iter().filter(|form| ["gzip", "zlib", "framed"].contains(&form.name)) {
        let (plain, coded) = (log(4), (form.write)(&log(4)));
        for at in 0..coded.len() {
            let mut changed = coded.clone();
            changed[at] ^= 0x10;
            if let Ok(text) = decode(form.coding, &[&changed], BUDGET) {
                assert_eq!(text, plain, "{} changed at {at}", form.name);
            }
        }
    }
}

#[test]
fn every_member_and_every_frame_is_read_up_to_the_budget() {
    for form in FORMS.iter().filter(|form| ["gzip", "zstd"].contains(&form.name)) {
        let of = |texts: &[&str]| texts.iter().flat_map(|text| (form.write)(text.as_bytes())).collect::<Vec<_>>();
        let body = of(&["first,", "", "second"]);
        for at in 0..=body.len() {
            let (left, right) = body.split_at(at);
            assert_eq!(decode(form.coding, &[left, right], BUDGET), Ok(b"first,second".to_vec()), "{}", form.name);
        }
        let many = of(&["a", "b", "c", "d", "e"]);
        assert_eq!(decode(form.coding, &[&many], BUDGET), Err(CodingError::TooManyMembers), "{}", form.name);
    }
}

#[test]
fn a_bomb_stops_at_the_budget_wherever_it_is_cut() {
    let zeros = vec![0; 6 << 20];
    for form in &FORMS {
        let bomb = (form.write)(&zeros);
        for size in [97, 4096, bomb.len()] {
            let (mut decoder, mut out, mut failed) = (Decoder::new(form.coding, BUDGET), Vec::new(), None);
            for piece in bomb.chunks(size) {
                let mut input = piece;
                let mut step = || {
                    let before = out.len();
                    let stepped = decoder.step(&mut input, &mut out);
                    assert!(out.len() - before <= STEP, "{}: a step is bounded", form.name);
                    stepped
                };
                failed = std::iter::repeat_with(&mut step).find(|step| step != &Ok(true));
                if failed != Some(Ok(false)) {
                    break;
                }
            }
            let failed =
                failed.filter(|step| step.is_err()).unwrap_or_else(|| decoder.finish(&mut out).map(|()| false));
            assert_eq!(failed, Err(CodingError::TooLarge), "{} in pieces of {size}", form.name);
            assert!(out.len() as u64 <= BUDGET.output);
            assert_eq!(decoder.step(&mut &b"x"[..], &mut out), Err(CodingError::TooLarge));
        }
    }
}

#[test]
fn exactly_the_budget_is_within_it() {
    for form in &FORMS {
        let budget = Budget { output: 300_000, ..BUDGET };
        for (length, fits) in [(300_000, true), (300_001, false)] {
            let outcome = decode(form.coding, &[&(form.write)(&vec![7; length])], budget);
            assert_eq!(outcome.is_ok(), fits, "{}: {length}", form.name);
        }
    }
}

#[test]
fn the_ratio_is_held_alike_wherever_it_is_cut() {
    for form in FORMS.iter().filter(|form| form.name != "snappy") {
        // Snappy reaches 21 to 1, deflate a thousand, the others more.
        let budget = Budget { ratio: 15, ..BUDGET };
        let bomb = (form.write)(&vec![0; 2 << 20]);
        let mut given = std::collections::BTreeSet::new();
        for size in [1, 13, 1000, bomb.len()] {
            let (mut decoder, mut out, mut failed) = (Decoder::new(form.coding, budget), Vec::new(), Ok(true));
            for piece in bomb.chunks(size) {
                let mut input = piece;
                while failed == Ok(true) {
                    failed = decoder.step(&mut input, &mut out);
                }
                if failed.is_err() {
                    break;
                }
                failed = Ok(true);
            }
            assert_eq!(failed, Err(CodingError::TooDense), "{} in pieces of {size}", form.name);
            given.insert(out.len());
        }
        assert_eq!(given.len(), 1, "{}: {given:?}", form.name);
        assert!(given.pop_first().unwrap() as u64 <= DENSE + STEP as u64, "{}", form.name);
        assert!(decode(form.coding, &[&(form.write)(&vec![0; 200_000])], budget).is_ok(), "{}: small", form.name);
        assert!(decode(form.coding, &[&(form.write)(&log(8000))], budget).is_ok(), "{}: logs", form.name);
    }
}

#[test]
fn a_window_beyond_the_budget_is_refused() {
    let plain = log(100);
    for (coding, coded, fits) in [
        (Coding::Brotli, brotli_of(&plain, 20), true),
        (Coding::Brotli, brotli_of(&plain, 21), false),
        (Coding::Brotli, brotli_of(&plain, 24), false),
        (Coding::Zstd, zstd_of(&plain, 20), true),
        (Coding::Zstd, zstd_of(&plain, 21), false),
        (Coding::Zstd, zstd_of(&plain, 27), false),
    ] {
        let wanted = if fits { Ok(plain.clone()) } else { Err(CodingError::WindowTooLarge) };
        let budget = Budget { window: 1 << 20, ..BUDGET };
        assert_eq!(decode(coding, &[&coded], budget), wanted, "{coding:?}");
    }
    // A brotli stream with the large window that is no content coding.
    assert_eq!(decode(Coding::Brotli, &[&[0x11, 0x9E, 0, 0, 0, 0]], BUDGET), Err(CodingError::Malformed));
}

#[test]
fn a_snappy_block_that_claims_too_much_is_refused_before_it_is_allocated() {
    let claims = [0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0, b'a'];
    assert_eq!(decode(Coding::Snappy, &[&claims], BUDGET), Err(CodingError::TooLarge));
    let long = vec![1; 5000];
    assert_eq!(decode(Coding::Snappy, &[&long], Budget { block: 4096, ..BUDGET }), Err(CodingError::TooLarge));
}

/// What each body says beside its content.
fn talkative() -> [(Coding, Vec<u8>, &'static str, &'static str); 3] {
    let member = |name: &str, text: &[u8]| {
        let builder = flate2::GzBuilder::new().filename(name).comment("c").extra("e");
        let mut encoder = builder.write(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let skipped = [&0x184D_2A53_u32.to_le_bytes()[..], &4_u32.to_le_bytes(), b"note"].concat();
    let nothing = [&0x184D_2A50_u32.to_le_bytes()[..], &[0; 4]].concat();
    let mut snapped = framed(b"text");
    snapped.splice(10..10, *b"\xFE\x03\x00\x00pad\x80\x02\x00\x00hi");
    [
        (
            Coding::Gzip,
            [member("one", b"first,"), member("two", b"second")].concat(),
            "first,second",
            "e\none\nc\ne\ntwo\nc\n",
        ),
        (Coding::Zstd, [zstd(b"a"), skipped, zstd(b"b"), nothing].concat(), "ab", "note\n\n"),
        (Coding::Snappy, snapped, "text", "pad\nhi\n"),
    ]
}

#[test]
fn what_is_said_beside_the_content_is_told_wherever_it_is_cut() {
    for (coding, body, plain, beside) in talkative() {
        for at in 0..=body.len() {
            let (left, right) = body.split_at(at);
            let (mut decoder, mut out, mut asides) = (Decoder::new(coding, BUDGET), Vec::new(), Vec::new());
            for mut piece in [left, right] {
                while decoder.step(&mut piece, &mut out).unwrap() {}
                let told = asides.len();
                asides.append(&mut decoder.take_asides());
                assert!(
                    decoder.is_aside() || asides.len() == told || asides.ends_with(b"\n"),
                    "{coding:?} cut at {at}"
                );
            }
            assert!(!decoder.is_aside());
            decoder.finish(&mut out).unwrap();
            assert_eq!((&*out, &*asides), (plain.as_bytes(), beside.as_bytes()), "{coding:?} cut at {at}");
        }
    }
}

#[test]
fn a_head_with_a_checksum_is_held_to_it() {
    let mut body = gzip(b"text");
    body[3] |= 2;
    let sum = {
        let mut crc = flate2::Crc::new();
        crc.update(&body[..10]);
        crc.sum().to_le_bytes()
    };
    let right = [&body[..10], &sum[..2], &body[10..]].concat();
    assert_eq!(decode(Coding::Gzip, &[&right], BUDGET), Ok(b"text".to_vec()));
    let wrong = [&body[..10], &[sum[0], !sum[1]], &body[10..]].concat();
    assert_eq!(decode(Coding::Gzip, &[&wrong], BUDGET), Err(CodingError::Malformed));
}

#[test]
fn what_is_flushed_can_be_decoded_at_once() {
    for form in FORMS.iter().filter(|form| form.name != "snappy") {
        let (mut encoder, mut coded, mut plain) = ((form.encoder)(), Vec::new(), Vec::new());
        let mut decoder = Decoder::new(form.coding, BUDGET);
        for line in [&b"first line\n"[..], b"second line\n", b"", b"third\n"] {
            encoder.push(line, &mut coded);
            encoder.flush(&mut coded);
            let mut input = &*std::mem::take(&mut coded);
            let before = plain.len();
            while decoder.step(&mut input, &mut plain).unwrap() {}
            assert_eq!(&plain[before..], line, "{}", form.name);
        }
        encoder.finish(&mut coded);
        let mut input = &*coded;
        while decoder.step(&mut input, &mut plain).unwrap() {}
        assert_eq!(decoder.finish(&mut plain), Ok(()), "{}", form.name);
    }
}

#[test]
fn what_was_decoded_is_encoded_in_the_same_form() {
    for form in &FORMS {
        let mut decoder = Decoder::new(form.coding, BUDGET);
        let (coded, mut plain) = ((form.write)(&log(50)), Vec::new());
        let mut input = &*coded;
        while decoder.step(&mut input, &mut plain).unwrap() {}
        let encoder = decoder.encoder();
        decoder.finish(&mut plain).unwrap();
        assert!((form.read)(&encode(encoder, &[&plain])) == log(50), "{}", form.name);
    }
}

#[test]
fn codings_over_each_other_are_taken_off_in_turn() {
    let plain = log(400);
    for inner in &FORMS {
        for outer in &FORMS {
            let coded = (outer.write)(&(inner.write)(&plain));
            let mut decoders = Decoders::new(&[inner.coding, outer.coding], BUDGET);
            let decoded = decode_with(&mut decoders, &coded.chunks(999).collect::<Vec<_>>());
            if outer.name == "snappy" {
                assert_eq!(decoded, Err(CodingError::TooLarge), "a block can only be innermost");
                continue;
            }
            assert!(decoded.as_ref() == Ok(&plain), "{} in {}: {:?}", inner.name, outer.name, decoded.err());
            let (mut encoders, mut again) = (decoders.encoders(), Vec::new());
            plain.chunks(5000).for_each(|piece| encoders.push(piece, &mut again));
            encoders.flush(&mut again);
            encoders.finish(&mut again);
            assert!((inner.read)(&(outer.read)(&again)) == plain, "{} in {}", inner.name, outer.name);
        }
    }
}

#[test]
fn a_bomb_in_a_bomb_never_exists() {
    let bomb = gzip(&gzip(&vec![0; 64 << 20]));
    let mut decoders = Decoders::new(&[Coding::Gzip, Coding::Gzip], Budget { ratio: 1_000_000, ..BUDGET });
    let (mut out, mut input, mut most) = (Vec::new(), &*bomb, 0);
    let error = loop {
        match decoders.step(&mut input, &mut out) {
            Ok(more) => assert!(more),
            Err(error) => break error,
        }
        most = most.max(decoders.memory());
    };
    assert_eq!(error, CodingError::TooLarge);
    assert!(most < 300 * 1024, "{most}");
}

#[test]
fn names_are_known_in_any_case_and_files_by_their_first_bytes() {
    for (name, coding) in [
        ("gzip", Some(Coding::Gzip)),
        ("X-GZip", Some(Coding::Gzip)),
        ("Deflate", Some(Coding::Deflate)),
        ("br", Some(Coding::Brotli)),
        ("ZSTD", Some(Coding::Zstd)),
        ("snappy", Some(Coding::Snappy)),
        ("x-snappy-framed", Some(Coding::SnappyFramed)),
        ("compress", None),
        ("aws-chunked", Some(Coding::AwsChunked)),
        ("dcb", None),
        ("", None),
    ] {
        assert_eq!(Coding::named(name.as_bytes()), coding, "{name}");
    }
    for form in &FORMS {
        let wanted = match form.name {
            "gzip" => Some(Coding::Gzip),
            "zstd" => Some(Coding::Zstd),
            "framed" => Some(Coding::SnappyFramed),
            _ => None,
        };
        assert_eq!(Coding::of_file(&(form.write)(&log(9))), wanted, "{}", form.name);
    }
}
