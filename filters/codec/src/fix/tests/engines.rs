//! Two engines with a session between them, on links that lose what is on them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{MOST, draft, frame, text};
use crate::fix::{Answer, Draft, Resent, Session, Stream, tag};

/// An engine on one side, as strict about numbers as the standard.
#[derive(Default)]
struct Engine {
    name: &'static str,
    /// The next number it sends, and the next it expects.
    next: u64,
    expected: u64,
    /// Application messages it sent, to send again.
    sent: BTreeMap<u64, Vec<u8>>,
    /// What it got, duplicates left out.
    got: Vec<String>,
    /// Numbers that came in front of their turn: the link lost what was before.
    asked_again: bool,
}

impl Engine {
    fn new(name: &'static str) -> Self {
        Self { name, next: 1, expected: 1, ..Self::default() }
    }

    fn send(&mut self, kind: &str, fields: &[(u32, &str)]) -> Vec<u8> {
        let bytes = fields
            .iter()
            .fold(draft(self.name, self.next, kind), |draft, (tag, value)| draft.field(*tag, value))
            .finish();
        if !matches!(kind, "0" | "1" | "2" | "4" | "A" | "5") {
            self.sent.insert(self.next, bytes.clone());
        }
        self.next += 1;
        bytes
    }

    /// Takes messages; what it sends back.
    fn take(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let (mut stream, mut back) = (Stream::new(MOST), Vec::new());
        stream.push(bytes);
        while let Some(frame) = stream.frame().unwrap() {
            let message = frame.message().unwrap();
            let (number, dup) = (message.number().unwrap(), message.flag(tag::POSS_DUP));
            if number < self.expected {
                assert!(dup, "{}: a number that was there: {}", self.name, text(frame.bytes()));
                continue;
            }
            if number > self.expected {
                // As the standard has it: were both to wait for what they miss, neither would ever get it.
                if message.kind() == "2" {
                    back.extend(self.again(message.parsed(7).unwrap()));
                }
                if !self.asked_again {
                    self.asked_again = true;
                    back.push(self.send("2", &[(7, &self.expected.to_string()), (16, "0")]));
                }
                continue;
            }
            self.asked_again = false;
            self.expected = match (message.kind(), message.flag(tag::GAP_FILL)) {
                ("4", true) => message.parsed(tag::NEW_SEQ_NO).unwrap(),
                _ => number + 1,
            };
            match message.kind() {
                "1" => {
                    let id = message.text(tag::TEST_REQ_ID).unwrap().to_owned();
                    back.push(self.send("0", &[(tag::TEST_REQ_ID, &id)]));
                }
                "2" => back.extend(self.again(message.parsed(7).unwrap())),
                kind => self.got.push(format!("{kind} {}", message.text(11).unwrap_or_default())),
            }
        }
        back
    }

    /// Sends again all from a number on; session messages are a gap to fill.
    fn again(&self, from: u64) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        let mut at = from;
        while at < self.next {
            if let Some(bytes) = self.sent.get(&at) {
                let frame = frame(bytes);
                let message = frame.message().unwrap();
                let again = Draft::again(&message, message.kind(), at);
                all.push(
                    [11, 55, 54, 38].iter().fold(again, |draft, tag| draft.maybe(*tag, message.get(*tag))).finish(),
                );
                at += 1;
            } else {
                let to = self.sent.range(at..).next().map_or(self.next, |(next, _)| *next);
                let frame = frame(&draft(self.name, at, "4").finish());
                let fill = Draft::again(&frame.message().unwrap(), "4", at).field(tag::GAP_FILL, "Y");
                all.push(fill.field(tag::NEW_SEQ_NO, to.to_string()).finish());
                at = to;
            }
        }
        all
    }
}

/// A desk and a venue with the session between them, on links that may lose what is on them.
struct Pair {
    desk: Engine,
    venue: Engine,
    session: Session,
    block: bool,
}

impl Pair {
    fn new() -> Self {
        Self { desk: Engine::new("DESK"), venue: Engine::new("VENUE"), session: Session::new(64), block: false }
    }

    /// What the proxy passes to the venue for one message of the desk.
    fn up(&mut self, bytes: &[u8]) -> Vec<u8> {
        let frame = frame(bytes);
        let message = frame.message().unwrap();
        let resent = self.session.sent(&message).unwrap();
        if message.kind() != "D" {
            return bytes.to_vec();
        }
        match resent {
            Resent::No if self.block => {
                let id = format!("id-{}", message.number().unwrap());
                self.session.take_out(&message, Some((Answer::to(&message, "halted", &id), &id)))
            }
            Resent::No => bytes.to_vec(),
            Resent::Passed if !self.block => bytes.to_vec(),
            Resent::Refused | Resent::Passed | Resent::Unknown => self.session.take_out(&message, None),
        }
    }

