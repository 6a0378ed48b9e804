//! A WebSocket venue and a WebSocket client that say every byte themselves.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sekisho_codec::ws::{self, Control, Messages, Opcode, Side, Unit, frame};

use crate::upstream::Upstream;

pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const MASK: [u8; 4] = [9, 8, 7, 6];

/// A venue: keeps every message that reaches it, and answers with what it is told to.
pub(crate) struct Venue {
    pub(crate) upstream: Upstream,
    pub(crate) got: Arc<Mutex<Vec<String>>>,
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
}

impl Venue {
    /// Agrees to `extensions`, and sends `feed` to whoever says `feed`.
    pub(crate) fn start(extensions: &'static str, feed: Vec<u8>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut upstream = Upstream::start();
        upstream.address = socket.local_addr().unwrap();
        let venue = Self { upstream, got: Arc::default(), heads: Arc::default() };
        let (got, heads) = (Arc::clone(&venue.got), Arc::clone(&venue.heads));
        std::thread::spawn(move || {
            for stream in socket.incoming().map_while(Result::ok) {
                let (got, heads, feed) = (Arc::clone(&got), Arc::clone(&heads), feed.clone());
                std::thread::spawn(move || serve(stream, extensions, (&got, &heads), &feed));
            }
        });
        venue
    }

    pub(crate) fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    extensions: &str,
    (got, heads): (&Mutex<Vec<String>>, &Mutex<Vec<String>>),
    feed: &[u8],
) {
    let head = read_head(&mut stream);
    let header = |name: &str| {
        head.lines()
            .find_map(|line| line.split_once(": ").filter(|(ours, _)| ours.eq_ignore_ascii_case(name)))
            .map(|(_, value)| value.to_owned())
    };
    let Some(key) = header("sec-websocket-key") else {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nno").unwrap_or_default();
        return;
    };
    heads.lock().unwrap().push(head.clone());
    let agreed = header("sec-websocket-extensions").filter(|_offered| !extensions.is_empty());
    let extension = agreed.map_or_else(String::new, |_| format!("Sec-WebSocket-Extensions: {extensions}\r\n"));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n{extension}\r\n",
        ws::accept(&key)
    );
    stream.write_all(answer.as_bytes()).unwrap();
    let takeover = (!extension.is_empty()).then(|| !extensions.contains("client_no_context_takeover"));
    let mut messages = Messages::new(Side::Client, takeover, 1 << 22);
    let mut piece = [0; 16 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        messages.push(&piece[..length]);
        loop {
            match messages.unit() {
                Ok(None) => break,
                Ok(Some(Unit::Message(message))) => {
                    let text = String::from_utf8_lossy(&message.plain).into_owned();
                    if text == "feed" {
                        stream.write_all(feed).unwrap_or_default();
                        continue;
                    }
                    let reply = format!("got {text}");
                    got.lock().unwrap().push(text);
                    stream.write_all(&frame(Opcode::Text, reply.as_bytes(), None)).unwrap_or_default();
                }
                Ok(Some(Unit::Control(control))) => {
                    got.lock().unwrap().push(format!("{:?} {}", control.opcode, said(&control)));
                    stream.write_all(&echo(&control)).unwrap_or_default();
                    if control.opcode == Opcode::Close {
                        return;
                    }
                }
                Err(why) => {
                    got.lock().unwrap().push(format!("unsound: {why}"));
                    return;
                }
            }
        }
    }
}

/// What a control frame is answered with.
fn echo(control: &Control) -> Vec<u8> {
    let back = if control.opcode == Opcode::Ping { Opcode::Pong } else { control.opcode };
    frame(back, &control.plain, None)
}

/// The code and reason of a close, the text of anything else.
fn said(control: &Control) -> String {
    match control.plain.as_slice() {
        [high, low, reason @ ..] if control.opcode == Opcode::Close => {
            format!("{} {}", u16::from_be_bytes([*high, *low]), String::from_utf8_lossy(reason))
        }
        plain => String::from_utf8_lossy(plain).into_owned(),
    }
}

pub(crate) fn read_head(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0; 1]);
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read > 0) {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

/// A client that says every byte itself.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) head: String,
    messages: Messages,
}

impl Client {
    pub(crate) fn connect(to: SocketAddr, path: &str, extensions: &str) -> Self {
        let mut stream = TcpStream::connect(to).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let extension =
            if extensions.is_empty() { String::new() } else { format!("Sec-WebSocket-Extensions: {extensions}\r\n") };
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: venue\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{extension}\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let head = read_head(&mut stream);
        let deflate = head.to_ascii_lowercase().contains("permessage-deflate").then_some(true);
        Self { stream, head, messages: Messages::new(Side::Server, deflate, 1 << 24) }
    }

    pub(crate) fn open(to: SocketAddr, path: &str) -> Self {
        let client = Self::connect(to, path, "");
        assert!(client.head.starts_with("HTTP/1.1 101"), "{}", client.head);
        assert!(client.head.contains(&ws::accept(KEY)), "{}", client.head);
        client
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.send(&frame(Opcode::Text, text.as_bytes(), Some(MASK)));
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next message or control frame; `gone`, when there will be none.
    pub(crate) fn hear(&mut self) -> String {
        let mut piece = [0; 16 * 1024];
        loop {
            match self.messages.unit().unwrap() {
                Some(Unit::Message(message)) => return String::from_utf8_lossy(&message.plain).into_owned(),
                Some(Unit::Control(control)) => return format!("{:?} {}", control.opcode, said(&control)),
                None => {}
            }
            match self.stream.read(&mut piece) {
                Ok(length @ 1..) => self.messages.push(&piece[..length]),
                Ok(_) | Err(_) => return "gone".to_owned(),
            }
        }
    }

    pub(crate) fn ask(&mut self, text: &str) -> String {
        self.say(text);
        self.hear()
    }
}
