//! Several servers of one upstream: which of them gets a request, and what happens when one is unwell.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::Response;

use crate::client::send;
use crate::sidecar::Sidecar;
use crate::tls::start;
use crate::traffic::told;
use crate::upstream::Upstream;

/// An address where nobody answers.
fn gone() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_server_that_is_gone_is_passed_over() {
    let (dir, app, gone) = (tempfile::tempdir().unwrap(), Upstream::start(), gone());
    let upstream = format!("{{ url: 'http://{gone}', more_urls: ['http://{}'] }}", app.address);
    let sidecar = start(dir, "", &[("up", upstream), ("down", format!("{{ url: 'http://{gone}' }}"))]);
    for _ in 0..20 {
        assert_eq!(send(sidecar.ingress, "GET /up", &[], b"").status, 200);
    }
    for _ in 0..20 {
        assert_eq!(send(sidecar.ingress, "GET /down", &[], b"").code(), "upstream_unavailable");
    }
}

#[test]
fn a_server_that_fails_again_and_again_is_left_alone() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let counted = std::thread::spawn(move || {
        // Takes connections and breaks each off, until one says that it is the last.
        let mut count = 0;
        for mut stream in socket.incoming().map_while(Result::ok) {
            let mut first = [0; 4];
            stream.read_exact(&mut first).unwrap_or_default();
            if &first == b"LAST" {
                break;
            }
            count += 1;
        }
        count
    });
    let sidecar = Sidecar::with_app(address, "limits: { breaker_failures: 3, breaker_pause: 10m }");
    for _ in 0..50 {
        assert_eq!(send(sidecar.ingress, "GET /plain", &[], b"").code(), "upstream_unavailable");
    }
    TcpStream::connect(address).unwrap().write_all(b"LAST").unwrap();
    // Each of the two workers has found out for itself.
    assert!((3..=6).contains(&counted.join().unwrap()));
}

/// One that says that it cannot serve, whatever it is asked.
fn unable() -> Upstream {
    Upstream::answering(|_| {
        let mut response = Response::default();
        *response.status_mut() = hyper::StatusCode::SERVICE_UNAVAILABLE;
        response
    })
}

/// One that breaks off every connection once it has been asked something.
fn breaking() -> SocketAddr {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in socket.incoming().map_while(Result::ok) {
            stream.read(&mut [0; 1024]).map(drop).unwrap_or_default();
        }
    });
    address
}

const RETRIES: &str = r#"sekisho_upstream_retries_total{upstream="up"}"#;

#[test]
fn what_may_be_repeated_is_sent_to_the_next_server() {
    for failing in [unable().address, breaking()] {
        let (dir, app) = (tempfile::tempdir().unwrap(), Upstream::start());
        let up = format!("{{ url: 'http://{failing}', more_urls: ['http://{}'], retries: 1 }}", app.address);
        let sidecar = start(dir, "", &[("up", up)]);
        for method in ["GET", "HEAD", "DELETE", "GET"] {
            assert_eq!(send(sidecar.ingress, &format!("{method} /up"), &[], b"").status, 200, "{method}");
        }
        assert!(told(&sidecar, RETRIES).unwrap() >= 1.0);
        let retried = told(&sidecar, RETRIES);
        let passed = app.count();
        let statuses: Vec<u16> = (0..6).map(|_| send(sidecar.ingress, "POST /up", &[], b"once").status).collect();
        let passed = app.count() - passed;
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), passed, "{statuses:?}");
        assert!(passed < 6, "some met the one that fails, and were not sent again: {statuses:?}");
        assert_eq!(told(&sidecar, RETRIES), retried, "a body is read once");
    }
}

#[test]
fn an_order_is_not_sent_again_and_nothing_is_unless_policy_says_so() {
    let app = unable();
    let with = |retries: &str| format!("app: {{ url: \"http://{}\"{retries} }}", app.address);
    let sidecar = Sidecar::edited(&app, &with(""), &with(", retries: 3"));
    // A cancel passes in every state, and its method may be repeated. It is an order's all the same.
    send(sidecar.egress, "DELETE /v2/orders/1", &[], b"");
    assert_eq!(app.take().len(), 1);
    assert_eq!(send(sidecar.ingress, "GET /plain", &[], b"").status, 503, "the last answer stands");
    assert_eq!(app.take().len(), 4);
    drop(sidecar);
    let sidecar = Sidecar::blocked(&app);
    send(sidecar.ingress, "GET /plain", &[], b"");
    assert_eq!(app.take().len(), 1);
}

