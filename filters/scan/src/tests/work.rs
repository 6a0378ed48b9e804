//! Hostile texts cost no more than a fixed number of reads a byte, however they are cut.

use super::*;

#[test]
fn the_work_is_linear_for_every_piece() {
    let rules = Arc::new(Ruleset::builder().embedded().unwrap().hold_bytes(HOLD).build().unwrap());
    let pieces = pieces::pieces();
    assert!(pieces.len() > 1000, "{}", pieces.len());
    let mut faults = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let text: Vec<u8> = piece.iter().copied().cycle().take(SIZE).collect();
        // small chunks cost an unoptimised scanner most of a minute: every fourth piece is cut so
        let cuts: &[usize] = if index % 4 == 0 { &[SIZE, 7] } else { &[SIZE] };
        for chunk in cuts.iter().copied() {
            let mut scanner = Scanner::new(Arc::clone(&rules), Shape::Text);
            let mut out = Vec::new();
            text.chunks(chunk).for_each(|part| scanner.push(part, &mut out));
            scanner.finish(&mut out);
            if scanner.spent() > MOST {
                let piece = String::from_utf8_lossy(piece);
                faults.push(format!("{piece:?} in pieces of {chunk}: {} a byte", scanner.spent() / SIZE as u64));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

const HOLD: usize = 1024;
const SIZE: usize = 3 * 1024;
/// Every look that is paid for, five times over for those that came too early, and the burst.
const MOST: u64 = 5 * (crate::work::RATE * SIZE as u64 + 20 * HOLD as u64);
