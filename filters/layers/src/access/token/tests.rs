//! The hostile suite: every known way to make a verifier believe what its issuer never said, each next to a token that is good.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKey, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use futures_util::FutureExt as _;
use sekisho_policy::Role;
use serde_json::{Value, json};

use super::{Algorithm, Issuer, IssuerSettings, Issuers, KeySet, NoKeySet, TokenFault};

/// The keys of an issuer, made for one test.
struct Idp {
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
    rsa: RsaKey,
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Idp {
    fn new() -> Self {
        Self {
            ec: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            ed: Ed25519KeyPair::generate().unwrap(),
            rsa: RsaKey::generate(KeySize::Rsa2048).unwrap(),
        }
    }

    fn ec_jwk(&self) -> Value {
        let point = self.ec.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "kid": "ec", "use": "sig", "x": b64(&point[1..33]), "y": b64(&point[33..]) })
    }

    fn rsa_jwk(&self) -> Value {
        // PKCS #1 of a key of 2048 bits: a sequence of the modulus, behind a zero, and of an exponent of three bytes.
        let der = self.rsa.public_key().as_ref();
        json!({ "kty": "RSA", "kid": "rsa", "alg": "RS256", "n": b64(&der[9..265]), "e": b64(&der[267..270]) })
    }

    fn jwks(&self) -> Value {
        let ed = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": b64(self.ed.public_key().as_ref()) });
        json!({ "keys": [self.ec_jwk(), ed, self.rsa_jwk()] })
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let mut rsa = vec![0; self.rsa.public_modulus_len()];
        match algorithm {
            "ES256" => self.ec.sign(&random, message).unwrap().as_ref().to_vec(),
            "EdDSA" => self.ed.sign(message).as_ref().to_vec(),
            "RS256" => {
                self.rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut rsa).unwrap();
                rsa
            }
            "PS256" => {
                self.rsa.sign(&RSA_PSS_SHA256, &random, message, &mut rsa).unwrap();
                rsa
            }
            other => panic!("{other}"),
        }
    }

    /// Header and claims as text, signed as ES256 whatever they say.
    fn token(&self, header: &str, claims: &str) -> String {
        self.signed("ES256", header, claims)
    }

    fn signed(&self, algorithm: &str, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", b64(header), b64(claims));
        let signature = self.sign(algorithm, message.as_bytes());
        format!("{message}.{}", b64(signature))
    }
}

fn settings() -> IssuerSettings {
    IssuerSettings {
        name: "idp".into(),
        issuer: ISSUER.into(),
        audiences: vec!["desk".into()],
        algorithms: vec![Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256],
        skew: Duration::from_secs(30),
        max_life: Duration::from_secs(3600),
        role_claim: "/realm/roles".into(),
        roles: BTreeMap::from([("trader".into(), Role::Operator), ("watcher".into(), Role::Viewer)]),
        person_claim: "sub".into(),
        scopes: vec![],
        allow: vec![],
        forward: false,
        refetch: Duration::from_secs(30),
        patience: Duration::from_secs(2),
    }
}

fn issuers(idp: &Idp, settings: IssuerSettings) -> (Issuers, Arc<Issuer>) {
    let issuer = Arc::new(Issuer::new(settings));
    issuer.replace(KeySet::parse(idp.jwks().to_string().as_bytes()).unwrap());
    (Issuers::new(vec![Arc::clone(&issuer)], 8192), issuer)
}

fn judged(issuers: &Issuers, token: &str) -> Result<(String, Role), TokenFault> {
    let token = issuers.read(token.as_bytes())?;
    let peer = IpAddr::from([192, 0, 2, 1]);
    let believed = issuers.issuer(&token)?.judge(&token, peer, NOW)?;
    Ok((believed.principal.key.id.clone(), believed.principal.key.role))
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "sub": "u1", "aud": "desk", "iat": NOW - 60, "exp": NOW + 60, "jti": "j", "realm": { "roles": ["watcher", "trader", "x"] } })
}

