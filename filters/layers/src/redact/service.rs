use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{ACCEPT_ENCODING, RANGE};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Body as _;
use sekisho_scan::Ruleset;
use tower::Service;

use super::RedactLimits;
use super::coding::readable;
use super::memory::Memory;
use super::message::{OnFind, Search, is_signed};
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
            let mut hop = hop;
            if redaction.request {
                hop = searcher.request(hop).await?;
            }
            if !redaction.response {
                return inner.call(hop).await;
            }
            narrow(hop.request.headers_mut());
            let exchange = Arc::clone(&hop.exchange);
            let response = inner.call(hop).await?;
            searcher.response(exchange, response).await
        })
    }
}

impl Searcher {
    async fn request(self: &Arc<Self>, hop: Hop) -> Result<Hop, Stop> {
        let Hop { exchange, request } = hop;
        let (mut head, body) = request.into_parts();
        let on_find = if exchange.route.orders.is_some() {
            OnFind::RefuseOrder
        } else if is_signed(&head.headers, head.uri.query()) {
            OnFind::RefuseSigned
        } else {
            OnFind::Edit
        };
        let search = self.search(Arc::clone(&exchange), on_find);
        search.line(&head.method, &head.uri, &head.headers)?;
        if let Some(target) = search.target(&head.uri)? {
            head.uri = target;
        }
        search.headers(Place::Header, &mut head.headers)?;
        let body = search.body(&mut head.headers, body).await?;
        Ok(Hop { exchange, request: Request::from_parts(head, body) })
    }

    async fn response(
        self: &Arc<Self>,
        exchange: Arc<Exchange>,
        response: Response<Body>,
    ) -> Result<Response<Body>, Stop> {
        let (mut head, body) = response.into_parts();
        let on_find = if is_signed(&head.headers, None) { OnFind::RefuseSigned } else { OnFind::Edit };
        let search = self.search(exchange, on_find);
        search.headers(Place::Header, &mut head.headers)?;
        if body.is_end_stream() {
            return Ok(Response::from_parts(head, body));
        }
        let body = search.body(&mut head.headers, body).await?;
        Ok(Response::from_parts(head, body))
    }

    fn search(self: &Arc<Self>, exchange: Arc<Exchange>, on_find: OnFind) -> Search {
        Search { exchange, with: Arc::clone(self), on_find }
    }
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
