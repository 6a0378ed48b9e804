//! What market data over a WebSocket costs the sidecar, beside a relay that only copies bytes.
//!
//! A feed behind both writes messages to a client in front of both; the processor time of each proxy is read from the system.
//! Rounds alternate, a ratio is that of one round. Needs `cargo build --release` of the product.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use sekisho_codec::ws::{Opcode, accept, frame};

/// What a feed sends: messages, bytes of each, and how many go into one write.
const LOADS: [(&str, usize, usize, usize); 3] = [
    ("ticks of 200 bytes, one a write", 200_000, 200, 1),
    ("ticks of 200 bytes, sixteen a write", 1_000_000, 200, 16),
    ("books of 16 KiB", 40_000, 16 * 1024, 1),
];

const ROUNDS: usize = 7;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, role, listen, target] = &arguments[..] {
        assert_eq!(role, "relay");
        return relay(listen.parse().unwrap(), target.parse().unwrap());
    }
    let (relay, sidecar) = (Proxy::relay(), Proxy::sidecar());
    for (name, count, size, together) in LOADS {
        let mut ratios = Vec::new();
        for round in 0..ROUNDS {
            let order = if round % 2 == 0 { [&relay, &sidecar] } else { [&sidecar, &relay] };
            let mut costs = order.map(|proxy| (std::ptr::eq(proxy, &relay), proxy.cost((count, size, together))));
            costs.sort_by_key(|(is_relay, _)| !is_relay);
            ratios.push((costs[1].1 / costs[0].1, costs[0].1, costs[1].1));
        }
        ratios.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (middle, least, most) = (ratios[ROUNDS / 2], ratios[0].0, ratios[ROUNDS - 1].0);
        println!(
            "{name}: relay {:.2} µs, sekisho {:.2} µs a message: {:.2} ({least:.2}–{most:.2})",
            middle.1, middle.2, middle.0
        );
    }
}

/// A proxy in a process of its own, in front of a feed of ours.
struct Proxy {
    child: Child,
    front: SocketAddr,
    feed: TcpListener,
}

impl Proxy {
    fn relay() -> Self {
        let feed = TcpListener::bind("127.0.0.1:0").unwrap();
        let front = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let target = feed.local_addr().unwrap().to_string();
        let us = std::env::current_exe().unwrap();
        let child = Command::new(us).args(["relay", &front.to_string(), &target]).spawn().unwrap();
        while TcpStream::connect(front).is_err() {
            std::thread::yield_now();
        }
        let _probe = feed.accept().unwrap();
        Self { child, front, feed }
    }

    fn sidecar() -> Self {
        let feed = TcpListener::bind("127.0.0.1:0").unwrap();
        let dir = std::env::temp_dir().join(format!("sekisho-bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let policy = format!(
            "version: 1\nservice: bench\nworkers: 1\nlisteners: {{egress: \"127.0.0.1:0\", admin: \"127.0.0.1:0\", health: \"127.0.0.1:0\"}}\n\
             upstreams: {{venue: {{url: \"http://{}\"}}}}\n\
             routes: [{{name: feed, listener: egress, upstream: venue, websocket: true}}]\n",
            feed.local_addr().unwrap()
        );
        std::fs::write(dir.join("policy.yaml"), policy).unwrap();
        let binary = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/sekisho");
        let mut child = Command::new(binary)
            .args(["run", "--policy", dir.join("policy.yaml").to_str().unwrap(), "--data", dir.join("data").to_str().unwrap()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| line.ok().filter(|line| line.starts_with("egress"))).unwrap();
        let front = line.rsplit('/').next().unwrap().parse().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, front, feed }
    }

    /// Microseconds of processor time for each message.
    fn cost(&self, (count, size, together): (usize, usize, usize)) -> f64 {
        let mut client = TcpStream::connect(self.front).unwrap();
        let head = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        client.write_all(head.as_bytes()).unwrap();
        let (mut feed, _) = self.feed.accept().unwrap();
        feed.set_nodelay(true).unwrap();
        let asked = head_of(&mut feed);
        let key = asked.lines().find_map(|line| line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")));
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
            accept(key.unwrap().1)
        );
        feed.write_all(answer.as_bytes()).unwrap();
        assert!(head_of(&mut client).starts_with("HTTP/1.1 101"));
        let message = frame(Opcode::Text, &vec![b'x'; size], None);
        let (piece, total) = (message.repeat(together), message.len() * count);
        let before = self.spent();
        let writing = std::thread::spawn(move || {
            for _ in 0..count / together {
                feed.write_all(&piece).unwrap();
            }
            feed
        });
        let (mut left, mut buffer) = (total, vec![0; 256 * 1024]);
        while left > 0 {
            left -= client.read(&mut buffer).unwrap();
        }
        let spent = self.spent() - before;
        drop(writing.join().unwrap());
        spent / 1000.0 / count as f64
    }

    /// Nanoseconds of processor time of all its threads.
    fn spent(&self) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let of = |task: std::fs::DirEntry| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            text.split(' ').next().and_then(|ns| ns.parse::<f64>().ok()).unwrap_or_default()
        };
        tasks.flatten().map(of).sum()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

fn head_of(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0; 1]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

fn relay(listen: SocketAddr, target: SocketAddr) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let socket = tokio::net::TcpListener::bind(listen).await.unwrap();
        while let Ok((mut client, _)) = socket.accept().await {
            let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
            client.set_nodelay(true).unwrap();
            server.set_nodelay(true).unwrap();
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
}
