use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Limited};
use sekisho_codec::{Flat, Limits, form, json};
use sekisho_policy::{OrderView, Refusal};
use tower::Service;

use super::permitted::Order;
use super::{OrderLimits, Permitted, SafetyView};
use crate::witness::Witness;
use crate::{Answer, Body, Fault, Hop, Stop};

/// Lets an order message through, or refuses it. Everything else passes as it is.
#[derive(Clone, Debug)]
pub struct OrderGate<S> {
    pub(super) inner: S,
    pub(super) keeper: Arc<Keeper>,
}

/// Who decides, whatever stands behind the gate.
#[derive(Debug)]
pub(super) struct Keeper {
    pub(super) safety: Arc<dyn SafetyView>,
    pub(super) witness: Arc<dyn Witness>,
    pub(super) limits: OrderLimits,
}

impl<S> Service<Hop> for OrderGate<S>
where
    S: Service<Permitted, Response = Response<Body>, Error = Stop, Future = Answer> + Clone + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Stop;
    type Future = Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, hop: Hop) -> Answer {
        if hop.exchange.route.orders.is_none() {
            return self.inner.call(Permitted::new(hop, None));
        }
        let (mut inner, keeper) = (self.inner.clone(), Arc::clone(&self.keeper));
        Answer::later(async move {
            let (hop, order) = keeper.admit(hop).await?;
            keeper.witness.forwarded(&order.exchange, order.classified.class);
            inner.call(Permitted::new(hop, Some(order))).await
        })
    }
}

impl Keeper {
    /// Reads an order message as far as is needed, and decides.
    async fn admit(&self, hop: Hop) -> Result<(Hop, Order), Stop> {
        let Hop { exchange, request } = hop;
        let Some(orders) = &exchange.route.orders else { return Err(Refusal::NoRoute.into()) };
        let (head, body) = request.into_parts();
        let query = pairs(head.uri.query().unwrap_or_default().as_bytes(), &self.limits.fields);
        let body = self.read(body).await?;
        let fields = fields_of(&head.headers, &body, &self.limits.fields);
        let classified = orders.rules.classify(&OrderView {
            method: head.method.as_str(),
            host: &exchange.host,
            path: head.uri.path(),
            query: &query.pairs,
            body: &fields.pairs,
            ambiguity: query.ambiguity().or_else(|| fields.ambiguity()).or_else(|| override_of(&head.headers)),
        });
        let order = Order { exchange: Arc::clone(&exchange), classified, safety: Arc::clone(&self.safety) };
        order.decide()?;
        let request = Request::from_parts(head, Body::full(body));
        Ok((Hop { exchange, request }, order))
    }

    async fn read(&self, body: Body) -> Result<bytes::Bytes, Stop> {
        match Limited::new(body, self.limits.body_bytes).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) => match error.downcast::<Fault>() {
                Ok(fault) => Err(Stop::Broke(*fault)),
                Err(_too_long) => Err(Refusal::OrderTooLarge.into()),
            },
        }
    }
}

/// The fields of a message, and what makes them readable in two ways.
#[derive(Default)]
struct Fields {
    pairs: Vec<(String, String)>,
    ambiguity: Option<String>,
}

impl Fields {
    fn ambiguity(&self) -> Option<&str> {
        self.ambiguity.as_deref()
    }

    fn unreadable(why: &dyn ToString) -> Self {
        Self { pairs: Vec::new(), ambiguity: Some(why.to_string()) }
    }
}

impl From<Flat> for Fields {
    fn from(flat: Flat) -> Self {
        Self { pairs: flat.pairs, ambiguity: flat.ambiguity.map(|ambiguity| ambiguity.to_string()) }
    }
}

fn pairs(query: &[u8], limits: &Limits) -> Fields {
    form::parse(query, limits).map_or_else(|why| Fields::unreadable(&why), Fields::from)
}

/// A body is read by what it is and by what it says it is; where the two disagree it has two readings.
fn fields_of(headers: &HeaderMap, body: &[u8], limits: &Limits) -> Fields {
    let looks_json =
        body.iter().find(|byte| !byte.is_ascii_whitespace()).is_some_and(|byte| matches!(byte, b'{' | b'['));
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if body.is_empty() {
        return Fields::default();
    }
    let says_json = said.to_ascii_lowercase().contains("json");
    let says_form = said.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    if (says_form && looks_json) || (says_json && !looks_json) {
        return Fields::unreadable(&"the body is not what its content type says");
    }
    if looks_json {
        json::flatten(body, limits).map_or_else(|why| Fields::unreadable(&why), Fields::from)
    } else {
        pairs(body, limits)
    }
}

fn override_of(headers: &HeaderMap) -> Option<&'static str> {
    headers.keys().any(|name| OVERRIDES.contains(name)).then_some("a header overrides the method or the target")
}

/// What a server behind us may take for the method or the target instead of the ones that were judged.
static OVERRIDES: [HeaderName; 8] = [
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-method-override"),
    HeaderName::from_static("x-original-method"),
    HeaderName::from_static("x-original-url"),
    HeaderName::from_static("x-original-uri"),
    HeaderName::from_static("x-rewrite-url"),
    HeaderName::from_static("x-forwarded-uri"),
];
