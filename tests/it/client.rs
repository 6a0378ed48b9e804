//! A client that says every byte itself, so that a test decides where a message is cut.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The problem details of a refusal, also where they stand beside a venue's own words.
    pub(crate) fn problem(&self) -> Value {
        let mut told = self.json();
        match told.get_mut("sekisho") {
            Some(beside) => beside.take(),
            None => told,
        }
    }

    pub(crate) fn code(&self) -> String {
        self.problem()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let wanted = format!("{name}: ");
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_at_checked(wanted.len())?;
            found.eq_ignore_ascii_case(&wanted).then_some(value)
        })
    }
}

/// Sends a request with a length and reads the answer.
pub(crate) fn send(to: SocketAddr, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let length = format!("content-length: {}\r\n", body.len());
    let length = if body.is_empty() { "" } else { &length };
    raw(to, &[head(line, headers, length).as_bytes(), body])
}

/// As [`send`], for when the other side may go away.
pub(crate) fn try_send(to: SocketAddr, line: &str, headers: &[(&str, &str)], body: &[u8]) -> std::io::Result<Answer> {
    let length = format!("content-length: {}\r\n", body.len());
    try_raw(to, &[head(line, headers, &length).as_bytes(), body])
}

/// Sends a body in chunks, each in a write of its own.
pub(crate) fn send_chunked(to: SocketAddr, line: &str, headers: &[(&str, &str)], chunks: &[&[u8]]) -> Answer {
    let head = head(line, headers, "transfer-encoding: chunked\r\n");
    let mut pieces = vec![head.into_bytes()];
    for chunk in chunks.iter().filter(|chunk| !chunk.is_empty()) {
        pieces.push([format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat());
    }
    pieces.push(b"0\r\n\r\n".to_vec());
    let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
    raw(to, &pieces)
}

/// The head of a request, with its empty line.
pub(crate) fn head(line: &str, headers: &[(&str, &str)], framing: &str) -> String {
    let mut head = format!("{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{framing}");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + "\r\n"
}

/// Writes the pieces, each in a write of its own, and reads to the end.
pub(crate) fn raw(to: SocketAddr, pieces: &[&[u8]]) -> Answer {
    try_raw(to, pieces).unwrap()
}

/// As [`raw`], for when the other side may go away.
pub(crate) fn try_raw(to: SocketAddr, pieces: &[&[u8]]) -> std::io::Result<Answer> {
    speak(TcpStream::connect(to)?, pieces)
}

/// Sends a request from an address of its own, as another machine would.
pub(crate) fn send_from(from: Ipv4Addr, to: SocketAddr, line: &str, headers: &[(&str, &str)]) -> Answer {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stream = runtime.block_on(socket.connect(to)).unwrap().into_std().unwrap();
    stream.set_nonblocking(false).unwrap();
    speak(stream, &[head(line, headers, "").as_bytes()]).unwrap()
}

fn speak(mut stream: TcpStream, pieces: &[&[u8]]) -> std::io::Result<Answer> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    for piece in pieces {
        // An early answer closes the door on the rest; the answer is what counts.
        if stream.write_all(piece).is_err() {
            break;
        }
    }
    let mut all = Vec::new();
    let mut piece = [0; 16 * 1024];
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => all.extend_from_slice(&piece[..read]),
            Err(error) if all.is_empty() => return Err(error),
            Err(_reset) => break,
        }
    }
    parse(&all).ok_or_else(|| std::io::Error::other(format!("no answer: {:?}", String::from_utf8_lossy(&all))))
}

/// An answer, if there is a head; as much of its body as is there.
pub(crate) fn parse(all: &[u8]) -> Option<Answer> {
    let end = all.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&all[..end]).into_owned();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    if status == 100 {
        return parse(&all[end + 4..]);
    }
    let mut answer = Answer { status, head, body: all[end + 4..].to_vec() };
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = unchunk(&answer.body);
    }
    Some(answer)
}

fn unchunk(mut coded: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = coded.windows(2).position(|window| window == b"\r\n") {
        let length = usize::from_str_radix(&String::from_utf8_lossy(&coded[..end]), 16).unwrap_or(0);
        let Some(chunk) = coded.get(end + 2..end + 2 + length).filter(|chunk| !chunk.is_empty()) else { break };
        body.extend_from_slice(chunk);
        coded = coded.get(end + 4 + length..).unwrap_or_default();
    }
    body
}
