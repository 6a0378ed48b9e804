//! The short form: floors that no change may fall below. Raise them when the scanner got better; `make evaluate` says by how much.

use crate::{alarms, kinds, measure, quiet, rules};

/// Secrets wholly covered, in percent, mean over groups.
const COVERED: f64 = 95.0;
/// Changed lines per MB of logs full of identifiers.
const ALARMS: f64 = 1.0;

#[test]
fn most_secrets_are_wholly_covered() {
    let coverage = measure::coverage(&rules(), kinds::all(), 7, 1);
    assert!(coverage.groups.len() >= 62, "{} groups", coverage.groups.len());
    assert!(
        coverage.mean() >= COVERED,
        "{:.1} % of {COVERED} %; `make evaluate` tells what was missed",
        coverage.mean()
    );
}

#[test]
fn the_same_seed_makes_the_same_set() {
    let texts = |seed| kinds::all().flat_map(|kind| kind.cases(seed, 1)).map(|case| case.text).collect::<Vec<_>>();
    assert!(texts(3) == texts(3) && texts(3) != texts(4));
    assert!(quiet::all().all(|family| quiet::text(family, 1, 2000) == quiet::text(family, 1, 2000)));
}

#[test]
fn logs_of_ids_and_orders_stay_as_they_are() {
    for (shelf, families) in quiet::SHELVES.into_iter().take(2) {
        let alarms = alarms::generated(&rules(), families, 7, 20_000);
        assert!(
            alarms.per_megabyte() <= ALARMS,
            "{shelf}: {:.1} of {ALARMS}: {:?}",
            alarms.per_megabyte(),
            alarms.sources
        );
    }
}
