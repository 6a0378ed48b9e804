use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT, HeaderMap};
use http::{Response, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use sekisho_filters::{Body, Fault};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::{Admin, reply};

impl Admin {
    pub(super) fn events(&self, headers: &HeaderMap, query: &str) -> Response<Body> {
        let streamed = headers.get(ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"));
        if streamed {
            let body = Body::stream(StreamBody::new(stream::unfold(self.journal.subscribe(), next)));
            let mut response = reply::typed(StatusCode::OK, "text/event-stream", Bytes::new());
            *response.body_mut() = body;
            return response;
        }
        let asked = query.split('&').find_map(|pair| pair.strip_prefix("limit=")).map(str::parse);
        let limit = match asked {
            None => DEFAULT_LIMIT,
            Some(Ok(limit)) if (1..=MOST).contains(&limit) => limit,
            Some(_) => {
                let title = format!("limit: expected a number from 1 to {MOST}");
                return reply::problem(StatusCode::BAD_REQUEST, "bad_request", &title);
            }
        };
        // Lines of the journal are JSON already, and stay the bytes that were signed.
        let mut lines = self.journal.recent(limit).join("\n");
        lines.push('\n');
        reply::typed(StatusCode::OK, "application/x-ndjson", lines)
    }
}

type Item = Result<Frame<Bytes>, Fault>;

async fn next(mut receiver: Receiver<Arc<str>>) -> Option<(Item, Receiver<Arc<str>>)> {
    let text = match receiver.recv().await {
        Ok(line) => format!("data: {line}\n\n"),
        // A reader slower than the journal is told that it has missed something, and where to read it.
        Err(RecvError::Lagged(missed)) => format!("event: gap\ndata: {{\"missed\":{missed}}}\n\n"),
        Err(RecvError::Closed) => return None,
    };
    Some((Ok(Frame::data(text.into())), receiver))
}

const DEFAULT_LIMIT: usize = 100;
const MOST: usize = 1000;
