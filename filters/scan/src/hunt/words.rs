//! Literals that are no pattern's: what engines ask for.

use crate::ruleset::pack::Engine;

pub(super) fn of(engine: Engine) -> Vec<Vec<u8>> {
    let literals: &[&[u8]] = match engine {
        Engine::Pem => &[b"BEGIN"],
        Engine::Jwt => &[b"eyJ"],
        Engine::Basic => &[b"asic ", b"ASIC "],
        Engine::Bearer => &[b"earer ", b"EARER "],
        Engine::FieldName => return [STEMS, SHORT].concat().iter().map(|word| word.to_vec()).collect(),
        Engine::Putty => &[b"Private-Lines:"],
        Engine::Command => &[
            b"mysql",
            b"mariadb",
            b"curl ",
            b"sshpass",
            b"redis-cli",
            b"ldap",
            b"docker login",
            b"mosquitto_",
            b"chpasswd",
        ],
        Engine::Pgpass => &[b":5432:", b":6432:", b":*:"],
        Engine::Discord => return numbers(),
        Engine::UrlPassword
        | Engine::Fix
        | Engine::Wif
        | Engine::Stellar
        | Engine::Nats
        | Engine::Xrp
        | Engine::Ipv4
        | Engine::Phrase
        | Engine::Iban
        | Engine::Mailgun => &[],
    };
    literals.iter().map(|literal| literal.to_vec()).collect()
}

/// What base64 of two digits begins with, and may go on with.
fn numbers() -> Vec<Vec<u8>> {
    let pairs = b"MNO".iter().flat_map(|first| b"DTjz".iter().map(move |second| [*first, *second]));
    pairs.flat_map(|[first, second]| b"AEIMQUYcgk".iter().map(move |third| vec![first, second, *third])).collect()
}

/// Names that are told as a whole, from the separator behind them on: too short for the letters that other names end in, or of other
/// letters.
pub(crate) const SHORT: &[&[u8]] = &[
    b"pw:",
    b"pw=",
    b"pw =",
    b"PW:",
    b"PW=",
    "contrase\u{f1}a".as_bytes(),
    "has\u{142}o".as_bytes(),
    "\u{15f}ifre".as_bytes(),
    "\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}".as_bytes(),
    "\u{41f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}".as_bytes(),
    "\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}".as_bytes(),
    "\u{6697}\u{8a3c}\u{756a}\u{53f7}".as_bytes(),
    "\u{5bc6}\u{7801}".as_bytes(),
    "\u{5bc6}\u{78bc}".as_bytes(),
    "\u{53e3}\u{4ee4}".as_bytes(),
    "\u{be44}\u{bc00}\u{bc88}\u{d638}".as_bytes(),
];

/// Pieces of forbidden names, for those that no separator joins to their value.
pub(crate) const STEMS: &[&[u8]] = &[
    b"pass",
    b"Pass",
    b"PASS",
    b"pwd",
    b"Pwd",
    b"PWD",
    b"oken",
    b"OKEN",
    b"cret",
    b"CRET",
    b"key",
    b"Key",
    b"KEY",
    b"mnem",
    b"card",
    b"Card",
    b"iban",
    b"IBAN",
    b"ssn",
    b"SSN",
    b"Mnem",
    b"MNEM",
    b"phrase",
    b"Phrase",
    b"PHRASE",
    b"creden",
    b"CREDEN",
    b"creds",
    b"cookie",
    b"Cookie",
    b"seed",
    b"Seed",
    b"SEED",
    b"Iban",
    b"ccount_n",
    b"ccountN",
    b"CCOUNT_N",
    b"ccount.n",
    b"ocial_s",
    b"ocialS",
    b"OCIAL_S",
    b",pan",
    b",pin",
    b",cvv",
    b",jwt",
    b",psk",
    b",wif",
    b",otp",
    b",totp",
];
