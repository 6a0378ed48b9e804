use std::fmt::Write;
use std::sync::LazyLock;

use proptest::prelude::*;
use sekisho_safety::{Cause, Effective, Health, Level, Mode, Posture, Scope, Source, State, Switch};

use super::packs::{PACKS, compiled};
use super::rules::Flags;
use super::written::{ExampleWritten, RulesWritten};
use super::*;
use crate::check::Checker;
use crate::policy::read;
use crate::{Class, Refusal};

type Pairs = Vec<(String, String)>;

struct Message {
    method: String,
    path: String,
    query: Pairs,
    body: Pairs,
    headers: Pairs,
}

impl Message {
    fn new(send: &str, query: &[(&str, &str)], body: &[(&str, &str)]) -> Self {
        let (method, path) = send.split_once(' ').unwrap();
        let own =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self { method: method.into(), path: path.into(), query: own(query), body: own(body), headers: vec![] }
    }

    fn of(example: &ExampleWritten) -> Self {
        let (method, path) = example.send.split_once(' ').unwrap();
        let query = example.query.clone().into_iter().collect();
        let body = example.body.clone().into_iter().collect();
        let headers = example.headers.clone().into_iter().collect();
        Self { method: method.into(), path: path.into(), query, body, headers }
    }

    fn view(&self) -> OrderView<'_> {
        let Self { method, path, query, body, headers } = self;
        OrderView { method, host: "venue.test", path, query, body, headers, ambiguity: None }
    }

    /// As a request, or as a message of a WebSocket.
    fn class(&self, rules: &OrderRules) -> Classified {
        if self.method != "WS" {
            return rules.classify(&self.view());
        }
        let Self { path, body, .. } = self;
        rules.classify_message(&MessageView { host: "venue.test", path, text: "", body, ambiguity: None })
    }

    fn by_head(&self, rules: &OrderRules, effective: &Effective) -> Option<Refusal> {
        let Self { method, path, .. } = self;
        rules.refusable_by_head(OrderHead { method, host: "venue.test", path }, effective)
    }
}

fn examples() -> &'static [(OrderRules, ExampleWritten)] {
    static EXAMPLES: LazyLock<Vec<(OrderRules, ExampleWritten)>> = LazyLock::new(all_examples);
    &EXAMPLES
}

fn all_examples() -> Vec<(OrderRules, ExampleWritten)> {
    let mut all = Vec::new();
    for (name, yaml) in PACKS {
        let written: RulesWritten = read(name, yaml).unwrap_or_else(|errors| panic!("{errors}"));
        let mut checker = Checker::new(name);
        let rules = written.check(name, "", &mut checker);
        checker.finish().unwrap_or_else(|errors| panic!("{errors}"));
        all.extend(written.examples.into_iter().map(|example| (rules.clone(), example)));
    }
    all
}

fn inline(yaml: &str) -> OrderRules {
    let written: RulesWritten = read("inline", yaml).unwrap();
    let mut checker = Checker::new("inline");
    let rules = written.check("inline", "", &mut checker);
    checker.finish().unwrap();
    rules
}

fn effective(posture: Posture) -> Effective {
    let level = match posture {
        Posture::Allow => Level::OPEN,
        Posture::CloseOnly => Level::switch(Switch::CloseOnly),
        Posture::Block => Level::switch(Switch::Block),
        Posture::EmergencyStop => Level { mode: Mode::EmergencyStop, ..Level::OPEN },
    };
    let mut state = State::danger_open();
    let cause = Cause { source: Source::Operator, actor: "ann".into(), reason: "test".into(), at_ms: 1 };
    state.tighten(Scope::Fleet, level, cause);
    let effective = state.effective(&[]);
    assert_eq!(effective.posture, posture);
    effective
}

#[test]
fn every_pack_compiles_and_does_what_its_examples_say() {
    let mut wrong = String::new();
    for (rules, example) in examples() {
        let message = Message::of(example);
        let Classified { class, legs, ambiguous, .. } = message.class(rules);
        let legs: Vec<_> = legs.iter().map(|leg| leg.name()).collect();
        if class.name() != example.class || legs != example.legs || ambiguous.is_some() != example.ambiguous {
            let ExampleWritten { send, query, body, .. } = example;
            writeln!(wrong, "{} {send} {query:?} {body:?}: {class} {legs:?} {ambiguous:?}", rules.name()).unwrap();
        }
    }
    assert_eq!(wrong, "");
}

