//! What a route asks of its callers besides who they are.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::RouteWritten;
use crate::check::{Bounds, Checker};
use crate::sections::identity::{IpNet, networks};
use crate::written::{At, Count, Raw, Text, Time};

/// Networks of callers, as 10.0.0.0/8.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct FromWritten {
    /// The only networks that they may come from. Default any.
    pub(crate) allow: Vec<Raw<Text>>,
    /// Networks that they may not come from, whatever is allowed.
    pub(crate) deny: Vec<Raw<Text>>,
}

/// How many requests a caller may make within a time.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RateWritten {
    /// How many, all at once if need be. From 1 to 1000000000.
    pub(crate) requests: Option<Raw<Count>>,
    /// Within which time. From 1s to 744h.
    pub(crate) window: Option<Raw<Time>>,
}

/// What a route asks of its callers besides who they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallersPolicy {
    /// The only networks that they may come from. Empty: any.
    pub allow: Vec<IpNet>,
    /// Networks that they may not come from.
    pub deny: Vec<IpNet>,
    /// How many requests each may make, and within which time; all hold.
    pub rates: Vec<(u32, Duration)>,
    /// Statuses by which the upstream says that a credential is no good.
    pub upstream_denies: Vec<u16>,
}

pub(super) fn check_callers(route: &RouteWritten, path: &str, checker: &mut Checker) -> CallersPolicy {
    let field = |name: &str| format!("{path}.{name}");
    let rates = route.rates.iter().enumerate();
    let rates = rates.map(|(index, rate)| check_rate(rate, &field(&format!("rates[{index}]")), checker)).collect();
    if let Some(fifth) = route.rates.get(MOST_RATES) {
        checker.wrong(fifth.place, &field("rates"), format!("expected at most {MOST_RATES} rates"));
    }
    let statuses = route.upstream_denies.iter();
    let statuses = statuses
        .filter_map(|raw| checker.choice(raw, &field("upstream_denies"), &[("401", 401), ("403", 403), ("407", 407)]));
    CallersPolicy {
        upstream_denies: statuses.collect(),
        rates,
        allow: networks(&route.from.allow, &field("from.allow"), checker),
        deny: networks(&route.from.deny, &field("from.deny"), checker),
    }
}

fn check_rate(rate: &At<RateWritten>, path: &str, checker: &mut Checker) -> (u32, Duration) {
    let RateWritten { requests, window } = &rate.value;
    let requests = checker.needed(requests.as_ref(), rate.place, &format!("{path}.requests"));
    let window = checker.needed(window.as_ref(), rate.place, &format!("{path}.window"));
    let bounds = |max| Bounds { default: "1", min: "1", max };
    let requests = checker.bounded(requests, &format!("{path}.requests"), bounds("1000000000"));
    let times = Bounds { default: "1s", min: "1s", max: "744h" };
    (u32::try_from(requests).unwrap_or(u32::MAX), checker.bounded(window, &format!("{path}.window"), times))
}

const MOST_RATES: usize = 4;
