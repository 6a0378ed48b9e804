//! What it costs to be asked who one is: `cargo run --release -p sekisho-filters --example door`.
//!
//! Processor time of this thread, the middle of many batches that take turns, so that a busy machine changes little. Then the
//! memory that a million ids take which nobody has.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "it measures, and tells")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue};
use sekisho_filters::access::token::{Algorithm, Issuer, IssuerSettings, Issuers, KeySet};
use sekisho_filters::access::{Door, FailureLimits, Failures, Key, Keys};
use sekisho_policy::Role;

fn main() {
    let signer = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let door = door(&signer);
    let key = |text: String| {
        HeaderMap::from_iter([(HeaderName::from_static("x-api-key"), HeaderValue::from_str(&text).unwrap())])
    };
    let secret = "q".repeat(49);
    // The kernel counts a thread's time in ticks of some milliseconds: a batch has to take many of them.
    let (of_keys, of_tokens) = (50_000_u32, 2_000_u32);
    let cases = [
        ("API key, right", key(format!("sekisho_desk_{secret}")), of_keys),
        ("API key, wrong secret", key(format!("sekisho_desk_{}", "w".repeat(49))), of_keys),
        ("API key, unknown id", key(format!("sekisho_none_{}", "w".repeat(49))), of_keys),
        (
            "token, ES256",
            HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(&token(&signer)).unwrap())]),
            of_tokens,
        ),
    ];
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for _ in 0..BATCHES {
        for (name, headers, each) in &cases {
            let began = cpu_ns();
            (0..*each).for_each(|_| drop(std::hint::black_box(door.ask(headers, PEER))));
            times.entry(name).or_default().push((cpu_ns() - began) / f64::from(*each));
        }
    }
    for (name, mut times) in times {
        times.sort_by(f64::total_cmp);
        let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default() / 1000.0;
        println!("{name:<24} {:>8.2} us, p99 of batches {:>8.2} us", at(50), at(99));
    }
    million(&door);
}

/// Failures with a million ids, each from an address of its own.
fn million(door: &Door) {
    let before = resident_kib();
    for n in 0..1_000_000_u32 {
        let text = format!("sekisho_id{n}_{}", "x".repeat(49));
        let headers =
            HeaderMap::from_iter([(HeaderName::from_static("x-api-key"), HeaderValue::from_str(&text).unwrap())]);
        drop(std::hint::black_box(door.ask(&headers, Ipv4Addr::from(n.wrapping_mul(2_654_435_761)).into())));
    }
    println!("a million ids            {:>8.1} MiB more", f64::from(resident_kib().saturating_sub(before)) / 1024.0);
}

fn door(signer: &EcdsaKeyPair) -> Door {
    let limits = FailureLimits {
        window: Duration::from_secs(900),
        // So many that nobody is shut out: what is measured is the asking.
        per_credential: 100_000_000,
        per_peer: 100_000_000,
        per_pair: 100_000_000,
        overall: 1_000_000_000,
        lockout: Duration::from_secs(60),
        lockout_max: Duration::from_secs(3600),
        growth: 2,
        jitter_percent: 10,
        familiar_for: Duration::from_secs(3600),
        max_entries: 65_536,
        ipv6_prefix: 64,
    };
    let key = Key {
        id: "desk".into(),
        person: "desk".into(),
        role: Role::Service,
        scopes: vec![],
        allow: vec![],
        made: false,
    };
    let keys = Keys::new(b"pepper", vec![(key, Keys::digest(b"pepper", "q".repeat(49).as_bytes()))]);
    let door = Door::new(keys, Failures::new(limits, 7));
    let point = signer.public_key().as_ref();
    let (x, y) = point.split_at(1).1.split_at(32);
    let jwks = format!(
        r#"{{"keys":[{{"kty":"EC","crv":"P-256","kid":"k","x":"{}","y":"{}"}}]}}"#,
        URL_SAFE_NO_PAD.encode(x),
        URL_SAFE_NO_PAD.encode(y)
    );
    let issuer = Arc::new(Issuer::new(IssuerSettings {
        name: "idp".into(),
        issuer: "https://idp.example".into(),
        audiences: vec!["desk".into()],
        algorithms: vec![Algorithm::Es256],
        skew: Duration::from_secs(30),
        max_life: Duration::from_secs(3600),
        role_claim: "roles".into(),
        roles: BTreeMap::from([("bot".into(), Role::Service)]),
        person_claim: "sub".into(),
        scopes: vec![],
        allow: vec![],
        forward: false,
        refetch: Duration::from_secs(30),
        patience: Duration::from_secs(2),
    }));
    issuer.replace(KeySet::parse(jwks.as_bytes()).unwrap());
    door.believe(Issuers::new(vec![issuer], 8192));
    door
}

fn token(signer: &EcdsaKeyPair) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = format!(
        r#"{{"iss":"https://idp.example","sub":"u1","aud":"desk","roles":["bot"],"iat":{now},"exp":{}}}"#,
        now + 3600
    );
    let message =
        format!("{}.{}", URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"k"}"#), URL_SAFE_NO_PAD.encode(claims));
    let signature = signer.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("Bearer {message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// Processor time of this thread, in nanoseconds.
fn cpu_ns() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    stat.split_whitespace().next().and_then(|nanos| nanos.parse().ok()).unwrap_or_default()
}

fn resident_kib() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const BATCHES: usize = 51;