#[test]
fn every_pack_has_examples_of_what_matters() {
    for (name, _) in PACKS {
        let of_pack: Vec<_> = examples().iter().filter(|(rules, _)| rules.name() == name).collect();
        for class in [Class::ReadOnly, Class::Cancel, Class::Opening, Class::Amend, Class::MoveFunds, Class::Unknown] {
            assert!(of_pack.iter().any(|(_, example)| example.class == class.name()), "{name} lacks {class}");
        }
    }
}

#[test]
fn every_mutation_of_a_path_is_ambiguous_or_unknown() {
    for (rules, example) in examples() {
        let message = Message::of(example);
        // A type of FIX message is a name and no path: in another case it is another type.
        if matches!(&*message.method, "WS" | "FIX") {
            continue;
        }
        let known = rules.classify(&message.view());
        let cased = message.path.to_ascii_uppercase();
        for path in [
            format!("/{}", message.path),
            format!("{};a=b", message.path),
            format!("/x/..{}", message.path),
            format!("/.{}", message.path),
            message.path.replacen('o', "%6f", 1),
            cased,
        ] {
            if path == message.path || (known.class == Class::ReadOnly && !path.contains('%')) {
                continue;
            }
            let changed = Message { path, ..Message::of(example) };
            let found = rules.classify(&changed.view());
            let harmless = found.class == Class::ReadOnly && matches!(&*message.method, "GET" | "HEAD");
            assert!(found.ambiguous.is_some() || found.class == Class::Unknown || harmless, "{}", changed.path);
        }
    }
}

#[test]
fn table() {
    let singles = Class::ALL.iter().filter(|class| **class != Class::Batch).map(|class| (*class, vec![]));
    let mixed = [
        (Class::Amend, vec![Class::ReduceEnforced]),
        (Class::Amend, vec![Class::Opening]),
        (Class::Batch, vec![]),
        (Class::Batch, vec![Class::Cancel, Class::Cancel]),
        (Class::Batch, vec![Class::ReduceEnforced, Class::Cancel]),
        (Class::Batch, vec![Class::ReduceEnforced, Class::Opening]),
        (Class::Batch, vec![Class::ReduceEnforced, Class::Unknown]),
    ];
    let flags = [
        ("as it comes", Flags::default()),
        (
            "everything turned round",
            Flags { unknown: UnknownOrders::Opening, seal_cancels: true, allow_risk: false, allow_funds: true },
        ),
    ];
    let mut text = String::new();
    for (name, flags) in flags {
        writeln!(text, "{name:<46}ALLOW CLOSE_ONLY BLOCK EMERGENCY_STOP").unwrap();
        for (class, legs) in singles.clone().chain(mixed.clone()) {
            for ambiguous in [None, Some("twice".to_owned())] {
                let label =
                    format!("{} {class}{}{}", class.letter(), shown(&legs), ambiguous.as_deref().map_or("", |_| " *"));
                let classified = Classified { class, legs: legs.clone(), ambiguous, ..Classified::unknown(None) };
                writeln!(text, "{label:<46}{}", row(&classified, flags)).unwrap();
            }
        }
    }
    insta::assert_snapshot!(text);
}

fn shown(legs: &[Class]) -> String {
    if legs.is_empty() { String::new() } else { format!(" {legs:?}") }
}

fn row(classified: &Classified, flags: Flags) -> String {
    let rules = OrderRules { flags, ..compiled("generic").unwrap() };
    let cell = |posture| match decide(classified, &effective(posture), &rules) {
        Ok(_) => "yes  ",
        Err(Refusal::OrderAmbiguous(..)) => "twoways",
        Err(_) => "-    ",
    };
    POSTURES.map(cell).join(" ")
}

#[test]
fn a_refusal_says_by_what_and_where() {
    let rules = compiled("binance").unwrap();
    let message = Message::new("POST /api/v3/order", &[], &[("symbol", "BTCUSDT"), ("side", "BUY")]);
    let refusal = decide(&rules.classify(&message.view()), &effective(Posture::Block), &rules).unwrap_err();
    let order = refusal.order().unwrap();
    assert_eq!((order.class, order.posture, &order.scope), (Class::Opening, Posture::Block, &Scope::Fleet));
    let permit = decide(&rules.classify(&message.view()), &effective(Posture::Allow), &rules).unwrap();
    assert_eq!((permit.class(), permit.posture()), (Class::Opening, Posture::Allow));
}

