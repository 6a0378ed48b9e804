//! `sekisho top`: what a sidecar is doing, live.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Args;
use http::Request;
use http::header::HOST;
use http_body_util::Full;

use super::{Exit, Terminal, wire};

/// Shows what a sidecar is doing, live: what is in force, and what passes, is refused and is found, a second.
///
/// Reads the health port and nothing else, so it needs no key. Ctrl-C ends it.
#[derive(Debug, Args)]
pub(super) struct Top {
    /// Address of the health port.
    #[arg(long, env = "SEKISHO_HEALTH", value_name = "HOST:PORT", default_value = "127.0.0.1:9912")]
    health: String,
    /// Seconds between two looks, 1 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=3600))]
    interval: u16,
    /// Looks twice, prints the second, and ends: for scripts and for what is no terminal.
    #[arg(long)]
    once: bool,
}

impl Top {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return terminal.fail(Exit::Environment, format_args!("cannot start: {error}")),
        };
        let live = !self.once && std::io::stdout().is_terminal();
        if live {
            terminal.say(ENTER);
        }
        let ended = runtime.block_on(async {
            tokio::select! {
                ended = self.look(terminal, live) => ended,
                _ = tokio::signal::ctrl_c() => Ok(()),
            }
        });
        if live {
            terminal.say(LEAVE);
        }
        match ended {
            Ok(()) => Exit::Fine,
            Err(why) => {
                terminal.fail(Exit::Environment, format_args!("cannot talk to the sidecar at {}: {why}", self.health))
            }
        }
    }

    async fn look(&self, terminal: &mut Terminal<'_>, live: bool) -> Result<(), String> {
        let mut before = Look::at(&self.health).await?;
        loop {
            tokio::time::sleep(Duration::from_secs(self.interval.into())).await;
            let now = Look::at(&self.health).await?;
            if live {
                terminal.say(CLEAR);
            }
            for line in now.since(&before) {
                terminal.say(line);
            }
            if !live {
                return Ok(());
            }
            before = now;
        }
    }
}

/// All series at one moment.
struct Look {
    when: Instant,
    series: BTreeMap<String, f64>,
}

impl Look {
    async fn at(address: &str) -> Result<Self, String> {
        let request = Request::get("/metrics").header(HOST, address).body(Full::new(Bytes::new()));
        let request = request.map_err(|_invalid| "the address cannot be sent".to_owned())?;
        let asking = tokio::time::timeout(TIMEOUT, wire::send(address, request)).await;
        let answer = asking.map_err(|_elapsed| "no answer in time".to_owned())??;
        if answer.status() != 200 {
            return Err(format!("it answered {}", answer.status()));
        }
        Ok(Self { when: Instant::now(), series: series(&String::from_utf8_lossy(answer.body())) })
    }

    /// A screen of it.
    fn since(&self, before: &Self) -> Vec<String> {
        let seconds = self.when.duration_since(before.when).as_secs_f64().max(0.001);
        let mut lines = vec![self.headline(), self.well_being(), String::new()];
        for (title, metric) in &TABLES {
            let mut rows: Vec<(&str, f64, f64)> = self
                .labelled(metric)
                .map(|(label, total)| {
                    let key = if label.is_empty() { (*metric).to_owned() } else { format!("{metric}{{{label}}}") };
                    let old = before.series.get(&key).copied().unwrap_or(total);
                    (label, (total - old).max(0.0) / seconds, total)
                })
                .filter(|(_, _, total)| *total > 0.0)
                .collect();
            rows.sort_by(|one, other| other.1.total_cmp(&one.1).then(other.2.total_cmp(&one.2)));
            if rows.is_empty() {
                continue;
            }
            lines.push(format!("{title:<40} {:>12} {:>14}", "a second", "in all"));
            let row =
                |(label, rate, total): (&str, f64, f64)| format!("  {:<38} {rate:>12.1} {total:>14.0}", word(label));
            lines.extend(rows.into_iter().take(ROWS).map(row));
        }
        lines
    }

    fn headline(&self) -> String {
        let on: Vec<String> = self
            .labelled("sekisho_state")
            .filter(|(_, value)| *value > 0.0)
            .map(|(label, _)| word(label).to_uppercase())
            .collect();
        format!("state {}", if on.is_empty() { "?".to_owned() } else { on.join(" ") })
    }

