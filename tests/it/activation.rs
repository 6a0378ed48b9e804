//! Started by a supervisor: with sockets that it holds, and told to say when it is ready.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::client::try_send;
use crate::sidecar::{Sidecar, binary};
use crate::upstream::Upstream;

/// Passes `socket` as descriptor 3, as a supervisor would.
fn passing(socket: &TcpListener) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec env LISTEN_FDS=1 LISTEN_PID=$$ \"$@\" 3<&0 </dev/null", "sh"]);
    shell.arg(binary().get_program()).stdin(Stdio::from(OwnedFd::from(socket.try_clone().unwrap())));
    shell
}

/// A sidecar that has its ingress at the address of `socket`.
fn at(app: &Upstream, socket: &TcpListener) -> Sidecar {
    let anywhere = r#"ingress: "127.0.0.1:0""#;
    let there = format!("ingress: \"{}\"", socket.local_addr().unwrap());
    let (_, dir) = Sidecar::blocked(app).stop();
    let path = dir.path().join("policy.yaml");
    let policy = std::fs::read_to_string(&path).unwrap().replace(anywhere, &there);
    std::fs::write(path, policy).unwrap();
    Sidecar::spawned(dir, passing(socket))
}

fn socket() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

#[test]
fn nobody_who_connects_while_it_restarts_is_refused() {
    let (app, socket) = (Upstream::start(), socket());
    let address: SocketAddr = socket.local_addr().unwrap();
    let mut sidecar = at(&app, &socket);
    let (over, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let callers: Vec<_> = (0..4)
        .map(|_| {
            let (over, sent) = (Arc::clone(&over), Arc::clone(&sent));
            std::thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let answer = try_send(address, "GET /plain", &[], b"");
                    assert_eq!(answer.unwrap().status, 200);
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for _ in 0..3 {
        let before = sent.load(Ordering::Relaxed);
        sidecar.until("it is used", |_| sent.load(Ordering::Relaxed) > before + 20);
        let (code, dir) = sidecar.stop();
        assert_eq!(code, Some(0));
        sidecar = Sidecar::spawned(dir, passing(&socket));
    }
    over.store(true, Ordering::Relaxed);
    callers.into_iter().for_each(|caller| caller.join().unwrap());
}

#[test]
fn a_side_that_is_closed_answers_nobody_though_others_hold_its_socket() {
    let (app, socket) = (Upstream::start(), socket());
    let sidecar = at(&app, &socket);
    let address = socket.local_addr().unwrap();
    assert_eq!(try_send(address, "GET /plain", &[], b"").unwrap().status, 200);
    app.take();
    let run = |args: &[&str]| {
        let done = sidecar.cli(crate::sidecar::ROOT, args);
        assert!(done.status.success(), "{done:?}");
    };
    run(&["contain", "apply", "listener:ingress", "--reason", "test"]);
    let mut waiting = TcpStream::connect(address).unwrap();
    waiting.write_all(b"GET /plain HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").unwrap();
    for _ in 0..10 {
        assert_eq!(try_send(sidecar.egress, "POST /logs", &[], b"a line").unwrap().status, 200);
    }
    assert!(app.take().iter().all(|received| received.line == "POST /logs"), "it waits");
}

#[test]
fn a_socket_that_policy_knows_nothing_of_stops_the_start() {
    let (_, dir) = Sidecar::blocked(&Upstream::start()).stop();
    let socket = socket();
    let mut command = passing(&socket);
    command.arg("run").arg("--policy").arg(dir.path().join("policy.yaml")).arg("--data").arg(dir.path().join("data"));
    let done = command.output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(!done.status.success() && said.contains(&socket.local_addr().unwrap().to_string()), "{said}");
}

#[test]
fn its_supervisor_hears_when_it_is_ready_and_when_it_stops() {
    let (_, dir) = Sidecar::blocked(&Upstream::start()).stop();
    let path = dir.path().join("notify");
    let notify = UnixDatagram::bind(&path).unwrap();
    notify.set_read_timeout(Some(std::time::Duration::from_secs(60))).unwrap();
    let mut command = binary();
    command.env("NOTIFY_SOCKET", &path);
    let sidecar = Sidecar::spawned(dir, command);
    let heard = || {
        let mut text = [0; 128];
        let length = notify.recv(&mut text).unwrap();
        let mut said = String::new();
        (&text[..length]).read_to_string(&mut said).unwrap();
        said
    };
    assert_eq!(heard().trim_end(), "READY=1");
    sidecar.signal("TERM");
    assert_eq!(heard().trim_end(), "STOPPING=1");
}
