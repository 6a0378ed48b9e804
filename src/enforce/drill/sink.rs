use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use http::Response;
use http_body_util::BodyExt as _;
use sekisho_filters::order_gate::{Permitted, Unwritten};
use sekisho_filters::{Answer, Body, Fault, Stop};
use tower::Service;

/// Stands where upstreams do, keeps what reaches it and sends nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Sink {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    got: Vec<u8>,
    answer: String,
    answered: Vec<u8>,
}

impl Sink {
    pub(super) fn answering(answer: String) -> Self {
        let sink = Self::default();
        sink.lock().answer = answer;
        sink
    }

    pub(super) fn is_untouched(&self) -> bool {
        self.lock().got.is_empty()
    }

    pub(super) fn got(&self, secret: &str) -> bool {
        holds(&self.lock().got, secret)
    }

    pub(super) fn answered(&self, secret: &str) -> bool {
        holds(&self.lock().answered, secret)
    }

    pub(super) fn note_answer(&self, body: &[u8]) {
        self.lock().answered.extend_from_slice(body);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

impl Service<Permitted> for Sink {
    type Response = Response<Body>;
    type Error = Stop;
    type Future = Answer;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, permitted: Permitted) -> Answer {
        let request = match permitted.commence(&Unwritten::default()) {
            Ok(request) => request,
            Err(refusal) => return refusal.into(),
        };
        let sink = self.clone();
        Answer::later(async move {
            let (head, body) = request.into_parts();
            let mut got = format!("{} {}\n", head.method, head.uri);
            for (name, value) in &head.headers {
                // Writing into a string cannot fail.
                let _written = writeln!(got, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
            }
            let body = body.collect().await.map_err(Stop::Broke)?.to_bytes();
            let answer = {
                let mut seen = sink.lock();
                seen.got = [got.as_bytes(), &body].concat();
                seen.answer.clone()
            };
            let response = Response::builder().header("content-type", "application/json").body(Body::full(answer));
            response.map_err(|error| Stop::Broke(Fault::Upstream(error.into())))
        })
    }
}
