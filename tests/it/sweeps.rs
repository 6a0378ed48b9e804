//! What rests at a venue when a scope comes to BLOCK: cancelled by somebody who can, and told as far as it is known.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use serde_json::{Value, json};

use crate::client::send;
use crate::sidecar::{ANN, Sidecar};
use crate::upstream::{Received, Upstream};

/// An operator's service, which signs for a venue.
#[derive(Default)]
struct Desk {
    /// What rests; `None`: it cannot say.
    resting: Option<u64>,
    /// Whether it takes a cancellation on.
    takes: bool,
    cancelled: Vec<Value>,
    asked: usize,
}

impl Desk {
    fn answer(&mut self, received: &Received) -> Response<Full<Bytes>> {
        let answer = |status: u16, body: String| {
            let mut answer = Response::new(Full::new(body.into()));
            *answer.status_mut() = status.try_into().unwrap();
            answer
        };
        if received.line == "POST /cancel-all" {
            self.cancelled.push(serde_json::from_slice(&received.body).unwrap());
            self.resting = if self.takes { Some(0) } else { self.resting };
            return answer(if self.takes { 202 } else { 503 }, String::new());
        }
        assert_eq!(received.line, "GET /resting");
        self.asked += 1;
        self.resting.map_or_else(
            || answer(500, String::new()),
            |resting| answer(200, json!({ "resting": resting }).to_string()),
        )
    }
}

#[test]
fn orders_that_rest_are_cancelled_in_block_and_what_is_not_known_is_said() {
    let desk = Arc::new(Mutex::new(Desk { resting: Some(3), ..Desk::default() }));
    let answering = Arc::clone(&desk);
    let service = Upstream::answering(move |received| answering.lock().unwrap().answer(received));
    let at = service.address;
    let more = format!(
        "sweeps: {{ alpaca: {{ scope: \"venue:alpaca\", cancel: \"http://{at}/cancel-all\", resting: \"http://{at}/resting\", every: 300ms }} }}"
    );
    let sidecar = Sidecar::with(&Upstream::start(), &more);
    let told = |sidecar: &Sidecar| {
        let sweep = sidecar.state()["sweeps"][0].clone();
        (sweep["status"].as_str().unwrap().to_owned(), sweep["resting"].as_u64())
    };
    let (cancelled, asked) = (|| desk.lock().unwrap().cancelled.len(), || desk.lock().unwrap().asked);
    let is = |status: &str, resting| (status.to_owned(), resting);

    sidecar.until("a start in BLOCK asks", |sidecar| told(sidecar) == is("resting", Some(3)) && asked() > 3);
    assert_eq!(cancelled(), 0, "and cancels nothing");
    sidecar.release_all();
    sidecar.until("nobody is asked where orders pass", |sidecar| told(sidecar) == is("idle", None));

    assert_eq!(sidecar.tighten("BLOCK").status, 200);
    sidecar.until("who does not take it on is told again", |_| cancelled() > 2);
    assert_eq!(told(&sidecar), is("resting_unknown", None), "3 rest, but nobody has asked since");
    assert_eq!(sidecar.posture(), "BLOCK");
    let first = desk.lock().unwrap().cancelled[0].clone();
    assert_eq!((&first["action"], &first["scope"]), (&json!("cancel_all"), &json!("venue:alpaca")));
    let metrics = String::from_utf8(send(sidecar.health, "GET /metrics", &[], b"").body).unwrap();
    assert!(metrics.contains("sekisho_sweeps{status=\"resting_unknown\"} 1"), "{metrics}");

    desk.lock().unwrap().takes = true;
    sidecar.until("a query after it was taken on says that none rest", |sidecar| told(sidecar) == is("none", Some(0)));
    let before = cancelled();
    desk.lock().unwrap().resting = Some(1);
    sidecar.until("one that comes late is cancelled too", |_| cancelled() > before);
    sidecar.until("and then none rest", |sidecar| told(sidecar) == is("none", Some(0)));
    let (looked, so_far) = (asked(), cancelled());
    sidecar.until("it is asked again and again", |_| asked() > looked + 3);
    assert_eq!(cancelled(), so_far, "nothing is cancelled where nothing rests");

    desk.lock().unwrap().resting = None;
    sidecar.until("who cannot say leaves it unknown", |sidecar| told(sidecar) == is("resting_unknown", None));
    let status = sidecar.cli(ANN, &["status"]);
    let status = String::from_utf8(status.stdout).unwrap();
    assert!(status.contains("orders of venue:alpaca at their venue (alpaca): resting_unknown"), "{status}");
    sidecar.until("all of it is in the journal", |sidecar| {
        let events = sidecar.events("operation");
        let after =
            events.iter().filter(|event| event["action"] == "sweep.told").map(|event| &event["outputs"]["after"]);
        let after: Vec<&str> = after.filter_map(Value::as_str).collect();
        let cancels = events.iter().filter(|event| event["action"] == "sweep.cancel");
        let results: Vec<&str> = cancels.filter_map(|event| event["result"].as_str()).collect();
        let all = ["resting", "idle", "resting_unknown", "none"].iter().all(|word| after.contains(word));
        // An answer that comes late is one more failure.
        all && after.last() == Some(&"resting_unknown")
            && results.contains(&"failure")
            && results.last() == Some(&"success")
    });
}
