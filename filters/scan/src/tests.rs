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

fn masked(shape: Shape, text: &str) -> String {
    let rules = rules();
    String::from_utf8(redact(&rules, shape, text.as_bytes()).bytes.into_owned()).unwrap()
}
