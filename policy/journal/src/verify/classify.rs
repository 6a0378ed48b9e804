//! Given that a line is not the one that was signed for its place: what was done?

use super::report::{Damage, DamageKind};
use crate::tree::Hash;

/// Compares the lines from entry `seq` to the end of their file with the signed hashes from `seq` on.
///
/// The first of each is known to differ. Copies and moves are told apart by where the signed hashes turn up again.
pub(super) fn classify(seq: u64, lines: &[Hash], signed: &[Hash]) -> Damage {
    let (Some((line, later_lines)), Some((wanted, later_signed))) = (lines.split_first(), signed.split_first()) else {
        return damage(seq, DamageKind::Edited, "the line is not the one that was signed");
    };
    let wanted_later = later_lines.iter().position(|hash| hash == wanted);
    let line_belongs = later_signed.iter().position(|hash| hash == line);
    match (wanted_later, line_belongs) {
        (Some(_), Some(_)) if lines.len() <= signed.len() => {
            damage(seq, DamageKind::Reordered, "the line stands further down in its segment")
        }
        (Some(at), _) => {
            damage(seq, DamageKind::Inserted, &format!("{} lines stand before it that were not signed here", at + 1))
        }
        (None, Some(at)) => damage(seq, DamageKind::Removed, &format!("entries {seq} to {} are gone", seq + at as u64)),
        (None, None) => damage(seq, DamageKind::Edited, "the line is not the one that was signed"),
    }
}

/// What it means that a segment ends before `seq` and the next begins at `next`, after a segment of `before` lines.
pub(super) fn gap(seq: u64, next: u64, before: u64) -> Damage {
    if next < seq {
        return damage(next, DamageKind::Inserted, "a segment begins inside the one before");
    }
    let detail = format!("entries {seq} to {} are gone", next - 1);
    // A gap shorter than the segment before it is the end of that segment; a longer one was a file of its own.
    let kind = if next - seq < before { DamageKind::Removed } else { DamageKind::MissingFile };
    damage(seq, kind, &detail)
}

pub(super) fn damage(seq: u64, kind: DamageKind, detail: &str) -> Damage {
    Damage { seq: Some(seq), kind, detail: detail.to_owned() }
}
