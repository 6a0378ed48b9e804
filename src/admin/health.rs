use http::{Response, StatusCode};
use sekisho_filters::Body;
use sekisho_filters::order_gate::SafetyView;
use sekisho_safety::{Scope, Source};

use super::{Admin, reply};
use crate::control::clock::since_boot;
use crate::control::memory;
use crate::control::safety::now_ms;
use crate::telemetry::metrics::Reading;

impl Admin {
    /// The process runs its tasks.
    pub(super) fn live() -> Response<Body> {
        reply::typed(StatusCode::OK, "text/plain", "ok\n")
    }

    /// A verified state is loaded, what is in force is stored, and the journal writes.
    pub(super) fn ready(&self, verbose: bool) -> Response<Body> {
        let checks = [
            ("state_verified", !self.rests_on_nothing()),
            ("state_stored", self.safety.is_stored()),
            ("journal", self.journal.health().is_ok()),
        ];
        let ready = checks.iter().all(|(_, ok)| *ok);
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let mut text = String::new();
        for (name, ok) in checks.iter().filter(|(_, ok)| verbose || !ok) {
            text.push_str(&format!("[{}] {name}\n", if *ok { '+' } else { '-' }));
        }
        // Not being able to follow a bad file is no reason to take traffic away from a sound policy.
        if verbose {
            text.push_str(if self.reload.is_sound() { "[+] policy_file\n" } else { "[-] policy_file\n" });
        }
        text.push_str(if ready { "ok\n" } else { "not ready\n" });
        reply::typed(status, "text/plain", text)
    }

    /// Whether the state could not be verified at the start and nobody has released that since.
    fn rests_on_nothing(&self) -> bool {
        let state = self.safety.state();
        state.scopes().any(|view| view.sources.iter().any(|entry| entry.source == Source::Unverified))
    }

    pub(super) fn metrics(&self) -> Response<Body> {
        match self.metrics_text() {
            Ok(text) => reply::typed(StatusCode::OK, "text/plain; version=0.0.4", text),
            Err(error) => reply::problem(StatusCode::INTERNAL_SERVER_ERROR, "metrics", &error.to_string()),
        }
    }

    /// All metrics, as they are scraped.
    pub(super) fn metrics_text(&self) -> prometheus::Result<Vec<u8>> {
        let now = now_ms();
        let open = self.incidents.open_in(&Scope::Fleet);
        let reading = Reading {
            level: self.safety.effective(&[]).level,
            stored: self.safety.is_stored(),
            policy_ok: self.reload.is_sound(),
            journal_ok: self.journal.health().is_ok(),
            journal_size: self.journal.sealed_size(),
            incidents: open.iter().map(|incident| (incident.severity, incident.is_overdue(now))).collect(),
            gates: self.gates.all(since_boot()).iter().map(|gate| gate.status).collect(),
            sweeps: self.sweeps.all().iter().map(|sweep| sweep.status.as_str()).collect(),
            lockouts: self.door.failures().locks().len(),
            memory: (memory::resident().unwrap_or(0), self.reload.policy.load().limits.memory_bytes),
        };
        self.metrics.text(&reading, self.decisions.count())
    }
}
