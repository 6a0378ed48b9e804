use proptest::prelude::*;

use crate::{
    Answer, Cause, Challenge, Health, Issued, Level, Mode, Posture, Proposal, ReleaseError, Scope, Source, State,
    Switch, Torn, one_looser,
};

fn cause(source: Source) -> Cause {
    Cause { source, actor: "ann".into(), reason: "drill".into(), at_ms: 1 }
}

fn blocked() -> State {
    let mut state = State::danger_open();
    state.tighten(Scope::Fleet, Level::switch(Switch::Block), cause(Source::Operator));
    state
}

fn proposal(target: Level) -> Proposal {
    Proposal { scope: Scope::Fleet, target, by: "Ann".into(), reason: "over".into(), evidence: [7; 32] }
}

const ISSUED: Issued = Issued { nonce: [9; 32], now_ms: 1000, ttl_ms: 500 };

fn answer(challenge: &Challenge, by: &str) -> Answer {
    Answer { by: by.into(), code: challenge.code(), evidence: [7; 32], now_ms: 1200 }
}

fn venue(name: &str) -> Scope {
    Scope::Venue(name.parse().unwrap())
}

#[test]
fn two_people_loosen_one_stage_and_make_an_epoch() {
    let mut state = blocked();
    let challenge = state.propose(proposal(Level::switch(Switch::CloseOnly)), &ISSUED).unwrap();
    let confirmed = challenge.clone().confirm(&answer(&challenge, "bob"), &state).unwrap();
    let foretold = confirmed.change();
    let change = state.release(confirmed).unwrap();
    assert_eq!(change, foretold);
    assert_eq!(change.after.switch, Switch::CloseOnly);
    assert_eq!(change.epoch.to_string(), "1");
    assert_eq!(state.effective(&[]).posture, Posture::CloseOnly);
}

#[test]
fn a_release_is_refused() {
    let state = blocked();
    let close_only = Level::switch(Switch::CloseOnly);
    let cases: [(&str, Level, ReleaseError); 3] = [
        ("two stages", Level::OPEN, ReleaseError::TooFar),
        ("no stage", Level::switch(Switch::Block), ReleaseError::NotLooser),
        ("a stage up", Level { mode: Mode::Safe, ..close_only }, ReleaseError::Stricter),
    ];
    for (what, target, error) in cases {
        assert_eq!(state.propose(proposal(target), &ISSUED).unwrap_err(), error, "{what}");
    }
}

#[test]
fn an_answer_is_refused() {
    let state = blocked();
    let challenge = state.propose(proposal(Level::switch(Switch::CloseOnly)), &ISSUED).unwrap();
    let good = answer(&challenge, "bob");
    let mut moved = state.clone();
    moved.tighten(Scope::Fleet, Level { mode: Mode::Safe, ..Level::OPEN }, cause(Source::File));
    let cases = [
        ("same person", Answer { by: " ANN".into(), ..good.clone() }, &state, ReleaseError::SamePerson),
        ("nobody", Answer { by: " ".into(), ..good.clone() }, &state, ReleaseError::Nobody),
        ("wrong code", Answer { code: "00000-00000".into(), ..good.clone() }, &state, ReleaseError::WrongCode),
        ("other evidence", Answer { evidence: [8; 32], ..good.clone() }, &state, ReleaseError::OtherEvidence),
        ("too late", Answer { now_ms: 1500, ..good.clone() }, &state, ReleaseError::Expired),
        ("tightened meanwhile", good, &moved, ReleaseError::Moved),
    ];
    for (what, answer, state, error) in cases {
        assert_eq!(challenge.clone().confirm(&answer, state).unwrap_err().why, error, "{what}");
    }
}

#[test]
fn a_code_cannot_be_guessed_for_ever() {
    let state = blocked();
    let mut left = state.propose(proposal(Level::switch(Switch::CloseOnly)), &ISSUED).ok();
    let wrong = Answer { by: "bob".into(), code: "guess".into(), evidence: [7; 32], now_ms: 1200 };
    for attempt in 1..=5 {
        let unconfirmed = left.take().unwrap().confirm(&wrong, &state).unwrap_err();
        assert_eq!(unconfirmed.why == ReleaseError::TooManyAttempts, attempt == 5);
        left = unconfirmed.again.map(|challenge| *challenge);
    }
    assert!(left.is_none());
}

#[test]
fn a_confirmation_of_a_state_that_has_moved_changes_nothing() {
    let mut state = blocked();
    let challenge = state.propose(proposal(Level::switch(Switch::CloseOnly)), &ISSUED).unwrap();
    let confirmed = challenge.clone().confirm(&answer(&challenge, "bob"), &state).unwrap();
    state.tighten(Scope::Fleet, Level { mode: Mode::EmergencyStop, ..Level::OPEN }, cause(Source::ProcessSignal));
    assert_eq!(state.release(confirmed).unwrap_err(), ReleaseError::Moved);
    assert_eq!(state.effective(&[]).posture, Posture::EmergencyStop);
}

#[test]
fn the_strictest_scope_that_applies_rules_and_is_named() {
    let mut state = State::danger_open();
    state.tighten(venue("okx"), Level::switch(Switch::Block), cause(Source::Operator));
    state.tighten(Scope::Fleet, Level { health: Health::Unknown, ..Level::OPEN }, cause(Source::File));
    let okx = state.effective(&[venue("okx")]);
    assert_eq!((okx.posture, okx.scope), (Posture::Block, venue("okx")));
    let other = state.effective(&[venue("kraken")]);
    assert_eq!((other.posture, other.scope), (Posture::CloseOnly, Scope::Fleet));
}

