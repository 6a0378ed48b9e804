//! What is counted and timed of every answer, and told of in the access log.

use std::time::Duration;

use http::{Method, Response, Uri};
use prometheus::core::{AtomicU64, GenericCounterVec};
use prometheus::{HistogramOpts, HistogramVec, Opts, Registry};
use sekisho_filters::{Body, Exchange};

use super::access_log::{AccessLog, Entry};
use crate::data::observe::{Observe, Target};

/// Counts and times answers. Its labels are names of policy, and classes of statuses.
#[derive(Clone, Debug)]
pub struct Traffic {
    answers: GenericCounterVec<AtomicU64>,
    own: HistogramVec,
    upstream: HistogramVec,
    log: Option<AccessLog>,
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
        let traffic = Self {
            answers: GenericCounterVec::new(answers, &["route", "class"])?,
            own: HistogramVec::new(own.buckets(OWN.to_vec()), &["route"])?,
            upstream: HistogramVec::new(upstream.buckets(UPSTREAM.to_vec()), &["upstream"])?,
            log: None,
        };
        registry.register(Box::new(traffic.answers.clone()))?;
        registry.register(Box::new(traffic.own.clone()))?;
        registry.register(Box::new(traffic.upstream.clone()))?;
        Ok(traffic)
    }

    /// The same, written into `log` as well.
    #[must_use]
    pub fn logged(self, log: Option<AccessLog>) -> Self {
        Self { log, ..self }
    }
}

impl Observe for Traffic {
    /// Without a log there is nothing to keep.
    fn asked(&self, method: &Method, uri: &Uri) -> Option<Target> {
        self.log.as_ref().map(|_log| Target { method: method.clone(), uri: uri.clone() })
    }

    /// The line is written when the answer's body has ended, or was given up.
    fn answered(&self, exchange: &Exchange, asked: Option<Target>, response: Response<Body>) -> Response<Body> {
        let (took, waited) = (exchange.trip.elapsed(), exchange.trip.waited());
        let own = took.saturating_sub(waited.unwrap_or(Duration::ZERO));
        let (route, status) = (&*exchange.route.name, response.status());
        self.answers.with_label_values(&[route, class(status.as_u16())]).inc();
        self.own.with_label_values(&[route]).observe(own.as_secs_f64());
        if let Some(waited) = waited {
            self.upstream.with_label_values(&[&exchange.route.upstream]).observe(waited.as_secs_f64());
        }
        match (&self.log, asked) {
            (Some(log), Some(asked)) => log.follow(Entry::of(asked, exchange, (status, own)), response),
            _ => response,
        }
    }
}

const fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// Upper ends of the buckets, in seconds: a sidecar that takes longer than a tenth of one has another trouble.
const OWN: [f64; 11] = [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 1.0];

/// The same of upstreams, which are far away.
const UPSTREAM: [f64; 11] = [0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 10.0];
