//! A flood of guesses at one key, from several addresses at once, over real sockets.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::client::send_from;
use crate::sidecar::{DESK, Sidecar};
use crate::upstream::Upstream;

/// Failures of one credential that policy bears.
const THRESHOLD: usize = 100;
/// Addresses that guess. Each may fail so often that all of them together pass the threshold.
const ATTACKERS: u8 = 4;

/// How many guesses there are; `make guesses` asks for more.
fn guesses() -> usize {
    std::env::var("SEKISHO_TEST_GUESSES").map_or(2_000, |text| text.parse().unwrap())
}

/// A connection that is kept, and opened anew where the other side closed it.
struct Caller {
    from: Ipv4Addr,
    to: SocketAddr,
    open: Option<BufReader<TcpStream>>,
}

impl Caller {
    fn new(last: u8, to: SocketAddr) -> Self {
        Self { from: Ipv4Addr::new(127, 0, 0, last), to, open: None }
    }

    fn connect(&self) -> BufReader<TcpStream> {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((self.from, 0).into()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stream = runtime.block_on(socket.connect(self.to)).unwrap().into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        BufReader::new(stream)
    }

    /// The status of the answer to a request with this key.
    fn knock(&mut self, key: &str) -> u16 {
        let mut open = self.open.take().unwrap_or_else(|| self.connect());
        write!(open.get_mut(), "GET /door HTTP/1.1\r\nhost: localhost\r\nx-api-key: {key}\r\n\r\n").unwrap();
        let (mut status, mut length, mut closes) = (0, None, false);
        loop {
            let mut line = String::new();
            open.read_line(&mut line).unwrap();
            let line = line.trim_end().to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", value)) => length = Some(value.parse::<u64>().unwrap()),
                Some(("connection", value)) => closes = value == "close",
                _ if status == 0 => status = line.split(' ').nth(1).unwrap().parse().unwrap(),
                _ => {}
            }
            if line.is_empty() {
                break;
            }
        }
        let length = length.unwrap();
        let read = std::io::copy(&mut open.by_ref().take(length), &mut std::io::sink()).unwrap();
        assert_eq!(read, length);
        self.open = (!closes).then_some(open);
        status
    }
}

/// Guesses `most` times, each time with another secret and in another spelling of the id; how many were answered as tried and wrong.
fn attack(mut caller: Caller, most: usize) -> usize {
    let statuses = (0..most).map(|guess| {
        let id = ["desk", "DESK", "Desk", "dESk"][guess % 4];
        caller.knock(&format!("sekisho_{id}_{guess:049}"))
    });
    statuses.inspect(|status| assert!([401, 429].contains(status), "{status}")).filter(|status| *status == 401).count()
}

#[test]
fn a_flood_of_guesses_is_not_tried_and_who_has_the_key_sees_nothing_of_it() {
    let upstream = Upstream::start();
    // Of the address and of all together so many that an answer of 429 is the credential's or the pair's alone: not tried.
    let sidecar = Sidecar::with(
        &upstream,
        "auth_failures: { per_credential: 100, per_pair: 40, per_peer: 100000, overall: 1000000, window: 24h, \
         lockout: 1h, lockout_max: 24h }",
    );
    let mut valid = Caller::new(1, sidecar.ingress);
    assert_eq!(valid.knock(DESK), 200, "its place is a familiar one from now on");
    let each = guesses() / usize::from(ATTACKERS);
    let (wrong, served) = thread::scope(|scope| {
        let attackers: Vec<_> = (0..ATTACKERS)
            .map(|n| Caller::new(10 + n, sidecar.ingress))
            .map(|caller| scope.spawn(move || attack(caller, each)))
            .collect();
        let mut served = 0_usize;
        loop {
            assert_eq!(valid.knock(DESK), 200, "after {served} times");
            served += 1;
            if attackers.iter().all(thread::ScopedJoinHandle::is_finished) {
                break;
            }
        }
        (attackers.into_iter().map(|attacker| attacker.join().unwrap()).sum::<usize>(), served)
    });
    // The failure that is one too many was tried as well, and at the same time no more than one of each other attacker; each
    // pair, too, has one that its own lockout began with.
    let tried = wrong + 2 * usize::from(ATTACKERS);
    assert!(wrong > THRESHOLD / 2 && tried <= THRESHOLD * 11 / 10, "{wrong} answered as wrong of {each} from each");
    let right = |last| send_from([127, 0, 0, last].into(), sidecar.ingress, "GET /door", &[("x-api-key", DESK)]).status;
    assert_eq!((right(10), right(99), right(1)), (429, 429, 200), "right, and not tried but where it is at home");
    if let Some(notes) = std::env::var_os("SEKISHO_TEST_NOTES") {
        let note = format!(
            "{each} guesses from each of {ATTACKERS} addresses, threshold {THRESHOLD}: {wrong} answered as tried and wrong, at most \
             {tried} tried; who has the key was served {served} times, without an error\n"
        );
        std::fs::write(notes, note).unwrap();
    }
}
