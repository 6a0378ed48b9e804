//! FIX sessions through the running sidecar: a desk, a venue, and what passes between them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sekisho_codec::fix::{Draft, Stream, tag};
use serde_json::json;

use crate::sidecar::{ROOT, Sidecar, known};
use crate::upstream::Upstream;

/// One end of a session, as strict about numbers as the standard.
pub(crate) struct Engine {
    stream: TcpStream,
    read: Stream,
    name: &'static str,
    peer: &'static str,
    next: u64,
    expected: u64,
}

/// What an engine got: MsgType, and the fields of it that the tests look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Got {
    pub(crate) kind: String,
    number: u64,
    fields: Vec<(u32, String)>,
}

impl Got {
    pub(crate) fn field(&self, tag: u32) -> &str {
        self.fields.iter().find(|(ours, _)| *ours == tag).map_or("", |(_, value)| value)
    }
}

impl Engine {
    pub(crate) fn on(stream: TcpStream, name: &'static str, peer: &'static str) -> Self {
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self { stream, read: Stream::new(1 << 20), name, peer, next: 1, expected: 1 }
    }

    fn draft(&self, kind: &str, number: u64) -> Draft {
        Draft::new("FIX.4.4", kind)
            .field(tag::SENDER_COMP_ID, self.name)
            .field(tag::TARGET_COMP_ID, self.peer)
            .field(tag::MSG_SEQ_NUM, number.to_string())
            .field(tag::SENDING_TIME, "20260102-03:04:05")
    }

    fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap_or_default();
    }

    pub(crate) fn send(&mut self, kind: &str, fields: &[(u32, &str)]) -> u64 {
        let number = self.next;
        self.next += 1;
        let draft = fields.iter().fold(self.draft(kind, number), |draft, (tag, value)| draft.field(*tag, value));
        self.write(&draft.finish());
        number
    }

    /// Sends an application message again, as an engine does that was asked to.
    fn again(&mut self, kind: &str, number: u64, fields: &[(u32, &str)]) {
        let draft =
            self.draft(kind, number).field(tag::POSS_DUP, "Y").field(tag::ORIG_SENDING_TIME, "20260102-03:04:05");
        let draft = fields.iter().fold(draft, |draft, (tag, value)| draft.field(*tag, value));
        self.write(&draft.finish());
    }

    /// The next message; its number is the one expected, unless it is a possible duplicate.
    pub(crate) fn take(&mut self) -> Option<Got> {
        let mut piece = [0; 4096];
        loop {
            if let Some(frame) = self.read.frame().unwrap() {
                let message = frame.message().unwrap();
                let fields = message.fields().map(|(tag, value)| (tag, String::from_utf8_lossy(value).into_owned()));
                let got =
                    Got { kind: frame.kind().to_owned(), number: message.number().unwrap(), fields: fields.collect() };
                if !message.flag(tag::POSS_DUP) {
                    assert_eq!(got.number, self.expected, "{}: {got:?}", self.name);
                    self.expected += 1;
                }
                return Some(got);
            }
            match self.stream.read(&mut piece) {
                Ok(length @ 1..) => self.read.push(&piece[..length]),
                Ok(_) | Err(_) => return None,
            }
        }
    }

    pub(crate) fn logon(&mut self, more: &[(u32, &str)]) {
        self.send("A", &[&[(98, "0"), (108, "30")], more].concat());
        assert_eq!(self.take().unwrap().kind, "A");
    }
}

/// A venue that answers as venues do, and keeps what reached it.
pub(crate) struct Venue {
    pub(crate) address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
}

impl Venue {
    pub(crate) fn start() -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let venue = Self { address: socket.local_addr().unwrap(), got: Arc::default() };
        let got = Arc::clone(&venue.got);
        std::thread::spawn(move || {
            // Numbers go on from one connection to the next.
            let (mut next, mut expected) = (1, 1);
            for stream in socket.incoming().map_while(Result::ok) {
                let mut engine = Engine::on(stream, "VENUE", "DESK");
                (engine.next, engine.expected) = (next, expected);
                while let Some(message) = engine.take() {
                    answer(&mut engine, &message);
                    got.lock().unwrap().push(message);
                }
                (next, expected) = (engine.next, engine.expected);
            }
        });
        venue
    }

    pub(crate) fn got(&self, kind: &str) -> Vec<Got> {
        self.got.lock().unwrap().iter().filter(|got| got.kind == kind).cloned().collect()
    }

    /// Policy for a sidecar in front of it.
    pub(crate) fn policy(&self) -> String {
        format!(
            "fix: [{{ name: venue, listen: \"127.0.0.1:0\", connect: \"{}\", scopes: [\"venue:fix\"] }}]",
            self.address
        )
    }
}

