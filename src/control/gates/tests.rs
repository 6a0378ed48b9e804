use sekisho_policy::Policy;
use sekisho_safety::Posture;

use super::*;
use crate::evidence::JournalSettings;

struct Stand {
    gates: Gates,
    raised: mpsc::Receiver<Raised>,
    _dir: tempfile::TempDir,
}

fn at(second: u64) -> Duration {
    Duration::from_secs(1000 + second)
}

fn stand() -> Stand {
    stand_with("ttl: 10s, confirm: 2, fail: BLOCK")
}

fn stand_with(gate: &str) -> Stand {
    let policy = Policy::parse("p", &format!("version: 1\nservice: s\ngates: {{feed: {{{gate}}}}}\n")).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let journal = Journal::open(JournalSettings::new(dir.path(), "gates.example/journal"), Arc::new(str::to_owned));
    let (sender, raised) = mpsc::channel(8);
    Stand { gates: Gates::new(&policy.gates, sender, journal.unwrap(), at(0)), raised, _dir: dir }
}

impl Stand {
    async fn say(&mut self, status: Status, second: u64) -> Option<Posture> {
        let report = Report { status, ttl_ms: None, evidence: None };
        self.gates.report("feed", report, "desk", at(second)).await.unwrap();
        self.told()
    }

    async fn wait(&mut self, second: u64) -> Option<Posture> {
        self.gates.elapse(at(second)).await;
        self.told()
    }

    fn told(&mut self) -> Option<Posture> {
        self.raised.try_recv().ok().map(|raised| raised.level.unwrap().posture())
    }
}

#[tokio::test]
async fn one_fail_is_a_blip_and_two_are_not() {
    let mut stand = stand();
    for second in [1, 3, 5] {
        assert_eq!(stand.say(Status::Fail, second).await, None);
        assert_eq!(stand.say(Status::Pass, second + 1).await, None, "and a pass forgets it");
    }
    assert_eq!(stand.say(Status::Fail, 7).await, None);
    assert_eq!(stand.say(Status::Fail, 8).await, Some(Posture::Block));
    assert_eq!(stand.say(Status::Fail, 9).await, None, "once a failure");
    assert_eq!(stand.gates.not_passing(&Scope::Fleet, at(9)).len(), 1);
}

#[tokio::test]
async fn silence_is_unknown_and_unknown_is_silence() {
    let mut stand = stand();
    assert_eq!(stand.wait(9).await, None, "a gate has its time after the start");
    assert_eq!(stand.say(Status::Pass, 9).await, None);
    assert_eq!(stand.wait(18).await, None);
    assert_eq!(stand.say(Status::Unknown, 18).await, None);
    assert_eq!(stand.wait(19).await, Some(Posture::CloseOnly), "saying UNKNOWN has bought no time");
    assert_eq!(stand.wait(40).await, None, "once a silence");
    assert_eq!(stand.say(Status::Pass, 50).await, None);
    assert_eq!(stand.say(Status::Pass, 61).await, Some(Posture::CloseOnly), "a report that comes too late is too late");
    let view = stand.gates.all(at(62)).remove(0);
    assert_eq!((view.status, view.left_ms), (Status::Pass, 9000));
}

#[tokio::test]
async fn a_silence_that_goes_on_is_block_where_policy_says_so() {
    let mut stand = stand_with("ttl: 10s, block_after: 30s");
    for from in [0, 100] {
        assert_eq!(stand.say(Status::Pass, from).await, None);
        assert_eq!(stand.wait(from + 9).await, None);
        assert_eq!(stand.wait(from + 10).await, Some(Posture::CloseOnly));
        assert_eq!(stand.wait(from + 29).await, None);
        assert_eq!(stand.wait(from + 30).await, Some(Posture::Block));
        assert_eq!(stand.wait(from + 60).await, None, "once each");
    }
    // A suspend that outlasts both is told as what it comes to.
    assert_eq!(stand.say(Status::Pass, 200).await, None);
    assert_eq!(stand.wait(300).await, Some(Posture::Block));
}

#[tokio::test]
async fn a_report_may_hold_shorter_and_never_longer() {
    let mut stand = stand();
    for (ttl_ms, left_ms) in [(Some(3_000), 3_000), (Some(60_000), 10_000), (None, 10_000)] {
        let report = Report { status: Status::Pass, ttl_ms, evidence: Some("x".repeat(999)) };
        let view = stand.gates.report("feed", report, "desk", at(1)).await.unwrap();
        assert_eq!((view.left_ms, view.evidence.unwrap().len()), (left_ms, MAX_EVIDENCE));
    }
    let report = Report { status: Status::Pass, ttl_ms: None, evidence: None };
    assert!(stand.gates.report("other", report, "desk", at(1)).await.is_none(), "only those that policy knows");
    assert_eq!(stand.told(), None);
}
