//! How fast evidence is written and verified: durable appends by many writers at once, every string searched as in the
//! product, each answered only when its checkpoint is on the disk; then the whole journal read back and verified.
//!
//! `journal [DIRECTORY [RECORDS [WRITERS]]]`; the directory should be on the disk that is meant.

#![forbid(unsafe_code)]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sekisho::evidence::{Journal, JournalSettings};
use sekisho_journal::{Event, EventType, Outcome, Verdict, verify};
use sekisho_scan::{Ruleset, Shape};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let dir = args.next().map_or_else(|| std::env::temp_dir().join("sekisho-bench-journal"), PathBuf::from);
    let records: usize = args.next().map_or(Ok(100_000), |text| text.parse())?;
    let writers: usize = args.next().map_or(Ok(128), |text| text.parse())?;
    if dir.exists() {
        return Err(format!("{} exists: this would mix two journals", dir.display()).into());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(append(&dir, records, writers))?;
    let key = std::fs::read_to_string(dir.join("keys/journal.vkey"))?.parse()?;
    let files = sekisho::evidence::FileStore::new(&dir.join("journal"));
    let mut best = f64::MAX;
    for _ in 0..5 {
        let start = cpu();
        let report = verify(&files, &key, None);
        if report.verdict != Verdict::Pass {
            return Err(report.to_string().into());
        }
        best = best.min(cpu() - start);
    }
    println!("verify: {:.0} records/s of processor time, one thread", records as f64 / best);
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

/// Seconds of processor time this process has used. Others on the machine do not count.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    stat.split_whitespace().next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

async fn append(dir: &std::path::Path, records: usize, writers: usize) -> Result<(), Box<dyn Error>> {
    let rules = Arc::new(Ruleset::builder().embedded()?.build()?);
    let scrub = move |text: &str| {
        let redacted = sekisho_scan::redact(&rules, Shape::Text, text.as_bytes());
        String::from_utf8_lossy(&redacted.bytes).into_owned()
    };
    let settings = JournalSettings { batch: 512, ..JournalSettings::new(dir, "bench/journal") };
    let journal = Journal::open(settings, Arc::new(scrub))?;
    let start = Instant::now();
    let tasks: Vec<_> =
        (0..writers).map(|writer| tokio::spawn(write(journal.clone(), writer, records / writers))).collect();
    let mut waited = Vec::with_capacity(records);
    for task in tasks {
        waited.extend(task.await??);
    }
    let took = start.elapsed();
    waited.sort_unstable();
    let at = |share: f64| waited.get((waited.len() as f64 * share) as usize).copied().unwrap_or_default();
    println!(
        "append: {:.0} records/s durable, {writers} writers; p50 {:?}, p99 {:?}, longest {:?}",
        waited.len() as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99),
        waited.last().copied().unwrap_or_default()
    );
    journal.close().await?;
    Ok(())
}

async fn write(
    journal: Journal,
    writer: usize,
    count: usize,
) -> Result<Vec<Duration>, sekisho::evidence::JournalError> {
    let mut waited = Vec::with_capacity(count);
    for n in 0..count {
        let event = Event::new(EventType::SecurityAccessDenied, "order_refused")
            .with_result(Outcome::Refused)
            .with_user(format!("desk{writer}"))
            .with_source_ip("192.168.xxx.xxx")
            .with_decision_id(format!("{writer:08x}-{n:08x}"))
            .with_input("route", "orders")
            .with_input("class", "opening")
            .with_input("state", "BLOCK")
            .with_output("scope", "venue:alpaca")
            .with_output("epoch", "12");
        let asked = Instant::now();
        journal.record_durable(event).await?;
        waited.push(asked.elapsed());
    }
    Ok(waited)
}
