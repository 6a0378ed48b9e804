//! The corpus of `tests/data/orders`: what venues' messages are, by what venues say.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use http::Request;
use http::request::Parts;
use proptest::prelude::*;
use sekisho_codec::{Limits, json};
use sekisho_policy::{Class, Classified, MessageView, OrderRules, Policy, decide};
use sekisho_safety::{Cause, Effective, Level, Posture, Scope, Source, State, Switch};

use super::classify;

const CORPUS: [(&str, &str); 8] = [
    ("binance", include_str!("../../../../tests/data/orders/binance.txt")),
    ("okx", include_str!("../../../../tests/data/orders/okx.txt")),
    ("bybit", include_str!("../../../../tests/data/orders/bybit.txt")),
    ("kraken", include_str!("../../../../tests/data/orders/kraken.txt")),
    ("kraken_futures", include_str!("../../../../tests/data/orders/kraken_futures.txt")),
    ("coinbase", include_str!("../../../../tests/data/orders/coinbase.txt")),
    ("deribit", include_str!("../../../../tests/data/orders/deribit.txt")),
    ("alpaca", include_str!("../../../../tests/data/orders/alpaca.txt")),
];
pub(crate) const LIMITS: Limits = Limits { depth: 16, pairs: 512 };

/// A message as it is sent.
#[derive(Clone, Debug)]
struct Sent {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Sent {
    /// A line of the corpus, behind its label.
    fn parse(text: &str) -> Self {
        let (method, rest) = text.split_once(' ').unwrap();
        let (target, mut rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let mut headers = Vec::new();
        while let Some(header) = rest.strip_prefix('@') {
            let (header, after) = header.split_once(' ').unwrap_or((header, ""));
            let (name, value) = header.split_once('=').unwrap();
            headers.push((name.to_owned(), value.to_owned()));
            rest = after;
        }
        let kind = if rest.starts_with(['{', '[']) { "application/json" } else { "application/x-www-form-urlencoded" };
        if !rest.is_empty() && headers.iter().all(|(name, _)| name != "content-type") {
            headers.push(("content-type".into(), kind.into()));
        }
        Self { method: method.into(), target: target.into(), headers, body: rest.into() }
    }

    fn head(&self) -> Option<Parts> {
        let mut request =
            Request::builder().method(self.method.as_str()).uri(format!("http://venue.test{}", self.target));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        Some(request.body(()).ok()?.into_parts().0)
    }

    fn class(&self, rules: &OrderRules) -> Option<Classified> {
        if self.method == "WS" {
            let flat = json::flatten(self.body.as_bytes(), &LIMITS).unwrap_or_default();
            let doubt = flat.ambiguity.map(|doubt| doubt.to_string());
            let (path, text, body) = (self.target.as_str(), self.body.as_str(), flat.pairs.as_slice());
            let view = MessageView { host: "venue.test", path, text, body, ambiguity: doubt.as_deref() };
            return Some(rules.classify_message(&view));
        }
        Some(classify(rules, "venue.test", (&self.head()?, self.body.as_bytes()), &LIMITS))
    }
}

/// The rules of a pack. Each is read once: the properties below ask for them thousands of times.
pub(crate) fn rules(pack: &str) -> Arc<OrderRules> {
    static READ: LazyLock<HashMap<&str, Arc<OrderRules>>> =
        LazyLock::new(|| CORPUS.iter().map(|(pack, _)| (*pack, read(pack))).collect());
    Arc::clone(&READ[pack])
}

fn read(pack: &str) -> Arc<OrderRules> {
    let policy = format!(
        "version: 1\nservice: s\nlisteners: {{egress: 127.0.0.1:1}}\nupstreams: {{u: {{url: 'http://127.0.0.1:2'}}}}\n\
         routes: [{{name: r, listener: egress, upstream: u, orders: {{pack: {pack}}}}}]\n"
    );
    let policy = Policy::parse("p", &policy).unwrap();
    Arc::clone(&policy.routes[0].orders.as_ref().unwrap().rules)
}

fn lines() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    CORPUS.iter().flat_map(|(pack, text)| {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(move |line| {
            let (label, message) = line.split_once(' ').unwrap();
            (*pack, label, message)
        })
    })
}

fn label(found: &Classified) -> String {
    let mut label = found.class.letter().to_string();
    if !found.legs.is_empty() {
        label.push(':');
    }
    label.extend(found.legs.iter().map(|leg| leg.letter()));
    label.extend(found.ambiguous.as_ref().map(|_| '!'));
    label
}

pub(crate) fn effective(switch: Switch) -> Effective {
    let mut state = State::danger_open();
    let cause = Cause { source: Source::Operator, actor: "ann".into(), reason: "test".into(), at_ms: 1 };
    state.tighten(Scope::Fleet, Level::switch(switch), cause);
    state.effective(&[])
}

#[test]
fn every_message_of_the_corpus_is_what_its_label_says() {
    let (mut wrong, mut count) = (String::new(), 0);
    for (pack, text) in CORPUS {
        let rules = rules(pack);
        for (_, expected, message) in lines().filter(|(of, ..)| *of == pack) {
            let found = Sent::parse(message).class(&rules).unwrap();
            count += 1;
            if label(&found) != expected {
                writeln!(wrong, "{pack}: {expected} is taken for {} ({:?}): {message}", label(&found), found.ambiguous)
                    .unwrap();
            }
        }
        assert!(!text.is_empty());
    }
    assert_eq!(wrong, "");
    assert!(count >= 400, "{count} messages");
}

#[test]
fn every_class_of_the_table_is_in_the_corpus() {
    for class in Class::ALL {
        let letter = class.letter();
        assert!(lines().any(|(_, label, _)| label.starts_with(letter) || label.contains(letter)), "{class}");
    }
}

/// A pack, a message, and what its orders say: instrument, side, quantity, price, id.
const SAID: &[(&str, &str, &str)] = &[
    (
        "binance",
        "POST /api/v3/order symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=0.01&price=50000&newClientOrderId=x-1",
        "BTCUSDT Some(Buy) 0.01 50000 x-1",
    ),
    ("binance", "DELETE /api/v3/order?symbol=BTCUSDT&origClientOrderId=x-1", ""),
    (
        "okx",
        r#"POST /api/v5/trade/batch-orders [{"instId":"A","tdMode":"cash","side":"sell","sz":"2","clOrdId":"c"}]"#,
        "A Some(Sell) 2 - c",
    ),
    (
        "bybit",
        r#"POST /v5/order/create-batch {"category":"linear","request":[{"symbol":"A","side":"Buy","qty":"1","orderLinkId":"l"}]}"#,
        "A Some(Buy) 1 - l",
    ),
    ("bybit", r#"POST /v5/order/amend {"category":"linear","symbol":"A","orderLinkId":"l","qty":"1"}"#, "A None 1 - -"),
    (
        "kraken",
        "POST /0/private/AddOrder pair=XBTUSD&type=sell&ordertype=market&volume=1.25&cl_ord_id=k",
        "XBTUSD Some(Sell) 1.25 - k",
    ),
    (
        "kraken",
        r#"POST /0/private/AddOrderBatch {"pair":"XBTUSD","orders":[{"type":"buy","volume":"1"}]}"#,
        "XBTUSD Some(Buy) 1 - -",
    ),
    (
        "kraken_futures",
        "POST /derivatives/api/v3/sendorder?symbol=PF&side=buy&size=3&limitPrice=7&cliOrdId=f",
        "PF Some(Buy) 3 7 f",
    ),
    (
        "coinbase",
        r#"POST /api/v3/brokerage/orders {"client_order_id":"c","product_id":"BTC-USD","side":"SELL","order_configuration":{"limit_limit_gtc":{"base_size":"1","limit_price":"5"}}}"#,
        "BTC-USD Some(Sell) 1 5 c",
    ),
    (
        "deribit",
        "GET /api/v2/private/sell?instrument_name=BTC-PERPETUAL&amount=10&price=3",
        "BTC-PERPETUAL Some(Sell) 10 3 -",
    ),
    (
        "alpaca",
        r#"POST /v2/orders {"symbol":"AAPL","qty":"1","side":"buy","limit_price":"2.5","client_order_id":"a"}"#,
        "AAPL Some(Buy) 1 2.5 a",
    ),
    ("alpaca", "DELETE /v2/positions/AAPL", "AAPL None - - -"),
];

#[test]
fn an_order_says_what_it_is_for() {
    for (pack, message, expected) in SAID {
        let found = Sent::parse(message).class(&rules(pack)).unwrap();
        let or = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let said = found.orders.iter().map(|order| {
            let number = |number: Option<sekisho_policy::Decimal>| or(number.map(|number| number.to_string()));
            format!(
                "{} {:?} {} {} {}",
                or(order.instrument.clone()),
                order.side,
                number(order.quantity),
                number(order.price),
                or(order.client_id.clone())
            )
        });
        assert_eq!(said.collect::<Vec<_>>().join("; "), *expected, "{message}");
    }
}

/// What may become of a message on its way from a client that is broken, or hostile.
#[derive(Clone, Debug)]
enum Twist {
    Method(&'static str),
    Upper(usize),
    Percent(usize),
    Drop(usize),
    Double(usize),
    Put(usize, &'static str),
    Header(&'static str, &'static str),
    QueryToBody,
    BodyToQuery,
}

fn twist() -> impl Strategy<Value = Twist> {
    let at = 0_usize..200;
    let words = vec![
        "true",
        "\"true\"",
        "false",
        "&reduceOnly=true",
        "&side=BUY",
        ",\"reduceOnly\":true",
        "}",
        "{",
        "[",
        "%00",
        "%2e",
        "/..",
        ";",
        "//",
        "\\",
        "\u{feff}",
        "\u{200b}",
        "&",
        "=",
        "?",
        "#",
        " ",
        "\t",
        "\"",
        "1e9",
        "-",
        "cancel",
        "GET",
    ];
    let headers = vec![
        ("x-http-method-override", "DELETE"),
        ("content-type", "application/json"),
        ("content-type", "text/plain"),
        ("content-type", "application/x-www-form-urlencoded; charset=utf-7"),
        ("content-encoding", "gzip"),
        ("x-original-url", "/ping"),
    ];
    prop_oneof![
        prop::sample::select(vec!["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "get", "OPTIONS", "WS"])
            .prop_map(Twist::Method),
        at.clone().prop_map(Twist::Upper),
        at.clone().prop_map(Twist::Percent),
        at.clone().prop_map(Twist::Drop),
        at.clone().prop_map(Twist::Double),
        (at, prop::sample::select(words)).prop_map(|(at, word)| Twist::Put(at, word)),
        prop::sample::select(headers).prop_map(|(name, value)| Twist::Header(name, value)),
        Just(Twist::QueryToBody),
        Just(Twist::BodyToQuery),
    ]
}

/// Does `change` to the letter of target and body that `at` falls on.
fn letter(sent: &mut Sent, at: usize, change: impl Fn(char) -> String) {
    let text = format!("{}\n{}", sent.target, sent.body);
    let at = at % text.chars().count();
    let twisted: String = text
        .chars()
        .enumerate()
        .map(|(place, letter)| if place == at { change(letter) } else { letter.to_string() })
        .collect();
    if let Some((target, body)) = twisted.split_once('\n') {
        (sent.target, sent.body) = (target.to_owned(), body.to_owned());
    }
}

impl Twist {
    fn apply(&self, sent: &mut Sent) {
        match self {
            Self::Method(method) => sent.method = (*method).to_owned(),
            Self::Upper(at) => letter(sent, *at, |letter| letter.to_uppercase().to_string()),
            Self::Percent(at) => letter(sent, *at, |letter| format!("%{:02x}", letter as u32 & 0xff)),
            Self::Drop(at) => letter(sent, *at, |_| String::new()),
            Self::Double(at) => letter(sent, *at, |letter| format!("{letter}{letter}")),
            Self::Put(at, word) => letter(sent, *at, |letter| format!("{letter}{word}")),
            Self::Header(name, value) => sent.headers.push(((*name).to_owned(), (*value).to_owned())),
            Self::QueryToBody => {
                if let Some((path, query)) = sent.target.clone().split_once('?') {
                    sent.target = path.to_owned();
                    sent.body = format!("{}&{query}", sent.body);
                }
            }
            Self::BodyToQuery => {
                let body = std::mem::take(&mut sent.body);
                sent.target = format!("{}?{body}", sent.target);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    /// In BLOCK nothing is let through but what reads, cancels or keeps alive, for certain; and a message that was an order stays
    /// one, or becomes unknown, or one of a method that carries none.
    #[test]
    fn nothing_twisted_gets_past_block(
        line in any::<prop::sample::Index>(), twists in prop::collection::vec(twist(), 1..4),
    ) {
        let all: Vec<_> = lines().collect();
        let (pack, label, message) = line.get(&all);
        let rules = rules(pack);
        let mut sent = Sent::parse(message);
        twists.iter().for_each(|twist| twist.apply(&mut sent));
        let Some(found) = sent.class(&rules) else { return Ok(()) };
        if decide(&found, &effective(Switch::Block), &rules).is_ok() {
            let harmless = |class: &Class| matches!(class, Class::ReadOnly | Class::Cancel | Class::KeepAlive);
            prop_assert!(found.ambiguous.is_none(), "{sent:?}");
            prop_assert!(harmless(&found.class) || (found.class == Class::Batch && found.legs.iter().all(harmless)), "{sent:?}");
            // An order whose path is still its own has not become harmless by a change of its fields.
            let path = |sent: &Sent| sent.target.split('?').next().unwrap_or_default().to_owned();
            let before = Sent::parse(message);
            let same = path(&before) == path(&sent) && before.method == sent.method && sent.method != "WS";
            let opens = label.starts_with(['C', 'D', 'E', 'F', 'G']);
            let rpc = *pack == "deribit" && sent.method == "POST";
            prop_assert!(!(same && opens) || rpc, "{label} {sent:?}");
        }
    }

    #[test]
    fn a_stricter_state_never_lets_a_message_through_that_a_looser_one_stops(
        line in any::<prop::sample::Index>(), twists in prop::collection::vec(twist(), 0..4),
    ) {
        let all: Vec<_> = lines().collect();
        let (pack, _, message) = line.get(&all);
        let rules = rules(pack);
        let mut sent = Sent::parse(message);
        twists.iter().for_each(|twist| twist.apply(&mut sent));
        let Some(found) = sent.class(&rules) else { return Ok(()) };
        let passes = [Switch::Allow, Switch::CloseOnly, Switch::Block].map(|switch| decide(&found, &effective(switch), &rules).is_ok());
        prop_assert!(passes.is_sorted_by(|looser, stricter| looser >= stricter), "{sent:?} {passes:?}");
        prop_assert_eq!(effective(Switch::Allow).posture, Posture::Allow);
    }
}