fn answer(engine: &mut Engine, got: &Got) {
    let report = |id, status| [(37, "v1"), (17, id), (150, status), (39, status), (11, got.field(11)), (55, "ABC")];
    let (kind, fields) = match got.kind.as_str() {
        "A" => ("A", vec![(98, "0"), (108, "30")]),
        "1" => ("0", vec![(tag::TEST_REQ_ID, got.field(tag::TEST_REQ_ID))]),
        "D" => ("8", report("e1", "0").to_vec()),
        "F" => ("8", report("e2", "4").to_vec()),
        // It says what it wants to be asked for.
        "B" if got.field(58) == "gap" => ("2", vec![(7, got.field(148)), (16, "0")]),
        "2" => return fill(engine, got),
        _ => return,
    };
    engine.send(kind, &fields);
}

/// Heartbeats are not sent again.
fn fill(engine: &mut Engine, got: &Got) {
    let (from, to) = (got.field(7).parse().unwrap(), engine.next.to_string());
    let draft = engine.draft("4", from).field(tag::POSS_DUP, "Y").field(tag::ORIG_SENDING_TIME, "20260102-03:04:05");
    let fill = draft.field(tag::GAP_FILL, "Y").field(tag::NEW_SEQ_NO, to).finish();
    engine.write(&fill);
}

pub(crate) fn desk(sidecar: &Sidecar) -> Engine {
    Engine::on(TcpStream::connect(sidecar.fix("venue")).unwrap(), "DESK", "VENUE")
}

pub(crate) fn order(id: &str) -> [(u32, &str); 5] {
    [(11, id), (55, "ABC"), (54, "1"), (38, "10"), (40, "1")]
}

fn open(venue: &Venue) -> Sidecar {
    let sidecar = Sidecar::with(&Upstream::start(), &venue.policy());
    sidecar.release_all();
    sidecar
}

#[test]
fn orders_are_held_and_both_sides_keep_whole_sequences() {
    let venue = Venue::start();
    let sidecar = open(&venue);
    let mut desk = desk(&sidecar);
    desk.logon(&[]);
    desk.send("D", &order("one"));
    let report = desk.take().unwrap();
    assert_eq!((report.kind.as_str(), report.field(11), report.field(39)), ("8", "one", "0"));
    assert_eq!(sidecar.tighten("BLOCK").status, 200);
    // A number that is wrong on either side fails within `take`.
    desk.send("D", &order("two"));
    let refused = desk.take().unwrap();
    assert_eq!(
        (refused.kind.as_str(), refused.field(11), refused.field(39), refused.field(150)),
        ("8", "two", "8", "8")
    );
    assert!(refused.field(58).contains("order_refused"), "{refused:?}");
    desk.send("F", &[(11, "three"), (41, "one"), (55, "ABC"), (54, "1")]);
    assert_eq!(desk.take().unwrap().field(39), "4", "a cancel passes");
    desk.send("G", &[(11, "four"), (41, "one"), (55, "ABC"), (54, "1"), (38, "20"), (40, "1")]);
    let refused = desk.take().unwrap();
    assert_eq!((refused.kind.as_str(), refused.field(11), refused.field(434)), ("9", "four", "2"));
    desk.send("U1", &[(58, "something")]);
    let refused = desk.take().unwrap();
    assert_eq!((refused.kind.as_str(), refused.field(372), refused.field(45)), ("j", "U1", "6"));
    desk.send("1", &[(112, "are you there")]);
    assert_eq!(desk.take().unwrap().field(112), "are you there", "a test request of the client's own");
    sidecar.release_all();
    desk.send("D", &order("five"));
    assert_eq!(desk.take().unwrap().field(11), "five");
    let orders: Vec<_> = venue.got("D").iter().map(|got| got.field(11).to_owned()).collect();
    assert_eq!(orders, ["one", "five"]);
    assert!(venue.got("G").is_empty() && venue.got("U1").is_empty());
}

#[test]
fn a_session_in_quarantine_is_hung_up_on_and_none_is_taken() {
    let venue = Venue::start();
    let sidecar = open(&venue);
    let mut desk = desk(&sidecar);
    desk.logon(&[]);
    let nothing = json!({ "measure": "route:none", "reason": "test" });
    assert_eq!(sidecar.change("/v1/containments", ROOT, &nothing).code(), "not_found");
    let quarantine = json!({ "measure": "route:venue", "reason": "test" });
    assert_eq!(sidecar.change("/v1/containments", ROOT, &quarantine).status, 201);
    assert_eq!(desk.take(), None);
    let seen = venue.got.lock().unwrap().len();
    let mut again = self::desk(&sidecar);
    again.send("A", &[(98, "0"), (108, "30")]);
    assert_eq!(again.take(), None);
    assert_eq!(venue.got.lock().unwrap().len(), seen);
}

