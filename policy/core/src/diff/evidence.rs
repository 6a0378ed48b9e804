use super::{Diff, Means};
use crate::sections::{KeepFor, RetentionPolicy};

impl Diff {
    pub(super) fn retention(&mut self, before: &RetentionPolicy, now: &RetentionPolicy) {
        let RetentionPolicy { keep, prune, archive } = before;
        let mut types: Vec<&String> = keep.keys().chain(now.keep.keys()).collect();
        types.sort_unstable();
        types.dedup();
        for event_type in types {
            let means = match (keep.get(event_type), now.keep.get(event_type)) {
                (before, now) if before == now => continue,
                (Some(before), Some(now)) if years(*now) > years(*before) => Means::Tighter,
                // What the contract says of this type is not known here, so only the longest time is surely no less.
                (None, Some(KeepFor::SevenYears)) => Means::Tighter,
                (Some(_), _) | (None, _) => Means::Looser,
            };
            self.anew(&format!("retention.keep.{event_type}"), Some(means), "records of it are kept for another time");
        }
        let pruned = (*prune != now.prune).then_some(if now.prune { Means::Looser } else { Means::Tighter });
        self.anew("retention.prune", pruned, "what has not to be kept is deleted, or not");
        let copied = match (archive, &now.archive) {
            (before, now) if before == now => None,
            (None, Some(_)) => Some(Means::Tighter),
            (Some(_), _) | (None, None) => Some(Means::Looser),
        };
        self.anew("retention.archive", copied, "the second copy of full segments");
    }
}

const fn years(keep: KeepFor) -> u8 {
    match keep {
        KeepFor::OneYear => 1,
        KeepFor::TwoYears => 2,
        KeepFor::SevenYears => 7,
    }
}
