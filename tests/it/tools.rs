//! Clients that were not written here: curl, and Python's HTTP client.

use std::process::{Command, Output};

use crate::sidecar::{DESK, Sidecar, known};
use crate::upstream::Upstream;

fn tool(name: &str, args: &[&str]) -> Output {
    Command::new(name).args(args).output().unwrap_or_else(|error| panic!("{name} is needed for this test: {error}"))
}

#[test]
fn curl_posts_logs_over_http_1_and_2() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let url = format!("http://{}/logs", sidecar.egress);
    let body = format!("{{\"msg\":\"session {}\",\"qty\":0.50}}", known());
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let output =
            tool("curl", &["-sS", "--fail", version, "-H", "content-type: application/json", "-d", &body, &url]);
        assert!(output.status.success(), "{version}: {output:?}");
        assert_eq!(output.stdout, b"ok\n");
        let arrived = String::from_utf8(upstream.one().body).unwrap();
        assert!(!arrived.contains(&known()), "{arrived}");
        assert!(arrived.starts_with("{\"msg\":\"session ") && arrived.ends_with(",\"qty\":0.50}"), "{arrived}");
    }
}

#[test]
fn curl_sees_refusals_as_it_should() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let order = format!("http://{}/v2/orders", sidecar.egress);
    let door = format!("http://{}/door", sidecar.ingress);
    let json = "content-type: application/json";
    let status = |args: &[&str]| {
        let output = tool("curl", &[&["-sS", "-o", "-", "-w", "\n%{http_code}"], args].concat());
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n').unwrap();
        (status.to_owned(), body.to_owned())
    };
    let (refused, body) = status(&["-H", json, "-d", "{\"symbol\":\"A\",\"side\":\"buy\",\"qty\":\"1\"}", &order]);
    assert_eq!(refused, "403");
    assert!(body.contains("\"code\":\"order_refused\""), "{body}");
    assert_eq!(status(&[&door]).0, "401");
    assert_eq!(status(&["-H", &format!("x-api-key: {DESK}"), &door]).0, "200");
    // A large upload waits for leave to go on; the refusal comes instead of it.
    let (refused, _) = status(&["-H", json, "-H", "expect: 100-continue", "-d", "{\"side\":\"buy\"}", &order]);
    assert_eq!(refused, "403");
}

#[test]
fn python_sends_chunked_gzip_and_keeps_its_connection() {
    let upstream = Upstream::start();
    let sidecar = Sidecar::blocked(&upstream);
    let script = r#"
import gzip, http.client, sys
host, secret = sys.argv[1], sys.argv[2]
connection = http.client.HTTPConnection(host, timeout=20)
line = ('ts=1 msg="session ' + secret + '" qty=0.50\n').encode()
def pieces():
    for at in range(0, len(line), 7):
        yield line[at:at + 7]
for body, headers in [(line, {}), (pieces(), {}), (gzip.compress(line * 3), {"Content-Encoding": "gzip"})]:
    connection.request("POST", "/logs", body=body, headers=headers, encode_chunked=not isinstance(body, bytes))
    response = connection.getresponse()
    assert response.status == 200, response.status
    assert response.read() == b"ok\n"
connection.request("POST", "/v2/orders", body='{"side": "buy"}', headers={"Content-Type": "application/json"})
response = connection.getresponse()
assert response.status == 403, response.status
assert response.getheader("sekisho-decision")
assert b'"forwarded":false' in response.read()
"#;
    let host = sidecar.egress.to_string();
    let output = tool("python3", &["-c", script, &host, &known()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let arrived = upstream.take();
    assert_eq!(arrived.len(), 3, "the order is not among them");
    for arrived in arrived {
        assert!(!String::from_utf8_lossy(&arrived.body).contains(&known()));
        assert!(arrived.whole);
    }
}
