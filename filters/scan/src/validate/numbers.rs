//! Check digits of numbers that people have: cards, accounts, social security.

/// A payment card: 13 to 19 digits with spaces or dashes between, a range that issuers use, and Luhn's sum (ISO/IEC 7812-1).
pub(super) fn is_card(value: &[u8]) -> bool {
    let Some(digits) = digits(value) else {
        return false;
    };
    let range = |from: usize| {
        digits.get(..from).unwrap_or_default().iter().fold(0_u32, |all, digit| all * 10 + u32::from(*digit))
    };
    let issued = match digits.len() {
        13 | 19 => range(1) == 4 || digits.len() == 19 && (range(2) == 65 || range(2) == 62),
        14 => matches!(range(2), 36 | 38 | 39) || matches!(range(3), 300..=305),
        15 => matches!(range(2), 34 | 37),
        16 => {
            range(1) == 4
                || matches!(range(2), 35 | 51..=55 | 65 | 62)
                || matches!(range(4), 2221..=2720 | 6011)
                || matches!(range(3), 644..=649)
        }
        _ => false,
    };
    let sum: u32 = digits.iter().rev().enumerate().map(|(place, digit)| luhn(place, u32::from(*digit))).sum();
    issued && sum.is_multiple_of(10)
}

fn luhn(place: usize, digit: u32) -> u32 {
    if place.is_multiple_of(2) {
        return digit;
    }
    let doubled = digit * 2;
    if doubled > 9 { doubled - 9 } else { doubled }
}

/// ISO 13616: the country's length, and 1 modulo 97 with the first four characters moved to the end and letters as 10 to 35.
pub(super) fn is_iban(value: &[u8]) -> bool {
    let plain: Vec<u8> = value.iter().copied().filter(|byte| !matches!(byte, b' ' | b'+')).collect();
    let Some((country, _)) = plain.split_first_chunk::<2>() else {
        return false;
    };
    let known = COUNTRIES.iter().find(|(code, _)| code.as_bytes() == country);
    if known.is_none_or(|(_, length)| *length != plain.len()) {
        return false;
    }
    let mut rest = 0;
    for byte in plain.iter().cycle().skip(4).take(plain.len()) {
        rest = match byte {
            b'0'..=b'9' => rest * 10 + u32::from(byte - b'0'),
            b'A'..=b'Z' => rest * 100 + u32::from(byte - b'A') + 10,
            _ => return false,
        } % 97;
    }
    rest == 1
}

/// US routing number: nine digits, weights 3, 7, 1, and a first pair that the Federal Reserve gives out.
pub(super) fn is_routing(value: &[u8]) -> bool {
    let Some(digits) = digits(value).filter(|digits| digits.len() == 9) else {
        return false;
    };
    let sum: u32 = digits.iter().zip([3, 7, 1].iter().cycle()).map(|(digit, weight)| u32::from(*digit) * weight).sum();
    let first = digits.iter().take(2).fold(0, |all, digit| all * 10 + u32::from(*digit));
    sum > 0 && sum.is_multiple_of(10) && matches!(first, 0..=12 | 21..=32 | 61..=72 | 80)
}

/// US social security number: three, two and four digits; no 000, 666, 9xx, no 00, no 0000.
pub(super) fn is_social(value: &[u8]) -> bool {
    let Some(digits) = digits(value).filter(|digits| digits.len() == 9) else {
        return false;
    };
    let number = |range: std::ops::Range<usize>| {
        digits.get(range).unwrap_or_default().iter().fold(0_u32, |all, digit| all * 10 + u32::from(*digit))
    };
    let area = number(0..3);
    area != 0 && area != 666 && area < 900 && number(3..5) != 0 && number(5..9) != 0
}

fn digits(value: &[u8]) -> Option<Vec<u8>> {
    let mut digits = Vec::new();
    for byte in value {
        match byte {
            b'0'..=b'9' => digits.push(byte - b'0'),
            b' ' | b'-' | b'+' => {}
            _ => return None,
        }
    }
    Some(digits)
}

/// Country codes and lengths of the IBAN registry.
const COUNTRIES: [(&str, usize); 80] = [
    ("AD", 24),
    ("AE", 23),
    ("AL", 28),
    ("AT", 20),
    ("AZ", 28),
    ("BA", 20),
    ("BE", 16),
    ("BG", 22),
    ("BH", 22),
    ("BR", 29),
    ("BY", 28),
    ("CH", 21),
    ("CR", 22),
    ("CY", 28),
    ("CZ", 24),
    ("DE", 22),
    ("DK", 18),
    ("DO", 28),
    ("EE", 20),
    ("EG", 29),
    ("ES", 24),
    ("FI", 18),
    ("FK", 18),
    ("FO", 18),
    ("FR", 27),
    ("GB", 22),
    ("GE", 22),
    ("GI", 23),
    ("GL", 18),
    ("GR", 27),
    ("GT", 28),
    ("HR", 21),
    ("HU", 28),
    ("IE", 22),
    ("IL", 23),
    ("IQ", 23),
    ("IS", 26),
    ("IT", 27),
    ("JO", 30),
    ("KW", 30),
    ("KZ", 20),
    ("LB", 28),
    ("LC", 32),
    ("LI", 21),
    ("LT", 20),
    ("LU", 20),
    ("LV", 21),
    ("LY", 25),
    ("MC", 27),
    ("MD", 24),
    ("ME", 22),
    ("MK", 19),
    ("MN", 20),
    ("MR", 27),
    ("MT", 31),
    ("MU", 30),
    ("NI", 28),
    ("NL", 18),
    ("NO", 15),
    ("OM", 23),
    ("PK", 24),
    ("PL", 28),
    ("PS", 29),
    ("PT", 25),
    ("QA", 29),
    ("RO", 24),
    ("RS", 22),
    ("RU", 33),
    ("SA", 24),
    ("SC", 31),
    ("SE", 24),
    ("SI", 19),
    ("SK", 24),
    ("SM", 27),
    ("SV", 28),
    ("TN", 24),
    ("TR", 26),
    ("UA", 29),
    ("VG", 24),
    ("XK", 20),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_numbers_pass_and_their_neighbours_do_not() {
        for (check, good, bad) in [
            (is_card as fn(&[u8]) -> bool, "4111 1111 1111 1111", "4111 1111 1111 1112"),
            (is_card, "378282246310005", "378282246310006"),
            (is_card, "5555-5555-5555-4444", "1555-5555-5555-4444"),
            (is_iban, "GB82 WEST 1234 5698 7654 32", "GB82 WEST 1234 5698 7654 33"),
            (is_iban, "DE89370400440532013000", "DE8937040044053201300"),
            (is_routing, "021000021", "021000022"),
            (is_social, "078-05-1120", "666-05-1120"),
        ] {
            assert!(check(good.as_bytes()), "{good}");
            assert!(!check(bad.as_bytes()), "{bad}");
        }
    }
}
