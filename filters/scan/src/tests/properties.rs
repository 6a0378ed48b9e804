//! What holds for any text.

use proptest::prelude::*;

use super::corpus::{apart, hostile, text};
use super::expand::{Dice, expand};
use super::*;

fn cut(rules: &Arc<Ruleset>, shape: Shape, bytes: &[u8], cuts: &[usize]) -> (Vec<u8>, Vec<Finding>) {
    let mut scanner = Scanner::new(Arc::clone(rules), shape);
    let mut out = Vec::new();
    let mut from = 0;
    for to in cuts.iter().copied().chain([bytes.len()]) {
        scanner.push(&bytes[from..to], &mut out);
        from = to;
    }
    scanner.finish(&mut out);
    (out, scanner.take_findings())
}

/// A small hold makes what is unbounded reach it.
fn small_hold() -> Arc<Ruleset> {
    static RULES: std::sync::OnceLock<Arc<Ruleset>> = std::sync::OnceLock::new();
    Arc::clone(RULES.get_or_init(|| {
        let known = KnownSecret { name: "demo".to_owned(), value: Zeroizing::new(known().into_bytes()) };
        let builder = Ruleset::builder().embedded().unwrap().known(known).unwrap();
        Arc::new(builder.hold_bytes(256).build().unwrap())
    }))
}

fn dropping() -> Arc<Ruleset> {
    static RULES: std::sync::OnceLock<Arc<Ruleset>> = std::sync::OnceLock::new();
    Arc::clone(RULES.get_or_init(|| {
        let builder = Ruleset::builder().embedded().unwrap().default_action(Action::DropField);
        Arc::new(builder.action("github-token", Action::Alert).build().unwrap())
    }))
}

#[test]
fn every_single_cut_gives_the_same() {
    let mut dice = Dice(5);
    for round in 0..40 {
        let bytes = text(&mut dice, 3);
        let shape = [Shape::Text, Shape::Json, Shape::Form][round % 3];
        for rules in [rules(), small_hold(), dropping()] {
            let whole = cut(&rules, shape, &bytes, &[]);
            for at in 0..bytes.len() {
                let parts = cut(&rules, shape, &bytes, &[at]);
                assert_eq!(
                    String::from_utf8_lossy(&parts.0),
                    String::from_utf8_lossy(&whole.0),
                    "cut at {at}: {:?}",
                    String::from_utf8_lossy(&bytes)
                );
                assert_eq!(parts.1, whole.1, "cut at {at}: {:?}", String::from_utf8_lossy(&bytes));
            }
        }
    }
}

