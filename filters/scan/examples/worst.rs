//! Throughput on texts made to be slow: every line of the table is one attack, in large and in small pushes.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a measurement is told on stdout")]
#![expect(clippy::disallowed_methods, reason = "measures time")]

use std::sync::Arc;
use std::time::Instant;

use sekisho_scan::{Ruleset, Scanner, Shape};

fn main() {
    let rules = Arc::new(Ruleset::builder().embedded().unwrap().build().unwrap());
    let attacks: [(&str, Vec<u8>); 14] = [
        ("plain words", b"order filled at 64120.10 ".to_vec()),
        ("a://", b"a://".to_vec()),
        ("a://b:c", b"a://b:c".to_vec()),
        ("password=", b"password=".to_vec()),
        ("\"password\":", b"\"password\":".to_vec()),
        ("\"password\":[[", b"\"password\":[[".to_vec()),
        ("eyJ", b"eyJ".to_vec()),
        ("eyJ.", b"eyJ.".to_vec()),
        ("%41", b"%41".to_vec()),
        ("%2541", b"%2541".to_vec()),
        ("\\u0041", b"\\u0041".to_vec()),
        ("zeros", vec![0, b'a']),
        ("BEGIN ", b"-----BEGIN ".to_vec()),
        ("K", b"K".to_vec()),
    ];
    for (name, unit) in attacks {
        let text: Vec<u8> = unit.iter().copied().cycle().take(SIZE).collect();
        let mut line = format!("{name:<16}");
        for piece in [64 * 1024, 64] {
            let started = Instant::now();
            let mut scanner = Scanner::new(Arc::clone(&rules), Shape::Text);
            let mut out = Vec::new();
            let mut seen = 0;
            for chunk in text.chunks(piece) {
                scanner.push(chunk, &mut out);
                out.clear();
                seen += chunk.len();
                if started.elapsed().as_secs() > 10 {
                    break;
                }
            }
            let rate = seen as f64 / started.elapsed().as_secs_f64() / 1e6;
            line.push_str(&format!(" {rate:>10.3} MB/s"));
        }
        println!("{line}");
    }
}

const SIZE: usize = 1 << 20;
