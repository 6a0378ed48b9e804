//! Asks servers whether they are well. Those that are not get requests only while no other is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::header::USER_AGENT;
use http::{HeaderValue, Request};
use sekisho_filters::Body;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::connection::Connection;
use super::{Target, Timeouts};

/// What is known of a server by asking it. Nobody has asked: it is well.
#[derive(Clone, Debug)]
pub struct Wellness(Arc<AtomicBool>);

impl Default for Wellness {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Wellness {
    pub(super) fn is_well(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// How a server is asked.
#[derive(Clone, Debug)]
pub struct Check {
    /// What for.
    pub path: Arc<str>,
    /// How often.
    pub interval: Duration,
    /// How long an answer may take, connecting included.
    pub timeout: Duration,
    /// After how many failures in a row it is unwell.
    pub fail_after: u32,
    /// After how many answers in a row it is well again.
    pub pass_after: u32,
}

/// Asks `server` without end, and tells `heard` what is known of it: at once, and whenever that changes.
pub async fn watch(server: Target, check: Check, heard: impl Fn(bool) + Send) {
    let mut times = interval(check.interval);
    times.set_missed_tick_behavior(MissedTickBehavior::Delay);
    heard(server.wellness.is_well());
    let mut against = 0_u32;
    loop {
        times.tick().await;
        let (well, answered) = (server.wellness.is_well(), ask(&server, &check).await);
        against = if well == answered { 0 } else { against.saturating_add(1) };
        let enough = if well { check.fail_after } else { check.pass_after };
        if against >= enough {
            against = 0;
            server.wellness.0.store(answered, Ordering::Relaxed);
            heard(answered);
        }
    }
}

/// Whether it answers with 2xx in time, on a connection of its own: one that is kept says little of whether others can be made.
async fn ask(server: &Target, check: &Check) -> bool {
    let asked = async {
        let all = Timeouts { connect: check.timeout, response: check.timeout, idle: check.timeout, age: check.timeout };
        let mut connection = Connection::open(server, &all, false).await.ok()?;
        let mut request = Request::get(&*check.path).body(Body::empty()).ok()?;
        request.headers_mut().insert(USER_AGENT, AGENT);
        let request = server.address(request).ok()?;
        connection.send(request).await.ok().map(|response| response.status().is_success())
    };
    timeout(check.timeout, asked).await.ok().flatten().unwrap_or(false)
}

const AGENT: HeaderValue = HeaderValue::from_static("sekisho-health-check");
