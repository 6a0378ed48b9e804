//! Prometheus metrics: prefix `sekisho_`, base units, and label values that are enumerated in the code.

use std::sync::Arc;

use prometheus::core::{AtomicU64, GenericCounter, GenericCounterVec};
use prometheus::{Encoder, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder};
use sekisho_filters::order_gate::Shadowed;
use sekisho_policy::{Class, Refusal};
use sekisho_safety::{Health, Level, Mode, Posture, Sev, Switch};

use crate::control::gates::Status;
use crate::control::{signals, sweeps};
use crate::telemetry::Traffic;

type Counter = GenericCounter<AtomicU64>;
type CounterVec = GenericCounterVec<AtomicU64>;

/// All metrics of one process.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Registry,
    /// What is counted of every answer.
    pub traffic: Traffic,
    /// Lines of the access log that could not be written.
    pub unlogged: Counter,
    requests: Counter,
    refused: Known,
    broken: Counter,
    secrets: CounterVec,
    cut: Counter,
    findings: CounterVec,
    auth_failures: CounterVec,
    signals: CounterVec,
    handshakes: CounterVec,
    orders: Known,
    shadow: Known,
    state: IntGaugeVec,
    stored: IntGauge,
    policy_ok: IntGauge,
    journal_ok: IntGauge,
    journal_size: IntGauge,
    incidents: IntGaugeVec,
    overdue: IntGauge,
    gates: IntGaugeVec,
    sweeps: IntGaugeVec,
    lockouts: IntGauge,
    memory: IntGauge,
    memory_limit: IntGauge,
}

/// The series of a metric whose label values are all known beforehand: counting looks up a word and nothing else. They are few,
/// and hardly two are of one length: looking through them takes less than a hash.
#[derive(Clone, Debug)]
struct Known {
    series: Arc<[(&'static str, Counter)]>,
}

impl Known {
    fn new(of: &CounterVec, words: impl IntoIterator<Item = &'static str>) -> Self {
        Self { series: words.into_iter().map(|word| (word, of.with_label_values(&[word]))).collect() }
    }

    fn inc(&self, word: &'static str) {
        if let Some((_, series)) = self.series.iter().find(|(ours, _)| *ours == word) {
            series.inc();
        }
    }
}

/// What is read when the metrics are.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What is in force for the fleet.
    pub level: Level,
    /// Whether it is stored as well.
    pub stored: bool,
    /// Whether the last policy file that was to be put in force was.
    pub policy_ok: bool,
    /// Whether the journal writes.
    pub journal_ok: bool,
    /// Records under its last checkpoint.
    pub journal_size: u64,
    /// Open incidents, by grade: each with whether nobody has answered in time.
    pub incidents: Vec<(Sev, bool)>,
    /// What each gate says.
    pub gates: Vec<Status>,
    /// What is known of resting orders, by the words of its status.
    pub sweeps: Vec<&'static str>,
    /// Lockouts that hold.
    pub lockouts: usize,
    /// Bytes of memory in use, and what policy allows.
    pub memory: (u64, u64),
}

impl Metrics {
    /// Registers everything, each series at zero, so that a rate over the first event is not lost.
    ///
    /// # Errors
    ///
    /// When two metrics have one name; the tests keep that from happening.
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let metrics = Self {
            traffic: Traffic::new(&registry)?,
            unlogged: counter(&registry, "access_log_lost_total", "Lines of the access log that were not written.")?,
            requests: counter(&registry, "requests_total", "Requests that were classified.")?,
            refused: Known::new(
                &counters(&registry, "refused_total", "Requests refused, by the code of the refusal.", "code")?,
                Refusal::ALL_CODES.iter().copied(),
            ),
            broken: counter(&registry, "broken_total", "Requests that ended in a fault and not in a decision.")?,
            secrets: counters(&registry, "secrets_found_total", "Secrets found, by where in a message.", "place")?,
            cut: counter(&registry, "streams_cut_total", "Streams cut after bytes of them had left.")?,
            auth_failures: counters(
                &registry,
                "auth_failures_total",
                "Failed attempts to authenticate, by why.",
                "why",
            )?,
            findings: counters(&registry, "findings_total", "Secrets found, by the detector.", "detector")?,
            signals: counters(&registry, "signals_raised_total", "Signals raised, by name.", "signal")?,
            handshakes: pairs(
                &registry,
                "tls_handshakes_total",
                "TLS handshakes, by listener and how they ended.",
                ["listener", "outcome"],
            )?,
            orders: Known::new(
                &counters(&registry, "orders_forwarded_total", "Order messages let through, by class.", "class")?,
                Class::ALL.map(Class::name),
            ),
            shadow: Known::new(
                &counters(
                    &registry,
                    "orders_shadow_total",
                    "Order messages tried by a shadow's rules, by how its verdict stands to the one that counts.",
                    "outcome",
                )?,
                Shadowed::ALL.map(Shadowed::as_str),
            ),
            state: gauges(&registry, "state", "1 for what is in force for the fleet, 0 for the rest.", "state")?,
            stored: gauge(&registry, "state_stored", "1 while what is in force is also on disk.")?,
            policy_ok: gauge(&registry, "policy_file_ok", "1 unless the last reload of the policy file was refused.")?,
            journal_ok: gauge(&registry, "journal_ok", "1 while the journal can be written.")?,
            journal_size: gauge(&registry, "journal_sealed_records", "Records under the last signed checkpoint.")?,
            incidents: gauges(&registry, "incidents_open", "Open incidents, by grade.", "severity")?,
            overdue: gauge(&registry, "incidents_overdue", "Open incidents that nobody has answered in time.")?,
            gates: gauges(&registry, "gates", "Gates, by what they say.", "result")?,
            sweeps: gauges(&registry, "sweeps", "Sweeps of resting orders, by what is known of them.", "status")?,
            lockouts: gauge(&registry, "lockouts", "Lockouts that hold.")?,
            memory: gauge(&registry, "memory_bytes", "Memory of the process that is in use.")?,
            memory_limit: gauge(&registry, "memory_limit_bytes", "What limits.memory_bytes allows it.")?,
            registry: registry.clone(),
        };
        gauges(&registry, "build_info", "Which build this is, always 1.", "version")?
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        metrics.announce();
        Ok(metrics)
    }