#[test]
fn instruments_are_found_wherever_they_stand() {
    type Case = (&'static str, &'static str, Fields, Fields, &'static [&'static str]);
    type Fields = &'static [(&'static str, &'static str)];
    let cases: [Case; 7] = [
        ("binance", "POST /api/v3/order", &[], &[("symbol", "BTCUSDT")], &["BTCUSDT"]),
        ("binance", "POST /api/v3/order", &[], &[("symbol", "btcusdt")], &["BTCUSDT", "btcusdt"]),
        ("okx", "POST /api/v5/trade/batch-orders", &[], &[("0.instId", "A"), ("1.instId", "B")], &["A", "B"]),
        ("deribit", "POST /api/v2", &[], &[("method", "private/buy"), ("params.instrument_name", "X")], &["X"]),
        ("alpaca", "DELETE /v2/positions/AAPL", &[], &[], &["AAPL"]),
        ("alpaca", "POST /v2/orders", &[], &[("symbol", "BTC/USD")], &["BTCUSD"]),
        ("binance", "POST /api/v3/order", &[("symbol", "/ /")], &[], &[]),
    ];
    for (pack, send, query, body, expected) in cases {
        let found = compiled(pack).unwrap().classify(&Message::new(send, query, body).view()).scopes;
        let expected: Vec<_> = expected.iter().map(|name| Scope::Instrument(name.parse().unwrap())).collect();
        assert_eq!(found, expected, "{send}");
    }
}

#[test]
fn what_the_gate_found_ambiguous_stays_so_and_counts_as_the_worst() {
    let rules = compiled("binance").unwrap();
    let body = [("symbol", "BTCUSDT"), ("side", "SELL"), ("type", "MARKET"), ("reduceOnly", "true")];
    let message = Message::new("POST /fapi/v1/order", &[], &body);
    assert_eq!(rules.classify(&message.view()).class, Class::ReduceEnforced);
    let found = rules.classify(&OrderView { ambiguity: Some("a header overrides the method"), ..message.view() });
    assert_eq!((found.class, found.ambiguous.is_some()), (Class::Opening, true));
    decide(&found, &effective(Posture::Allow), &rules).unwrap();
    let refusal = decide(&found, &effective(Posture::CloseOnly), &rules).unwrap_err();
    assert_eq!(refusal.code(), "order_ambiguous");
}

#[test]
fn a_head_that_decides_spares_the_body() {
    let cases = [
        ("binance", "POST /api/v3/order", Posture::CloseOnly, true),
        ("binance", "POST /fapi/v1/order", Posture::CloseOnly, false),
        ("binance", "POST /fapi/v1/order", Posture::Block, true),
        ("binance", "DELETE /api/v3/order", Posture::Block, false),
        ("binance", "POST /sapi/v1/capital/withdraw/apply", Posture::Allow, true),
        ("okx", "POST /api/v5/trade/batch-orders", Posture::CloseOnly, false),
        ("okx", "POST /api/v5/trade/batch-orders", Posture::Block, true),
        ("deribit", "POST /api/v2", Posture::EmergencyStop, false),
        ("generic", "POST /never/heard/of", Posture::Allow, true),
        ("generic", "GET /orders/%2e", Posture::CloseOnly, true),
    ];
    for (pack, send, posture, refused) in cases {
        let rules = compiled(pack).unwrap();
        let message = Message::new(send, &[], &[]);
        assert_eq!(message.by_head(&rules, &effective(posture)).is_some(), refused, "{pack} {send} {posture}");
    }
}

#[test]
fn what_the_head_refuses_the_whole_would_be_refused() {
    for (rules, example) in examples() {
        let message = Message::of(example);
        for posture in POSTURES {
            let effective = effective(posture);
            let whole = decide(&message.class(rules), &effective, rules);
            let head = message.by_head(rules, &effective).filter(|_| message.method != "WS");
            assert!(head.is_none() || whole.is_err(), "{} {} in {posture}", rules.name(), example.send);
        }
    }
}

#[test]
fn an_order_that_cannot_be_read_is_unknown_for_nobody_knows_its_instrument() {
    let rules = compiled("okx").unwrap();
    let message = Message::new("POST /api/v5/trade/order", &[], &[]);
    let unreadable = OrderView { ambiguity: Some("not JSON"), ..message.view() };
    assert_eq!(rules.classify(&unreadable).class, Class::Unknown);
    let cancel = Message::new("POST /api/v5/trade/cancel-order", &[], &[]);
    let unreadable = OrderView { ambiguity: Some("not JSON"), ..cancel.view() };
    assert_eq!(rules.classify(&unreadable).class, Class::Cancel);
}

#[test]
fn a_list_with_something_else_in_it_is_no_list() {
    let rules = compiled("okx").unwrap();
    for body in
        [vec![("0.side", "buy"), ("note", "x")], vec![("0", "buy")], vec![("-1.side", "buy")], vec![("x.side", "buy")]]
    {
        let found = rules.classify(&Message::new("POST /api/v5/trade/batch-orders", &[], &body).view());
        assert_eq!((found.legs.as_slice(), found.ambiguous.is_some()), ([Class::Unknown].as_slice(), true), "{body:?}");
    }
}

