use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Response};
use tokio::time::Instant;

/// How many requests a caller may make within a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So many, and all of them at once if need be.
    pub requests: u32,
    /// At least a second.
    pub window: Duration,
}

/// Requests by caller, held to all rates of a route (GCRA). Bounded: beyond it all newcomers share one allowance.
#[derive(Debug)]
pub struct Rates {
    rates: Vec<Rate>,
    most: usize,
    started: Instant,
    callers: Mutex<Callers>,
    policy: Option<HeaderValue>,
}

#[derive(Debug, Default)]
struct Callers {
    /// For each rate the time, in nanoseconds since the start, at which all of it is there again.
    full_again: HashMap<u64, Vec<u64>>,
    swept: u64,
}

/// What a caller has left.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left {
    /// By rate: requests, and how long until all of them are there again.
    each: Vec<(u64, Duration)>,
}

impl Rates {
    /// Holds callers to all of `rates`, and tells `callers` of them apart.
    #[must_use]
    pub fn new(rates: Vec<Rate>, callers: usize) -> Self {
        let policy = rates.iter().map(|rate| format!("{};q={};w={}", name(rate), rate.requests, rate.window.as_secs()));
        let policy = HeaderValue::from_str(&policy.collect::<Vec<_>>().join(", ")).ok();
        Self { rates, most: callers, started: Instant::now(), callers: Mutex::default(), policy }
    }

    /// Takes one request of `caller`'s from every rate, or from none.
    ///
    /// # Errors
    ///
    /// How long it has to wait.
    pub(super) fn take(&self, caller: u64) -> Result<Left, Duration> {
        let now = u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let caller = if callers.has_room(caller, now, self.most) { caller } else { OVERFLOW };
        let known = callers.full_again.get(&caller);
        let full = |at: usize| known.and_then(|known| known.get(at).copied()).unwrap_or(0).max(now);
        let taken: Vec<(u64, u64, u64)> =
            self.rates.iter().enumerate().map(|(at, rate)| rate.after(full(at))).collect();
        let waits = taken.iter().map(|(after, window, _)| after.saturating_sub(now).saturating_sub(*window));
        let wait = waits.max().unwrap_or(0);
        if wait > 0 {
            return Err(Duration::from_nanos(wait));
        }
        callers.full_again.insert(caller, taken.iter().map(|(after, ..)| *after).collect());
        let left = |(after, window, each): &(u64, u64, u64)| {
            let used = after.saturating_sub(now);
            (window.saturating_sub(used) / each, Duration::from_nanos(used))
        };
        Ok(Left { each: taken.iter().map(left).collect() })
    }

    /// Tells a caller what it has left, as draft-ietf-httpapi-ratelimit-headers has it.
    pub(super) fn tell<B>(&self, left: &Left, response: &mut Response<B>) {
        let items = self.rates.iter().zip(&left.each).map(|(rate, (left, full))| {
            format!("{};r={left};t={}", name(rate), full.as_secs().saturating_add(u64::from(full.subsec_nanos() > 0)))
        });
        self.put(response.headers_mut(), &items.collect::<Vec<_>>().join(", "));
    }

    fn put(&self, headers: &mut HeaderMap, left: &str) {
        if let (Some(policy), Ok(left)) = (&self.policy, HeaderValue::from_str(left)) {
            headers.insert(RATE_LIMIT_POLICY, policy.clone());
            headers.insert(RATE_LIMIT, left);
        }
    }
}

impl Rate {
    /// When all would be there again after one more, the window, and the time that one request takes of it.
    fn after(&self, full: u64) -> (u64, u64, u64) {
        let window = u64::try_from(self.window.as_nanos()).unwrap_or(u64::MAX);
        let each = window.checked_div(self.requests.into()).unwrap_or(window).max(1);
        (full.saturating_add(each), window, each)
    }
}

impl Callers {
    /// Whether `caller` has an allowance of its own. Room is made at most once a second, however many knock.
    fn has_room(&mut self, caller: u64, now: u64, most: usize) -> bool {
        if self.full_again.len() < most || self.full_again.contains_key(&caller) {
            return true;
        }
        if now.saturating_sub(self.swept) < SWEEP {
            return false;
        }
        self.swept = now;
        self.full_again.retain(|_, full| full.iter().any(|full| *full > now));
        self.full_again.len() < most
    }
}

fn name(rate: &Rate) -> String {
    format!("\"{}s\"", rate.window.as_secs())
}

const OVERFLOW: u64 = 0;
const SWEEP: u64 = 1_000_000_000;
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

#[cfg(test)]
mod tests {
    use super::{Duration, Rate, Rates, Response};

    fn rates(each: &[(u32, u64)], callers: usize) -> Rates {
        let rates =
            each.iter().map(|(requests, seconds)| Rate { requests: *requests, window: Duration::from_secs(*seconds) });
        Rates::new(rates.collect(), callers)
    }

    #[tokio::test(start_paused = true)]
    async fn every_rate_holds_and_a_refused_request_takes_nothing() {
        let rates = rates(&[(2, 1), (3, 60)], 100);
        assert!(rates.take(1).is_ok() && rates.take(1).is_ok());
        for _ in 0..10 {
            assert_eq!(rates.take(1), Err(Duration::from_millis(500)), "however often it is tried");
        }
        assert!(rates.take(2).is_ok(), "another caller");
        tokio::time::advance(Duration::from_millis(500)).await;
        let left = rates.take(1).unwrap();
        assert_eq!(left.each.iter().map(|(left, _)| *left).collect::<Vec<_>>(), [0, 0]);
        tokio::time::advance(Duration::from_secs(1)).await;
        let wait = rates.take(1).unwrap_err();
        assert!(wait > Duration::from_secs(18) && wait < Duration::from_secs(20), "the slower one: {wait:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_comes_when_all_places_are_taken_shares_one() {
        let rates = rates(&[(2, 10)], 3);
        assert!((1..=3).all(|caller| rates.take(caller).is_ok()));
        assert!(rates.take(4).is_ok() && rates.take(5).is_ok());
        assert!(rates.take(6).is_err(), "all newcomers are one caller");
        assert!(rates.take(1).is_ok(), "who was there is not forgotten for them");
        tokio::time::advance(Duration::from_secs(20)).await;
        assert!((10..13).all(|caller| rates.take(caller).is_ok()), "the idle are forgotten");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_is_told_what_is_left() {
        let rates = rates(&[(4, 2), (100, 3600)], 10);
        let left = rates.take(7).unwrap();
        let mut response = Response::new(());
        rates.tell(&left, &mut response);
        assert_eq!(response.headers()["ratelimit-policy"], "\"2s\";q=4;w=2, \"3600s\";q=100;w=3600");
        assert_eq!(response.headers()["ratelimit"], "\"2s\";r=3;t=1, \"3600s\";r=99;t=36");
    }
}
