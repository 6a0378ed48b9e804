//! QuickFIX as the desk and as the venue, with the sidecar between them.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::sidecar::Sidecar;
use crate::upstream::Upstream;

/// An engine of `engine.cpp`.
struct Engine {
    child: Child,
    say: ChildStdin,
    said: Receiver<String>,
}

impl Engine {
    fn start(role: &str, port: u16) -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/target/sessions/engine");
        let mut child = Command::new(path)
            .args([role, &port.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{path}: {error}: `make sessions` builds it"));
        let (out, (tell, said)) = (BufReader::new(child.stdout.take().unwrap()), channel());
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
        let engine = Self { say: child.stdin.take().unwrap(), child, said };
        engine.wait("ready");
        engine
    }

    fn say(&mut self, line: &str) {
        writeln!(self.say, "{line}").unwrap();
    }

    /// Waits for a line, and gives those that came before it.
    fn wait(&self, wanted: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            match self.said.recv_timeout(Duration::from_secs(30)) {
                Ok(line) if line == wanted => return before,
                Ok(line) => before.push(line),
                Err(why) => panic!("waiting for {wanted:?}: {why}; there was {before:?}"),
            }
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn two_engines_keep_their_session_through_refusals_resends_and_reconnects() {
    let port = free_port();
    let venue = Engine::start("venue", port);
    let policy = format!(
        "fix: [{{ name: venue, listen: \"127.0.0.1:0\", connect: \"127.0.0.1:{port}\", scopes: [\"venue:fix\"] }}]"
    );
    let sidecar = Sidecar::with(&Upstream::start(), &policy);
    let mut desk = Engine::start("desk", sidecar.fix("venue").port());
    venue.wait("logon");
    desk.wait("logon");
    desk.say("D held-1");
    desk.wait("8 held-1 8");
    desk.say("F cancel-1");
    desk.wait("8 cancel-1 4");
    desk.say("G held-2");
    desk.wait("9 held-2 0");
    sidecar.release_all();
    desk.say("D open-1");
    desk.wait("8 open-1 0");
    assert_eq!(sidecar.tighten("BLOCK").status, 200);
    for number in 0..50 {
        desk.say(&format!("D flood-{number}"));
    }
    desk.wait("8 flood-49 8");
    desk.say("drop");
    let before = desk.wait("logon");
    assert!(!before.iter().any(|line| line.starts_with("admin")), "{before:?}");
    desk.say("D held-3");
    desk.wait("8 held-3 8");
    sidecar.release_all();
    desk.say("D open-2");
    let before = desk.wait("8 open-2 0");
    assert!(before.is_empty(), "{before:?}");
    // What the venue saw: two orders, and no complaint.
    let seen = venue.wait("D open-2 ");
    let wrong = seen.iter().filter(|line| line.contains("held") || line.contains("flood") || line.starts_with("admin"));
    assert_eq!(wrong.count(), 0, "{seen:?}");
    assert_eq!(seen.iter().filter(|line| line.starts_with("D ")).count(), 1, "{seen:?}");
}
