//! How fast clean logs go through: the scanner and `memchr` over the same bytes, one thread.
//!
//! The text is many times larger than the last cache, and `memchr` looks for a byte that is not there in all of it at once, so it runs as
//! fast as the memory gives bytes: that is the limit of anything that has to look at each. What a machine's other work takes of that
//! bandwidth it takes from `memchr` first, so ratios are of one round each, and the median of all rounds is told.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

use sekisho_scan::{KnownSecret, Ruleset, Scanner, Shape};

fn main() -> Result<(), Box<dyn Error>> {
    let text = logs(CACHES * last_cache())?;
    let dirty = one_secret_a_kilobyte(&text);
    let scenarios = [
        ("clean, default rules", rules(0, 0)?, text.as_str()),
        ("clean, ten times the detectors", rules(9, 0)?, text.as_str()),
        ("clean, 10,000 known secrets", rules(0, 10_000)?, text.as_str()),
        ("a secret in every KB", rules(0, 0)?, dirty.as_str()),
    ];
    let mut rounds = Vec::new();
    let mut findings = [0; 4];
    for _ in 0..ROUNDS {
        let memchr = speed(&text, || (0..TIMES).for_each(|_| find_nothing(text.as_bytes()))) * f64::from(TIMES);
        let copies = speed(&text, || copy_twice(text.as_bytes()));
        let mut round = vec![memchr, copies];
        for (index, (_, rules, text)) in scenarios.iter().enumerate() {
            round.push(speed(text, || findings[index] = scan(rules, text.as_bytes())));
        }
        rounds.push(round);
    }
    println!("{} MB of logs, {ROUNDS} rounds, medians", text.len() / 1_000_000);
    println!("{:<32} {:>6.0} MB/s", "memchr of what is not there", median(rounds.iter().map(|round| round[0])));
    let names = ["two copies and no look"].into_iter().chain(scenarios.iter().map(|(name, ..)| *name));
    for (index, name) in names.enumerate() {
        let speed = median(rounds.iter().map(|round| round[index + 1]));
        let ratio = median(rounds.iter().map(|round| round[index + 1] / round[0]));
        let clean = median(rounds.iter().map(|round| round[index + 1] / round[2]));
        println!("{name:<32} {speed:>6.0} MB/s, {ratio:.3} of memchr, {clean:.2} of clean");
    }
    println!("findings: {findings:?}");
    Ok(())
}

/// Megabytes in a second of this thread's time.
fn speed(text: &str, work: impl FnOnce()) -> f64 {
    f64::from(u32::try_from(text.len()).unwrap_or(u32::MAX)) / 1e6 / timed(work)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Bytes of the largest cache, 32 MiB where the system does not say.
fn last_cache() -> usize {
    let told = std::fs::read_to_string("/sys/devices/system/cpu/cpu0/cache/index3/size").unwrap_or_default();
    told.trim().strip_suffix('K').and_then(|size| size.parse::<usize>().ok()).map_or(32 << 20, |size| size << 10)
}

fn find_nothing(text: &[u8]) {
    assert_eq!(std::hint::black_box(memchr::memchr(0, std::hint::black_box(text))), None);
}

/// What a scanner does besides looking: the text goes into what is held, and out of it.
fn copy_twice(text: &[u8]) {
    let (mut held, mut out) = (Vec::with_capacity(CHUNK), Vec::with_capacity(CHUNK));
    for chunk in text.chunks(CHUNK) {
        held.clear();
        held.extend_from_slice(chunk);
        out.clear();
        out.extend_from_slice(std::hint::black_box(&held));
        std::hint::black_box(&out);
    }
}

fn scan(rules: &Arc<Ruleset>, text: &[u8]) -> usize {
    let mut scanner = Scanner::new(Arc::clone(rules), Shape::Text);
    let mut out = Vec::with_capacity(4 * CHUNK);
    let mut findings = 0;
    for chunk in text.chunks(CHUNK) {
        out.clear();
        scanner.push(chunk, &mut out);
        findings += scanner.take_findings().len();
    }
    scanner.finish(&mut out);
    findings + scanner.take_findings().len()
}

/// The embedded rules, some hundred made-up detectors for each of `more`, and `known` secrets.
fn rules(more: u64, known: u64) -> Result<Arc<Ruleset>, Box<dyn Error>> {
    let mut builder = Ruleset::builder().embedded()?;
    let mut next = numbers(99);
    let mut word = |length: usize| -> String {
        (0..length).map(|_| char::from(b'a' + u8::try_from(next() % 26).unwrap_or_default())).collect()
    };
    let mut pack = String::from("pack: made-up\ndetectors:\n");
    for index in 0..more * 130 {
        let prefix = word(4);
        writeln!(
            pack,
            "  - {{id: made-up-{index}, title: Made up, category: credential, severity: high, match: ['{prefix}_{{alnum:30}}']}}"
        )?;
    }
    if more > 0 {
        builder = builder.pack("made up", &pack)?;
    }
    for index in 0..known {
        let value = zeroize::Zeroizing::new(word(32).into_bytes());
        builder = builder.known(KnownSecret { name: index.to_string(), value })?;
    }
    Ok(Arc::new(builder.build()?))
}

/// Every eighth line or so is followed by one that holds a password.
fn one_secret_a_kilobyte(text: &str) -> String {
    let mut dirty = String::with_capacity(text.len() + text.len() / 16);
    let mut since = 0;
    for line in text.split_inclusive('\n') {
        dirty.push_str(line);
        since += line.len();
        if since > 1000 {
            dirty.push_str("level=warn msg=\"login refused\" password=correct-horse user=bob\n");
            since = 0;
        }
    }
    dirty
}

fn timed(work: impl FnOnce()) -> f64 {
    let before = cpu();
    work();
    cpu() - before
}

fn numbers(mut seed: u64) -> impl FnMut() -> u64 {
    move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    }
}

