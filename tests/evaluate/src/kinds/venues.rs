//! Trading venues: keys, secrets, passphrases, signatures, and the FIX logon.

use super::{Kind, kind};
use crate::case::{plain, secret};
use crate::rng::{BASE62, BASE64URL, LOWER, Rng, UPPER};

const UP_AN: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

pub(super) const KINDS: [Kind; 21] = [
    kind("binance", |rng| rng.alnum(64)).names(&["binance api key", "binance api secret", "binance secret", "api secret", "binance secret key"]).header("X-MBX-APIKEY").own(&[
        |rng| format!("{{\"id\":1,\"method\":\"session.logon\",\"params\":{{\"apiKey\":\"{}\",\"signature\":\"{}\",\"timestamp\":1700000000000}}}}", secret(rng.alnum(64)), secret(rng.hex(64))),
        |rng| format!("GET https://api.binance.com/api/v3/account?timestamp=1700000000000&recvWindow=5000&signature={}", secret(rng.hex(64))),
        |rng| format!("wss://stream.binance.com:9443/ws/{}", secret(rng.alnum(64))),
        |rng| format!("{{\"listenKey\":\"{}\"}}", secret(rng.alnum(60))),
        |rng| format!("fetch Request: binance POST https://api.binance.com/api/v3/order RequestHeaders: {{ 'X-MBX-APIKEY': '{}' }} RequestBody: symbol=BTCUSDT&side=BUY&signature={}", secret(rng.alnum(64)), secret(rng.hex(64))),
        |rng| format!("client = Client('{}', '{}')", secret(rng.alnum(64)), secret(rng.alnum(64))),
    ]),
    kind("coinbase cdp", |_| String::new()).own(&[
        |rng| format!("{{\"name\":\"organizations/{}/apiKeys/{}\",\"privateKey\":\"{}\"}}", rng.uuid(), rng.uuid(), crate::escape::json(&super::keys::pem(rng, "EC PRIVATE KEY", 121))),
        |rng| format!("{{\"id\":\"{}\",\"privateKey\":\"{}\"}}", rng.uuid(), secret(rng.base64(64))),
        |rng| format!("CDP_API_KEY_SECRET={}", secret(rng.base64(64))),
        |rng| format!("Authorization: Bearer {}", secret(super::keys::jwt(rng, "\"iss\":\"cdp\",\"uri\":\"GET api.coinbase.com/x\""))),
    ]),
    kind("coinbase exchange", |rng| if rng.one_in(2) { rng.base64(64) } else { rng.hex(32) })
        .names(&["coinbase api secret", "coinbase api key", "cb access secret"]).header("CB-ACCESS-KEY").own(&[
            |rng| format!("CB-ACCESS-PASSPHRASE: {}", secret(rng.of("abcdefghijklmnopqrstuvwxyz0123456789", 11))),
            |rng| format!("CB-ACCESS-SIGN: {}\nCB-ACCESS-TIMESTAMP: 1700000000", secret(rng.base64(32))),
            |rng| format!("{{\"type\":\"subscribe\",\"signature\":\"{}\",\"key\":\"{}\",\"passphrase\":\"{}\",\"timestamp\":\"1\"}}", secret(rng.base64(32)), secret(rng.hex(32)), secret(rng.alnum(11).to_lowercase())),
        ]),
    kind("kraken", |rng| rng.base64(64)).names(&["kraken private key", "kraken api secret", "kraken secret"]).header("API-Sign").own(&[
        |rng| format!("API-Key: {}\nAPI-Sign: {}", secret(rng.base64(42)), secret(rng.base64(64))),
        |rng| format!("{{\"error\":[],\"result\":{{\"token\":\"{}\",\"expires\":900}}}}", secret(rng.base64(32))),
        |rng| format!("{{\"method\":\"subscribe\",\"params\":{{\"channel\":\"executions\",\"token\":\"{}\"}}}}", secret(rng.base64(32))),
    ]),
    kind("kraken futures", |rng| rng.base64(42)).names(&["kraken futures key", "kraken futures secret"]).header("APIKey").own(&[
        |rng| format!("APIKey: {}\nAuthent: {}", secret(rng.base64(42)), secret(rng.base64(64))),
    ]),
    kind("okx", |rng| rng.hex(32).to_uppercase()).names(&["okx secret key", "okx api secret", "okx secret"]).header("OK-ACCESS-KEY").own(&[
        |rng| format!("OK-ACCESS-KEY: {}\nOK-ACCESS-SIGN: {}\nOK-ACCESS-PASSPHRASE: {}", secret(rng.uuid()), secret(rng.base64(32)), secret(rng.alnum(12))),
        |rng| format!("{{\"op\":\"login\",\"args\":[{{\"apiKey\":\"{}\",\"passphrase\":\"{}\",\"timestamp\":\"1700000000\",\"sign\":\"{}\"}}]}}", secret(rng.uuid()), secret(rng.alnum(12)), secret(rng.base64(32))),
        |rng| format!("OKX_PASSPHRASE={}", secret(rng.alnum(10))),
    ]),
    kind("bybit", |rng| rng.alnum(36)).names(&["bybit api secret", "bybit secret", "bybit api key"]).header("X-BAPI-API-KEY").own(&[
        |rng| format!("X-BAPI-API-KEY: {}\nX-BAPI-SIGN: {}", secret(rng.alnum(18)), secret(rng.hex(64))),
        |rng| format!("{{\"op\":\"auth\",\"args\":[\"{}\",1700000000000,\"{}\"]}}", secret(rng.alnum(18)), secret(rng.hex(64))),
        |rng| format!("HTTP(testnet=True, api_key=\"{}\", api_secret=\"{}\")", secret(rng.alnum(18)), secret(rng.alnum(36))),
    ]),
    kind("kucoin", |rng| rng.uuid()).names(&["kucoin api secret", "kucoin secret"]).header("KC-API-SIGN").own(&[
        |rng| format!("KC-API-KEY: {}\nKC-API-SIGN: {}\nKC-API-PASSPHRASE: {}", secret(rng.hex(24)), secret(rng.base64(32)), secret(rng.base64(32))),
        |rng| format!("wss://ws-api.kucoin.com/?token={}&connectId=x", secret(rng.of(BASE64URL, 120))),
    ]),
    kind("bitfinex and bitmex", |rng| if rng.one_in(2) { rng.alnum(43) } else { rng.of(BASE64URL, 48) })
        .names(&["bitfinex api secret", "bitmex api secret", "bitfinex api key"]).header("bfx-apikey").own(&[
            |rng| format!("api-key: {}\napi-signature: {}", secret(rng.of(BASE64URL, 24)), secret(rng.hex(64))),
            |rng| format!("bfx-signature: {}", secret(rng.hex(96))),
            |rng| format!("{{\"event\":\"auth\",\"apiKey\":\"{}\",\"authSig\":\"{}\",\"authPayload\":\"AUTH1\"}}", secret(rng.alnum(43)), secret(rng.hex(96))),
            |rng| format!("{{\"op\":\"authKeyExpires\",\"args\":[\"{}\",1700000000,\"{}\"]}}", secret(rng.of(BASE64URL, 24)), secret(rng.hex(64))),
        ]),
    kind("deribit", |rng| rng.of(BASE64URL, 43)).names(&["deribit client secret", "client secret", "deribit secret"]).own(&[
        |rng| format!("{{\"method\":\"public/auth\",\"params\":{{\"grant_type\":\"client_credentials\",\"client_id\":\"{}\",\"client_secret\":\"{}\"}}}}", rng.alnum(8), secret(rng.of(BASE64URL, 43))),
        |rng| format!("{{\"result\":{{\"access_token\":\"17{}.{}\",\"refresh_token\":\"17{}.{}\"}}}}", secret(rng.digits(11)), secret(rng.of(BASE64URL, 90)), secret(rng.digits(11)), secret(rng.of(BASE64URL, 90))),
        |rng| format!("Authorization: deri-hmac-sha256 id={},ts=1700000000000,sig={},nonce=x", rng.alnum(8), secret(rng.hex(64))),
    ]),
    kind("gate, bitget, mexc, htx", |rng| rng.hex(64)).names(&["gate api secret", "bitget secret", "bitget api secret", "gateio secret"]).own(&[
        |rng| format!("KEY: {}\nSIGN: {}\nTimestamp: 1700000000", secret(rng.hex(32)), secret(rng.hex(128))),
        |rng| format!("ACCESS-KEY: bg_{}\nACCESS-PASSPHRASE: {}", secret(rng.hex(32)), secret(rng.alnum(10))),
        |rng| format!("X-MEXC-APIKEY: mx0{}", secret(rng.alnum(15))),
        |rng| { let groups = [8, 8, 8, 5].map(|n| rng.of("abcdefghijklmnopqrstuvwxyz0123456789", n)); format!("GET /v1/order?AccessKeyId={}&Signature={}", secret(groups.join("-")), secret(crate::escape::percent(&rng.base64(32)))) },
    ]),
    kind("gemini and bitstamp", |rng| rng.alnum(28)).names(&["gemini api secret", "bitstamp secret", "gemini secret"]).own(&[
        |rng| format!("X-GEMINI-APIKEY: account-{}\nX-GEMINI-SIGNATURE: {}", secret(rng.alnum(20)), secret(rng.hex(96))),
        |rng| format!("X-Auth: BITSTAMP {}\nX-Auth-Signature: {}", secret(rng.alnum(32)), secret(rng.hex(64).to_uppercase())),
    ]),
    kind("alpaca", |rng| rng.alnum(40)).names(&["alpaca secret key", "alpaca api secret", "apca api secret key"]).header("APCA-API-SECRET-KEY").own(&[
        |rng| format!("APCA-API-KEY-ID: PK{}\nAPCA-API-SECRET-KEY: {}", rng.of(UP_AN, 18), secret(rng.alnum(40))),
        |rng| format!("{{\"action\":\"auth\",\"key\":\"AK{}\",\"secret\":\"{}\"}}", rng.of(UP_AN, 18), secret(rng.alnum(40))),
        |rng| format!("TradingClient('PK{}', '{}')", rng.of(UP_AN, 18), secret(rng.alnum(40))),
    ]),
    kind("market data keys", |_| String::new()).own(&[
        |rng| format!("DATABENTO_API_KEY=db-{}", secret(rng.alnum(29))),
        |rng| format!("connecting with db-{}", secret(rng.alnum(29))),
        |rng| format!("GET https://api.polygon.io/v2/aggs/ticker/X?adjusted=true&apiKey={}", secret(rng.of(&format!("{BASE62}_"), 32))),
        |rng| format!("wss://ws.finnhub.io?token={}", secret(rng.of("abcdefghijklmnopqrstuvwxyz0123456789", 20))),
        |rng| format!("GET /stable/stock/aapl/quote?token=sk_{}", secret(rng.hex(32))),
        |rng| format!("GET /query?function=TIME_SERIES_DAILY&symbol=X&apikey={}", secret(rng.of(UP_AN, 16))),
        |rng| format!("TIINGO_API_KEY={}", secret(rng.hex(40))),
        |rng| format!("X-CMC_PRO_API_KEY: {}", secret(rng.uuid())),
        |rng| format!("x-cg-pro-api-key: CG-{}", secret(rng.alnum(24))),
        |rng| format!("https://eth-mainnet.g.alchemy.com/v2/{}", secret(rng.of(BASE64URL, 32))),
        |rng| format!("https://mainnet.infura.io/v3/{}", secret(rng.hex(32))),
        |rng| format!("wss://x.solana-mainnet.quiknode.pro/{}/", secret(rng.hex(40))),
    ]),
    kind("polymarket and hyperliquid", |_| String::new()).own(&[
        |rng| format!("POLY_API_KEY: {}\nPOLY_PASSPHRASE: {}\nPOLY_SIGNATURE: {}", secret(rng.uuid()), secret(rng.hex(64)), secret(rng.of(BASE64URL, 44))),
        |rng| format!("ApiCreds(api_key='{}', api_secret='{}', api_passphrase='{}')", secret(rng.uuid()), secret(rng.of(BASE64URL, 44)), secret(rng.hex(64))),
        |rng| format!("HYPERLIQUID_AGENT_KEY=0x{}", secret(rng.hex(64))),
        |rng| format!("Account.from_key(\"0x{}\")", secret(rng.hex(64))),
    ]),
    kind("venue passphrase", |rng| { let n = rng.between(8, 16); rng.alnum(n) }).names(&["passphrase", "api passphrase", "okx passphrase", "kucoin passphrase", "api password", "trading password"]),
    kind("venue key pair in one line", |_| String::new()).own(&[
        |rng| format!("ccxt.binance({{'apiKey': '{}', 'secret': '{}', 'enableRateLimit': True}})", secret(rng.alnum(64)), secret(rng.alnum(64))),
        |rng| format!("{{\"exchange\":{{\"name\":\"binance\",\"key\":\"{}\",\"secret\":\"{}\",\"password\":\"\"}}}}", secret(rng.alnum(64)), secret(rng.alnum(64))),
        |rng| format!("exchange={} uid={} apiKey={} secret={}", rng.word(), rng.digits(6), secret(rng.alnum(32)), secret(rng.alnum(40))),
        |rng| format!("venue,api_key,api_secret\nokx,{},{}", secret(rng.uuid()), secret(rng.hex(32).to_uppercase())),
        |rng| format!("    api-key: {}\n    api-secret: {}\n    sandbox: false", secret(rng.alnum(32)), secret(rng.alnum(48))),
    ]),
    kind("fix logon password", |_| String::new()).own(&[
        |rng| fix(rng, '\u{1}', "A", "553=desk7|554={}"),
        |rng| fix(rng, '|', "A", "553=desk7|554={}|141=Y"),
        |rng| fix(rng, '|', "BE", "923=r1|924=3|553=desk7|554={}|925={}"),
        |rng| fix(rng, '^', "A", "554={}|8013=Y"),
        |rng| format!("quickfix: toAdmin: {}", fix(rng, '\u{1}', "A", "98=0|553=x|554={}")),
        |rng| format!("{{\"msg\":\"{}\"}}", crate::escape::json(&fix(rng, '\u{1}', "A", "553=x|554={}"))),
        |rng| format!("SenderCompID=CLIENT\nUsername=x\nPassword={}", secret(rng.alnum(14))),
    ]),
    kind("fix logon raw data", |_| String::new()).own(&[
        |rng| { let data = rng.base64(64); fix_with(rng, '|', "A", &format!("95=88|96={}|553=k", secret(data))) },
        |rng| { let data = rng.base64(32); fix_with(rng, '\u{1}', "A", &format!("95=44|96={}|554=x", secret(data))) },
        |rng| { let data = rng.base64(64); fix_with(rng, '|', "A", &format!("553=k|1402={}|1401=88", secret(data))) },
    ]),
    kind("itch and ouch login", |_| String::new()).own(&[
        |rng| format!("SoupBinTCP login user=DESK01 password={} session=", secret(rng.alnum(10))),
        |rng| format!("<LoginRequest username=\"DESK01\" password=\"{}\"/>", secret(rng.alnum(10))),
        |rng| format!("OUCH: LoginRequest{{Username:DESK01 Password:{} RequestedSession:}}", secret(rng.alnum(10))),
    ]),
    kind("ib gateway and metatrader", |_| String::new()).own(&[
        |rng| format!("IbLoginId=trader1\nIbPassword={}\nTradingMode=live", secret(rng.alnum(12))),
        |rng| format!("TWSUSERID=x TWSPASSWORD={} ibgateway", secret(rng.alnum(12))),
        |rng| format!("mt5.initialize(login=123456, password=\"{}\", server=\"X-Demo\")", secret(format!("{}{}", rng.of(LOWER, 4), rng.of(UPPER, 4)))),
        |rng| format!("[Common]\nLogin=1234567\nPassword={}", secret(rng.alnum(8))),
    ]),
];

/// A FIX message of `kind` with `fields`, where `{}` stands for a secret and `|` for the separator.
fn fix(rng: &mut Rng, separator: char, kind: &str, fields: &str) -> String {
    let mut filled = fields.to_owned();
    while filled.contains("{}") {
        let length = rng.between(8, 24);
        filled = filled.replacen("{}", &secret(rng.alnum(length)), 1);
    }
    fix_with(rng, separator, kind, &filled)
}

fn fix_with(rng: &mut Rng, separator: char, kind: &str, fields: &str) -> String {
    let body = format!(
        "35={kind}|34={}|49=CLIENT|52=20260102-10:00:00.000|56=VENUE|98=0|108=30|{fields}|",
        rng.between(1, 99)
    );
    let head = format!("8=FIX.4.4|9={}|", plain(&body).len());
    let sum: usize = plain(&format!("{head}{body}")).replace('|', "\u{1}").bytes().map(usize::from).sum();
    format!("{head}{body}10={:03}|", sum % 256).replace('|', &separator.to_string())
}