/// Where the bound is reached must not depend on the cuts either.
#[test]
fn any_cuts_of_texts_made_to_be_slow_give_the_same() {
    let mut dice = Dice(11);
    for (round, piece) in pieces::pieces().iter().enumerate() {
        let mut bytes: Vec<u8> = piece.iter().copied().cycle().take(1500).collect();
        bytes.extend_from_slice(b" x\ntoken=abcdefgh \"y\"\n");
        bytes.extend(text(&mut dice, 2));
        let rules = [rules(), small_hold(), dropping()][round % 3].clone();
        let shape = [Shape::Text, Shape::Json, Shape::Form][round / 3 % 3];
        let whole = cut(&rules, shape, &bytes, &[]);
        let mut cuts: Vec<usize> = (0..dice.below(30)).map(|_| dice.below(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        for cuts in [cuts, (0..bytes.len()).collect()] {
            let parts = cut(&rules, shape, &bytes, &cuts);
            let piece = String::from_utf8_lossy(piece);
            assert_eq!(String::from_utf8_lossy(&parts.0), String::from_utf8_lossy(&whole.0), "{piece:?}");
            assert_eq!(parts.1, whole.1, "{piece:?}");
        }
    }
}

/// The same rules, every place asked for everything.
fn slow() -> Arc<Ruleset> {
    static RULES: std::sync::OnceLock<Arc<Ruleset>> = std::sync::OnceLock::new();
    Arc::clone(RULES.get_or_init(|| {
        let known = KnownSecret { name: "demo".to_owned(), value: Zeroizing::new(known().into_bytes()) };
        let builder = Ruleset::builder().embedded().unwrap().known(known).unwrap();
        let mut rules = builder.fingerprint_key([7; 32]).build().unwrap();
        rules.slow = true;
        Arc::new(rules)
    }))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_cuts_give_the_same(hostile in hostile(), seed in any::<u64>(), shape in 0..3usize, hold in 0..3usize) {
        let bytes = hostile.0;
        let shape = [Shape::Text, Shape::Json, Shape::Form][shape];
        let rules = [rules(), small_hold(), dropping()][hold].clone();
        let mut dice = Dice(seed);
        let mut cuts: Vec<usize> = (0..dice.below(20)).map(|_| dice.below(bytes.len() + 1)).collect();
        cuts.sort_unstable();
        let whole = cut(&rules, shape, &bytes, &[]);
        let parts = cut(&rules, shape, &bytes, &cuts);
        prop_assert_eq!(String::from_utf8_lossy(&parts.0), String::from_utf8_lossy(&whole.0));
        prop_assert_eq!(parts.1, whole.1);
    }

    #[test]
    fn byte_by_byte_gives_the_same(hostile in hostile()) {
        let bytes = hostile.0;
        let rules = rules();
        let cuts: Vec<usize> = (0..bytes.len()).collect();
        prop_assert_eq!(cut(&rules, Shape::Text, &bytes, &cuts), cut(&rules, Shape::Text, &bytes, &[]));
    }

    #[test]
    fn masking_twice_changes_nothing(hostile in apart(), shape in 0..3usize) {
        let bytes = hostile.0;
        let shape = [Shape::Text, Shape::Json, Shape::Form][shape];
        // a known secret may hold quotes and spaces: masked, it takes the delimiters of its surroundings with it
        let wide: Vec<u8> = known().encode_utf16().flat_map(u16::to_le_bytes).collect();
        prop_assume!([known().as_bytes(), &wide].iter().all(|known| memchr::memmem::find(&bytes, known).is_none()));
        let rules = rules();
        let once = redact(&rules, shape, &bytes).bytes.into_owned();
        let twice = redact(&rules, shape, &once);
        prop_assert_eq!(String::from_utf8_lossy(&twice.bytes), String::from_utf8_lossy(&once), "{:?}", twice.findings);
    }

    #[test]
    fn the_hot_pass_finds_what_a_slow_one_finds(hostile in hostile(), shape in 0..3usize) {
        let bytes = hostile.0;
        let shape = [Shape::Text, Shape::Json, Shape::Form][shape];
        let (rules, slow) = (rules(), slow());
        let (fast, slow) = (redact(&rules, shape, &bytes), redact(&slow, shape, &bytes));
        prop_assert_eq!(String::from_utf8_lossy(&fast.bytes), String::from_utf8_lossy(&slow.bytes));
        prop_assert_eq!(fast.findings, slow.findings);
    }

    #[test]
    fn no_finding_no_change(hostile in hostile()) {
        let bytes = hostile.0;
        let rules = rules();
        let redacted = redact(&rules, Shape::Text, &bytes);
        if redacted.findings.is_empty() {
            prop_assert_eq!(&*redacted.bytes, &bytes[..]);
        }
    }
}

#[test]
fn a_value_of_a_row_takes_nothing_from_what_stands_before_it() {
    let row = expand("a;token\r\n9LD;{{alnum:9}}\r\n  {{wif}} ,a;token\r\nqRy;{{alnum:9}}\r\n", &mut Dice(7));
    let (rules, cuts): (_, Vec<usize>) = (rules(), (0..row.len()).collect());
    let whole = cut(&rules, Shape::Text, row.as_bytes(), &[]);
    assert!(whole.1.iter().any(|finding| &*finding.detector == "bitcoin-wif"), "{:?}", whole.1);
    assert_eq!(cut(&rules, Shape::Text, row.as_bytes(), &cuts), whole);
}
