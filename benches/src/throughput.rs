//! How fast clean logs go through: the scanner and `memchr` over the same bytes, one thread.

#![forbid(unsafe_code)]

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;

use sekisho_scan::{Ruleset, Scanner, Shape};

fn main() -> Result<(), Box<dyn Error>> {
    let text = logs(128 << 20)?;
    let rules = Arc::new(Ruleset::builder().embedded()?.build()?);
    let mut best = f64::MAX;
    let mut plain = f64::MAX;
    let mut findings = Vec::new();
    for _ in 0..5 {
        let start = cpu();
        let mut scanner = Scanner::new(Arc::clone(&rules), Shape::Text);
        let mut out = Vec::with_capacity(256 << 10);
        for chunk in text.as_bytes().chunks(64 << 10) {
            out.clear();
            scanner.push(chunk, &mut out);
        }
        scanner.finish(&mut out);
        best = best.min(cpu() - start);
        findings = scanner.take_findings();
        let start = cpu();
        let mut lines = 0;
        for _ in 0..10 {
            lines += text.as_bytes().chunks(64 << 10).filter(|chunk| memchr::memchr(0, chunk).is_some()).count();
        }
        plain = plain.min((cpu() - start) / 10.0);
        if lines > 0 {
            println!("zeros in the text: {lines}");
        }
    }
    let size = f64::from(u32::try_from(text.len())?) / 1e6;
    println!(
        "scanner {:.0} MB/s, memchr {:.0} MB/s, ratio {:.3}, findings {}",
        size / best,
        size / plain,
        plain / best,
        findings.len()
    );
    for finding in findings.iter().take(5) {
        println!("{finding:?}");
    }
    Ok(())
}

/// Lines of a trading service's day: no secrets.
fn logs(size: usize) -> Result<String, std::fmt::Error> {
    let mut text = String::with_capacity(size + 1024);
    let mut seed: u64 = 17;
    let mut next = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
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
