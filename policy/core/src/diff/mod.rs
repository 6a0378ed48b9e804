//! What a policy changes against another, and whether it protects less.
//!
//! Whatever is not plainly at least as strict counts as looser: a route that is moved may take what another one held, and a
//! field that this page does not know may mean anything. So a new field is safe before anybody has thought about it.
//!
//! ```
//! use sekisho_policy::{Means, Policy};
//! let policy = |routes: &str| Policy::parse("p", &format!(
//!     "version: 1\nservice: s\nlimits: {{ {routes} }}\n"
//! )).unwrap();
//! let found = policy("body_bytes: 1MiB").diff(&policy("body_bytes: 2MiB"));
//! assert_eq!(found[0].to_string(), "looser  limits.body_bytes: 1048576 becomes 2097152");
//! assert_eq!(found[0].means, Means::Looser);
//! ```

mod transport;

mod identity;

mod numbers;

mod routes;

mod signals;

mod evidence;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::{Policy, Telemetry};

/// One way in which a policy differs from the one before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Where, as in `limits.body_bytes`. Lists are named by what is in them: `routes.orders.roles`.
    pub path: String,
    /// What that does to what is protected.
    pub means: Means,
    /// Whether it is read at the start alone, so that it takes a restart.
    pub restart: bool,
    /// What is different. Text of the document is not in it: somebody may have put a secret there.
    pub what: String,
}

/// What a difference does to what is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// More is protected, or better.
    Tighter,
    /// As much is.
    Neutral,
    /// Less is, or it cannot be told.
    Looser,
}

impl Means {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tighter => "tighter",
            Self::Neutral => "neutral",
            Self::Looser => "looser",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let restart = if self.restart { " (takes a restart)" } else { "" };
        write!(f, "{:<7} {}: {}{restart}", self.means.as_str(), self.path, self.what)
    }
}

impl Policy {
    /// Every difference of `after` against this one. Empty: nothing that either of them does is different.
    #[must_use]
    pub fn diff(&self, after: &Self) -> Vec<Difference> {
        let mut diff = Diff::default();
        // Taken apart without `..`: a section that is not looked at does not compile.
        let Self {
            service,
            data_dir,
            workers,
            listeners,
            limits,
            upstreams,
            routes,
            streams,
            fix,
            secrets,
            detectors,
            identity,
            matrix,
            auth_failures,
            signals,
            gates,
            sweeps,
            monitors,
            safety,
            drill,
            incidents,
            journal,
            orders_ledger,
            at_rest,
            retention,
            telemetry,
            source: _,
            hash: _,
        } = self;
        diff.process((service, data_dir, workers), after);
        diff.listeners(listeners, &after.listeners);
        diff.upstreams(upstreams, &after.upstreams);
        diff.start("drill", *drill != after.drill);
        diff.start("at_rest", *at_rest != after.at_rest);
        diff.routes(routes, &after.routes);
        diff.streams(streams, &after.streams);
        diff.start("fix", *fix != after.fix);
        diff.secrets(secrets, &after.secrets);
        diff.detectors(detectors, &after.detectors);
        diff.identity(identity, &after.identity);
        diff.matrix(matrix, &after.matrix);
        diff.signals(signals, &after.signals);
        diff.gates(gates, &after.gates);
        diff.start("sweeps", *sweeps != after.sweeps);
        diff.start("safety.sentinel", safety.sentinel != after.safety.sentinel);
        diff.numbers("limits", &limits.numbers(), &after.limits.numbers());
        diff.numbers("auth_failures", &auth_failures.numbers(), &after.auth_failures.numbers());
        diff.numbers("monitors", &monitors.numbers(), &after.monitors.numbers());
        diff.numbers("safety", &safety.numbers(), &after.safety.numbers());
        diff.numbers("incidents", &incidents.numbers(), &after.incidents.numbers());
        diff.numbers("journal", &journal.numbers(), &after.journal.numbers());
        diff.numbers("orders_ledger", &orders_ledger.numbers(), &after.orders_ledger.numbers());
        diff.telemetry(telemetry, &after.telemetry);
        diff.retention(retention, &after.retention);
        diff.found
    }
}

/// Collects differences.
#[derive(Default)]
struct Diff {
    found: Vec<Difference>,
}

impl Diff {
    fn say(&mut self, means: Means, path: impl Into<String>, what: impl Into<String>) {
        self.found.push(Difference { path: path.into(), means, restart: false, what: what.into() });
    }

    /// Who and where the process is.
    fn process(&mut self, (service, data_dir, workers): (&Arc<str>, &Path, &Option<usize>), after: &Policy) {
        self.start("service", *service != after.service);
        self.start("data_dir", data_dir != after.data_dir);
        self.start("workers", *workers != after.workers);
    }

    /// Something that is read at the start alone, and not looked into.
    /// What is told of traffic.
    fn telemetry(&mut self, before: &Telemetry, after: &Telemetry) {
        self.start("telemetry.access_log", before.access_log != after.access_log);
        self.numbers("telemetry", &before.numbers(), &after.numbers());
    }

    fn start(&mut self, path: &str, differs: bool) {
        if differs {
            let (path, what) = (path.to_owned(), "is another".to_owned());
            self.found.push(Difference { path, means: Means::Looser, restart: true, what });
        }
    }
}

/// Whether everything in `few` is in `many`.
fn within<T: PartialEq>(few: &[T], many: &[T]) -> bool {
    few.iter().all(|one| many.contains(one))
}
