//! What HTTP carries: authentication schemes, key headers, cookies.

use super::{Kind, kind};
use crate::case::secret;
use crate::rng::{BASE64URL, Rng, base64, base64url};

pub(super) const KINDS: [Kind; 6] = [
    kind("basic authentication", |_| String::new()).own(&[
        |rng| format!("> Authorization: Basic {}", secret(pair(rng))),
        |rng| format!("proxy-authorization: Basic {}", secret(pair(rng))),
        |rng| format!("{{'Authorization': 'Basic {}', 'Accept': '*/*'}}", secret(pair(rng))),
        |rng| format!("{{\"headers\":{{\"authorization\":\"Basic {}\"}}}}", secret(pair(rng))),
        |rng| format!("curl -H \"Authorization: Basic {}\" https://api.example.com/", secret(pair(rng))),
        |rng| format!("headers=map[Authorization:[Basic {}] Accept:[*/*]]", secret(pair(rng))),
    ]),
    kind("opaque bearer", |_| String::new()).own(&[
        |rng| format!("< Authorization: Bearer {}", secret(opaque(rng))),
        |rng| format!("curl -H 'Authorization: Bearer {}' https://api.example.com/v1/me", secret(opaque(rng))),
        |rng| format!("{{\"request\":{{\"headers\":{{\"Authorization\":[\"Bearer {}\"]}}}}}}", secret(opaque(rng))),
        |rng| format!("[HPACK] :method=GET authorization=Bearer {} :path=/", secret(opaque(rng))),
        |rng| format!("msg=\"upstream 401\" auth=\"Bearer {}\"", secret(opaque(rng))),
        |rng| format!("{{\\\"Authorization\\\":\\\"Bearer {}\\\"}}", secret(opaque(rng))),
        |rng| format!("credentials: bearer token={}", secret(opaque(rng))),
    ]),
    kind("other authentication schemes", |_| String::new()).own(&[
        |rng| {
            format!(
                "Authorization: Digest username=\"ann\", realm=\"r\", nonce=\"{}\", uri=\"/\", response=\"{}\"",
                rng.hex(16),
                secret(rng.hex(32))
            )
        },
        |rng| format!("Authorization: Splunk {}", secret(rng.uuid())),
        |rng| {
            let (id, key) = (rng.of(BASE64URL, 20), rng.of(BASE64URL, 22));
            format!("Authorization: ApiKey {}", secret(base64(format!("{id}:{key}"))))
        },
        |rng| format!("Authorization: Token {}", secret(rng.hex(40))),
        |rng| format!("Authorization: Token token={}", secret(rng.alnum(20))),
        |rng| format!("authorization: {}", secret(rng.alnum(40))),
        |rng| format!("Authorization: Negotiate {}", secret(rng.base64(200))),
        |rng| format!("Authorization: SSWS 00{}", secret(rng.of(BASE64URL, 40))),
    ]),
    kind("api key header", |rng| match rng.below(3) {
        0 => rng.hex(32),
        1 => rng.alnum(40),
        _ => rng.uuid(),
    })
    .names(&["api key", "auth token", "x api key", "access token", "service token"])
    .header("X-API-Key")
    .own(&[
        |rng| format!("X-Auth-Token: {}", secret(rng.alnum(32))),
        |rng| format!("Api-Key: {}", secret(rng.hex(32))),
        |rng| format!("  x-internal-token: {}", secret(rng.alnum(24))),
        |rng| format!("proxy_set_header X-Api-Key \"{}\";", secret(rng.alnum(32))),
        |rng| format!("wget --header=\"X-Api-Key: {}\" https://x.example.test", secret(rng.alnum(32))),
    ]),
    kind("session cookie", |rng| rng.alnum(32)).own(&[
        |rng| format!("Set-Cookie: session={}; Path=/; HttpOnly; Secure", secret(rng.alnum(40))),
        |rng| {
            format!(
                "Cookie: theme=dark; sessionid={}; lang=en",
                secret(rng.of("abcdefghijklmnopqrstuvwxyz0123456789", 32))
            )
        },
        |rng| format!("> cookie: connect.sid=s%3A{}.{}", secret(rng.of(BASE64URL, 32)), rng.word()),
        |rng| format!("Cookie: JSESSIONID={}", secret(rng.hex(32).to_uppercase())),
        |rng| format!("set-cookie: __Host-sid={}; Secure; Path=/", secret(rng.of(BASE64URL, 43))),
        |rng| {
            format!(
                "Cookie: PHPSESSID={}; laravel_session={}",
                secret(rng.of("abcdefghijklmnopqrstuvwxyz0123456789", 26)),
                secret(rng.base64(150).replace('=', "%3D").replace('+', "%2B").replace('/', "%2F"))
            )
        },
        |rng| format!("{{\"headers\":{{\"cookie\":\"_ga=GA1.2.3; auth_token={}; x=1\"}}}}", secret(rng.hex(40))),
        |rng| format!("curl -b 'sid={}' https://app.example.com", secret(rng.alnum(32))),
        |rng| format!("Set-Cookie: remember_token={}; Max-Age=31536000", secret(rng.alnum(60))),
    ]),
    kind("oauth and saml exchange", |_| String::new()).own(&[
        |rng| {
            format!(
                "grant_type=authorization_code&code={}&client_id=app&redirect_uri=https%3A%2F%2Fx",
                secret(rng.alnum(40))
            )
        },
        |rng| format!("grant_type=password&username=ann&password={}", secret(rng.alnum(12))),
        |rng| {
            format!(
                "{{\"access_token\":\"{}\",\"token_type\":\"bearer\",\"expires_in\":3600,\"refresh_token\":\"{}\"}}",
                secret(opaque(rng)),
                secret(opaque(rng))
            )
        },
        |rng| format!("client_assertion_type=x&client_assertion={}", secret(super::keys::jwt(rng, "\"sub\":\"x\""))),
        |rng| {
            format!(
                "SAMLResponse={}&RelayState=x",
                secret(base64url(format!(
                    "<samlp:Response ID=\"{}\"><Assertion>{}</Assertion></samlp:Response>",
                    rng.hex(32),
                    rng.base64(120)
                )))
            )
        },
    ]),
];

fn pair(rng: &mut Rng) -> String {
    base64(format!("{}:{}", rng.word(), {
        let n = rng.between(6, 30);
        rng.alnum(n)
    }))
}

fn opaque(rng: &mut Rng) -> String {
    match rng.below(4) {
        0 => rng.hex(40),
        1 => rng.of(BASE64URL, 64),
        2 => rng.uuid(),
        _ => rng.base64(36),
    }
}
