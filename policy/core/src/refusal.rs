//! Every way in which policy says no. One code, one status, one page in `docs/runbooks` each.

use sekisho_safety::{Epoch, Posture, Scope};

use crate::Class;
use crate::orders::Beyond;

struct Facts {
    code: &'static str,
    status: u16,
    title: &'static str,
    runbook: &'static str,
}

macro_rules! facts {
    ($code:literal, $status:literal, $title:literal $(,)?) => {
        Facts { code: $code, status: $status, title: $title, runbook: concat!("docs/runbooks/", $code, ".md") }
    };
}
/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The state in force does not let this class of order message through.
    #[error("a message of class {} is refused in {} ({} epoch {})", .0.class, .0.posture, .0.scope, .0.epoch)]
    OrderRefused(OrderRefusal),
    /// The message can be read in two ways, and the state in force is not ALLOW. The second field says what is wrong with
    /// it; it names fields, never values.
    #[error("a message that can be read in two ways is refused: {1}")]
    OrderAmbiguous(OrderRefusal, String),
    /// The order was sent and no answer came: nobody here knows what became of it.
    #[error("an order was sent and not answered")]
    OrderOutcomeUnknown,
    /// An order with the id of one that went on before. Whether it was carried out is for the venue to say.
    #[error("an order with this id went on before")]
    OrderForwardedBefore(Forwarded),
    /// An order asks for more than policy permits in any state.
    #[error("an order is beyond a bound of policy: {}", .0.as_str())]
    OrderBeyondBounds(Beyond),
    /// The body of an order message is longer than can be judged.
    #[error("an order message is too long to be judged")]
    OrderTooLarge,
    /// No credential, or a wrong one.
    #[error("no valid credential")]
    Unauthenticated,
    /// The caller is known and may not do this.
    #[error("the caller may not do this")]
    Forbidden,
    /// Nobody may use the route from this address.
    #[error("the address may not use this")]
    AddressRefused,
    /// The caller has used up what it may use.
    #[error("over the rate, try again in {retry_after_s} s")]
    RateLimited {
        /// Seconds until there is some again.
        retry_after_s: u64,
    },
    /// Too many failed attempts.
    #[error("locked out for {retry_after_s} s")]
    LockedOut {
        /// Seconds until an attempt counts again.
        retry_after_s: u64,
    },
    /// No route matches.
    #[error("no route")]
    NoRoute,
    /// The request is not sound HTTP, or may be read in two ways.
    #[error("bad request: {what}")]
    BadRequest {
        /// What is wrong with it.
        what: &'static str,
    },
    /// More headers, or longer ones, than policy permits.
    #[error("the headers are too large")]
    HeadersTooLarge,
    /// A longer body than policy permits.
    #[error("the body is too large")]
    BodyTooLarge,
    /// The request did not arrive in time.
    #[error("the request did not arrive in time")]
    RequestTimeout,
    /// More requests under way than policy permits.
    #[error("overloaded, try again in {retry_after_s} s")]
    Overloaded {
        /// Seconds after which trying again is reasonable.
        retry_after_s: u64,
    },
    /// What was about to leave holds a secret that is to be blocked, not masked.
    #[error("a secret in the content")]
    SecretInContent,
    /// The body cannot be decoded, so it cannot be searched.
    #[error("the body cannot be decoded")]
    Undecodable,
    /// A content coding that cannot be searched.
    #[error("unsupported content coding")]
    UnsupportedCoding,
    /// A body of a type that is not known, on a route that wants to know all of them.
    #[error("unknown content")]
    UnknownContent,
    /// A body that would have to be masked, and is signed.
    #[error("a signed body cannot be masked")]
    SignedBody,
    /// The upstream cannot be reached, or broke off.
    #[error("the upstream is not available")]
    UpstreamUnavailable,
    /// The upstream did not answer in time.
    #[error("the upstream did not answer in time")]
    UpstreamTimeout,
    /// A change of protocol that cannot be searched.
    #[error("a change of protocol is refused")]
    UpgradeRefused,
    /// The route, its upstream or the whole service was put in quarantine.
    #[error("in quarantine")]
    Quarantined,
    /// More orders a second than a ramp lets through after a reopening.
    #[error("orders come back step by step")]
    OrderPaced,
    /// A value of a revoked secret stands where credentials may pass.
    #[error("a revoked secret")]
    SecretRevoked,
}

/// What is known of an order that went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// The status it was answered with. `None`: no answer is known.
    pub answered: Option<u16>,
}

/// What was decided about an order message, and by what state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRefusal {
    /// What the message is.
    pub class: Class,
    /// What each of its parts is, when it has parts.
    pub legs: Vec<Class>,
    /// The column of the decision table.
    pub posture: Posture,
    /// The scope that decided.
    pub scope: Scope,
    /// That scope's epoch.
    pub epoch: Epoch,
}

