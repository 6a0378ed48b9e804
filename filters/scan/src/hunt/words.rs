//! Literals that are no pattern's: what engines ask for.

use crate::ruleset::pack::Engine;

pub(super) fn of(engine: Engine) -> &'static [&'static [u8]] {
    match engine {
        Engine::Pem => &[b"BEGIN"],
        Engine::Jwt => &[b"eyJ"],
        Engine::Basic => &[b"asic ", b"ASIC "],
        Engine::Bearer => &[b"earer ", b"EARER "],
        Engine::FieldName => STEMS,
        Engine::Putty => &[b"Private-Lines:"],
        Engine::Command => &[b"mysql", b"mariadb", b"curl ", b"sshpass", b"redis-cli", b"ldap", b"docker login"],
        Engine::UrlPassword | Engine::Fix | Engine::Wif | Engine::Stellar | Engine::Nats | Engine::Ipv4 => &[],
    }
}

/// Pieces of forbidden names, for those that no separator joins to their value.
pub(crate) const STEMS: &[&[u8]] = &[
    b"pass", b"Pass", b"PASS", b"pwd", b"Pwd", b"PWD", b"oken", b"OKEN", b"cret", b"CRET", b"key", b"Key", b"KEY",
    b"mnem", b"card", b"Card", b"iban", b"IBAN", b"ssn", b"SSN", b"Mnem", b"MNEM", b"phrase", b"Phrase", b"PHRASE",
    b"creden", b"CREDEN", b"creds", b"cookie", b"Cookie",
];