#[test]
fn when_all_fail_only_so_much_is_sent_again() {
    let app = unable();
    let with = |limits: &str, retries: &str| {
        format!("{limits}upstreams:\n  app: {{ url: \"http://{}\"{retries} }}", app.address)
    };
    let patient = "limits: { breaker_failures: 10000 }\n";
    let sidecar = Sidecar::edited(&app, &with("", ""), &with(patient, ", retries: 5"));
    for _ in 0..200 {
        send(sidecar.ingress, "GET /plain", &[], b"");
    }
    // Each of two workers has ten tries at the start, and one for every five requests after that.
    let sent = app.count();
    assert!((210..=260).contains(&sent), "{sent}");
}

#[test]
fn a_server_that_does_not_answer_its_check_gets_nothing_while_another_does() {
    let (dir, well) = (tempfile::tempdir().unwrap(), Arc::new(AtomicBool::new(true)));
    let (steady, says) = (Upstream::start(), Arc::clone(&well));
    let moody = Upstream::answering(move |received| {
        let mut response = Response::default();
        if received.line.ends_with("/healthz") && !says.load(Ordering::Relaxed) {
            *response.status_mut() = hyper::StatusCode::NOT_FOUND;
        }
        response
    });
    let check = "health_check: { path: /healthz, interval: 100ms, timeout: 10s, fail_after: 2, pass_after: 3 }";
    let up = format!("{{ url: 'http://{}', more_urls: ['http://{}'], {check} }}", moody.address, steady.address);
    let sidecar = start(dir, "", &[("up", up)]);
    let up = |server: &Upstream| format!(r#"sekisho_upstream_up{{server="{}",upstream="up"}}"#, server.address);
    let asked = |server: &Upstream| server.take().iter().filter(|it| it.line == "GET /up").count();
    let requests = || (0..10).for_each(|_| assert_eq!(send(sidecar.ingress, "GET /up", &[], b"").status, 200));

    sidecar.until("both are well", |it| [&moody, &steady].iter().all(|server| told(it, &up(server)) == Some(1.0)));
    requests();
    assert!(asked(&moody) >= 3 && asked(&steady) >= 3, "each gets its turn");

    well.store(false, Ordering::Relaxed);
    sidecar.until("one is found out", |it| told(it, &up(&moody)) == Some(0.0));
    moody.take();
    requests();
    assert_eq!((asked(&moody), asked(&steady)), (0, 10));

    well.store(true, Ordering::Relaxed);
    sidecar.until("it is back", |it| told(it, &up(&moody)) == Some(1.0));
    requests();
    assert!(asked(&moody) >= 3);
}

#[test]
fn where_all_are_unwell_each_gets_its_turn_as_before() {
    let (dir, app) = (
        tempfile::tempdir().unwrap(),
        Upstream::answering(|received| {
            let mut response = Response::default();
            if received.line.ends_with("/healthz") {
                *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
            }
            response
        }),
    );
    let check = "health_check: { path: /healthz, interval: 100ms, fail_after: 1 }";
    let sidecar = start(dir, "", &[("up", format!("{{ url: 'http://{}', {check} }}", app.address))]);
    let series = format!(r#"sekisho_upstream_up{{server="{}",upstream="up"}}"#, app.address);
    sidecar.until("it is found out", |it| told(it, &series) == Some(0.0));
    assert_eq!(send(sidecar.ingress, "GET /up", &[], b"").status, 200);
}

#[test]
fn a_connection_that_is_too_old_carries_no_new_request() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let opened = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    std::thread::spawn(move || {
        for mut stream in socket.incoming().map_while(Result::ok) {
            count.fetch_add(1, Ordering::Relaxed);
            std::thread::spawn(move || {
                while stream.read(&mut [0; 4096]).is_ok_and(|read| read > 0) {
                    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap_or_default();
                }
            });
        }
    });
    let sidecar = Sidecar::with_app(address, "limits: { pool_connection_age: 1s, pool_idle_timeout: 1h }");
    // Two workers keep one each.
    sidecar.until("old ones are replaced, though none was idle for long", |it| {
        assert_eq!(send(it.ingress, "GET /plain", &[], b"").status, 200);
        opened.load(Ordering::Relaxed) >= 4
    });
}