impl Refusal {
    /// Every code there is.
    pub const ALL_CODES: &'static [&'static str] = &[
        "order_refused",
        "order_ambiguous",
        "order_outcome_unknown",
        "order_forwarded_before",
        "order_beyond_bounds",
        "order_too_large",
        "unauthenticated",
        "forbidden",
        "address_refused",
        "rate_limited",
        "locked_out",
        "no_route",
        "bad_request",
        "headers_too_large",
        "body_too_large",
        "request_timeout",
        "overloaded",
        "secret_in_content",
        "undecodable",
        "unsupported_coding",
        "unknown_content",
        "signed_body",
        "upstream_unavailable",
        "upstream_timeout",
        "upgrade_refused",
        "quarantined",
        "order_paced",
        "secret_revoked",
    ];

    /// The stable code, in snake case.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.facts().code
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.facts().status
    }

    /// The HTTP status on an order route: never 5xx, 429 or 408. A client takes 5xx for "unknown" and 429 for "slow down",
    /// and some send an order again after either; a refused order is definite.
    #[must_use]
    pub const fn status_for_order(&self) -> u16 {
        match self.status() {
            408 | 429 | 500..=599 => 403,
            status => status,
        }
    }

    /// One line for the client. It says nothing that an attacker could use.
    #[must_use]
    pub const fn title(&self) -> &'static str {
        self.facts().title
    }

    /// Its page, as a path in the repository.
    #[must_use]
    pub const fn runbook(&self) -> &'static str {
        self.facts().runbook
    }

    /// Seconds for `Retry-After`, where trying again helps.
    #[must_use]
    pub const fn retry_after_s(&self) -> Option<u64> {
        if let Self::LockedOut { retry_after_s }
        | Self::Overloaded { retry_after_s }
        | Self::RateLimited { retry_after_s } = self
        {
            return Some(*retry_after_s);
        }
        None
    }

    /// What was decided about an order message, when one was judged.
    #[must_use]
    pub const fn order(&self) -> Option<&OrderRefusal> {
        if let Self::OrderRefused(order) | Self::OrderAmbiguous(order, _) = self {
            return Some(order);
        }
        None
    }

    /// Whether the request went on to the upstream: `Some(false)` is certain, `None` is not known.
    #[must_use]
    pub const fn forwarded(&self) -> Option<bool> {
        if matches!(self, Self::OrderForwardedBefore(_)) {
            return Some(true);
        }
        if matches!(self, Self::OrderOutcomeUnknown) { None } else { Some(false) }
    }

    const fn facts(&self) -> Facts {
        match self {
            Self::OrderRefused(_) => facts!("order_refused", 403, "the safety state refuses this order message"),
            Self::OrderAmbiguous(_, _) => facts!("order_ambiguous", 403, "the order message can be read in two ways"),
            Self::OrderOutcomeUnknown => facts!(
                "order_outcome_unknown",
                409,
                "the order may have reached the venue; query it before sending again"
            ),
            Self::OrderForwardedBefore(_) => {
                facts!("order_forwarded_before", 409, "an order with this id went on before; query it at the venue")
            }
            Self::OrderBeyondBounds(_) => {
                facts!("order_beyond_bounds", 403, "the order is beyond the bounds that policy sets")
            }
            Self::OrderTooLarge => facts!("order_too_large", 403, "the order message is too long to be judged"),
            Self::Unauthenticated => facts!("unauthenticated", 401, "a valid credential is needed"),
            Self::Forbidden => facts!("forbidden", 403, "this caller may not do this"),
            Self::AddressRefused => facts!("address_refused", 403, "this address may not use this"),
            Self::RateLimited { .. } => facts!("rate_limited", 429, "too many requests of this caller"),
            Self::LockedOut { .. } => facts!("locked_out", 429, "too many failed attempts"),
            Self::NoRoute => facts!("no_route", 404, "there is no such route"),
            Self::BadRequest { .. } => facts!("bad_request", 400, "the request is not acceptable HTTP"),
            Self::HeadersTooLarge => facts!("headers_too_large", 431, "the headers are too large"),
            Self::BodyTooLarge => facts!("body_too_large", 413, "the body is too large"),
            Self::RequestTimeout => facts!("request_timeout", 408, "the request did not arrive in time"),
            Self::Overloaded { .. } => facts!("overloaded", 503, "too many requests are under way"),
            Self::SecretInContent => facts!("secret_in_content", 403, "the content holds a secret"),
            Self::Undecodable => facts!("undecodable", 403, "the content cannot be decoded and so not be searched"),
            Self::UnsupportedCoding => facts!("unsupported_coding", 415, "the content coding is not supported"),
            Self::UnknownContent => facts!("unknown_content", 415, "this route takes known types of content only"),
            Self::SignedBody => facts!("signed_body", 403, "the content holds a secret and is signed"),
            Self::UpstreamUnavailable => facts!("upstream_unavailable", 502, "the upstream is not available"),
            Self::UpstreamTimeout => facts!("upstream_timeout", 504, "the upstream did not answer in time"),
            Self::UpgradeRefused => facts!("upgrade_refused", 403, "a change of protocol is not permitted"),
            Self::Quarantined => facts!("quarantined", 403, "this is contained until people release it"),
            Self::OrderPaced => facts!("order_paced", 403, "orders come back step by step after a reopening"),
            Self::SecretRevoked => facts!("secret_revoked", 403, "a credential in this request was revoked"),
        }
    }
}

#[cfg(test)]
mod tests;
