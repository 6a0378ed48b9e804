use std::time::Duration;

use sekisho_filters::access::{Keeper, Kept, KeptLock, Of};

use super::KeptFiles;

fn lock(key: u64) -> KeptLock {
    let of = Of::Pair(Some("desk".into()), "192.0.2.1".parse().unwrap());
    KeptLock { key, of, left: Duration::from_secs(60), times: 2, forget: Duration::from_secs(3600) }
}

fn kept() -> Kept {
    Kept {
        counts: [vec![(1, Duration::from_secs(30))], vec![], vec![(2, Duration::from_secs(40))]],
        locks: vec![lock(3), KeptLock { of: Of::Peer("2001:db8::".parse().unwrap()), ..lock(4) }],
        familiar: vec![(5, Duration::from_secs(100))],
    }
}

fn near(kept: &Kept) -> Kept {
    // A second may have passed; nothing else may differ.
    let round = |time: Duration| Duration::from_secs(time.as_secs().div_ceil(5) * 5);
    let list = |list: &[(u64, Duration)]| list.iter().map(|(key, time)| (*key, round(*time))).collect::<Vec<_>>();
    Kept {
        counts: [list(&kept.counts[0]), list(&kept.counts[1]), list(&kept.counts[2])],
        locks: kept
            .locks
            .iter()
            .map(|lock| KeptLock { left: round(lock.left), forget: round(lock.forget), ..lock.clone() })
            .collect(),
        familiar: kept
            .familiar
            .iter()
            .map(|(pair, time)| (*pair, Duration::from_secs(time.as_secs() / 5 * 5)))
            .collect(),
    }
}

#[test]
fn everything_and_what_came_after_it_is_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let found = KeptFiles::open(dir.path()).unwrap();
    assert_eq!(found.kept, Some(Kept::default()), "nothing yet");
    found.files.locked(&lock(9));
    let again = KeptFiles::open(dir.path()).unwrap();
    assert_eq!(again.files.seed, found.files.seed);
    assert_eq!(near(&again.kept.unwrap()).locks, [lock(9)]);
    found.files.write(&kept()).unwrap();
    found.files.locked(&lock(10));
    let mut expected = near(&kept());
    expected.locks.push(lock(10));
    assert_eq!(near(&KeptFiles::open(dir.path()).unwrap().kept.unwrap()), expected);
}

#[test]
fn a_line_that_a_crash_cut_short_is_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let files = KeptFiles::open(dir.path()).unwrap().files;
    files.locked(&lock(1));
    files.locked(&lock(2));
    let log = dir.path().join("access/lockouts");
    let whole = std::fs::read(&log).unwrap();
    let first = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for cut in first..whole.len() {
        std::fs::write(&log, &whole[..cut]).unwrap();
        assert_eq!(near(&KeptFiles::open(dir.path()).unwrap().kept.unwrap()).locks, [lock(1)], "{cut}");
    }
}

#[test]
fn what_was_edited_or_taken_away_is_not_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let files = KeptFiles::open(dir.path()).unwrap().files;
    files.write(&kept()).unwrap();
    files.locked(&lock(1));
    for name in ["failures", "lockouts"] {
        let path = dir.path().join("access").join(name);
        let whole = std::fs::read(&path).unwrap();
        for at in 0..whole.len() - 1 {
            let mut edited = whole.clone();
            edited[at] ^= 1;
            std::fs::write(&path, &edited).unwrap();
            assert_eq!(KeptFiles::open(dir.path()).unwrap().kept, None, "{name} at {at}");
        }
        std::fs::write(&path, &whole).unwrap();
    }
    assert!(KeptFiles::open(dir.path()).unwrap().kept.is_some());
    std::fs::remove_file(dir.path().join("access/failures")).unwrap();
    assert_eq!(KeptFiles::open(dir.path()).unwrap().kept, None, "taken away");
    std::fs::write(dir.path().join("access/seed"), "what").unwrap();
    assert!(KeptFiles::open(dir.path()).unwrap_err().to_string().contains("expected 16 hex digits"));
}
