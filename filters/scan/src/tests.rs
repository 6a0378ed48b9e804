//! Tests of the whole scanner.

mod actions;

mod allow;

mod contexts;

mod corpus;

mod encoded;

mod expand;

mod idle;

mod known;

mod own;

mod packs;

mod phrases;

/// The same texts that `examples/worst` measures.
#[path = "../examples/worst/pieces.rs"]
mod pieces;

mod properties;

mod survive;

mod table;

mod unscanned;

mod work;

use std::sync::Arc;

use zeroize::Zeroizing;

use super::*;

/// The embedded rules, a key, and one known secret.
fn rules() -> Arc<Ruleset> {
    static RULES: std::sync::OnceLock<Arc<Ruleset>> = std::sync::OnceLock::new();
    Arc::clone(RULES.get_or_init(|| {
        let known = KnownSecret { name: "demo".to_owned(), value: Zeroizing::new(known().into_bytes()) };
        let builder = Ruleset::builder().embedded().unwrap().known(known).unwrap();
        Arc::new(builder.fingerprint_key([7; 32]).build().unwrap())
    }))
}

/// As [`rules`], with the detectors that are off unless asked for.
fn all() -> Arc<Ruleset> {
    static RULES: std::sync::OnceLock<Arc<Ruleset>> = std::sync::OnceLock::new();
    Arc::clone(RULES.get_or_init(|| {
        let builder = Ruleset::builder().embedded().unwrap().action("ip-address", Action::Mask);
        Arc::new(builder.build().unwrap())
    }))
}

fn known() -> String {
    format!("{}{}", "Zx9/\"q+", "Vr7&mK2pW")
}

/// Each text, cut in two at every place, becomes what is expected of it.
fn alike_at_every_cut(cases: &[(&str, &str)]) {
    let rules = rules();
    for (text, expected) in cases {
        for at in 0..=text.len() {
            let mut scanner = Scanner::new(Arc::clone(&rules), Shape::Text);
            let mut out = Vec::new();
            let (first, rest) = text.as_bytes().split_at(at);
            scanner.push(first, &mut out);
            scanner.push(rest, &mut out);
            scanner.finish(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), *expected, "cut at {at}");
        }
    }
}

fn masked(shape: Shape, text: &str) -> String {
    let rules = rules();
    String::from_utf8(redact(&rules, shape, text.as_bytes()).bytes.into_owned()).unwrap()
}