    fn announce(&self) {
        for signal in signals::NAMES {
            self.signals.with_label_values(&[signal]).inc_by(0);
        }
        for place in ["path", "query", "header", "body", "trailer", "message"] {
            self.secrets.with_label_values(&[place]).inc_by(0);
        }
    }

    /// A request was refused.
    pub fn refused(&self, code: &'static str) {
        self.refused.inc(code);
    }

    /// A request ended in a fault.
    pub fn broke(&self) {
        self.broken.inc();
    }

    /// Secrets were found.
    pub fn found(&self, place: &'static str, count: u64) {
        self.secrets.with_label_values(&[place]).inc_by(count);
    }

    /// A detector found something. There are as many series as the policy has detectors that found anything.
    pub fn found_by(&self, detector: &str, count: u64) {
        self.findings.with_label_values(&[detector]).inc_by(count);
    }

    /// A signal was raised. Their names are those of the policy: its signals and its gates.
    pub fn raised(&self, signal: &str) {
        self.signals.with_label_values(&[signal]).inc();
    }

    /// A stream was cut.
    pub fn cut(&self) {
        self.cut.inc();
    }

    /// Somebody failed to authenticate.
    pub fn auth_failure(&self, why: &'static str) {
        self.auth_failures.with_label_values(&[why]).inc();
    }

    /// A client shook hands on `listener`, or could not.
    pub fn handshake(&self, listener: &'static str, outcome: &'static str) {
        self.handshakes.with_label_values(&[listener, outcome]).inc();
    }

    /// An order message was let through.
    pub fn forwarded(&self, class: Class) {
        self.orders.inc(class.name());
    }

    /// An order message was tried by a shadow's rules too.
    pub fn shadowed(&self, outcome: Shadowed) {
        self.shadow.inc(outcome.as_str());
    }

