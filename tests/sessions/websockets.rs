//! A WebSocket client and server that were not written here: Python's `websockets`, which compresses unless told otherwise.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::sidecar::{Sidecar, known};
use crate::upstream::Upstream;

/// The Python that `make sessions` lays out.
fn python() -> Command {
    Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/target/sessions/venv/bin/python3"))
}

struct Venue(Child);

impl Drop for Venue {
    fn drop(&mut self) {
        self.0.kill().unwrap_or_default();
        self.0.wait().map(drop).unwrap_or_default();
    }
}

const VENUE: &str = r#"
import asyncio, websockets
async def serve(socket):
    async for message in socket:
        await socket.send(message)
async def main():
    async with websockets.serve(serve, "127.0.0.1", 0, max_size=None, subprotocols=["v1"]) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().create_future()
asyncio.run(main())
"#;

const CLIENT: &str = r#"
import json, sys
from websockets.sync.client import connect
from websockets.exceptions import ConnectionClosed
base, secret = sys.argv[1], sys.argv[2]
for compression in ["deflate", None]:
    with connect(base + "/ws", compression=compression, subprotocols=["v1"], max_size=None) as socket:
        names = [extension.name for extension in socket.protocol.extensions]
        assert names == (["permessage-deflate"] if compression else []), names
        assert socket.subprotocol == "v1", socket.subprotocol
        for size in [0, 1, 125, 126, 65535, 65536, 300000]:
            text = json.dumps({"n": size, "pad": "ab " * (size // 3)})
            socket.send(text)
            assert socket.recv() == text, size
            socket.send(text[at:at + 5000] for at in range(0, len(text), 5000))
            assert socket.recv() == text, ("fragments", size)
        socket.send(bytes(range(256)))
        assert socket.recv() == bytes(range(256))
        leak = json.dumps({"msg": "session " + secret, "qty": 0.5})
        for message in [leak, (leak[at:at + 7] for at in range(0, len(leak), 7)), leak]:
            socket.send(message)
            back = socket.recv()
            assert secret not in back and json.loads(back)["qty"] == 0.5, back
        socket.send("after")
        assert socket.recv() == "after"
        socket.ping().wait(20)
    assert socket.protocol.close_code == 1000, socket.protocol.close_code
with connect(base + "/desk", subprotocols=["v1"]) as socket:
    socket.send(json.dumps({"id": 7, "op": "order", "args": {"side": "buy"}}))
    back = json.loads(socket.recv())
    assert back["id"] == 7 and back["sekisho"]["code"] == "order_refused", back
    socket.send(json.dumps({"id": 8, "op": "cancel"}))
    assert json.loads(socket.recv())["id"] == 8
with connect(base + "/ws", subprotocols=["v1"]) as socket:
    socket.ping(secret)
    try:
        socket.recv()
        raise SystemExit("not closed")
    except ConnectionClosed as closed:
        assert closed.rcvd.code == 1008, closed
"#;

#[test]
fn pythons_websockets_talk_through_it_with_and_without_compression() {
    let mut venue = Venue(python().args(["-c", VENUE]).stdout(Stdio::piped()).spawn().unwrap());
    let mut port = String::new();
    BufReader::new(venue.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
    let mut upstream = Upstream::start();
    upstream.address.set_port(port.trim().parse().unwrap());
    let sidecar = Sidecar::blocked(&upstream);
    let base = format!("ws://{}", sidecar.egress);
    let output = python().args(["-c", CLIENT, &base, &known()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
