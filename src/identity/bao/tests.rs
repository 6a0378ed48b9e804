use std::convert::Infallible;
use std::sync::Mutex;
use std::time::Duration;

use http::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use sekisho_policy::SecretSource;

use super::*;

type Log = Arc<Mutex<Vec<String>>>;

/// What an OpenBao server does that has one secret, one token and one role of each method. It stands in for the real one, of
/// which it knows these calls and statuses.
fn double() -> (String, Log) {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    socket.set_nonblocking(true).unwrap();
    let (authority, log) = (socket.local_addr().unwrap().to_string(), Log::default());
    let served = Arc::clone(&log);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let socket = tokio::net::TcpListener::from_std(socket).unwrap();
            while let Ok((stream, _)) = socket.accept().await {
                let log = Arc::clone(&served);
                let service = service_fn(move |request| answer(request, Arc::clone(&log)));
                tokio::spawn(server::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
    });
    (authority, log)
}

async fn answer(request: Request<Incoming>, log: Log) -> Result<Response<Full<Bytes>>, Infallible> {
    let token = request.headers().get("x-vault-token").map(|token| token.to_str().unwrap().to_owned());
    let line = format!("{} {}", request.method(), request.uri());
    log.lock().unwrap().push(line.clone());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let known = token.as_deref() == Some("t-1");
    let logged_in = json!({ "auth": { "client_token": "t-1", "lease_duration": 60, "renewable": true } });
    let (status, body): (u16, Value) = match line.as_str() {
        "GET /v1/kv/data/trading/venue" if known => {
            (200, json!({ "data": { "data": { "key": "hush" }, "metadata": {} } }))
        }
        "POST /v1/auth/token/renew-self" if known => (200, logged_in),
        "POST /v1/auth/token/revoke-self" if known => (204, Value::Null),
        "POST /v1/auth/kubernetes/login" if said == json!({ "role": "sekisho", "jwt": "j" }) => (200, logged_in),
        "POST /v1/auth/approle/login" if said == json!({ "role_id": "r", "secret_id": "s" }) => (200, logged_in),
        _ => (403, json!({ "errors": ["permission denied"] })),
    };
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Ok(Response::builder().status(status).body(Full::new(Bytes::from(body))).unwrap())
}

fn file(dir: &std::path::Path, content: &str) -> SecretSource {
    let path = dir.join(content);
    std::fs::write(&path, content).unwrap();
    SecretSource::File(path)
}

fn secret(authority: &str, login: BaoLogin, field: &str) -> SecretSource {
    let server = BaoServer { authority: authority.to_owned(), login, timeout: Duration::from_secs(10) };
    let (mount, path) = ("kv".to_owned(), "trading/venue".to_owned());
    SecretSource::OpenBao(BaoSecret { server: Arc::new(server), mount, path, field: field.to_owned() })
}

#[test]
fn a_secret_is_read_by_every_way_to_log_in_and_no_login_is_left_behind() {
    let (authority, log) = double();
    let dir = tempfile::tempdir().unwrap();
    let file = |content: &str| file(dir.path(), content);
    let method = |mount: &str, role, secret| BaoLogin::Method { mount: mount.to_owned(), role, secret };
    for (login, calls) in [
        (BaoLogin::Token(file("t-1")), vec!["GET /v1/kv/data/trading/venue", "POST /v1/auth/token/renew-self"]),
        (
            method("kubernetes", ("role", "sekisho".to_owned()), ("jwt", file("j"))),
            vec!["POST /v1/auth/kubernetes/login", "GET /v1/kv/data/trading/venue", "POST /v1/auth/token/revoke-self"],
        ),
        (
            method("approle", ("role_id", "r".to_owned()), ("secret_id", file("s"))),
            vec!["POST /v1/auth/approle/login", "GET /v1/kv/data/trading/venue", "POST /v1/auth/token/revoke-self"],
        ),
    ] {
        assert_eq!(&**resolve("venue", &secret(&authority, login, "key")).unwrap(), b"hush");
        assert_eq!(std::mem::take(&mut *log.lock().unwrap()), calls);
    }
}

#[test]
fn what_the_server_does_not_give_says_which_and_never_what_it_answered() {
    let (authority, _log) = double();
    let dir = tempfile::tempdir().unwrap();
    let token = |content: &str| BaoLogin::Token(file(dir.path(), content));
    let approle = BaoLogin::Method {
        mount: "approle".to_owned(),
        role: ("role_id", "r".to_owned()),
        secret: ("secret_id", file(dir.path(), "wrong")),
    };
    for (source, expected) in [
        (secret(&authority, token("t-2"), "key"), "the server refused the secret with status 403"),
        (secret(&authority, token("t-1"), "other"), "it has no such field"),
        (secret(&authority, approle, "key"), "the server refused the login with status 403"),
        (secret("127.0.0.1:1", token("t-1"), "key"), "cannot be reached"),
    ] {
        let error = resolve("venue", &source).unwrap_err().to_string();
        assert!(error.starts_with("venue: `openbao:kv/trading/venue#") && error.contains(expected), "{error}");
        assert!(!error.contains("permission") && !error.contains("hush"), "{error}");
    }
}
