//! What is looked for: kinds of secrets, how their values are made, under which names and in which texts of their own they stand.
//!
//! Written from the public formats and from what such logs look like, without a look at the detectors.

mod ai;

mod chat;

mod cloud;

mod forges;

mod generic;

mod http;

mod infra;

mod keys;

mod personal;

mod saas;

mod services;

mod urls;

mod venues;

mod wallets;

use crate::case::{Case, secret};
use crate::places::{BARE, NAMED, Named};
use crate::rng::Rng;

/// A value with its marks, or a whole text of its own.
pub(crate) type Make = fn(&mut Rng) -> String;

/// One kind of secret.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) group: &'static str,
    value: Make,
    names: &'static [&'static str],
    header: Option<&'static str>,
    bare: bool,
    own: &'static [Make],
}

/// A kind whose whole value is the secret, unless the value has marks of its own.
pub(crate) const fn kind(group: &'static str, value: Make) -> Kind {
    Kind { group, value, names: &[], header: None, bare: false, own: &[] }
}

impl Kind {
    /// The words of the names that it is written under.
    pub(crate) const fn names(mut self, names: &'static [&'static str]) -> Self {
        self.names = names;
        self
    }

    /// The header it travels in.
    pub(crate) const fn header(mut self, header: &'static str) -> Self {
        self.header = Some(header);
        self
    }

    /// The value tells itself: no name is needed.
    pub(crate) const fn bare(mut self) -> Self {
        self.bare = true;
        self
    }

    /// Texts that only this kind stands in.
    pub(crate) const fn own(mut self, own: &'static [Make]) -> Self {
        self.own = own;
        self
    }

    /// `rounds` cases for each place.
    pub(crate) fn cases(&self, seed: u64, rounds: u64) -> Vec<Case> {
        let mut cases = Vec::new();
        for round in 0..rounds {
            let named = if self.names.is_empty() { &[][..] } else { &NAMED[..] };
            let bare = if self.bare { &BARE[..] } else { &[][..] };
            for (at, (place, write)) in named.iter().chain(bare).enumerate() {
                let rng = &mut self.rng(seed, round, at);
                let words = if self.names.is_empty() { "value" } else { rng.pick(self.names) };
                let value = marked((self.value)(rng));
                let named = Named { words, header: self.header, value: &value };
                cases.push(self.case(place, &write(&named, rng), rng));
            }
            for (at, make) in self.own.iter().enumerate() {
                let rng = &mut self.rng(seed, round, 100 + at);
                let text = make(rng);
                cases.push(self.case("its own", &text, rng));
            }
        }
        cases
    }

    /// No secret stands alone: lines of the day are around it.
    fn case(&self, place: &'static str, text: &str, rng: &mut Rng) -> Case {
        let (before, after) = (filler(rng), filler(rng));
        Case::new(self.group, place, &format!("{before}\n{text}\n{after}\n"))
    }

    fn rng(&self, seed: u64, round: u64, place: usize) -> Rng {
        let group = self.group.bytes().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Rng::new(group ^ round << 32 ^ (place as u64) << 48)
    }
}

fn marked(value: String) -> String {
    if value.contains(crate::case::is_mark) { value } else { secret(value) }
}

fn filler(rng: &mut Rng) -> String {
    match rng.below(3) {
        0 => format!("{} INFO  [worker-{}] order {} filled", rng.time(), rng.below(16), rng.uuid()),
        1 => {
            format!("{} level=debug msg=tick seq={} px={}.{}", rng.time(), rng.digits(9), rng.digits(5), rng.below(99))
        }
        _ => format!("{} 200 GET /healthz {}us", rng.time(), rng.below(900)),
    }
}

/// Every kind there is.
pub(crate) fn all() -> impl Iterator<Item = Kind> {
    let families: [&[Kind]; 14] = [
        &cloud::KINDS,
        &forges::KINDS,
        &chat::KINDS,
        &services::KINDS,
        &ai::KINDS,
        &keys::KINDS,
        &urls::KINDS,
        &http::KINDS,
        &generic::KINDS,
        &venues::KINDS,
        &wallets::KINDS,
        &infra::KINDS,
        &saas::KINDS,
        &personal::KINDS,
    ];
    families.into_iter().flatten().copied()
}