#[test]
fn bounds_never_lose_a_tightening() {
    let mut state = State::danger_open();
    for n in 0..3000 {
        state.tighten(venue(&format!("v{n}")), Level::switch(Switch::CloseOnly), cause(Source::Operator));
        state.tighten(Scope::Fleet, Level::OPEN, cause(Source::Peer(format!("p{n}").parse().unwrap())));
    }
    state.tighten(venue("last"), Level::switch(Switch::Block), cause(Source::Operator));
    assert_eq!(state.effective(&[venue("last")]).posture, Posture::Block);
    assert!(state.is_sound());
}

#[test]
fn every_stage_one_looser_is_accepted_until_all_is_open() {
    let mut state = blocked();
    state.tighten(
        Scope::Fleet,
        Level { mode: Mode::EmergencyStop, health: Health::Unknown, ..Level::OPEN },
        cause(Source::Signal("disk".parse().unwrap())),
    );
    let mut postures = vec![];
    while state.effective(&[]).level != Level::OPEN {
        postures.push(state.effective(&[]).posture);
        let target = one_looser(state.effective(&[]).level);
        let challenge = state.propose(proposal(target), &ISSUED).unwrap();
        let confirmed = challenge.clone().confirm(&answer(&challenge, "bob"), &state).unwrap();
        state.release(confirmed).unwrap();
    }
    assert_eq!(postures, [Posture::EmergencyStop, Posture::Block, Posture::CloseOnly, Posture::CloseOnly]);
}

#[test]
fn what_is_missing_is_block() {
    assert_eq!(State::unverified("no file", 5).effective(&[]).posture, Posture::Block);
}

#[test]
fn a_torn_byte_anywhere_is_noticed() {
    let bytes = blocked().encode(3);
    assert_eq!(State::decode(&bytes), Ok((3, blocked())));
    for at in 0..bytes.len() {
        assert_eq!(State::decode(&bytes[..at]), Err(Torn::Seal), "cut at {at}");
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert!(State::decode(&changed).is_err(), "changed at {at}");
    }
}

fn levels() -> impl Strategy<Value = Level> {
    (0..3usize, 0..3usize, any::<bool>()).prop_map(|(switch, mode, unknown)| Level {
        switch: [Switch::Allow, Switch::CloseOnly, Switch::Block][switch],
        mode: [Mode::Normal, Mode::Safe, Mode::EmergencyStop][mode],
        health: if unknown { Health::Unknown } else { Health::Ok },
    })
}

fn sources() -> impl Strategy<Value = Source> {
    prop_oneof![
        Just(Source::Operator),
        Just(Source::File),
        Just(Source::ProcessSignal),
        "[a-c]".prop_map(|name| Source::Signal(name.parse().unwrap())),
        "[a-c]".prop_map(|name| Source::Peer(name.parse().unwrap())),
    ]
}

fn scopes() -> impl Strategy<Value = Scope> {
    prop_oneof![Just(Scope::Fleet), "[a-b]".prop_map(|name| venue(&name))]
}

fn causes() -> impl Strategy<Value = Cause> {
    (sources(), "[a-b]", "[a-b]", 0..3u64).prop_map(|(source, actor, reason, at_ms)| Cause {
        source,
        actor,
        reason,
        at_ms,
    })
}

fn states() -> impl Strategy<Value = State> {
    proptest::collection::vec((scopes(), levels(), causes(), any::<bool>()), 0..8).prop_map(|steps| {
        let mut state = State::danger_open();
        for (scope, level, cause, release) in steps {
            let at = scope.clone();
            state.tighten(scope, level, cause);
            if release {
                loosen(&mut state, at);
            }
        }
        state
    })
}

fn loosen(state: &mut State, scope: Scope) {
    let target = one_looser(state.level(&scope));
    let Ok(challenge) = state.propose(Proposal { scope, ..proposal(target) }, &ISSUED) else { return };
    let confirmed = challenge.clone().confirm(&answer(&challenge, "bob"), state).unwrap();
    let foretold = confirmed.change();
    assert_eq!(state.release(confirmed).unwrap(), foretold);
}

proptest! {
    #[test]
    fn tighten_never_loosens(mut state in states(), scope in scopes(), level in levels(), cause in causes()) {
        let before: Vec<_> = ["a", "b"].map(|name| state.effective(&[venue(name)]).level).into();
        let change = state.tighten(scope, level, cause);
        prop_assert!(change.after.covers(change.before));
        for (before, name) in before.into_iter().zip(["a", "b"]) {
            prop_assert!(state.effective(&[venue(name)]).level.covers(before));
        }
    }

    #[test]
    fn merge_is_a_join(a in states(), b in states(), c in states()) {
        prop_assert_eq!(a.merge(&b), b.merge(&a));
        prop_assert_eq!(a.merge(&b).merge(&c), a.merge(&b.merge(&c)));
        prop_assert_eq!(a.merge(&a), a);
    }

    #[test]
    fn in_one_epoch_a_merge_never_loosens(a in states(), b in states(), scope in scopes()) {
        let merged = a.merge(&b);
        if a.epoch(&scope) == b.epoch(&scope) {
            prop_assert!(merged.level(&scope).covers(a.level(&scope)));
            prop_assert!(merged.level(&scope).covers(b.level(&scope)));
        }
    }

    #[test]
    fn what_was_stored_is_what_is_read(state in states(), generation in any::<u64>()) {
        prop_assert_eq!(State::decode(&state.encode(generation)), Ok((generation, state)));
    }
}