const CHUNK: usize = 64 << 10;
const ROUNDS: usize = 5;
/// The kernel tells processor time in steps; what is fast is done so often.
const TIMES: u32 = 10;
/// So many times the last cache is the text.
const CACHES: usize = 8;

/// Lines of a trading service's day: no secrets.
fn logs(size: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::with_capacity(size + 1024);
    let mut next = numbers(17);
    while text.len() < size {
        let (a, b, c) = (next(), next(), next());
        line(&mut text, a, b, c)?;
    }
    Ok(text)
}

fn line(text: &mut String, a: u64, b: u64, c: u64) -> std::fmt::Result {
    let at = format!("2026-01-{:02}T{:02}:{:02}:{:02}.{:06}Z", a % 28 + 1, a % 24, b % 60, c % 60, a % 1_000_000);
    match a % 6 {
        0 => writeln!(
            text,
            r#"{{"ts":"{at}","level":"info","logger":"orders","msg":"order filled","order_id":{b},"client_order_id":"x-{a:016x}","symbol":"BTCUSDT","side":"BUY","price":"{}.{:02}","qty":0.0{},"trace_id":"{a:016x}{b:016x}","span_id":"{c:016x}"}}"#,
            b % 90_000,
            c % 100,
            c % 999
        ),
        1 => writeln!(
            text,
            r#"10.0.{}.{} - - [{at}] "GET /api/v1/orders/{b}?symbol=ETHUSDT&limit={} HTTP/1.1" 200 {} "https://app.example.com/trade/{c}" "Mozilla/5.0 (X11; Linux x86_64)""#,
            a % 256,
            b % 256,
            c % 100,
            c % 9000
        ),
        2 => writeln!(
            text,
            "<134>{at} host{} sshd[{}]: Accepted publickey for deploy from 10.1.2.{} port {} ssh2: ED25519 SHA256:{a:016x}{b:016x}",
            a % 9,
            b % 30000,
            c % 256,
            b % 60000
        ),
        3 => writeln!(
            text,
            "{at} level=info component=matcher event=fill id={a:08x}-{:04x}-4{:03x}-8{:03x}-{b:012x} px={}.{} qty={} latency_us={} hash=sha256:{a:016x}{b:016x}{c:016x}{a:016x}",
            b % 65536,
            b % 4096,
            c % 4096,
            a % 90000,
            b % 100,
            c % 50,
            c % 900
        ),
        4 => writeln!(
            text,
            "8=FIX.4.4|9=178|35=8|49=VENUE|56=CLIENT|34={}|52={at}|11={a:016x}|17={b}|37={c}|55=BTC/USD|54=1|38={}|44={}.5|10=128|",
            a % 99999,
            b % 100,
            c % 90000
        ),
        _ => writeln!(
            text,
            "{at} WARN  [worker-{}] c.e.t.RiskEngine - position limit at {}% for account {c}: exposure {}.{:02} USD, retrying in {} ms",
            a % 16,
            b % 100,
            a % 900_000,
            c % 100,
            b % 5000
        ),
    }
}

/// Processor time of this thread so far, in seconds: what others do on the machine does not count.
fn cpu() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: u64 = text.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or_default();
    std::time::Duration::from_nanos(nanoseconds).as_secs_f64()
}
