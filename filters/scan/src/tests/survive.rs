//! What must come out byte for byte, and what must not.

use super::expand::{Dice, expand};
use super::*;

#[test]
fn ordinary_shapes_survive() {
    let mut dice = Dice(3);
    let rules = rules();
    for template in SURVIVORS {
        let text = expand(template, &mut dice);
        for shape in [Shape::Text, Shape::Json] {
            let redacted = redact(&rules, shape, text.as_bytes());
            assert!(redacted.findings.is_empty(), "{text}: {:?}", redacted.findings);
            assert_eq!(&*redacted.bytes, text.as_bytes());
        }
    }
}

#[test]
fn any_bytes_survive() {
    let rules = rules();
    let mut dice = Dice(4);
    let noise: Vec<u8> = (0..4096).map(|_| dice.next().to_le_bytes()[0]).filter(|byte| *byte != b'\\').collect();
    let wide: Vec<u8> = "order 17 filled at 12.5\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [noise, wide, vec![0; 1000], vec![0xff; 1000], "Füße, 価格, 😀\n".repeat(40).into_bytes()] {
        let redacted = redact(&rules, Shape::Text, &bytes);
        assert_eq!(redacted.bytes, bytes, "{:?}", redacted.findings);
    }
}

#[test]
fn a_key_of_many_lines_is_masked_to_its_end_under_a_name_too() {
    let marker = |word: &str| format!("-----{word} PRIVATE KEY-----");
    let key = format!("{}\nMIIE\nMIIE\n{}", marker("BEGIN"), marker("END"));
    for before in ["K='", "SIGNING_KEY='", "x --ssh-key '", "set private key to `", "token: \""] {
        assert_eq!(masked(Shape::Text, &format!("{before}{key}'\nx")), format!("{before}****'\nx"));
    }
}

