//! What belongs to a person: card, account and social security numbers.

use super::{Kind, kind};
use crate::checks::{iban_check, luhn};
use crate::rng::{DIGITS, Rng, UPPER};

pub(super) const KINDS: [Kind; 4] = [
    kind("card number", card).names(&["card number", "pan", "credit card", "card"]).bare(),
    kind("iban", iban).names(&["iban", "bank account", "beneficiary iban"]).bare(),
    kind("social security number", |rng| {
        format!("{:03}-{:02}-{:04}", rng.between(1, 665), rng.between(1, 99), rng.between(1, 9999))
    })
    .names(&["ssn", "social security number"]),
    kind("account number", |rng| rng.digits(10)).names(&["account number", "bank account number", "account no"]),
];

fn card(rng: &mut Rng) -> String {
    let (head, length) =
        rng.pick(&[("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("34", 15), ("37", 15), ("6011", 16), ("35", 16)]);
    let body = format!("{head}{}", rng.of(DIGITS, length - 1 - head.len()));
    let number = format!("{body}{}", luhn(&body));
    let by = rng.pick(&["", "", " ", "-"]);
    let groups: &[usize] = if length == 15 { &[4, 6, 5] } else { &[4, 4, 4, 4] };
    let mut rest = number.as_str();
    let pieces: Vec<&str> = groups
        .iter()
        .map(|size| {
            let (piece, after) = rest.split_at(*size);
            rest = after;
            piece
        })
        .collect();
    pieces.join(by)
}

fn iban(rng: &mut Rng) -> String {
    let (country, letters, length) =
        rng.pick(&[("DE", 0, 18), ("GB", 4, 14), ("NL", 4, 10), ("FR", 0, 23), ("CH", 0, 17), ("ES", 0, 20)]);
    let account = format!("{}{}", rng.of(UPPER, letters), rng.of(DIGITS, length));
    let whole = format!("{country}{:02}{account}", iban_check(country, &account));
    if rng.one_in(2) {
        return whole;
    }
    let pieces = whole.as_bytes().chunks(4).map(|piece| String::from_utf8_lossy(piece));
    pieces.collect::<Vec<_>>().join(" ")
}

#[test]
fn numbers_are_as_long_as_they_should_be() {
    let mut rng = Rng::new(5);
    for _ in 0..20 {
        assert!((15..=16).contains(&card(&mut rng).chars().filter(char::is_ascii_digit).count()));
        assert!(iban(&mut rng).chars().all(|letter| crate::rng::BASE62.contains(letter) || letter == ' '));
    }
}
