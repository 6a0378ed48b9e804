//! One place after the other is judged, each by what has come so far.

use super::{Outcome, Scanner};
use crate::decode::LOOK_BACK;
use crate::hunt::{Hit, Kind};
use crate::judge::{Judge, Verdict};
use crate::ruleset::Ruleset;
use crate::view::View;
use crate::work::Work;

impl Scanner {
    /// Judges what was found; true when a swallow began.
    pub(super) fn judge_on(&mut self, rules: &Ruleset, ended: bool, out: &mut Vec<u8>) -> bool {
        // What a table gives behind that waits: a place before it may not have been found yet.
        while let Some(hit) = self.hits.get(self.next).copied().filter(|hit| hit.at < self.hunted) {
            let settled = if matches!(hit.kind, Kind::Known(_)) { self.swallowed } else { self.floor };
            if hit.at >= settled {
                match self.judge_one(rules, hit, ended, out) {
                    Outcome::On => {}
                    Outcome::Wait | Outcome::Blocked => return false,
                    Outcome::Swallow => {
                        self.next += 1;
                        return true;
                    }
                }
            }
            self.next += 1;
        }
        false
    }

    fn judge_one(&mut self, rules: &Ruleset, hit: Hit, ended: bool, out: &mut Vec<u8>) -> Outcome {
        let hold = hit.at + rules.hold;
        let stop = self.bytes.len().min(hold);
        let seen = self.bytes.get(..stop).unwrap_or_default();
        let work = Work::new(self.credit.at(self.base + hit.at as u64));
        let view =
            View::new(seen, self.floor, &work).from(hit.at.saturating_sub(LOOK_BACK)).ended(ended && stop < hold);
        let judge = Judge { rules, shape: self.shape, depth: 0, work: &work };
        let mut verdict = if work.exhausted() { Verdict::default() } else { judge.judge(&view, hit, &self.before) };
        self.spent += work.spent();
        if view.starved() && stop < hold {
            return Outcome::Wait;
        }
        self.credit.pay(work.spent());
        if work.exhausted() || verdict.is_open() && view.starved() {
            verdict = judge.unscanned(&view, hit.at);
        }
        self.before.learn(hit, &mut verdict, &mut self.hits);
        for edit in verdict.edits {
            match self.apply(rules, edit, out) {
                Outcome::On => {}
                outcome @ (Outcome::Wait | Outcome::Swallow | Outcome::Blocked) => return outcome,
            }
        }
        Outcome::On
    }
}
