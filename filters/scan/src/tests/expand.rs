//! Placeholders of the packs' examples, expanded at run time so that no secret stands in the repository.

use base64::Engine as _;
use sha2::{Digest, Sha256};

/// Numbers that look random and are the same every time.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    pub(super) fn text(&mut self, class: &str, length: usize) -> String {
        let letters: Vec<u8> = match class {
            // stars would look like masks; `=` and punctuation are not in these classes
            "visible" => (b'a'..=b'z').collect(),
            _ => (0..=255u8)
                .filter(|byte| crate::class::is(*byte, crate::class::named(class).unwrap()))
                .filter(|byte| class != "path" && class != "b64u" && class != "word" || byte.is_ascii_alphanumeric())
                .filter(|byte| *byte != b'=')
                .collect(),
        };
        (0..length).map(|_| char::from(letters[self.below(letters.len())])).collect()
    }
}

/// A text and the secrets marked in it.
pub(super) fn example(template: &str, dice: &mut Dice) -> (String, Vec<String>) {
    let text = expand(template, dice);
    let mut plain = String::new();
    let mut secrets = Vec::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("[[") {
        let (secret, after) = after.split_once("]]").unwrap();
        plain.push_str(before);
        plain.push_str(secret);
        secrets.push(secret.to_owned());
        rest = after;
    }
    plain.push_str(rest);
    (plain, secrets)
}

pub(super) fn expand(template: &str, dice: &mut Dice) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inner, after) = after.split_once("}}").unwrap();
        out.push_str(before);
        out.push_str(&placeholder(inner, dice));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn placeholder(inner: &str, dice: &mut Dice) -> String {
    let standard = base64::engine::general_purpose::STANDARD;
    match inner.split_once(':') {
        Some(("split", halves)) => halves.replace('|', ""),
        Some(("card", _)) => groups(&card(dice)),
        Some(("iban", _)) => groups(&iban(dice)),
        Some(("phrase", words)) => phrase(words.parse().unwrap(), dice),
        Some((class, length)) => dice.text(class, length.parse().unwrap()),
        None => match inner {
            "jwt" => jwt(dice),
            "basic" => standard.encode(format!("user:{}", dice.text("alnum", 17))),
            "card" => card(dice),
            "iban" => iban(dice),
            "ssn" => format!("{}-{}-{}", 100 + dice.below(500), 10 + dice.below(89), 1000 + dice.below(8999)),
            "aba" => aba(dice),
            "wif" => wif(dice),
            "stellar" => seed(vec![0x90], dice),
            "nats" => seed(vec![0x95, 0], dice),
            "xrp" => xrp(dice),
            "discord" => discord(dice),
            other => panic!("no placeholder `{other}`"),
        },
    }
}

fn groups(text: &str) -> String {
    text.as_bytes().chunks(4).map(|four| std::str::from_utf8(four).unwrap()).collect::<Vec<_>>().join(" ")
}

/// The last digit is the one that makes the sum of Luhn.
fn card(dice: &mut Dice) -> String {
    let body = format!("4{}", dice.text("digit", 14));
    (0..10).map(|last| format!("{body}{last}")).find(|card| luhn(card)).unwrap()
}

fn luhn(card: &str) -> bool {
    let digit = |(place, byte): (usize, u8)| match u32::from(byte - b'0') * if place % 2 == 0 { 1 } else { 2 } {
        more @ 10.. => more - 9,
        digit => digit,
    };
    card.bytes().rev().enumerate().map(digit).sum::<u32>() % 10 == 0
}

fn iban(dice: &mut Dice) -> String {
    let body = dice.text("digit", 18);
    let rest = format!("{body}131400").bytes().fold(0, |rest, digit| (rest * 10 + u32::from(digit - b'0')) % 97);
    format!("DE{:02}{body}", 98 - rest)
}

fn aba(dice: &mut Dice) -> String {
    let body = format!("02{}", dice.text("digit", 6));
    let sum: u32 =
        body.bytes().zip([3, 7, 1].iter().cycle()).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
    // the ninth digit has the weight 1
    format!("{body}{}", (10 - sum % 10) % 10)
}

/// Words of the list; the last one is the one that carries the checksum.
fn phrase(count: usize, dice: &mut Dice) -> String {
    let list: Vec<&str> = include_str!("../validate/english.txt").split_whitespace().collect();
    let head: Vec<&str> = (1..count).map(|_| list[dice.below(list.len())]).collect();
    let whole = |last: &&&str| {
        let words: Vec<&str> = head.iter().copied().chain([**last]).collect();
        crate::validate::passes(crate::ruleset::pack::Check::Phrase, words.join(" ").as_bytes())
    };
    let last = list.iter().find(whole).unwrap();
    format!("{} {last}", head.join(" "))
}

fn jwt(dice: &mut Dice) -> String {
    let url = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let header = url.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = url.encode(format!(r#"{{"sub":"{}"}}"#, dice.text("alnum", 12)));
    format!("{header}.{claims}.{}", dice.text("alnum", 43))
}

fn wif(dice: &mut Dice) -> String {
    let mut bytes = vec![0x80];
    bytes.extend((0..32).map(|_| dice.next().to_le_bytes()[0]));
    bytes.push(1);
    let sum = Sha256::digest(Sha256::digest(&bytes));
    bytes.extend_from_slice(&sum[..4]);
    base58(bytes, b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
}

fn xrp(dice: &mut Dice) -> String {
    let mut bytes = vec![0x01, 0xe1, 0x4b];
    bytes.extend((0..16).map(|_| dice.next().to_le_bytes()[0]));
    let sum = Sha256::digest(Sha256::digest(&bytes));
    bytes.extend_from_slice(&sum[..4]);
    base58(bytes, b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz")
}

fn discord(dice: &mut Dice) -> String {
    let number = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("1{}", dice.text("digit", 17)));
    format!("{number}.{}.{}", dice.text("alnum", 6), dice.text("alnum", 27))
}

fn base58(mut bytes: Vec<u8>, alphabet: &[u8; 58]) -> String {
    let mut text = Vec::new();
    while bytes.iter().any(|byte| *byte > 0) {
        let mut rest = 0u32;
        for byte in &mut bytes {
            rest = rest << 8 | u32::from(*byte);
            *byte = u8::try_from(rest / 58).unwrap();
            rest %= 58;
        }
        text.push(alphabet[rest as usize]);
    }
    text.reverse();
    String::from_utf8(text).unwrap()
}

fn seed(prefix: Vec<u8>, dice: &mut Dice) -> String {
    let mut bytes = prefix;
    bytes.extend((0..32).map(|_| dice.next().to_le_bytes()[0]));
    let crc = bytes.iter().fold(0u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| if crc >> 15 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 })
    });
    bytes.extend_from_slice(&crc.to_le_bytes());
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    bits.as_bytes()
        .chunks(5)
        .map(|five| {
            let text = format!("{:0<5}", std::str::from_utf8(five).unwrap());
            char::from(alphabet[usize::from_str_radix(&text, 2).unwrap()])
        })
        .collect()
}
