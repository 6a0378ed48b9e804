//! Throughput on texts made to be slow, in large and in small pushes; the slowest are told.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement is told on stdout")]
#![expect(clippy::disallowed_methods, reason = "measures time")]

mod pieces;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use sekisho_scan::{Ruleset, Scanner, Shape};

fn main() {
    let rules = Arc::new(Ruleset::builder().embedded().unwrap().hold_bytes(HOLD).build().unwrap());
    let pieces = pieces::pieces();
    println!("{} pieces", pieces.len());
    for chunk in [64 * 1024, 4096, 7, 1] {
        let mut rates: Vec<(f64, String, bool)> = pieces
            .iter()
            .map(|piece| {
                let (rate, unscanned) = measure(&rules, piece, chunk);
                (rate, String::from_utf8_lossy(piece).into_owned(), unscanned)
            })
            .collect();
        rates.sort_by(|one, other| one.0.total_cmp(&other.0));
        let unscanned = rates.iter().filter(|rate| rate.2).count();
        println!("pushes of {chunk} bytes, {unscanned} pieces beyond the bound; the slowest:");
        for (rate, piece, unscanned) in rates.iter().take(TOLD) {
            println!("{rate:>10.2} MB/s  {}  {piece:?}", if *unscanned { "unscanned" } else { "         " });
        }
    }
}

fn measure(rules: &Arc<Ruleset>, piece: &[u8], chunk: usize) -> (f64, bool) {
    let text: Vec<u8> = piece.iter().copied().cycle().take(SIZE).collect();
    let started = Instant::now();
    let mut scanner = Scanner::new(Arc::clone(rules), Shape::Text);
    let mut out = Vec::new();
    let mut found = BTreeMap::new();
    let mut seen = 0;
    for part in text.chunks(chunk) {
        scanner.push(part, &mut out);
        for finding in scanner.take_findings() {
            *found.entry(finding.detector).or_insert(0) += 1;
        }
        out.clear();
        seen += part.len();
        if started.elapsed().as_secs() > LONGEST {
            break;
        }
    }
    scanner.finish(&mut out);
    for finding in scanner.take_findings() {
        *found.entry(finding.detector).or_insert(0) += 1;
    }
    let rate = seen as f64 / started.elapsed().as_secs_f64() / 1e6;
    (rate, found.contains_key("unscanned"))
}

const SIZE: usize = 1 << 20;
/// What policy gives by default.
const HOLD: usize = 64 * 1024;
const LONGEST: u64 = 5;
const TOLD: usize = 12;