#[test]
fn names_and_values() {
    let faults: Vec<String> = CASES
        .iter()
        .filter_map(|(shape, text, expected)| {
            let found = masked(*shape, text);
            (found != *expected).then(|| format!("{shape:?} {text}\n   gives {found}\n  wanted {expected}"))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

const CASES: &[(Shape, &str, &str)] = &[
    (Shape::Json, r#"{"password":"hunter2","n":1}"#, r#"{"password":"****","n":1}"#),
    (Shape::Json, r#"{"apiKey" : "abcdefghijkl1234","n":1}"#, r#"{"apiKey" : "****1234","n":1}"#),
    (Shape::Json, r#"{"db_password":12345,"n":[1.50]}"#, r#"{"db_password":"****","n":[1.50]}"#),
    (Shape::Json, r#"{"secret":true,"token":null}"#, r#"{"secret":"****","token":null}"#),
    (Shape::Json, r#"{"password":"a\"b\\","n":1}"#, r#"{"password":"****","n":1}"#),
    (Shape::Json, r#"{"m":"{\"password\":\"x\"}"}"#, r#"{"m":"{\"password\":\"****\"}"}"#),
    (
        Shape::Json,
        r#"{"m":"{\"m\":\"{\\\"password\\\":\\\"x y\\\"}\"}"}"#,
        r#"{"m":"{\"m\":\"{\\\"password\\\":\\\"****\\\"}\"}"}"#,
    ),
    (Shape::Json, r#"{"m":"{\"token\":17}"}"#, r#"{"m":"{\"token\":\"****\"}"}"#),
    (Shape::Json, "{\"p\\u0061ssword\":\"x y\"}", "{\"p\\u0061ssword\":\"****\"}"),
    (Shape::Json, "{\"passwor\\u0064\":\"x y\"}", "{\"passwor\\u0064\":\"****\"}"),
    (
        Shape::Json,
        r#"{"credentials":{"user":"bob","n":[1, true,null,""],"o":{}},"z":1}"#,
        r#"{"credentials":{"user":"****","n":["****", "****",null,""],"o":{}},"z":1}"#,
    ),
    (Shape::Json, r#"{"m":"{\"secrets\":[\"a b\",1]}","z":1}"#, r#"{"m":"{\"secrets\":[\"****\",\"****\"]}","z":1}"#),
    (Shape::Json, "{\n  \"password\": \"hunter2\"\n}\n", "{\n  \"password\": \"****\"\n}\n"),
    (Shape::Form, "user=a&password=b%20c%26d&x=1", "user=a&password=****&x=1"),
    (Shape::Form, "pass%77ord=hunter2&x=1", "pass%77ord=****&x=1"),
    (Shape::Query, "token=abcdefghijklmnop1234&x=1", "token=****1234&x=1"),
    (Shape::Text, "level=info password=hunter2 user=bob", "level=info password=**** user=bob"),
    (Shape::Text, "password=\"hunter 2\" user=bob", "password=\"****\" user=bob"),
    (Shape::Text, "password: hunter2\n", "password: ****\n"),
    (Shape::Text, "x (password=abc), y", "x (password=****), y"),
    (Shape::Text, "API-KEY => 'abc def'", "API-KEY => '****'"),
    (Shape::Text, "GET /x?api_key=abc&b=1 HTTP/1.1", "GET /x?api_key=****&b=1 HTTP/1.1"),
    (Shape::Text, "{user=a, password=b, z=c}", "{user=a, password=****, z=c}"),
    (Shape::Text, "PaSsWoRd=hunter2", "PaSsWoRd=****"),
    (Shape::Text, "http://a:b@c/d", "http://a:****@c/d"),
    (Shape::Text, "Authorization: Bearer abcdefghijkl", "Authorization: Bearer ****"),
    (Shape::Text, r"password=\\x y", "password=**** y"),
    (Shape::Text, r"password=ab\\cd y", "password=**** y"),
    (Shape::Text, r"password=\n y", r"password=\n y"),
    (Shape::Json, r#"{"m":"{\"m\":\"password=\\nx\"}"}"#, r#"{"m":"{\"m\":\"password=\\nx\"}"}"#),
    (Shape::Text, "password=a)b))c), y", "password=****), y"),
    (
        Shape::Text,
        "Authorization: deri-hmac-sha256 id=a,ts=1,sig=b,nonce=c\n",
        "Authorization: deri-hmac-sha256 ****\n",
    ),
    (
        Shape::Text,
        "authorization: AWS4-HMAC-SHA256 Credential=x/1/eu, SignedHeaders=host, Signature=ab\n",
        "authorization: AWS4-HMAC-SHA256 ****\n",
    ),
    (Shape::Text, "<add key=\"AuthToken\" value=\"a b\" />", "<add key=\"AuthToken\" value=\"****\" />"),
    (Shape::Text, "  secret = getpass.getpass('Secret: ')\n", "  secret = getpass.getpass('Secret: ')\n"),
    (Shape::Text, "client.APIKey = apiKey\n", "client.APIKey = apiKey\n"),
    (Shape::Text, "token=&a password= x&api_key=\" 3us\n", "token=&a password= x&api_key=\" 3us\n"),
    (Shape::Text, "Set-Cookie: theme=dark; Path=/\n", "Set-Cookie: theme=dark; Path=/\n"),
    (
        Shape::Text,
        "name=\"mnemonic_phrase\"\r\n\r\nuncover debate\r\n--b",
        "name=\"mnemonic_phrase\"\r\n\r\n****\r\n--b",
    ),
    (Shape::Text, "seen Unseal Key 1: tF84nYr4cxpEgROfxoDraEiYpU3531HnSikIRhPelcx= in", "seen Unseal Key 1: **** in"),
    (Shape::Text, "u%3Fpassword%3Dhunter2", "u%3Fpassword%3D****"),
    (Shape::Text, "u%253Fpassword%253Dhunter2", "u%253Fpassword%253D****"),
];

const SURVIVORS: &[&str] = &[
    r"write(\u00XX) and \\u00 and \\\u00g then",
    "trace_id={{hex:32}} span_id={{hex:16}} uuid={{hex:8}}-{{hex:4}}-{{hex:4}}-{{hex:4}}-{{hex:12}}",
    r#"{"token_count":17,"max_tokens":4096,"key_id":"{{alnum:20}}","public_key":"{{b64:44}}","password_policy":"strict"}"#,
    r#"{"secret_age_days":12,"api_key_last4":"1234","keyspace":"orders","monkey":"see","token":"****1234"}"#,
    "sha256:{{hex:64}} commit {{hex:40}} etag \"{{hex:32}}\" tx 0x{{hex:64}} to 0x{{hex:40}}",
    "sig {{b58:88}} account {{b58:44}} order {{digit:19}} clientOrderId=x-{{alnum:32}}",
    "8=FIX.4.4|35=D|11={{alnum:20}}|17={{alnum:12}}|37={{digit:10}}|198={{alnum:8}}|10=123|",
    "-----BEGIN CERTIFICATE-----\n{{b64:64}}\n-----END CERTIFICATE-----\n-----BEGIN PUBLIC KEY-----\n{{b64:64}}\n",
    "ssh-ed25519 AAAA{{b64:64}} x@y age1{{lowernum:58}} xpub{{b58:107}} G{{b32:55}}",
    r#"{"keys":[{"kty":"RSA","n":"{{b64u:340}}","e":"AQAB","x":"{{b64u:43}}"}]}"#,
    "pod api-7d9f8b6c5-x2x7k container {{hex:64}} ulid 01ARZ3NDEK{{uppernum:16}}",
    "sk-****1234 [REDACTED] password=[REDACTED] password=**** token=sk-****abcd",
    "pam_unix(passwd:chauthtok): password changed for bob; PWD=/home/bob ; USER=root ; COMMAND=/bin/ls",
    "password=${DB_PASSWORD} token={{split:{|{ token }|}}} secret=<your secret> api_key=$API_KEY password=",
    "10.0.0.1 - - [01/Jan/2026:12:34:56 +0000] \"GET /a?b=c%20d HTTP/1.1\" 200 12 \"https://example.com/x\" \"curl/8\"",
];
