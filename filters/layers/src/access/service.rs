use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue, Response};
use sekisho_policy::Refusal;
use tower::Service;

use super::callers::shown;
use super::door::{Admitted, Asked, Manner};
use super::failures::Pair;
use super::guard::guarded;
use super::rates::Left;
use super::{Attempt, Door, Standing};
use crate::{Answer, Body, Exchange, Hop, PeerCertificate, Stop, Witness};

/// Lets a request pass when its route's roles include the caller's.
#[derive(Clone, Debug)]
pub struct Access<S> {
    pub(super) inner: S,
    pub(super) door: Arc<Door>,
    pub(super) witness: Arc<dyn Witness>,
}

impl<S> Service<Hop> for Access<S>
where
    S: Service<Hop, Response = Response<Body>, Error = Stop, Future = Answer> + Clone + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Stop;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut hop: Hop) -> Answer {
        // Only this door says who a caller is.
        take_off_names(hop.request.headers_mut());
        let route = &hop.exchange.route;
        if !route.callers.may_come_from(hop.exchange.peer) {
            return Refusal::AddressRefused.into();
        }
        if route.roles.is_none() {
            return self.go_on(hop, None);
        }
        match self.door.hear(said(&hop), hop.exchange.peer, PATIENT) {
            Asked::Now(outcome) => self.pass(hop, outcome),
            Asked::Later(keys) => {
                let mut again = self.clone();
                Answer::later(async move {
                    keys.await;
                    let manner = Manner { patient: false, ..PATIENT };
                    match again.door.hear(said(&hop), hop.exchange.peer, manner) {
                        Asked::Now(outcome) => again.pass(hop, outcome).await,
                        // INVARIANT: who is not patient is not asked to wait.
                        Asked::Later(_) => Err(Refusal::Unauthenticated.into()),
                    }
                })
            }
        }
    }
}

impl<S> Access<S>
where
    S: Service<Hop, Response = Response<Body>, Error = Stop, Future = Answer>,
{
    fn pass(&mut self, hop: Hop, outcome: Result<Admitted, Attempt>) -> Answer {
        match self.admit(hop, outcome) {
            Ok((hop, standing)) => self.go_on(hop, Some(standing)),
            Err(refusal) => refusal.into(),
        }
    }

    /// Whoever it is may use the route: how often, and what the upstream makes of it.
    fn go_on(&mut self, mut hop: Hop, standing: Option<Standing>) -> Answer {
        let exchange = Arc::clone(&hop.exchange);
        let id = standing.as_ref().map(|standing| standing.principal().key.id.as_str());
        let left = match self.take(&exchange, id) {
            Ok(left) => left,
            Err(refusal) => return refusal.into(),
        };
        let watched = match self.watch_upstream(&hop, id) {
            Ok(watched) => watched,
            Err(refusal) => return refusal.into(),
        };
        if let Some(standing) = &standing {
            let body = std::mem::take(hop.request.body_mut());
            *hop.request.body_mut() = guarded(body, standing);
        }
        if standing.is_none() && left.is_none() && watched.is_none() {
            return self.inner.call(hop);
        }
        let (door, witness) = (Arc::clone(&self.door), Arc::clone(&self.witness));
        self.inner.call(hop).map(move |outcome| {
            let mut response = outcome?;
            // It may have waited long for its answer. What became of an order is told to whoever sent it.
            if exchange.route.orders.is_none() && standing.as_ref().is_some_and(Standing::is_over) {
                return Err(Refusal::Unauthenticated.into());
            }
            let callers = &exchange.route.callers;
            if let Some(pair) = watched {
                let status = response.status();
                let denied = callers.upstream_denies.contains(&status);
                let attempt = door.after_upstream(&pair, exchange.peer, denied, status.is_success());
                attempt.iter().for_each(|attempt| witness.failed(&exchange, attempt));
            }
            if let (Some(left), Some(rates)) = (&left, &callers.rates) {
                rates.tell(left, &mut response);
            }
            Ok(match standing {
                Some(standing) => response.map(|body| guarded(body, &standing)),
                None => response,
            })
        })
    }

    /// One request of a caller's, where the route has rates.
    fn take(&self, exchange: &Exchange, id: Option<&str>) -> Result<Option<Left>, Refusal> {
        let Some(rates) = &exchange.route.callers.rates else { return Ok(None) };
        let left = rates.take(self.door.caller(id, exchange.peer));
        left.map(Some).map_err(|wait| Refusal::RateLimited { retry_after_s: wait.as_secs().saturating_add(1) })
    }

    /// Whose failures the upstream's answer may be, where the route says that it may.
    fn watch_upstream(&self, hop: &Hop, id: Option<&str>) -> Result<Option<Pair>, Refusal> {
        if hop.exchange.route.callers.upstream_denies.is_empty() {
            return Ok(None);
        }
        let shown = id.map(str::to_lowercase).or_else(|| shown(hop.request.headers()));
        self.door.before_upstream(shown.as_deref(), hop.exchange.peer).map(Some).map_err(|attempt| {
            self.witness.failed(&hop.exchange, &attempt);
            attempt.refusal()
        })
    }

    fn admit(&self, mut hop: Hop, outcome: Result<Admitted, Attempt>) -> Result<(Hop, Standing), Refusal> {
        let Admitted { principal, spent } = outcome.map_err(|attempt| {
            self.witness.failed(&hop.exchange, &attempt);
            attempt.refusal()
        })?;
        let roles = hop.exchange.route.roles.as_deref().unwrap_or_default();
        if !roles.contains(&principal.key.role) {
            self.witness.denied(&hop.exchange, &principal);
            return Err(Refusal::Forbidden);
        }
        let headers = hop.request.headers_mut();
        if let Some(spent) = spent {
            headers.remove(spent);
        }
        if let Ok(id) = HeaderValue::from_str(&principal.key.id) {
            headers.insert(PRINCIPAL, id);
        }
        let standing = self.door.standing(&principal);
        // Who serves this request beyond its answer, as after an upgrade, has to look after it as well.
        hop.request.extensions_mut().insert(standing.clone());
        Ok((hop, standing))
    }
}

/// All that a request says of who sends it.
fn said(hop: &Hop) -> (&HeaderMap, Option<&PeerCertificate>) {
    (hop.request.headers(), hop.request.extensions().get())
}

/// Takes off whatever a server behind could take for the name we give: some read `_` as `-`.
fn take_off_names(headers: &mut HeaderMap) {
    headers.remove(PRINCIPAL);
    if headers.keys().any(is_alias) {
        let aliases: Vec<HeaderName> = headers.keys().filter(|name| is_alias(name)).cloned().collect();
        for alias in aliases {
            headers.remove(alias);
        }
    }
}

fn is_alias(name: &HeaderName) -> bool {
    name.as_str().len() == NAME.len()
        && name
            .as_str()
            .bytes()
            .zip(NAME.bytes())
            .all(|(theirs, ours)| theirs == ours || theirs == b'_' && ours == b'-')
}

const PATIENT: Manner = Manner { lockout_holds: true, patient: true, sessions: false };
const NAME: &str = "sekisho-principal";
const PRINCIPAL: HeaderName = HeaderName::from_static(NAME);