    fn down(&mut self, bytes: &[u8]) -> Vec<u8> {
        let frame = frame(bytes);
        let message = frame.message().unwrap();
        self.session.received(&message).unwrap_or_else(|| bytes.to_vec())
    }

    /// Lets everything that is said be answered. `lose`: the first message each way is lost.
    fn run(&mut self, from_desk: Vec<Vec<u8>>, from_venue: Vec<Vec<u8>>, lose: (bool, bool)) {
        let (mut up, mut down) = (from_desk, from_venue);
        let (mut lose_up, mut lose_down) = lose;
        for _ in 0..100 {
            if up.is_empty() && down.is_empty() {
                return;
            }
            for bytes in std::mem::take(&mut up) {
                let bytes = self.up(&bytes);
                if !std::mem::take(&mut lose_up) {
                    down.extend(self.venue.take(&bytes));
                }
            }
            for bytes in std::mem::take(&mut down) {
                let bytes = self.down(&bytes);
                if !std::mem::take(&mut lose_down) {
                    up.extend(self.desk.take(&bytes));
                }
            }
        }
        panic!("the two never agree");
    }

    fn order(&mut self, lose: (bool, bool)) {
        let id = format!("order-{}", self.desk.next);
        let order = self.desk.send("D", &[(11, &id), (55, "ABC"), (54, "1"), (38, "1")]);
        self.run(vec![order], vec![], lose);
    }

    fn level(&mut self) {
        // As after a reconnect: whoever waits for what it asked for asks again, and a message shows what is missing.
        (self.desk.asked_again, self.venue.asked_again) = (false, false);
        let (ping, pong) = (self.desk.send("1", &[(112, "level")]), self.venue.send("1", &[(112, "level")]));
        self.run(vec![ping], vec![pong], (false, false));
        assert_eq!(self.venue.expected, self.desk.next);
        assert_eq!(self.desk.expected, self.venue.next);
    }
}

#[test]
fn a_refused_order_leaves_both_sides_with_whole_sequences() {
    let mut pair = Pair::new();
    pair.order((false, false));
    pair.block = true;
    pair.order((false, false));
    pair.order((false, false));
    pair.block = false;
    pair.order((false, false));
    pair.level();
    assert_eq!(
        pair.venue.got.iter().filter(|got| got.starts_with('D')).collect::<Vec<_>>(),
        ["D order-1", "D order-4"]
    );
    assert_eq!(pair.desk.got.iter().filter(|got| got.starts_with('8')).collect::<Vec<_>>(), ["8 order-2", "8 order-3"]);
}

#[test]
fn a_refused_order_that_is_asked_for_again_stays_refused() {
    let mut pair = Pair::new();
    pair.block = true;
    // The venue never sees what took the order's place, so it asks for it, when trading is open again.
    pair.order((true, false));
    pair.block = false;
    pair.order((false, false));
    pair.level();
    assert_eq!(pair.venue.got.iter().filter(|got| got.starts_with('D')).collect::<Vec<_>>(), ["D order-2"]);
}

#[test]
fn an_answer_that_is_lost_is_there_when_it_is_asked_for() {
    let mut pair = Pair::new();
    pair.block = true;
    pair.order((false, true));
    pair.order((false, false));
    pair.level();
    assert_eq!(pair.desk.got.iter().filter(|got| got.starts_with('8')).collect::<Vec<_>>(), ["8 order-1", "8 order-2"]);
    assert!(pair.venue.got.iter().all(|got| !got.starts_with('D')));
}

#[test]
fn an_order_lost_while_open_and_asked_for_while_halted_is_withheld() {
    let mut pair = Pair::new();
    pair.order((true, false));
    pair.block = true;
    pair.level();
    assert!(pair.venue.got.iter().all(|got| !got.starts_with('D')), "{:?}", pair.venue.got);
}

proptest! {
    #[test]
    fn whatever_is_lost_both_sides_agree_and_no_refused_order_arrives(
        steps in proptest::collection::vec((any::<bool>(), prop::bool::weighted(0.3), prop::bool::weighted(0.3), 0_u8..4), 1..20),
    ) {
        let mut pair = Pair::new();
        let mut refused = Vec::new();
        for (block, lose_up, lose_down, what) in steps {
            pair.block = block;
            match what {
                0 => {
                    let news = pair.venue.send("B", &[(11, "news")]);
                    pair.run(vec![], vec![news], (lose_up, lose_down));
                }
                1 => {
                    let beat = pair.venue.send("0", &[]);
                    pair.run(vec![], vec![beat], (lose_up, lose_down));
                }
                _ => {
                    if block {
                        refused.push(format!("D order-{}", pair.desk.next));
                    }
                    pair.order((lose_up, lose_down));
                }
            }
        }
        pair.level();
        for order in &refused {
            prop_assert!(!pair.venue.got.contains(order), "{} arrived", order);
        }
    }
}
