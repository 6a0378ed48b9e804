//! Signed tokens at the door, and the keys of their issuer over the network.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::client::{Answer, send};
use crate::pki::{Authority, Issued, saying};
use crate::sidecar::{ANN, ROOT, Sidecar};
use crate::upstream::Upstream;

/// An issuer whose keys can be fetched, and changed.
struct Idp {
    served: Upstream,
    keys: Arc<Mutex<Value>>,
}

struct Signer {
    kid: &'static str,
    key: EcdsaKeyPair,
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

impl Signer {
    fn new(kid: &'static str) -> Self {
        Self { kid, key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    fn jwk(&self) -> Value {
        let point = self.key.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "kid": self.kid, "alg": "ES256", "x": b64(&point[1..33]), "y": b64(&point[33..]) })
    }

    /// A bearer token of `sub`, with its name as `jti`.
    fn token(&self, sub: &str, role: &str) -> String {
        let claims = json!({
            "iss": "https://idp.example", "aud": "desk", "sub": sub, "jti": format!("of-{sub}"), "groups": [role],
            "iat": now_s(), "exp": now_s() + 300,
        });
        let message =
            format!("{}.{}", b64(json!({ "alg": "ES256", "kid": self.kid }).to_string()), b64(claims.to_string()));
        let signature = self.key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("Bearer {message}.{}", b64(signature))
    }
}

impl Idp {
    fn new(signer: &Signer) -> Self {
        let keys = Arc::new(Mutex::new(json!({ "keys": [signer.jwk()] })));
        let served = Arc::clone(&keys);
        let served = Upstream::answering(move |_| {
            http::Response::new(Full::new(Bytes::from(served.lock().unwrap().to_string())))
        });
        Self { served, keys }
    }