#[test]
fn what_was_refused_stays_refused_when_it_is_asked_for_again() {
    let venue = Venue::start();
    let sidecar = open(&venue);
    let mut desk = desk(&sidecar);
    desk.logon(&[]);
    assert_eq!(sidecar.tighten("BLOCK").status, 200);
    let number = desk.send("D", &order("held"));
    let refused = desk.take().unwrap();
    assert_eq!(refused.field(11), "held");
    sidecar.release_all();
    // The venue asks for all from there on; the desk sends its order again.
    desk.send("B", &[(58, "gap"), (148, &number.to_string())]);
    let asked = desk.take().unwrap();
    assert_eq!((asked.kind.as_str(), asked.field(7)), ("2", number.to_string().as_str()));
    desk.again("D", number, &order("held"));
    // The desk asks for the answer again: it took the place of a heartbeat, which the venue does not send again.
    let (asked, next) = (refused.number.to_string(), desk.expected);
    desk.send("2", &[(7, &asked), (16, "0")]);
    let again = desk.take().unwrap();
    assert_eq!(
        (again.kind.as_str(), again.number, again.field(11), again.field(43)),
        ("8", refused.number, "held", "Y")
    );
    let fill = desk.take().unwrap();
    assert_eq!((fill.kind.as_str(), fill.number, fill.field(36)), ("4", refused.number + 1, next.to_string().as_str()));
    desk.send("1", &[(112, "level")]);
    assert_eq!(desk.take().unwrap().field(112), "level");
    assert!(venue.got("D").is_empty(), "{:?}", venue.got("D"));
    let fill = venue.got("4");
    assert_eq!((fill[0].number, fill[0].field(36)), (number, (number + 1).to_string().as_str()));
}

#[test]
fn numbers_hold_over_connections_and_restarts() {
    let venue = Venue::start();
    let sidecar = Sidecar::with(&Upstream::start(), &venue.policy());
    let mut first = desk(&sidecar);
    first.logon(&[]);
    let number = first.send("D", &order("held"));
    assert_eq!(first.take().unwrap().field(39), "8");
    let (next, expected) = (first.next, first.expected);
    drop(first);
    let mut second = desk(&sidecar);
    (second.next, second.expected) = (next, expected);
    second.logon(&[]);
    second.send("D", &order("held too"));
    assert_eq!(second.take().unwrap().field(11), "held too");
    let (next, expected) = (second.next, second.expected);
    drop(second);
    // Of an order from before, nobody knows here what became of it: it is not let through, in ALLOW either.
    let sidecar = Sidecar::on(sidecar.kill());
    sidecar.release_all();
    let mut third = desk(&sidecar);
    (third.next, third.expected) = (next, expected);
    third.logon(&[]);
    third.again("D", number, &order("held"));
    third.send("D", &order("new"));
    assert_eq!(third.take().unwrap().field(11), "new");
    let orders: Vec<_> = venue.got("D").iter().map(|got| got.field(11).to_owned()).collect();
    assert_eq!(orders, ["new"]);
}

#[test]
fn what_is_no_session_is_hung_up_on() {
    let venue = Venue::start();
    let sidecar = open(&venue);
    let hung_up = |bytes: &[u8]| {
        let mut engine = desk(&sidecar);
        engine.write(bytes);
        assert_eq!(engine.take(), None, "{:?}", String::from_utf8_lossy(bytes));
    };
    let engine = desk(&sidecar);
    hung_up(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    hung_up(&engine.draft("D", 1).field(11, "no logon").finish());
    hung_up(&engine.draft("A", 1).field(98, "1").field(108, "30").finish());
    hung_up(&engine.draft("A", 1).field(58, known()).field(98, "0").finish());
    assert!(venue.got("D").is_empty() && venue.got("A").is_empty(), "{:?}", venue.got.lock().unwrap());
}

#[test]
fn a_secret_leaves_in_a_logon_and_nowhere_else() {
    let venue = Venue::start();
    let sidecar = open(&venue);
    let mut desk = desk(&sidecar);
    desk.logon(&[(553, "desk"), (554, &known())]);
    assert_eq!(venue.got("A")[0].field(554), known(), "the venue is meant to receive it");
    let secret = known();
    desk.send("D", &[&order("one")[..], &[(58, &*secret)]].concat());
    let refused = desk.take().unwrap();
    assert!(refused.field(58).contains("secret_in_content"), "{refused:?}");
    desk.send("D", &order("two"));
    assert_eq!(desk.take().unwrap().field(11), "two");
    assert_eq!(venue.got("D").len(), 1);
    let found = sidecar.events("security.secret.guard.triggered");
    assert!(!serde_json::to_string(&found).unwrap().contains(&known()));
}

#[test]
fn a_garbled_message_is_passed_over() {
    let venue = Venue::start();
    let sidecar = open(&venue);
    let mut desk = desk(&sidecar);
    desk.logon(&[]);
    let mut garbled = desk.draft("D", desk.next).field(11, "garbled").finish();
    let at = garbled.len() - 3;
    garbled[at] = if garbled[at] == b'0' { b'1' } else { b'0' };
    desk.write(&garbled);
    desk.send("D", &order("sound"));
    assert_eq!(desk.take().unwrap().field(11), "sound");
    assert_eq!(venue.got("D").len(), 1);
}