    /// Everything as text, in the format Prometheus reads.
    ///
    /// # Errors
    ///
    /// When a metric cannot be encoded.
    pub fn text(&self, reading: &Reading, requests: u64) -> prometheus::Result<Vec<u8>> {
        self.requests.inc_by(requests.saturating_sub(self.requests.get()));
        let level = reading.level;
        for (state, on) in [
            ("allow", level.posture() == Posture::Allow),
            ("close_only", level.switch == Switch::CloseOnly),
            ("block", level.switch == Switch::Block),
            ("safe", level.mode == Mode::Safe),
            ("emergency_stop", level.mode == Mode::EmergencyStop),
            ("unknown", level.health == Health::Unknown),
        ] {
            self.state.with_label_values(&[state]).set(on.into());
        }
        self.stored.set(reading.stored.into());
        self.policy_ok.set(reading.policy_ok.into());
        self.journal_ok.set(reading.journal_ok.into());
        self.journal_size.set(i64::try_from(reading.journal_size).unwrap_or(i64::MAX));
        for grade in Sev::ALL {
            let open = reading.incidents.iter().filter(|(severity, _)| *severity == grade).count();
            self.incidents.with_label_values(&[grade.as_str()]).set(whole(open));
        }
        self.overdue.set(whole(reading.incidents.iter().filter(|(_, overdue)| *overdue).count()));
        for status in [Status::Pass, Status::Fail, Status::Unknown] {
            let gates = reading.gates.iter().filter(|gate| **gate == status).count();
            self.gates.with_label_values(&[status.as_str()]).set(whole(gates));
        }
        for status in sweeps::Status::WORDS {
            let sweeps = reading.sweeps.iter().filter(|sweep| **sweep == status).count();
            self.sweeps.with_label_values(&[status]).set(whole(sweeps));
        }
        self.lockouts.set(whole(reading.lockouts));
        let (used, all) = reading.memory;
        self.memory.set(i64::try_from(used).unwrap_or(i64::MAX));
        self.memory_limit.set(i64::try_from(all).unwrap_or(i64::MAX));
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(text)
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn opts(name: &str, help: &str) -> Opts {
    Opts::new(format!("sekisho_{name}"), help)
}

fn counter(registry: &Registry, name: &str, help: &str) -> prometheus::Result<Counter> {
    let counter = Counter::with_opts(opts(name, help))?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn counters(registry: &Registry, name: &str, help: &str, label: &str) -> prometheus::Result<CounterVec> {
    let counters = CounterVec::new(opts(name, help), &[label])?;
    registry.register(Box::new(counters.clone()))?;
    Ok(counters)
}

fn pairs(registry: &Registry, name: &str, help: &str, labels: [&str; 2]) -> prometheus::Result<CounterVec> {
    let counters = CounterVec::new(opts(name, help), &labels)?;
    registry.register(Box::new(counters.clone()))?;
    Ok(counters)
}

fn gauge(registry: &Registry, name: &str, help: &str) -> prometheus::Result<IntGauge> {
    let gauge = IntGauge::with_opts(opts(name, help))?;
    registry.register(Box::new(gauge.clone()))?;
    Ok(gauge)
}

fn gauges(registry: &Registry, name: &str, help: &str, label: &str) -> prometheus::Result<IntGaugeVec> {
    let gauges = IntGaugeVec::new(opts(name, help), &[label])?;
    registry.register(Box::new(gauges.clone()))?;
    Ok(gauges)
}

#[cfg(test)]
mod tests {
    use sekisho_safety::{Level, Sev, Switch};

    use super::{Metrics, Reading};
    use crate::control::gates::Status;

    #[test]
    fn every_series_is_there_from_the_start() {
        let metrics = Metrics::new().unwrap();
        metrics.refused("locked_out");
        let level = Level::switch(Switch::Block);
        let reading = Reading {
            level,
            stored: true,
            policy_ok: false,
            journal_ok: false,
            journal_size: 7,
            incidents: vec![(Sev::Sev1, true), (Sev::Sev1, false), (Sev::Sev3, false)],
            gates: vec![Status::Pass, Status::Unknown, Status::Pass],
            sweeps: vec!["resting_unknown", "none"],
            lockouts: 3,
            memory: (5, 64),
        };
        metrics.found_by("jwt", 2);
        metrics.raised("secret_leak");
        let text = String::from_utf8(metrics.text(&reading, 5).unwrap()).unwrap();
        for line in [
            "sekisho_requests_total 5",
            "sekisho_refused_total{code=\"locked_out\"} 1",
            "sekisho_refused_total{code=\"order_refused\"} 0",
            "sekisho_state{state=\"block\"} 1",
            "sekisho_state{state=\"allow\"} 0",
            "sekisho_state_stored 1",
            "sekisho_policy_file_ok 0",
            "sekisho_journal_ok 0",
            "sekisho_journal_sealed_records 7",
            "sekisho_incidents_open{severity=\"SEV0\"} 0",
            "sekisho_incidents_open{severity=\"SEV1\"} 2",
            "sekisho_incidents_overdue 1",
            "sekisho_gates{result=\"PASS\"} 2",
            "sekisho_gates{result=\"FAIL\"} 0",
            "sekisho_sweeps{status=\"resting_unknown\"} 1",
            "sekisho_sweeps{status=\"idle\"} 0",
            "sekisho_lockouts 3",
            "sekisho_memory_bytes 5",
            "sekisho_memory_limit_bytes 64",
            "sekisho_findings_total{detector=\"jwt\"} 2",
            "sekisho_signals_raised_total{signal=\"secret_leak\"} 1",
            "sekisho_signals_raised_total{signal=\"integrity\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
    }
}
