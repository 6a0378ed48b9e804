//! Key material in armour of its own, and password hashes.

use super::{Kind, kind};
use crate::case::secret;
use crate::checks::bech32;
use crate::escape::{json, shell};
use crate::rng::{BASE32, BASE64, BASE64URL, CRYPT, DIGITS, Rng, base64, base64url};

pub(super) const KINDS: [Kind; 9] = [
    kind("jwt", |rng| { let word = rng.word(); jwt(rng, &format!("\"iss\":\"https://id.example.com\",\"sub\":\"{word}\"")) })
        .names(&["access token", "id token", "jwt", "token"]).header("X-Auth-Jwt").bare().own(&[
            |rng| format!("authorization: Bearer {}", secret(jwt(rng, "\"sub\":\"x\""))),
            |rng| format!("wss://stream.example.com/ws?token={}", secret(jwt(rng, "\"sub\":\"x\""))),
        ]),
    kind("pem private key", |rng| { let label = rng.pick(&LABELS); pem(rng, label, 700) }).names(&["private key", "tls key", "signing key"]).own(&[
        |rng| pem(rng, "RSA PRIVATE KEY", 1190),
        |rng| pem(rng, "EC PRIVATE KEY", 121),
        |rng| pem(rng, "PRIVATE KEY", 48),
        |rng| format!("tls.key: |\n    {}", pem(rng, "PRIVATE KEY", 1190).replace('\n', "\n    ")),
        |rng| format!("KEY={}", shell(&pem(rng, "ENCRYPTED PRIVATE KEY", 1300))),
        |rng| format!("{{\"key\":\"{}\"}}", json(&json(&pem(rng, "EC PRIVATE KEY", 121)))),
    ]),
    kind("openssh private key", openssh).names(&["ssh key", "deploy key", "ssh private key"]).own(&[openssh, |rng| format!("SSH_KEY=\"{}\"", json(&openssh(rng)))]),
    kind("pgp private key", |rng| pem(rng, "PGP PRIVATE KEY BLOCK", 900)).own(&[
        |rng| pem(rng, "PGP PRIVATE KEY BLOCK", 900),
        |rng| format!("{{\"gpg_key\":\"{}\"}}", json(&pem(rng, "PGP PRIVATE KEY BLOCK", 900))),
    ]),
    kind("putty private key", |_| String::new()).own(&[
        |rng| {
            let (public, body, mac) = (lines(&rng.base64(60)), lines(&rng.base64(110)), rng.hex(64));
            format!("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: k\nPublic-Lines: 2\n{public}\nPrivate-Lines: 3\n{}\nPrivate-MAC: {mac}", body.split('\n').map(secret).collect::<Vec<_>>().join("\n"))
        },
    ]),
    kind("age identity", |rng| bech32("age-secret-key-", &rng.bytes(32)).to_uppercase()).names(&["age key", "sops age key"]).bare(),
    kind("totp seed", |rng| rng.of(BASE32, 32)).names(&["totp secret", "mfa seed", "otp secret", "two factor secret"]).own(&[
        |rng| format!("otpauth://totp/Venue:ann@example.com?secret={}&issuer=Venue&digits=6", secret(rng.of(BASE32, 32))),
        |rng| format!("oathtool --totp -b {}", secret(rng.of(BASE32, 16))),
        |rng| format!("<img src=\"/qr?data=otpauth%3A%2F%2Ftotp%2FVenue%3Fsecret%3D{}%26issuer%3DVenue\">", secret(rng.of(BASE32, 32))),
    ]),
    kind("password hash", hash).names(&["password hash", "passwd hash", "hashed password"]).bare().own(&[
        |rng| format!("deploy:{}:19700:0:99999:7:::", secret(format!("$6${}${}", rng.alnum(16), rng.of(CRYPT, 86)))),
        |rng| format!("ann:{}", secret(format!("$2y$10${}", rng.of(CRYPT, 53)))),
        |rng| format!("userPassword: {{SSHA}}{}", secret(rng.base64(28))),
    ]),
    kind("jwk private part", |_| String::new()).own(&[
        |rng| format!("{{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"{}\",\"y\":\"{}\",\"d\":\"{}\"}}", rng.of(BASE64URL, 43), rng.of(BASE64URL, 43), secret(rng.of(BASE64URL, 43))),
        |rng| format!("{{\"kty\":\"oct\",\"alg\":\"HS256\",\"k\":\"{}\"}}", secret(rng.of(BASE64URL, 43))),
        |rng| format!("{{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"d\":\"{}\",\"x\":\"{}\"}}", secret(rng.of(BASE64URL, 43)), rng.of(BASE64URL, 43)),
    ]),
];

const LABELS: [&str; 4] = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY"];

/// Armour around `bytes` bytes that begin as DER does; each line of the body is a secret.
pub(super) fn pem(rng: &mut Rng, label: &str, bytes: usize) -> String {
    let body = [&[0x30, 0x82][..], &rng.bytes(bytes)].concat();
    armour(label, &base64(body))
}

/// A token of three parts, the second with `claims`.
pub(super) fn jwt(rng: &mut Rng, claims: &str) -> String {
    let (algorithm, bytes) = rng.pick(&[("HS256", 32), ("RS256", 256), ("ES256", 64), ("EdDSA", 64)]);
    let head = format!("{{\"alg\":\"{algorithm}\",\"typ\":\"JWT\",\"kid\":\"{}\"}}", rng.hex(8));
    let body = format!("{{{claims},\"iat\":17{},\"exp\":17{}}}", rng.of(DIGITS, 8), rng.of(DIGITS, 8));
    format!("{}.{}.{}", base64url(head), base64url(body), base64url(rng.bytes(bytes)))
}

fn openssh(rng: &mut Rng) -> String {
    let body = [b"openssh-key-v1\0".as_slice(), &rng.bytes(300)].concat();
    armour("OPENSSH PRIVATE KEY", &base64(body))
}

fn armour(label: &str, body: &str) -> String {
    let lines = lines(body).split('\n').map(secret).collect::<Vec<_>>().join("\n");
    // In two pieces, or this line is what scanners of repositories look for.
    format!("-----{} {label}-----\n{lines}\n-----END {label}-----", "BEGIN")
}

fn lines(text: &str) -> String {
    let pieces = text.as_bytes().chunks(64).map(|piece| String::from_utf8_lossy(piece));
    pieces.collect::<Vec<_>>().join("\n")
}

fn hash(rng: &mut Rng) -> String {
    match rng.below(5) {
        0 => format!("${}$12${}", rng.pick(&["2a", "2b", "2y"]), rng.of(CRYPT, 53)),
        1 => format!("$argon2id$v=19$m=65536,t=3,p=4${}${}", rng.of(BASE64, 22), rng.of(BASE64, 43)),
        2 => format!("$6${}${}", rng.alnum(16), rng.of(CRYPT, 86)),
        3 => format!("pbkdf2_sha256$600000${}${}", rng.alnum(22), rng.base64(32)),
        _ => format!("$5${}${}", rng.alnum(16), rng.of(CRYPT, 43)),
    }
}
