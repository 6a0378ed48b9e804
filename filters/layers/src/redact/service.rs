use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{ACCEPT_ENCODING, ACCEPT_RANGES, RANGE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body as _;
use sekisho_policy::{BadRecords, Bodies, BodyFormat, Refusal};
use sekisho_scan::Ruleset;
use tower::Service;

use super::RedactLimits;
use super::coding::readable;
use super::format::Format;
use super::integrity::on_find;
use super::memory::Memory;
use super::message::{OnFind, Search};
use super::reply::{Asked, Protocol};
use crate::{Answer, Body, Exchange, Hop, Place, Stop, Witness};

/// Searches requests, and on export routes answers.
#[derive(Clone, Debug)]
pub struct Redact<S> {
    pub(super) inner: S,
    pub(super) searcher: Arc<Searcher>,
}

/// What a search needs, whatever stands behind it.
#[derive(Debug)]
pub(super) struct Searcher {
    pub(super) rules: Arc<Ruleset>,
    pub(super) witness: Arc<dyn Witness>,
    pub(super) limits: RedactLimits,
    pub(super) memory: Arc<Memory>,
}

impl<S> Service<Hop> for Redact<S>
where
    S: Service<Hop, Response = Response<Body>, Error = Stop, Future = Answer> + Clone + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Stop;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, hop: Hop) -> Answer {
        let redaction = hop.exchange.route.redact;
        if !redaction.request && !redaction.response {
            return self.inner.call(hop);
        }
        let (mut inner, searcher) = (self.inner.clone(), Arc::clone(&self.searcher));
        Answer::later(async move {
            let (mut hop, mut asked) = (hop, None);
            if redaction.request {
                let (searched, answer) = searcher.request(hop).await?;
                (hop, asked) = (searched, Some(answer));
            }
            let exchange = Arc::clone(&hop.exchange);
            if redaction.response {
                narrow(hop.request.headers_mut());
            }
            let mut response = inner.call(hop).await?;
            if redaction.response {
                response = searcher.response(exchange, response).await?;
            }
            match asked {
                Some(asked) => asked.reply(&searcher, response).await,
                None => Ok(response),
            }
        })
    }
}

impl Searcher {
    async fn request(self: &Arc<Self>, hop: Hop) -> Result<(Hop, Asked), Stop> {
        let Hop { exchange, request } = hop;
        let (mut head, body) = request.into_parts();
        let bodies = exchange.route.bodies;
        let on_find = if exchange.route.orders.is_some() {
            OnFind::RefuseOrder
        } else {
            on_find(&head.headers, head.uri.query(), bodies.digests)
        };
        let search = self.search(Arc::clone(&exchange), on_find);
        let format = format(&head.headers, head.uri.path(), bodies, &body)?;
        let asked = Asked { told: Arc::clone(&search.told), protocol: Protocol::of(&format) };
        search.line(&head.method, &head.uri, &head.headers)?;
        if let Some(target) = search.target(&head.uri)? {
            head.uri = target;
        }
        search.headers(Place::Header, &mut head.headers)?;
        let body = search.body(&mut head.headers, &format, body).await?;
        if asked.protocol == Protocol::Bulk && bodies.records == BadRecords::Drop {
            // What was left out is written into the answer, which therefore has to be plain.
            head.headers.remove(ACCEPT_ENCODING);
        }
        Ok((Hop { exchange, request: Request::from_parts(head, body) }, asked))
    }

    async fn response(
        self: &Arc<Self>,
        exchange: Arc<Exchange>,
        response: Response<Body>,
    ) -> Result<Response<Body>, Stop> {
        let (mut head, body) = response.into_parts();
        let mut bodies = exchange.route.bodies;
        if exchange.route.redact.request {
            // What the route says of bodies it says of requests.
            bodies.format = BodyFormat::Auto;
        }
        let on_find = on_find(&head.headers, None, bodies.digests);
        // Parts of what was searched cannot be asked for.
        head.headers.remove(ACCEPT_RANGES);
        let search = self.search(exchange, on_find);
        search.headers(Place::Header, &mut head.headers)?;
        if body.is_end_stream() {
            return Ok(Response::from_parts(head, body));
        }
        let format = format(&head.headers, "", bodies, &body)?;
        let body = search.body(&mut head.headers, &format, body).await?;
        Ok(Response::from_parts(head, body))
    }

    fn search(self: &Arc<Self>, exchange: Arc<Exchange>, on_find: OnFind) -> Search {
        Search { exchange, with: Arc::clone(self), on_find, told: Arc::default() }
    }
}

/// What a body is; one that is none is nothing that could be unknown.
fn format(headers: &HeaderMap, path: &str, bodies: Bodies, body: &Body) -> Result<Format, Refusal> {
    let none = body.is_end_stream();
    Format::of(headers, path, Bodies { block_unknown: bodies.block_unknown && !none, ..bodies })
}

/// Asks the upstream for an answer that can be read whole: no part of it, and no coding but those of the client's that are read here.
fn narrow(headers: &mut HeaderMap) {
    headers.remove(RANGE);
    let accepted: Vec<&[u8]> = headers.get_all(ACCEPT_ENCODING).iter().map(HeaderValue::as_bytes).collect();
    if accepted.is_empty() {
        return;
    }
    let readable = readable(&accepted.join(&b","[..]));
    let readable = HeaderValue::from_bytes(&readable).unwrap_or(HeaderValue::from_static("identity"));
    headers.insert(ACCEPT_ENCODING, readable);
}
