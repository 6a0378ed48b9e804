use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use sekisho_filters::order_gate::Permitted;
use sekisho_filters::{Body, Cause, Fault, Stop, Waited};
use sekisho_policy::Refusal;

use super::connection::Connection;
use super::pool::{Pool, Pooled};
use super::retry::{Copied, is_worth_another};
use super::{Endpoint, Protocol, Target, Timeouts, Upstream};
use crate::data::strict;

impl Upstream {
    /// Sends what the gate permitted.
    ///
    /// An order is sent at most once. Anything else is sent again, on a new connection, if an old one turned out to be
    /// closed before a byte of the request was written; and where policy says so, if its server has failed.
    pub(super) async fn send(&self, permitted: Permitted) -> Result<Response<Body>, Stop> {
        let (order, asked) = (permitted.is_order(), Arc::clone(permitted.exchange()));
        let (found, mut connection) = self.connected((self.next(), order)).await?;
        // INVARIANT: the last look at the state happens here, with the connection in hand.
        let request = permitted.commence(&connection.unwritten)?;
        let copied = self.retries.copy(&asked, &request);
        let began = Instant::now();
        let first = found.endpoint.try_once(&self.timeouts, &mut connection, (request, order)).await;
        let (answered, retries) = match copied {
            Some(copied) if is_worth_another(&first) => self.again(copied, found, (first, connection)).await,
            _ => ((found.endpoint, first, connection), 0),
        };
        asked.trip.upstream_took(Waited { time: began.elapsed(), retries });
        let (endpoint, sent, connection) = answered;
        endpoint.answer(connection, sent?)
    }

    /// Sends it to the servers that come next, until one answers, or there is no more to be tried. Then the last answer stands.
    async fn again<'u>(
        &'u self,
        mut copied: Copied,
        mut found: Found<'u>,
        (mut sent, mut connection): (Result<Response<Incoming>, Stop>, Connection),
    ) -> (Answered<'u>, u32) {
        let mut retries = 0;
        while is_worth_another(&sent)
            && let Some(request) = copied.again()
            && self.retries.spend()
            && let Ok((next, another)) = self.connected((found.at.saturating_add(1), false)).await
        {
            (found, connection) = (next, another);
            retries += 1;
            sent = found.endpoint.try_once(&self.timeouts, &mut connection, (request, false)).await;
        }
        ((found.endpoint, sent, connection), retries)
    }

    /// A connection to the endpoint whose turn it is, or to the next that can be reached: nothing has been sent yet, so an order
    /// may try another too. What is not an order leaves alone those that failed again and again; a cancel tries them.
    async fn connected(&self, asked: (usize, bool)) -> Result<(Found<'_>, Connection), Stop> {
        let (_, order) = asked;
        self.connect(asked, |endpoint| endpoint.pool(order).take(endpoint.target.generation())).await
    }

    /// The same, with a connection that `kept` has, or else a new one.
    pub(super) async fn connect(
        &self,
        (first, order): (usize, bool),
        kept: impl Fn(&Endpoint) -> Option<Connection>,
    ) -> Result<(Found<'_>, Connection), Stop> {
        let mut why = None;
        for (at, endpoint) in self.in_turn(first).filter(|(_, endpoint)| endpoint.breaker.lets_try() || order) {
            let found = Found { at, endpoint };
            if let Some(connection) = kept(endpoint) {
                return Ok((found, connection));
            }
            match endpoint.connect(&self.timeouts, order).await {
                Ok(connection) => return Ok((found, connection)),
                Err(fault) => {
                    endpoint.breaker.failed();
                    why = Some(fault);
                }
            }
        }
        Err(why.map_or(Refusal::UpstreamUnavailable.into(), Stop::from))
    }
}

/// An endpoint that a connection was had to, and its place among the others.
#[derive(Clone, Copy)]
pub(super) struct Found<'u> {
    at: usize,
    pub(super) endpoint: &'u Endpoint,
}

/// Who answered, what, and on which connection.
type Answered<'u> = (&'u Endpoint, Result<Response<Incoming>, Stop>, Connection);

impl Endpoint {
    /// Sends a request to this endpoint, and notes whether it was well.
    async fn try_once(
        &self,
        timeouts: &Timeouts,
        connection: &mut Connection,
        (request, order): (Request<Body>, bool),
    ) -> Result<Response<Incoming>, Stop> {
        let request = self.target.address(request)?;
        let sent = self.send(timeouts, connection, (request, order)).await;
        self.note(&sent);
        sent
    }

    async fn send(
        &self,
        timeouts: &Timeouts,
        connection: &mut Connection,
        (request, order): (Request<Body>, bool),
    ) -> Result<Response<Incoming>, Stop> {
        let stale = connection.used;
        let mut unsent = match exchange(timeouts, connection, request, order).await? {
            Ok(response) => return Ok(response),
            Err(unsent) => unsent,
        };
        match unsent.take_message() {
            Some(request) if stale && !order => {
                *connection = self.connect(timeouts, false).await?;
                let sent = exchange(timeouts, connection, request, order).await?;
                sent.map_err(|failed| broken(failed.into_error(), false))
            }
            Some(_never_sent) => Err(Fault::Upstream(unsent.into_error().into()).into()),
            None => Err(broken(unsent.into_error(), order)),
        }
    }