    fn now_signs_with(&self, signer: &Signer) {
        *self.keys.lock().unwrap() = json!({ "keys": [signer.jwk()] });
    }
}

/// A sidecar whose policy believes an issuer whose keys are at `jwks`.
fn believing(upstream: &Upstream, jwks: &str, more: &str) -> Sidecar {
    let (_, dir) = Sidecar::blocked(upstream).stop();
    let path = dir.path().join("policy.yaml");
    let policy = std::fs::read_to_string(&path).unwrap();
    let issuer = format!(
        "identity:\n  issuers:\n    - {{ name: idp, issuer: \"https://idp.example\", jwks: \"{jwks}\", audiences: [desk], algorithms: [ES256], role_claim: groups, roles: {{ bots: service, desk: operator }}, {more} }}\n"
    );
    // Most of what is tried here fails, and is to fail for its own reason.
    let failures = "auth_failures: { per_pair: 10000, per_peer: 10000, per_credential: 10000, overall: 100000 }";
    std::fs::write(&path, format!("{}\n{failures}\n", policy.replace("identity:\n", &issuer))).unwrap();
    Sidecar::on(dir)
}

fn knock(sidecar: &Sidecar, token: &str) -> Answer {
    send(sidecar.ingress, "GET /door", &[("authorization", token)], b"")
}

#[test]
fn a_good_token_passes_and_stays_at_the_door_and_others_do_not_pass() {
    let (upstream, signer) = (Upstream::start(), Signer::new("a"));
    let idp = Idp::new(&signer);
    let sidecar = believing(&upstream, &format!("http://{}/keys", idp.served.address), "refresh: 1h");
    assert_eq!(knock(&sidecar, &signer.token("u1", "bots")).status, 200);
    let arrived = upstream.one().headers;
    assert!(arrived.contains("sekisho-principal: idp:u1") && !arrived.contains("authorization"), "{arrived}");
    assert_eq!(knock(&sidecar, &signer.token("u1", "desk")).code(), "forbidden", "not a role of this route");
    let good = signer.token("u2", "bots");
    let [_, claims, signature] = good.split('.').collect::<Vec<_>>().try_into().unwrap();
    let cut: String = good.chars().take(good.len() - 2).collect();
    let none = format!("Bearer {}.{claims}.{signature}", b64(r#"{"alg":"none"}"#));
    for token in [none.as_str(), &cut, "Bearer x", "Basic dTpw", &Signer::new("a").token("u3", "bots")] {
        let answer = knock(&sidecar, token);
        assert_eq!((answer.status, answer.code()), (401, "unauthenticated".to_owned()), "{token}");
    }
    let twice = [("authorization", good.as_str()), ("authorization", &good)];
    assert_eq!(send(sidecar.ingress, "GET /door", &twice, b"").status, 401);
    assert_eq!(upstream.count(), 0);
    // On a route that asks nobody, the header is between caller and service.
    send(sidecar.ingress, "GET /plain", &[("authorization", &good)], b"");
    assert!(upstream.one().headers.contains("authorization: Bearer"));
    sidecar.until("the reasons are recorded", |sidecar| {
        let whys: Vec<Value> =
            sidecar.events("authentication").iter().map(|event| event["inputs"]["why"].clone()).collect();
        ["token_algorithm", "token_signature", "token_malformed"].iter().all(|why| whys.iter().any(|told| told == why))
    });
}

#[test]
fn keys_that_change_are_fetched_once_and_those_that_are_gone_sign_nothing() {
    let (upstream, first, second) = (Upstream::start(), Signer::new("a"), Signer::new("b"));
    let idp = Idp::new(&first);
    let sidecar = believing(&upstream, &format!("http://{}/keys", idp.served.address), "refresh: 1h, refetch: 1s");
    assert_eq!(knock(&sidecar, &first.token("u1", "bots")).status, 200);
    idp.now_signs_with(&second);
    sidecar.until("a fetch is due again", |_| knock(&sidecar, &second.token("u2", "bots")).status == 200);
    assert_eq!(knock(&sidecar, &first.token("u1", "bots")).status, 401, "withdrawn");
    idp.served.take();
    for n in 0..50 {
        let stranger = Signer { kid: Box::leak(format!("made-up-{n}").into_boxed_str()), ..Signer::new("x") };
        knock(&sidecar, &stranger.token("u3", "bots"));
    }
    let fetched = idp.served.take().len();
    assert!(fetched < 25, "{fetched} fetches");
}

#[test]
fn keys_are_fetched_over_tls_from_whom_policy_believes_and_from_nobody_else() {
    let (upstream, signer, outside) = (Upstream::start(), Signer::new("a"), tempfile::tempdir().unwrap());
    let (ours, theirs) = (Authority::new("ours"), Authority::new("theirs"));
    let keys = Arc::new(Mutex::new(json!({ "keys": [signer.jwk()] }).to_string()));
    let ca = outside.path().join("ca.pem");
    std::fs::write(&ca, ours.pem()).unwrap();
    let more = format!("refresh: 1s, refetch: 1s, ca: {}", ca.display());
    let jwks = |shows: &Issued| format!("https://localhost:{}/keys", saying(shows, Arc::clone(&keys)).port());

    let sidecar = believing(&upstream, &jwks(&ours.issue(&["localhost"])), &more);
    sidecar.until("they are fetched", |it| knock(it, &signer.token("u1", "bots")).status == 200);
    let next = Signer::new("b");
    *keys.lock().unwrap() = json!({ "keys": [next.jwk()] }).to_string();
    sidecar.until("they are fetched again", |it| knock(it, &next.token("u1", "bots")).status == 200);
    // What cannot be read changes nothing while the last keys are kept.
    *keys.lock().unwrap() = "not keys".to_owned();
    sidecar.until("it is told", |it| {
        it.events("security.alert.raised").iter().any(|event| event["action"] == "issuer.keys_unread")
    });
    assert_eq!(knock(&sidecar, &next.token("u1", "bots")).status, 200);
    drop(sidecar);

    *keys.lock().unwrap() = json!({ "keys": [signer.jwk()] }).to_string();
    for shows in [theirs.issue(&["localhost"]), ours.issue(&["elsewhere"])] {
        let sidecar = believing(&upstream, &jwks(&shows), &more);
        sidecar.until("it is told", |it| {
            it.events("security.alert.raised").iter().any(|event| event["action"] == "issuer.keys_unread")
        });
        assert_eq!(knock(&sidecar, &signer.token("u1", "bots")).status, 401);
    }
}

#[test]
fn a_token_a_person_and_a_file_of_keys() {
    let (upstream, signer) = (Upstream::start(), Signer::new("a"));
    let keys = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(keys.path(), json!({ "keys": [signer.jwk()] }).to_string()).unwrap();
    let sidecar = believing(&upstream, &format!("file:{}", keys.path().display()), "forward: true, refresh: 1s");
    let (one, two) = (signer.token("u1", "bots"), signer.token("u2", "bots"));
    assert_eq!((knock(&sidecar, &one).status, knock(&sidecar, &two).status), (200, 200));
    assert!(
        upstream.take().iter().all(|arrived| arrived.headers.contains("authorization: Bearer")),
        "policy forwards it"
    );
    for (kind, id, expected) in [("token", "of-u1", (401, 200)), ("person", "u2", (401, 401))] {
        let asked = json!({ "kind": kind, "id": id, "reason": "test" });
        assert_eq!(sidecar.change("/v1/revocations", ANN, &asked).status, 403);
        assert_eq!(sidecar.change("/v1/revocations", ROOT, &asked).status, 200);
        assert_eq!((knock(&sidecar, &one).status, knock(&sidecar, &two).status), expected, "{kind} {id}");
    }
    let listed = send(sidecar.admin, "GET /v1/revocations", &[("x-api-key", ANN)], b"").json();
    assert_eq!(listed["revocations"].as_array().unwrap().len(), 2, "{listed}");
    std::fs::write(keys.path(), json!({ "keys": [Signer::new("z").jwk()] }).to_string()).unwrap();
    sidecar.until("the file is read again", |sidecar| knock(sidecar, &signer.token("u9", "bots")).status == 401);
    // An operator of the issuer may do at the admin API what an operator may.
    let desk = Signer::new("y");
    std::fs::write(keys.path(), json!({ "keys": [desk.jwk()] }).to_string()).unwrap();
    let tighten = |token: &str| {
        let headers = [("authorization", token), ("content-type", "application/json")];
        send(sidecar.admin, "POST /v1/tighten", &headers, br#"{"reason":"test"}"#).status
    };
    sidecar.until("its keys are known", |_| tighten(&desk.token("ann", "desk")) == 200);
    assert_eq!(tighten(&desk.token("bot", "bots")), 200, "a service may tighten as well");
}