    fn well_being(&self) -> String {
        let yes = |name: &str| if self.value(name) > 0.0 { "yes" } else { "NO" };
        let sum = |name: &str| -> f64 { self.labelled(name).map(|(_, value)| value).sum() };
        let passing = self.series.get("sekisho_gates{result=\"PASS\"}").copied().unwrap_or_default();
        format!(
            "stored {}  journal writes {}  records {:.0}  gates passing {passing:.0} of {:.0}  incidents open {:.0}  lockouts {:.0}",
            yes("sekisho_state_stored"),
            yes("sekisho_journal_ok"),
            self.value("sekisho_journal_sealed_records"),
            sum("sekisho_gates"),
            sum("sekisho_incidents_open"),
            self.value("sekisho_lockouts"),
        )
    }

    fn value(&self, name: &str) -> f64 {
        self.series.get(name).copied().unwrap_or_default()
    }

    /// The series of a metric, each with what stands in its braces.
    fn labelled<'a>(&'a self, metric: &'a str) -> impl Iterator<Item = (&'a str, f64)> + 'a {
        let of = move |(key, value): (&'a String, &f64)| {
            let rest = key.strip_prefix(metric)?;
            let label = rest.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            Some((label.or_else(|| rest.is_empty().then_some(""))?, *value))
        };
        self.series.range(metric.to_owned()..).take_while(move |(key, _)| key.starts_with(metric)).filter_map(of)
    }
}

/// The text format of Prometheus: name and labels, a space, a value.
fn series(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name.to_owned(), value.parse().ok()?)))
        .collect()
}

/// `code="order_refused"` without the name and the quotes.
fn word(label: &str) -> &str {
    label.split_once("=\"").and_then(|(_, rest)| rest.strip_suffix('"')).unwrap_or(if label.is_empty() {
        "all"
    } else {
        label
    })
}

const TABLES: [(&str, &str); 7] = [
    ("requests", "sekisho_requests_total"),
    ("orders let through", "sekisho_orders_forwarded_total"),
    ("refused", "sekisho_refused_total"),
    ("secrets found", "sekisho_findings_total"),
    ("failed authentication", "sekisho_auth_failures_total"),
    ("signals raised", "sekisho_signals_raised_total"),
    ("ended in a fault", "sekisho_broken_total"),
];

/// Of one table: the screen is for what happens most.
const ROWS: usize = 8;

const TIMEOUT: Duration = Duration::from_secs(5);

// The other screen of a terminal, so that what was there before is there again afterwards (ECMA-48 and xterm).
const ENTER: &str = "\x1b[?1049h";
const LEAVE: &str = "\x1b[?1049l";
const CLEAR: &str = "\x1b[H\x1b[J";

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Look, series};

    fn look(when: Instant, text: &str) -> Look {
        Look { when, series: series(text) }
    }

    #[test]
    fn rates_are_of_the_time_between_two_looks() {
        let start = Instant::now();
        let before = look(start, "sekisho_requests_total 10\nsekisho_refused_total{code=\"order_refused\"} 4\n");
        let now = look(
            start + Duration::from_secs(2),
            "# HELP sekisho_state x\nsekisho_state{state=\"block\"} 1\nsekisho_state{state=\"allow\"} 0\n\
             sekisho_state_stored 1\nsekisho_journal_ok 0\nsekisho_gates{result=\"PASS\"} 1\nsekisho_gates{result=\"FAIL\"} 2\n\
             sekisho_requests_total 30\nsekisho_refused_total{code=\"order_refused\"} 9\n\
             sekisho_refused_total{code=\"no_route\"} 0\nsekisho_lockouts 3\n",
        );
        let lines = now.since(&before);
        assert_eq!(lines[0], "state BLOCK");
        assert!(lines[1].starts_with("stored yes  journal writes NO "), "{lines:?}");
        assert!(lines[1].contains("gates passing 1 of 3") && lines[1].ends_with("lockouts 3"), "{lines:?}");
        let row = |name: &str| {
            let line = lines.iter().find(|line| line.starts_with(&format!("  {name} "))).unwrap();
            line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(row("all"), ["10.0", "30"]);
        assert_eq!(row("order_refused"), ["2.5", "9"]);
        assert!(!lines.iter().any(|line| line.contains("no_route")), "{lines:?}");
    }

    #[test]
    fn a_sidecar_that_was_restarted_has_no_negative_rate() {
        let start = Instant::now();
        let lines = look(start + Duration::from_secs(1), "sekisho_requests_total 1\n")
            .since(&look(start, "sekisho_requests_total 1000\n"));
        assert!(lines.iter().any(|line| line.contains(" 0.0 ")), "{lines:?}");
    }
}
