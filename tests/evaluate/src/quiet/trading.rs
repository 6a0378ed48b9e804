//! Orders, fills, market data.

use super::Family;
use crate::rng::Rng;

pub(super) const FAMILIES: [Family; 13] = [
    ("binance order json", |rng| {
        format!(
            r#"{{"e":"executionReport","E":17{},"s":"BTCUSDT","c":"x-{}{}","S":"BUY","o":"LIMIT","f":"GTC","q":"0.0{}","p":"{}.10","i":{},"t":{},"I":{},"T":17{}}}"#,
            rng.digits(11),
            rng.alnum(8),
            rng.hex(22),
            rng.digits(4),
            rng.digits(5),
            rng.digits(11),
            rng.digits(10),
            rng.digits(11),
            rng.digits(11)
        )
    }),
    ("client order ids", |rng| {
        format!(
            "placed clOrdId={} ordId={} clientOrderId=web_{} orderLinkId={} userref={}",
            rng.alnum(32),
            rng.digits(19),
            rng.hex(32),
            rng.uuid(),
            rng.digits(9)
        )
    }),
    ("kraken orders", |rng| {
        format!(
            r#"{{"txid":["O{}-{}-{}"],"refid":"T{}-{}-{}","descr":{{"order":"buy 1.25 XBTUSD @ limit {}.0"}}}}"#,
            up(rng, 5),
            up(rng, 5),
            up(rng, 6),
            up(rng, 5),
            up(rng, 5),
            up(rng, 6),
            rng.digits(5)
        )
    }),
    ("fix execution reports", |rng| fix(rng, '\u{1}')),
    ("fix with pipes", |rng| fix(rng, '|')),
    ("fix market data", |rng| {
        format!(
            "8=FIX.4.4|9=220|35=W|34={}|49=VENUE|52=20260102-10:00:00.{:03}|56=CLIENT|55=EUR/USD|262={}|268=2|269=0|270=1.{}|271={}|269=1|270=1.{}|271={}|10={:03}|",
            rng.digits(5),
            rng.below(1000),
            rng.uuid(),
            rng.digits(5),
            rng.digits(6),
            rng.digits(5),
            rng.digits(6),
            rng.below(256)
        )
    }),
    ("fix heartbeat and logon without password", |rng| {
        format!(
            "8=FIX.4.2|9=65|35={}|34={}|49=CLIENT|52=20260102-10:00:00|56=VENUE|98=0|108=30|112={}|10={:03}|",
            rng.pick(&["0", "1", "A"]),
            rng.below(9999),
            rng.alnum(12),
            rng.below(256)
        )
    }),
    ("order book", |rng| {
        let levels: Vec<_> =
            (0..8).map(|_| format!(r#"["{}.{}","0.{}"]"#, rng.digits(5), rng.digits(2), rng.digits(8))).collect();
        format!(r#"{{"lastUpdateId":{},"bids":[{}],"checksum":-{}}}"#, rng.digits(11), levels.join(","), rng.digits(9))
    }),
    ("candles csv", |rng| {
        format!(
            "17{},{}.{},{}.{},{}.{},{}.{},{}.{},{}",
            rng.digits(11),
            rng.digits(5),
            rng.digits(2),
            rng.digits(5),
            rng.digits(2),
            rng.digits(5),
            rng.digits(2),
            rng.digits(5),
            rng.digits(2),
            rng.digits(3),
            rng.digits(8),
            rng.digits(6)
        )
    }),
    ("okx and bybit frames", |rng| {
        format!(
            r#"{{"arg":{{"channel":"orders","instType":"SPOT","uid":"{}"}},"data":[{{"ordId":"{}","clOrdId":"{}","tradeId":"{}","reqId":"{}","tag":"{}","algoId":"","cTime":"17{}"}}]}}"#,
            rng.digits(18),
            rng.digits(18),
            rng.alnum(30),
            rng.digits(9),
            rng.alnum(16),
            rng.hex(16),
            rng.digits(11)
        )
    }),
    ("isin and instruments", |rng| {
        format!(
            "US{} CUSIP {} SEDOL B{} LEI {} MIC XNAS acct=DU{} perm_id={} con_id={}",
            rng.digits(10),
            rng.digits(9),
            rng.digits(6),
            up(rng, 20),
            rng.digits(6),
            rng.digits(10),
            rng.digits(9)
        )
    }),
    ("positions", |rng| {
        format!(
            "position account_id={} portfolio={} strategy={} delta={}.{} key_id={} access_level=2 token_symbol=USDC token_id={}",
            rng.digits(7),
            rng.uuid(),
            rng.word(),
            rng.below(99),
            rng.digits(4),
            rng.hex(8),
            rng.digits(12)
        )
    }),
    ("risk", |rng| {
        format!(
            "{} WARN  [worker-{}] c.e.RiskEngine - limit at {}% for account {}: exposure {}.{} USD, decision {} retry in {} ms",
            rng.time(),
            rng.below(16),
            rng.below(100),
            rng.digits(8),
            rng.digits(6),
            rng.digits(2),
            rng.uuid(),
            rng.below(900)
        )
    }),
];

fn up(rng: &mut Rng, length: usize) -> String {
    rng.of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length)
}

fn fix(rng: &mut Rng, separator: char) -> String {
    let text = format!(
        "8=FIX.4.4|9=312|35=8|49=VENUE|56=CLIENT|34={}|52=20260102-10:00:00.{:03}|6=0|11={}|14=0|17={}|31=0|37={}|38={}|39=0|41={}|44={}.5|54=1|55=BTC/USD|58=ok|150=0|151=1|198={}|378=1|453=1|448={}|447=D|452=1|527={}|10={:03}|",
        rng.digits(5),
        rng.below(1000),
        rng.alnum(20),
        rng.uuid(),
        rng.digits(19),
        rng.digits(3),
        rng.alnum(20),
        rng.digits(5),
        rng.digits(12),
        up(rng, 8),
        rng.hex(24),
        rng.below(256)
    );
    text.replace('|', &separator.to_string())
}
