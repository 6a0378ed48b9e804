//! Byte for byte: what is no one request reaches nobody, and of what is one, every server behind us reads what we judged.
//!
//! The cases are data, `tests/corpus/requests.json`; a character there is the byte of its number.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::client::{Answer, parse};
use crate::sidecar::Sidecar;
use crate::upstream::Upstream;

#[derive(Deserialize)]
struct Case {
    name: String,
    send: String,
    want: Want,
    #[serde(default)]
    line: String,
    #[serde(default)]
    body: String,
    /// The connection has to end after the answer.
    #[serde(default)]
    closes: bool,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Want {
    /// Nothing of it goes on.
    Refused,
    /// It may have begun to go on, and its end never does.
    Cut,
    /// One request goes on.
    Passes,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../corpus/requests.json")).unwrap()
}

impl Case {
    /// The bytes, with the path of the hyper upstream replaced by `path`.
    fn bytes(&self, path: &str) -> Vec<u8> {
        let bytes: Vec<u8> = self.send.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
        let at = bytes.windows(PATH.len()).position(|window| window == PATH.as_bytes());
        let Some(at) = at else { return bytes };
        [&bytes[..at], path.as_bytes(), &bytes[at + PATH.len()..]].concat()
    }
}

/// Sends `bytes`, reads one whole answer, and whatever else comes if the connection has to end.
fn ask(to: SocketAddr, bytes: &[u8], closes: bool) -> Option<(Answer, usize)> {
    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(bytes).unwrap_or_default();
    let (mut read, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let whole = parse(&read).filter(|answer| {
            let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
            answer.body.len() >= length
        });
        match whole {
            Some(answer) if !closes => return Some((answer, read.len())),
            _ => {}
        }
        match stream.read(&mut piece) {
            Ok(0) | Err(_) => return parse(&read).map(|answer| (answer, read.len())),
            Ok(count) => read.extend_from_slice(&piece[..count]),
        }
    }
}

#[test]
fn one_request_goes_on_or_none() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::with(&upstream, "limits: { header_timeout: 2s, body_idle_timeout: 2s }");
    let mut wrong = Vec::new();
    for case in cases() {
        let asked = ask(sidecar.ingress, &case.bytes(PATH), case.closes);
        let status = asked.as_ref().map(|(answer, _)| answer.status);
        let answers =
            asked.map_or(0, |(answer, _)| String::from_utf8_lossy(&answer.body).matches("HTTP/1.1 ").count() + 1);
        let arrived = upstream.take();
        let refused = status.is_none_or(|status| (400..500).contains(&status));
        let whole: Vec<_> = arrived.iter().filter(|one| one.whole).collect();
        let right = match case.want {
            Want::Refused => refused && arrived.is_empty(),
            Want::Cut => refused && whole.is_empty(),
            Want::Passes => {
                status == Some(200)
                    && answers == 1
                    && matches!(whole.as_slice(), [one] if one.line == case.line && one.body == case.body.as_bytes())
            }
        };
        if !right {
            wrong.push(format!("{} ({:?}): {status:?}, {answers} answers, {arrived:?}", case.name, case.want));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A server that was not written here and says what it understood: method, target, Host, and how long the body was.
struct Reader {
    name: &'static str,
    address: SocketAddr,
    child: Child,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

fn readers() -> Vec<Reader> {
    let python = Command::new("python3").arg("-c").arg(PYTHON).stdout(Stdio::piped()).spawn().unwrap();
    let node = Command::new("node").arg("-e").arg(NODE).stdout(Stdio::piped()).spawn();
    let named = |name, mut child: Child| {
        let mut port = String::new();
        let mut out = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut out, &mut port).unwrap();
        Reader { name, address: ([127, 0, 0, 1], port.trim().parse().unwrap()).into(), child }
    };
    // Python is needed for these tests anyway; node is asked where there is one.
    let mut readers = vec![named("python", python)];
    readers.extend(node.ok().map(|node| named("node", node)));
    readers
}

#[test]
fn whoever_stands_behind_us_reads_what_we_judged() {
    for reader in readers() {
        let (more, mut read) = ("limits: { header_timeout: 2s }", 0);
        let sidecar = Sidecar::with_app(reader.address, more);
        for case in cases().iter().filter(|case| case.want == Want::Passes) {
            let (answer, _) = ask(sidecar.ingress, &case.bytes(PATH), case.closes).unwrap();
            let body = if reader.name == "python" { String::new() } else { format!(" {}", case.body.len()) };
            let expected = format!("{} {}{body}\n", case.line, reader.address);
            let said = String::from_utf8_lossy(&answer.body).into_owned();
            // Who refuses what we let pass reads nothing else in it.
            if answer.status != 400 {
                assert_eq!((answer.status, said), (200, expected), "{}: {}", reader.name, case.name);
                read += 1;
            }
        }
        assert!(read >= 15, "{} read {read}", reader.name);
    }
}

const PATH: &str = "/plain";

/// Reads no chunks, so it says nothing of bodies.
const PYTHON: &str = r#"
import http.server
class Echo(http.server.BaseHTTPRequestHandler):
    def say(self):
        said = f"{self.command} {self.path} {self.headers['host']}\n".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(said)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(said)
        self.close_connection = True
    do_GET = do_POST = do_get = say
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
print(server.server_port, flush=True)
server.serve_forever()
"#;

const NODE: &str = r#"
const server = require("http").createServer((request, response) => {
  let length = 0;
  request.on("data", (piece) => { length += piece.length; });
  request.on("end", () => response.end(`${request.method} ${request.url} ${request.headers.host} ${length}\n`));
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"#;
