//! Logs without a secret: what a service, its platform and its people write all day, full of what looks like one.

mod code;

mod ids;

mod platform;

mod talk;

mod trading;

mod web;

use crate::rng::Rng;

/// A writer of one line, or of a few.
pub(crate) type Family = (&'static str, fn(&mut Rng) -> String);

/// `size` bytes of the family, whole records.
pub(crate) fn text(family: &Family, seed: u64, size: usize) -> String {
    let seed = family.0.bytes().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let (mut rng, mut text) = (Rng::new(seed), String::with_capacity(size + 1024));
    while text.len() < size {
        text.push_str(&(family.1)(&mut rng));
        text.push('\n');
    }
    text
}

/// Every family, by what kind of log it is.
pub(crate) const SHELVES: [(&str, &[Family]); 6] = [
    ("identifiers and public keys", &ids::FAMILIES),
    ("trading", &trading::FAMILIES),
    ("web", &web::FAMILIES),
    ("platform", &platform::FAMILIES),
    ("code", &code::FAMILIES),
    ("talk about secrets", &talk::FAMILIES),
];

/// Every family.
pub(crate) fn all() -> impl Iterator<Item = &'static Family> {
    SHELVES.into_iter().flat_map(|(_, families)| families)
}
