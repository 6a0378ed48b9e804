//! What is counted and timed of every answer, and told of in the access log.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{Method, Response, StatusCode, Uri};
use prometheus::core::{AtomicU64, GenericCounter, GenericCounterVec};
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntGaugeVec, Opts, Registry};
use sekisho_filters::{Body, Exchange, Route, Waited};

use super::access_log::{AccessLog, Entry};
use crate::data::observe::{Observe, Target};

/// Counts and times answers. Its labels are names of policy, and classes of statuses.
#[derive(Clone, Debug)]
pub struct Traffic {
    answers: GenericCounterVec<AtomicU64>,
    own: HistogramVec,
    upstream: HistogramVec,
    retries: GenericCounterVec<AtomicU64>,
    servers: IntGaugeVec,
    log: Option<AccessLog>,
}

/// [`Traffic`] as one worker counts it for one listener: it looks up the series of a route once, so that an answer costs no hash
/// and no lock that another worker waits for.
#[derive(Debug)]
pub struct Counting {
    traffic: Traffic,
    routes: Mutex<Vec<Series>>,
}

/// The series of one route.
#[derive(Debug)]
struct Series {
    route: Arc<str>,
    answers: [GenericCounter<AtomicU64>; CLASSES.len()],
    own: Histogram,
    upstream: Option<Histogram>,
}

impl Traffic {
    /// Registers what is counted.
    ///
    /// # Errors
    ///
    /// When two metrics have one name.
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let answers = Opts::new("sekisho_answers_total", "Answers, by route and class of status.");
        let own = HistogramOpts::new(
            "sekisho_added_seconds",
            "From the head of a request to that of its answer, without the wait for the upstream.",
        );
        let upstream = HistogramOpts::new(
            "sekisho_upstream_seconds",
            "How long upstreams took to begin their answers, requests on their way to them included.",
        );
        let retries = Opts::new("sekisho_upstream_retries_total", "Requests sent again because a server had failed.");
        let servers = Opts::new("sekisho_upstream_up", "1 while a server answers its health check, if it has one.");
        let traffic = Self {
            answers: GenericCounterVec::new(answers, &["route", "class"])?,
            own: HistogramVec::new(own.buckets(OWN.to_vec()), &["route"])?,
            upstream: HistogramVec::new(upstream.buckets(UPSTREAM.to_vec()), &["upstream"])?,
            retries: GenericCounterVec::new(retries, &["upstream"])?,
            servers: IntGaugeVec::new(servers, &["upstream", "server"])?,
            log: None,
        };
        registry.register(Box::new(traffic.answers.clone()))?;
        registry.register(Box::new(traffic.own.clone()))?;
        registry.register(Box::new(traffic.upstream.clone()))?;
        registry.register(Box::new(traffic.retries.clone()))?;
        registry.register(Box::new(traffic.servers.clone()))?;
        Ok(traffic)
    }

    /// The same, written into `log` as well.
    #[must_use]
    pub fn logged(self, log: Option<AccessLog>) -> Self {
        Self { log, ..self }
    }

    /// Whether a server of an upstream answers its health check.
    pub fn server_is(&self, upstream: &str, server: &str, well: bool) {
        self.servers.with_label_values(&[upstream, server]).set(well.into());
        if !well {
            tracing::warn!("upstreams.{upstream}: {server} does not answer its health check");
        }
    }
}

impl Traffic {
    /// For one listener of one worker.
    #[must_use]
    pub const fn counting(self) -> Counting {
        Counting { traffic: self, routes: Mutex::new(Vec::new()) }
    }

    fn series(&self, route: &Route) -> Series {
        Series {
            route: Arc::clone(&route.name),
            answers: CLASSES.map(|class| self.answers.with_label_values(&[&*route.name, class])),
            own: self.own.with_label_values(&[&*route.name]),
            upstream: None,
        }
    }
}

impl Counting {
    fn count(&self, route: &Route, status: StatusCode, (own, waited): (Duration, Option<Waited>)) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = routes.iter().position(|series| Arc::ptr_eq(&series.route, &route.name));
        let at = known.unwrap_or_else(|| {
            // Those of policies that are no longer in force.
            routes.retain(|series| series.route != route.name);
            routes.push(self.traffic.series(route));
            routes.len().saturating_sub(1)
        });
        let Some(series) = routes.get_mut(at) else { return };
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()).saturating_sub(1);
        if let Some(answers) = series.answers.get(class) {
            answers.inc();
        }
        series.own.observe(own.as_secs_f64());
        if let Some(waited) = waited {
            let upstream = || self.traffic.upstream.with_label_values(&[&*route.upstream]);
            series.upstream.get_or_insert_with(upstream).observe(waited.time.as_secs_f64());
            if waited.retries > 0 {
                self.traffic.retries.with_label_values(&[&*route.upstream]).inc_by(waited.retries.into());
            }
        }
    }
}

impl Observe for Counting {
    /// Without a log there is nothing to keep.
    fn asked(&self, method: &Method, uri: &Uri) -> Option<Target> {
        self.traffic.log.as_ref().map(|_log| Target { method: method.clone(), uri: uri.clone() })
    }

    /// The line is written when the answer's body has ended, or was given up.
    fn answered(&self, exchange: &Exchange, asked: Option<Target>, response: Response<Body>) -> Response<Body> {
        let (took, waited) = (exchange.trip.elapsed(), exchange.trip.waited());
        let (status, own) =
            (response.status(), took.saturating_sub(waited.map_or(Duration::ZERO, |waited| waited.time)));
        self.count(&exchange.route, status, (own, waited));
        match (&self.traffic.log, asked) {
            (Some(log), Some(asked)) => log.follow(Entry::of(asked, exchange, (status, own)), response),
            _ => response,
        }
    }
}

/// Of statuses, by their first digit from 1 on.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Upper ends of the buckets, in seconds: a sidecar that takes longer than a tenth of one has another trouble.
const OWN: [f64; 11] = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0];

/// The same of upstreams, which are far away.
const UPSTREAM: [f64; 11] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0];
