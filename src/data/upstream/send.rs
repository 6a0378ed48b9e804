use std::error::Error;

use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, Uri, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use sekisho_filters::order_gate::Permitted;
use sekisho_filters::{Body, Cause, Fault, Stop};
use sekisho_policy::Refusal;

use super::connection::Connection;
use super::pool::Pooled;
use super::{Target, Upstream};
use crate::data::strict;

impl Upstream {
    /// Sends what the gate permitted.
    ///
    /// An order is sent at most once. Anything else is sent again, on a new connection, if an old one turned out to be
    /// closed before a byte of the request was written.
    pub(super) async fn send(&self, permitted: Permitted) -> Result<Response<Body>, Stop> {
        let order = permitted.is_order();
        let mut connection = match self.pool.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        // INVARIANT: the last look at the state happens here, with the connection in hand.
        let request = self.target.address(permitted.commence(&connection.unwritten)?)?;
        let stale = connection.used;
        match self.exchange(&mut connection, request, order).await? {
            Ok(response) => self.answer(connection, response),
            Err(mut unsent) => match unsent.take_message() {
                Some(request) if stale && !order => {
                    let mut connection = self.connect().await?;
                    match self.exchange(&mut connection, request, order).await? {
                        Ok(response) => self.answer(connection, response),
                        Err(failed) => Err(broken(failed.into_error(), false)),
                    }
                }
                Some(_never_sent) => Err(Fault::Upstream(unsent.into_error().into()).into()),
                None => Err(broken(unsent.into_error(), order)),
            },
        }
    }

    async fn connect(&self) -> Result<Connection, Stop> {
        let opened = Connection::open(&self.target, &self.timeouts).await.map_err(Fault::Upstream)?;
        if let Some(shared) = opened.share() {
            // Carries many requests at once: the next one need not wait for this one's answer.
            self.pool.give(shared);
        }
        Ok(opened)
    }

    async fn exchange(
        &self,
        connection: &mut Connection,
        request: Request<Body>,
        order: bool,
    ) -> Result<Result<Response<Incoming>, TrySendError<Request<Body>>>, Stop> {
        // An order that was sent and is not answered in time may have been carried out.
        let late = || if order { Refusal::OrderOutcomeUnknown } else { Refusal::UpstreamTimeout };
        let sent = connection.send(request);
        tokio::time::timeout(self.timeouts.response, sent).await.map_err(|_elapsed| late().into())
    }

    fn answer(&self, connection: Connection, mut response: Response<Incoming>) -> Result<Response<Body>, Stop> {
        strict::answer(&mut response)?;
        let connection = connection.exclusive();
        Ok(response.map(|inner| {
            if inner.is_end_stream() {
                connection.into_iter().for_each(|connection| self.pool.give(connection));
                return Body::empty();
            }
            Body::stream(Pooled { inner, connection, pool: self.pool.clone() })
        }))
    }
}

impl Target {
    /// The request as the upstream gets it: HTTP/1.1 in origin form, or HTTP/2 with its authority.
    fn address(&self, mut request: Request<Body>) -> Result<Request<Body>, Stop> {
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let host = self.host_for(&request)?;
        if self.h2c {
            request.headers_mut().remove(HOST);
            *request.uri_mut() = Uri::builder()
                .scheme("http")
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
fn broken(error: hyper::Error, order: bool) -> Stop {
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
