//! Access logs, headers, payloads.

use super::Family;
use crate::rng::{BASE62, BASE64URL};

pub(super) const FAMILIES: [Family; 14] = [
    ("access log", |rng| {
        format!(
            "{} - - [{}] \"GET /api/v1/orders/{}?symbol=ETHUSDT&limit={}&cursor={} HTTP/1.1\" 200 {} \"https://app.example.com/trade/{}\" \"Mozilla/5.0 (X11; Linux x86_64)\"",
            rng.address(),
            rng.time(),
            rng.digits(12),
            rng.below(100),
            rng.uuid(),
            rng.digits(4),
            rng.digits(8)
        )
    }),
    ("empty credentials in queries", |rng| {
        format!(
            "GET /login?token=&next=%2F{} HTTP/2\" 302 password= reset=true&api_key=\" {}us id={}",
            rng.word(),
            rng.below(900),
            rng.uuid()
        )
    }),
    ("json access log", |rng| {
        format!(
            r#"{{"time":"{}","remote":"{}","method":"POST","uri":"/v2/order/{}","status":201,"bytes":{},"request_id":"{}","ua":"okhttp/4.12","etag":"W/\"{}\"","upstream":"{}:8080"}}"#,
            rng.time(),
            rng.address(),
            rng.digits(9),
            rng.digits(4),
            rng.hex(32),
            rng.hex(27),
            rng.address()
        )
    }),
    ("response headers", |rng| {
        format!(
            "< HTTP/2 200\n< etag: \"{}\"\n< x-request-id: {}\n< x-amz-request-id: {}\n< x-amz-id-2: {}\n< cf-ray: {}-FRA\n< server-timing: db;dur={}\n< content-md5: {}",
            rng.hex(32),
            rng.uuid(),
            rng.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 16),
            rng.base64(56),
            rng.hex(16),
            rng.below(99),
            rng.base64(16)
        )
    }),
    ("client headers", |rng| {
        format!(
            "> GET /{}-{} HTTP/1.1\n> Host: {}\n> Accept: */*\n> Sec-WebSocket-Key-Count: {}\n> If-None-Match: \"{}\"\n> X-Trace: {}",
            rng.word(),
            rng.digits(5),
            rng.address(),
            rng.below(3),
            rng.hex(40),
            rng.uuid()
        )
    }),
    ("set-cookie of preferences", |rng| {
        format!(
            "Set-Cookie: theme=dark; Path=/; Max-Age=31536000\nCookie: lang=en; consent={}; _ga=GA1.2.{}.17{}",
            rng.pick(&["yes", "no"]),
            rng.digits(10),
            rng.digits(8)
        )
    }),
    ("assets", |rng| {
        format!(
            "GET /static/js/main.{}.chunk.js 200\nGET /_next/static/{}/_buildManifest.js\n<script src=\"/a/{}.js\" integrity=\"sha384-{}\" crossorigin></script>",
            rng.hex(8),
            rng.of(BASE64URL, 21),
            rng.hex(20),
            rng.base64(48)
        )
    }),
    ("cursors and pages", |rng| {
        format!(
            r#"{{"next_page":"{}","has_more":true,"count":{},"cursor":"{}","continuation":"{}"}}"#,
            rng.base64(48),
            rng.below(99),
            rng.of(BASE64URL, 60),
            rng.hex(48)
        )
    }),
    ("base64 payloads", |rng| {
        let size = rng.between(60, 600);
        format!("payload={} len={size} encoding=base64", rng.base64(size))
    }),
    ("data urls", |rng| {
        let size = rng.between(200, 900);
        format!("background: url(data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA{})", rng.base64(size))
    }),
    ("protobuf debug", |rng| {
        format!(
            "msg {{ id: {} payload: \"\\n\\020{}\\022\\004{}\" hash: \"{}\" ts: 17{} }}",
            rng.digits(10),
            rng.word(),
            rng.alnum(4),
            rng.hex(40),
            rng.digits(17)
        )
    }),
    ("s3 access log", |rng| {
        format!(
            "{} bucket [{}] {} - {} REST.GET.OBJECT trades/2026/{}.parquet \"GET /bucket/x HTTP/1.1\" 200 - {} {} 12 11 \"-\" \"aws-sdk-go\" - {} SigV4 ECDHE-RSA-AES128-GCM-SHA256 AuthHeader",
            rng.hex(64),
            rng.time(),
            rng.address(),
            rng.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 16),
            rng.uuid(),
            rng.digits(5),
            rng.digits(5),
            rng.base64(57)
        )
    }),
    ("short links and slugs", |rng| {
        format!(
            "https://example.com/p/{}?utm_source={}&utm_campaign={}-{} ref={}",
            rng.of(BASE62, 11),
            rng.word(),
            rng.word(),
            rng.digits(3),
            rng.of(BASE62, 16)
        )
    }),
    ("emails and message ids", |rng| {
        format!(
            "Message-ID: <{}.{}@mail.example.com>\nDKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=k1; bh={}; b={}",
            rng.hex(16),
            rng.uuid(),
            rng.base64(32),
            rng.base64(128)
        )
    }),
];