/// The claims with some of them changed; null takes one away.
fn but(changes: &Value) -> String {
    let mut all = claims();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            all.as_object_mut().unwrap().remove(name);
        } else {
            all[name] = value.clone();
        }
    }
    all.to_string()
}

#[test]
fn a_good_token_is_good_by_every_pinned_algorithm() {
    let idp = Idp::new();
    let (issuers, _) = issuers(&idp, settings());
    for (algorithm, kid) in [("ES256", "ec"), ("EdDSA", "ed"), ("RS256", "rsa")] {
        let header = json!({ "alg": algorithm, "kid": kid, "typ": "JWT", "x5t": "ignored" }).to_string();
        let token = idp.signed(algorithm, &header, &claims().to_string());
        assert_eq!(judged(&issuers, &token), Ok(("idp:u1".into(), Role::Operator)), "{algorithm}");
    }
    // Without an id, the one key that fits.
    let token = idp.token(r#"{"alg":"ES256"}"#, &claims().to_string());
    assert!(judged(&issuers, &token).is_ok());
}

#[test]
fn no_header_talks_us_into_anything() {
    let idp = Idp::new();
    let (issuers, _) = issuers(&idp, settings());
    let embedded = json!({ "alg": "ES256", "jwk": idp.ec_jwk() }).to_string();
    let chain = json!({ "alg": "ES256", "x5c": ["MIIB"] }).to_string();
    for (header, fault) in [
        (r#"{"alg":"none"}"#, TokenFault::Algorithm),
        (r#"{"alg":"None"}"#, TokenFault::Algorithm),
        (r#"{"alg":""}"#, TokenFault::Algorithm),
        (r#"{"alg":"HS256","kid":"ec"}"#, TokenFault::Algorithm),
        (r#"{"alg":"HS256","kid":"rsa"}"#, TokenFault::Algorithm),
        (r#"{"alg":"es256","kid":"ec"}"#, TokenFault::Algorithm),
        (r#"{"alg":"ES256K","kid":"ec"}"#, TokenFault::Algorithm),
        (r#"{"alg":"ES384","kid":"ec"}"#, TokenFault::Algorithm),
        (r#"{"alg":"PS256","kid":"rsa"}"#, TokenFault::Algorithm),
        (r#"{"alg":"ES256","kid":"rsa"}"#, TokenFault::Algorithm),
        (r#"{"alg":"RS256","kid":"ec"}"#, TokenFault::Algorithm),
        (r#"{"alg":"EdDSA","kid":"ec"}"#, TokenFault::Algorithm),
        (r#"{"alg":["ES256"],"kid":"ec"}"#, TokenFault::Malformed),
        (r#"{"kid":"ec"}"#, TokenFault::Malformed),
        (r#"{"alg":"ES256","alg":"none","kid":"ec"}"#, TokenFault::Malformed),
        (r#"{"alg":"none","alg":"ES256","kid":"ec"}"#, TokenFault::Malformed),
        (r#"{"alg":"ES256","kid":"other"}"#, TokenFault::NoKey),
        (r#"{"alg":"ES256","kid":"../../ec"}"#, TokenFault::NoKey),
        (r#"{"alg":"ES256","kid":"ec' OR '1'='1"}"#, TokenFault::Malformed),
        (r#"{"alg":"ES256","kid":"ec\u0000"}"#, TokenFault::Malformed),
        (r#"{"alg":"ES256","kid":""}"#, TokenFault::Malformed),
        (r#"{"alg":"ES256","kid":7}"#, TokenFault::Malformed),
        (r#"{"alg":"ES256","kid":null}"#, TokenFault::Malformed),
        (r#"{"alg":"ES256","kid":"ec","crit":["exp"]}"#, TokenFault::Header),
        (r#"{"alg":"ES256","kid":"ec","crit":[]}"#, TokenFault::Header),
        (r#"{"alg":"ES256","kid":"ec","crit":["b64"],"b64":false}"#, TokenFault::Header),
        (r#"{"alg":"ES256","kid":"ec","b64":false}"#, TokenFault::Header),
        (r#"{"alg":"ES256","kid":"ec","zip":"DEF"}"#, TokenFault::Header),
        (r#"{"alg":"ES256","kid":"ec","cty":"JWT"}"#, TokenFault::Header),
        (r#"{"alg":"ES256","kid":"ec","typ":"secevent+jwt"}"#, TokenFault::Header),
        (r#"{"alg":"ES256","kid":"ec","typ":7}"#, TokenFault::Header),
        (r#"{"alg":"ES256","jku":"https://attacker.example/jwks"}"#, TokenFault::Header),
        (r#"{"alg":"ES256","x5u":"https://attacker.example/cert"}"#, TokenFault::Header),
        (embedded.as_str(), TokenFault::Header),
        (chain.as_str(), TokenFault::Header),
        (r#"["ES256"]"#, TokenFault::Malformed),
        ("", TokenFault::Malformed),
    ] {
        assert_eq!(judged(&issuers, &idp.token(header, &claims().to_string())), Err(fault), "{header}");
    }
}

#[test]
fn a_public_key_is_never_a_shared_secret() {
    let idp = Idp::new();
    let (issuers, _) = issuers(&idp, settings());
    let public = idp.jwks().to_string();
    let oct = json!({ "keys": [{ "kty": "oct", "kid": "ec", "k": b64(public.as_bytes()) }] }).to_string();
    assert_eq!(KeySet::parse(oct.as_bytes()).unwrap_err(), NoKeySet::NoUse);
    for secret in [public.as_bytes(), idp.ec.public_key().as_ref()] {
        for algorithm in ["HS256", "HS384", "HS512", "ES256", "RS256"] {
            let message =
                format!("{}.{}", b64(json!({ "alg": algorithm, "kid": "ec" }).to_string()), b64(claims().to_string()));
            let mac: [u8; 32] = super::super::Keys::digest(secret, message.as_bytes());
            let outcome = judged(&issuers, &format!("{message}.{}", b64(mac)));
            assert!(matches!(outcome, Err(TokenFault::Algorithm | TokenFault::Signature)), "{algorithm}: {outcome:?}");
        }
    }
}

#[test]
fn what_is_signed_is_what_is_read() {
    let idp = Idp::new();
    let (issuers, _) = issuers(&idp, settings());
    let header = r#"{"alg":"ES256","kid":"ec"}"#;
    let good = idp.token(header, &claims().to_string());
    let [head, body, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let other = b64(but(&json!({ "sub": "admin" })));
    let mut flipped = URL_SAFE_NO_PAD.decode(signature).unwrap();
    flipped[40] ^= 1;
    let der = idp.sign("ES256", b"x");
    let zero = b64([0; 64]);
    let inner = b64(&good);
    for (token, fault) in [
        (format!("{head}.{other}.{signature}"), TokenFault::Signature),
        (format!("{head}.{body}.{}", b64(flipped)), TokenFault::Signature),
        (format!("{head}.{body}.{}", b64(&der[..63])), TokenFault::Signature),
        (format!("{head}.{body}.{zero}"), TokenFault::Signature),
        (format!("{head}.{body}."), TokenFault::Malformed),
        (format!("{head}.{body}"), TokenFault::Malformed),
        (format!("{head}..{signature}"), TokenFault::Malformed),
        (format!(".{body}.{signature}"), TokenFault::Malformed),
        (format!("{good}."), TokenFault::Malformed),
        (format!("{good}.a.b"), TokenFault::Malformed),
        (format!("{good}=="), TokenFault::Malformed),
        (format!("{head}.{body}.{}", STANDARD.encode([0xFB; 64])), TokenFault::Malformed),
        (format!("{}.{body}.{signature}", URL_SAFE.encode(header.replace('}', "  }"))), TokenFault::Malformed),
        (format!("{head} .{body}.{signature}"), TokenFault::Malformed),
        // A token in a token: its payload is no set of claims.
        (format!("{head}.{inner}.{signature}"), TokenFault::Malformed),
        (idp.token(header, "[]"), TokenFault::Malformed),
        (idp.token(header, r#""text""#), TokenFault::Malformed),
        (idp.token(header, &format!("{} {{}}", claims())), TokenFault::Malformed),
        (idp.token(header, &claims().to_string().replace(r#""sub""#, r#""sub":"x","sub""#)), TokenFault::Malformed),
        (
            idp.token(header, &claims().to_string().replace(r#""roles""#, r#""roles":[],"roles""#)),
            TokenFault::Malformed,
        ),
        (idp.token(header, &"[".repeat(4000)), TokenFault::Malformed),
        (idp.token(header, &but(&json!({ "pad": "x".repeat(9000) }))), TokenFault::Oversize),
    ] {
        assert_eq!(judged(&issuers, &token), Err(fault), "{token}");
    }
}

#[test]
fn claims_are_held_to_policy() {
    let idp = Idp::new();
    let (issuers, _) = issuers(&idp, settings());
    let header = r#"{"alg":"ES256","kid":"ec"}"#;
    for (changes, expected) in [
        (json!({}), None),
        (json!({ "iss": "https://idp.example/" }), Some(TokenFault::Issuer)),
        (json!({ "iss": "https://IDP.example" }), Some(TokenFault::Issuer)),
        (json!({ "iss": null }), Some(TokenFault::Malformed)),
        (json!({ "iss": [ISSUER] }), Some(TokenFault::Malformed)),
        (json!({ "sub": null }), Some(TokenFault::Malformed)),
        (json!({ "sub": "" }), Some(TokenFault::Malformed)),
        (json!({ "sub": "a\r\nx-role: admin" }), Some(TokenFault::Malformed)),
        (json!({ "jti": 7 }), Some(TokenFault::Malformed)),
        (json!({ "aud": ["other", "desk"] }), None),
        (json!({ "aud": "other" }), Some(TokenFault::Audience)),
        (json!({ "aud": "desk " }), Some(TokenFault::Audience)),
        (json!({ "aud": [] }), Some(TokenFault::Audience)),
        (json!({ "aud": ["desk", 7] }), Some(TokenFault::Audience)),
        (json!({ "aud": { "desk": true } }), Some(TokenFault::Audience)),
        (json!({ "aud": null }), Some(TokenFault::Audience)),
        (json!({ "exp": NOW - 29 }), None),
        (json!({ "exp": NOW - 30 }), Some(TokenFault::Expired)),
        (json!({ "exp": null }), Some(TokenFault::Malformed)),
        (json!({ "exp": "never" }), Some(TokenFault::Malformed)),
        (json!({ "exp": -1 }), Some(TokenFault::Malformed)),
        (json!({ "exp": 1e300 }), Some(TokenFault::Malformed)),
        (json!({ "exp": NOW + 3541 }), Some(TokenFault::Expired)),
        (json!({ "iat": null }), Some(TokenFault::Malformed)),
        (json!({ "nbf": NOW + 30 }), None),
        (json!({ "nbf": NOW + 31 }), Some(TokenFault::NotYet)),
        (json!({ "iat": NOW + 31 }), Some(TokenFault::NotYet)),
        (json!({ "realm": { "roles": "watcher trader" } }), None),
        (json!({ "realm": { "roles": ["Trader", "admin", "operator"] } }), Some(TokenFault::Role)),
        (json!({ "realm": { "roles": "tradertrader" } }), Some(TokenFault::Role)),
        (json!({ "realm": { "roles": { "trader": true } } }), Some(TokenFault::Role)),
        (json!({ "realm": null, "roles": ["trader"] }), Some(TokenFault::Role)),
    ] {
        assert_eq!(judged(&issuers, &idp.token(header, &but(&changes))).err(), expected, "{changes}");
    }
}

#[test]
fn a_key_is_used_for_what_it_was_made_for() {
    let idp = Idp::new();
    let with = |name: &str, value: Value| {
        let mut key = idp.ec_jwk();
        key[name] = value;
        KeySet::parse(json!({ "keys": [key] }).to_string().as_bytes())
    };
    for (name, value) in [
        ("use", json!("enc")),
        ("key_ops", json!(["sign"])),
        ("d", json!("AAAA")),
        ("alg", json!("ES256K")),
        ("crv", json!("P-521")),
        ("kty", json!("oct")),
        ("x", json!(b64([1; 31]))),
    ] {
        assert_eq!(with(name, value.clone()).err(), Some(NoKeySet::NoUse), "{name}: {value}");
    }
    assert!(with("key_ops", json!(["verify"])).is_ok());
    let mut weak = idp.rsa_jwk();
    weak["n"] = b64([0xC3; 128]).into();
    assert_eq!(KeySet::parse(json!({ "keys": [weak] }).to_string().as_bytes()).err(), Some(NoKeySet::NoUse));
    // Two keys of one name: which one is meant nobody can know.
    let (issuers, issuer) = issuers(&idp, settings());
    let mut second = Idp::new().ec_jwk();
    second["kid"] = "ec".into();
    issuer.replace(KeySet::parse(json!({ "keys": [idp.ec_jwk(), second] }).to_string().as_bytes()).unwrap());
    let token = idp.token(r#"{"alg":"ES256","kid":"ec"}"#, &claims().to_string());
    assert_eq!(judged(&issuers, &token), Err(TokenFault::Signature));
}

#[test]
fn another_issuers_key_signs_nothing_here() {
    let (ours, theirs) = (Idp::new(), Idp::new());
    let second = IssuerSettings { name: "two".into(), issuer: "https://two.example".into(), ..settings() };
    let [ours_known, theirs_known] =
        [(&ours, settings()), (&theirs, second)].map(|(idp, settings)| issuers(idp, settings).1);
    let both = Issuers::new(vec![ours_known, theirs_known], 8192);
    let token = theirs.token(r#"{"alg":"ES256","kid":"ec"}"#, &claims().to_string());
    assert_eq!(judged(&both, &token), Err(TokenFault::Signature));
    let token = theirs.token(r#"{"alg":"ES256","kid":"ec"}"#, &but(&json!({ "iss": "https://two.example" })));
    assert_eq!(judged(&both, &token).unwrap().0, "two:u1");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_key_makes_one_fetch_however_many_tokens_name_one() {
    let idp = Idp::new();
    let (issuers, issuer) = issuers(&idp, settings());
    let header = |kid: &str| json!({ "alg": "ES256", "kid": kid }).to_string();
    let want = |kid: &str| {
        let text = idp.token(&header(kid), &claims().to_string());
        let token = issuers.read(text.as_bytes()).unwrap();
        issuer.want(&token)
    };
    let first = want("new").expect("a fetch is due");
    assert!(issuer.wanted().now_or_never().is_some(), "asked for");
    let second = want("other").expect("it waits for the same fetch");
    assert!(issuer.wanted().now_or_never().is_none(), "and asks for none of its own");
    issuer.fetch_is_over();
    first.await;
    second.await;
    assert!((0..1000).all(|n| want(&format!("made-up-{n}")).is_none()), "not so soon again");
    tokio::time::advance(Duration::from_secs(31)).await;
    assert!(want("new").is_none(), "it is known to be missing");
    assert!(want("newer").is_some());
    assert!(issuer.wanted().now_or_never().is_some());
}

const ISSUER: &str = "https://idp.example";
const NOW: u64 = 1_800_000_000;