    /// Whether it was well. What broke on the client's side, or was refused by us, says nothing of it.
    pub(super) fn note(&self, sent: &Result<Response<Incoming>, Stop>) {
        let late = |refusal: &Refusal| matches!(refusal, Refusal::UpstreamTimeout | Refusal::OrderOutcomeUnknown);
        match sent {
            Ok(response) if !matches!(response.status().as_u16(), 502..=504) => self.breaker.succeeded(),
            Ok(_) | Err(Stop::Broke(Fault::Upstream(_))) => self.breaker.failed(),
            Err(Stop::Refused(refusal)) if late(refusal) => self.breaker.failed(),
            Err(Stop::Broke(Fault::Downstream(_) | Fault::Cut(_)) | Stop::Refused(_)) => {}
        }
    }

    /// Where connections wait that can carry an order, or anything else.
    const fn pool(&self, order: bool) -> &Pool {
        match self.target.protocol {
            Protocol::Http2 if order => &self.alone,
            Protocol::Http1 | Protocol::Http2 => &self.pool,
        }
    }

    async fn connect(&self, timeouts: &Timeouts, order: bool) -> Result<Connection, Fault> {
        let opened = Connection::open(&self.target, timeouts, order).await.map_err(Fault::Upstream)?;
        if let Some(shared) = opened.share() {
            // Carries many requests at once: the next one need not wait for this one's answer.
            self.pool.give(shared);
        }
        Ok(opened)
    }

    pub(super) fn answer(
        &self,
        connection: Connection,
        mut response: Response<Incoming>,
    ) -> Result<Response<Body>, Stop> {
        strict::answer(&mut response)?;
        // One of HTTP/2 that is given back has carried an order.
        let (connection, pool) = (connection.exclusive(), self.pool(true));
        Ok(response.map(|inner| {
            if inner.is_end_stream() {
                connection.into_iter().for_each(|connection| pool.give(connection));
                return Body::empty();
            }
            Body::stream(Pooled { inner, connection, pool: pool.clone() })
        }))
    }
}

pub(super) async fn exchange(
    timeouts: &Timeouts,
    connection: &mut Connection,
    request: Request<Body>,
    order: bool,
) -> Result<Result<Response<Incoming>, TrySendError<Request<Body>>>, Stop> {
    // An order that was sent and is not answered in time may have been carried out.
    let late = || if order { Refusal::OrderOutcomeUnknown } else { Refusal::UpstreamTimeout };
    let sent = connection.send(request);
    tokio::time::timeout(timeouts.response, sent).await.map_err(|_elapsed| late().into())
}

impl Target {
    /// Counts readings of the certificates: a connection of another one carries no new request.
    pub(super) fn generation(&self) -> u64 {
        self.tls.as_ref().map_or(0, |tls| tls.generation())
    }

    /// The request as the upstream gets it: HTTP/1.1 in origin form, or HTTP/2 with its authority.
    pub(super) fn address(&self, mut request: Request<Body>) -> Result<Request<Body>, Stop> {
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let host = self.host_for(&request)?;
        if self.protocol == Protocol::Http2 {
            request.headers_mut().remove(HOST);
            *request.uri_mut() = Uri::builder()
                .scheme(if self.tls.is_some() { "https" } else { "http" })
                .authority(host.as_bytes())
                .path_and_query(path)
                .build()
                .map_err(|_invalid| NOT_A_HOST)?;
            *request.version_mut() = Version::HTTP_2;
        } else {
            request.headers_mut().insert(HOST, host);
            *request.uri_mut() = Uri::from(path);
            *request.version_mut() = Version::HTTP_11;
        }
        Ok(request)
    }

    /// Its own, or the one the client named.
    fn host_for(&self, request: &Request<Body>) -> Result<HeaderValue, Refusal> {
        if !self.preserve_host {
            return Ok(self.authority.clone());
        }
        match (request.headers().get(HOST), request.uri().authority()) {
            (Some(host), _) => Ok(host.clone()),
            (None, Some(authority)) => HeaderValue::from_str(authority.as_str()).map_err(|_invalid| NOT_A_HOST),
            (None, None) => Ok(self.authority.clone()),
        }
    }
}

const NOT_A_HOST: Refusal = Refusal::BadRequest { what: "Host is not a host" };

/// What became of a request that was being sent.
pub(super) fn broken(error: hyper::Error, order: bool) -> Stop {
    match cut(&error) {
        Some(fault) => fault.into(),
        None if order => Refusal::OrderOutcomeUnknown.into(),
        None => Fault::Upstream(Cause::from(error)).into(),
    }
}

/// Our own body broke off, and the connection only passed that on.
fn cut(error: &hyper::Error) -> Option<Fault> {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(fault) = inner.downcast_ref::<Fault>() {
            return Some(match fault {
                Fault::Cut(refusal) => Fault::Cut(refusal.clone()),
                Fault::Downstream(why) => Fault::Downstream(why.to_string().into()),
                Fault::Upstream(why) => Fault::Upstream(why.to_string().into()),
            });
        }
        cause = inner.source();
    }
    None
}
