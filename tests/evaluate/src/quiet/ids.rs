//! Identifiers, hashes and public keys.

use super::Family;
use crate::checks::{base32_crc16, base58, base58check, bech32};
use crate::rng::{BASE58, BASE62, BASE64URL, CROCKFORD, Rng};

pub(super) const FAMILIES: [Family; 16] = [
    ("uuid", |rng| {
        format!("{} INFO request {} parent {} correlation_id={}", rng.time(), rng.uuid(), rng.uuid(), rng.uuid())
    }),
    ("ulid and ksuid", |rng| {
        format!(
            r#"{{"ts":"{}","id":"01{}","session":"{}","ksuid":"2{}","nano":"{}"}}"#,
            rng.time(),
            rng.of(CROCKFORD, 24),
            rng.below(99),
            rng.alnum(26),
            rng.of(BASE64URL, 21)
        )
    }),
    ("snowflakes and nanos", |rng| {
        format!(
            "seq={} id={} ts_ns=17{} exchange_ts=17{} recv={}",
            rng.digits(10),
            rng.digits(19),
            rng.digits(17),
            rng.digits(14),
            rng.digits(19)
        )
    }),
    ("traces", |rng| {
        format!(
            r#"{{"traceparent":"00-{}-{}-01","trace_id":"{}","span_id":"{}","parent_span_id":"{}","dd.trace_id":"{}"}}"#,
            rng.hex(32),
            rng.hex(16),
            rng.hex(32),
            rng.hex(16),
            rng.hex(16),
            rng.digits(19)
        )
    }),
    ("git", |rng| {
        format!(
            "commit {}\ntree {}\nindex {}..{} 100644\n  {} refs/heads/{}",
            rng.hex(40),
            rng.hex(40),
            rng.hex(7),
            rng.hex(7),
            rng.hex(40),
            rng.word()
        )
    }),
    ("digests", |rng| {
        format!("{}  {}.tar.gz\nsha256:{} md5={} sha512-{}==", rng.hex(64), rng.word(), rng.hex(64), rng.hex(32), {
            let sum = rng.base64(64);
            sum.trim_end_matches('=').to_owned()
        })
    }),
    ("integrity", |rng| {
        format!(
            "\"resolved\": \"https://example.com/{}.tgz\",\n\"integrity\": \"sha512-{}\",\nchecksum = \"{}\"",
            rng.word(),
            rng.base64(64),
            rng.hex(64)
        )
    }),
    ("ethereum", |rng| {
        format!(
            "block={} hash=0x{} tx=0x{} from=0x{} to=0x{} topics=[0x{},0x{}] nonce={}",
            rng.digits(8),
            rng.hex(64),
            rng.hex(64),
            rng.hex(40),
            rng.hex(40),
            rng.hex(64),
            rng.hex(64),
            rng.below(999)
        )
    }),
    ("ethereum json", |rng| {
        format!(
            r#"{{"jsonrpc":"2.0","id":{},"result":{{"blockHash":"0x{}","transactionHash":"0x{}","logsBloom":"0x{}","stateRoot":"0x{}","v":"0x1b","r":"0x{}","s":"0x{}"}}}}"#,
            rng.below(999),
            rng.hex(64),
            rng.hex(64),
            rng.hex(512),
            rng.hex(64),
            rng.hex(64),
            rng.hex(64)
        )
    }),
    ("solana", |rng| {
        let (sig, account, other) = (rng.bytes(64), rng.bytes(32), rng.bytes(32));
        format!(
            "slot={} signature={} account={} owner={}",
            rng.digits(9),
            base58(BASE58, &sig),
            base58(BASE58, &account),
            base58(BASE58, &other)
        )
    }),
    ("bitcoin", |rng| {
        let (legacy, program) = (rng.bytes(20), rng.bytes(20));
        format!(
            "txid {} vout {} addr {} witness bc1q{} script 76a914{}88ac",
            rng.hex(64),
            rng.below(9),
            base58check(BASE58, &[&[0][..], &legacy].concat()),
            &bech32("bc", &program)[3..],
            rng.hex(40)
        )
    }),
    ("public wallet keys", |rng| {
        let public = rng.bytes(32);
        format!(
            "account G={} xpub={} validator={}",
            base32_crc16(&[&[0x30][..], &public].concat()),
            base58check(BASE58, &[&[0x04, 0x88, 0xb2, 0x1e][..], &rng.bytes(74)].concat()),
            rng.hex(96)
        )
    }),
    ("ssh public keys", |rng| {
        format!(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} {}@host\nssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQ{} deploy\nSHA256:{}",
            rng.of(BASE62, 43),
            rng.word(),
            rng.of(BASE62, 350),
            rng.of(BASE62, 43)
        )
    }),
    ("certificates", |rng| {
        let body = rng.base64(700);
        let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\nFingerprint={}",
            lines.join("\n"),
            colons(rng)
        )
    }),
    ("jwks", |rng| {
        format!(
            r#"{{"keys":[{{"kty":"RSA","kid":"{}","use":"sig","alg":"RS256","n":"{}","e":"AQAB","x5t":"{}"}},{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}]}}"#,
            rng.uuid(),
            rng.of(BASE64URL, 342),
            rng.of(BASE64URL, 27),
            rng.of(BASE64URL, 43),
            rng.of(BASE64URL, 43)
        )
    }),
    ("other public keys", |rng| {
        let public = rng.bytes(32);
        format!(
            "recipient {} user U{} wg peer PublicKey = {} public_key={}",
            bech32("age", &public),
            &base32_crc16(&[&[20 << 3][..], &public].concat())[1..],
            rng.base64(32),
            rng.hex(64)
        )
    }),
];

fn colons(rng: &mut Rng) -> String {
    rng.bytes(32).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}