#[test]
fn hosts_tell_rules_apart() {
    let rules = inline(
        "rules:\n  - {methods: [POST], host: Other.test, paths: [/o], class: cancel}\n  - {methods: [POST], paths: [/o], class: opening}\n",
    );
    let message = Message::new("POST /o", &[], &[]);
    assert_eq!(rules.classify(&message.view()).class, Class::Opening);
    assert_eq!(rules.classify(&OrderView { host: "other.test", ..message.view() }).class, Class::Cancel);
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

fn leg() -> impl Strategy<Value = Class> {
    class().prop_filter("a leg has no legs", |class| !matches!(class, Class::Batch | Class::Amend))
}

fn flags() -> impl Strategy<Value = Flags> {
    any::<(bool, bool, bool, bool)>().prop_map(|(deny, seal_cancels, allow_risk, allow_funds)| Flags {
        unknown: if deny { UnknownOrders::Deny } else { UnknownOrders::Opening },
        seal_cancels,
        allow_risk,
        allow_funds,
    })
}

fn level() -> impl Strategy<Value = Level> {
    let switch = prop::sample::select(vec![Switch::Allow, Switch::CloseOnly, Switch::Block]);
    let mode = prop::sample::select(vec![Mode::Normal, Mode::Safe, Mode::EmergencyStop]);
    let health = prop::sample::select(vec![Health::Ok, Health::Unknown]);
    (switch, mode, health).prop_map(|(switch, mode, health)| Level { switch, mode, health })
}

fn at(level: Level) -> Effective {
    Effective { level, posture: level.posture(), ..effective(Posture::Allow) }
}

proptest! {
    #[test]
    fn a_stricter_state_never_permits_what_a_looser_one_refuses(
        class in class(), legs in prop::collection::vec(leg(), 0..4), ambiguous in any::<bool>(),
        flags in flags(), one in level(), other in level(),
    ) {
        let rules = OrderRules { flags, ..inline("rules: []") };
        let ambiguous = ambiguous.then(|| "twice".to_owned());
        let classified = Classified { class, legs, ambiguous, ..Classified::unknown(None) };
        let looser = decide(&classified, &at(one), &rules).is_ok();
        let stricter = decide(&classified, &at(one.join(other)), &rules).is_ok();
        prop_assert!(looser || !stricter);
    }

    #[test]
    fn a_further_leg_never_helps(
        legs in prop::collection::vec(leg(), 1..4), further in leg(), flags in flags(), level in level(),
    ) {
        let rules = OrderRules { flags, ..inline("rules: []") };
        let batch = |legs| Classified { class: Class::Batch, legs, ..Classified::unknown(None) };
        let more = [legs.clone(), vec![further]].concat();
        let before = decide(&batch(legs), &at(level), &rules).is_ok();
        prop_assert!(before || decide(&batch(more), &at(level), &rules).is_err());
    }

    #[test]
    fn no_message_breaks_the_classifier_or_gets_past_its_head(
        pack in 0..PACKS.len(), example in any::<prop::sample::Index>(),
        names in prop::collection::vec("[a-zA-Z0-9_.]{0,12}|side|reduceOnly|reduce_only|symbol|0.side", 0..6),
        value in "true|false|BUY|buy|[ -~]{0,8}",
    ) {
        let rules = compiled(PACKS[pack].0).unwrap();
        let examples = examples();
        let mut message = Message::of(&example.get(examples).1);
        message.body.extend(names.into_iter().map(|name| (name, value.clone())));
        let classified = rules.classify(&message.view());
        for posture in POSTURES {
            let effective = effective(posture);
            let head = message.by_head(&rules, &effective);
            prop_assert!(head.is_none() || decide(&classified, &effective, &rules).is_err());
        }
    }

    #[test]
    fn a_field_given_twice_is_never_sure(example in any::<prop::sample::Index>(), upper in any::<bool>()) {
        let examples = examples();
        let (rules, example) = example.get(examples);
        let mut message = Message::of(example);
        let again = message.query.iter().chain(&message.body).next().cloned();
        let Some((name, value)) = again else { return Ok(()) };
        let name = if upper { name.to_ascii_uppercase() } else { name };
        message.body.push((name, value));
        prop_assert!(rules.classify(&message.view()).ambiguous.is_some());
    }
}

const POSTURES: [Posture; 4] = [Posture::Allow, Posture::CloseOnly, Posture::Block, Posture::EmergencyStop];
