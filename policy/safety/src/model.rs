//! The state and its two copies on a disk, searched through: every interleaving of what may happen to them, up to a depth at
//! which nothing new turns up.
//!
//! What is searched is the code that runs: [`State`], its challenges and its stored form. Only the disk is a model: two copies
//! written in turn, and a crash before or after the rename. Clock and lease are arguments, as everywhere here.

use std::collections::{HashSet, VecDeque};

use crate::{
    Answer, Cause, Challenge, Issued, Lease, Level, Mode, Posture, Proposal, Scope, Source, State, Switch, Terms,
    one_looser,
};

/// All that can differ from one moment to the next.
#[derive(Clone)]
struct World {
    state: State,
    copies: [Option<Vec<u8>>; 2],
    generation: u64,
    challenge: Option<Challenge>,
    now_ms: u64,
    lease: Lease,
    /// The loosest that is rightful: what was asked for and acknowledged, as loosened by confirmed releases alone.
    floor: Level,
    /// As strict as what was last said to be on the disk.
    durable: Level,
    releases: u32,
}

/// What may happen.
#[derive(Clone, Copy, Debug)]
enum Step {
    Tighten(Level, bool),
    Propose,
    /// By whom, with the right code or another.
    Confirm(&'static str, bool),
    Restart,
    /// A release that crashes after its copy is written and before it is in force.
    ConfirmAndCrash,
    /// A copy is torn while it is written.
    TightenAndTear(Level),
    /// The newest copy is damaged on the disk, and the process starts on what is left.
    Damage,
    Reload,
    Wait,
    ClockBack,
    Renew,
    MergeOwnPast,
}

const LEVELS: [Level; 2] = [Level::switch(Switch::Block), Level { mode: Mode::Safe, ..Level::OPEN }];
const TERMS: Terms = Terms { safe_ms: 20, block_ms: 40 };

fn steps() -> Vec<Step> {
    let mut steps = vec![
        Step::Propose,
        Step::Confirm("bob", true),
        Step::Confirm("bob", false),
        Step::Confirm("ann", true),
        Step::ConfirmAndCrash,
        Step::Restart,
        Step::Damage,
        Step::Reload,
        Step::Wait,
        Step::ClockBack,
        Step::Renew,
        Step::MergeOwnPast,
    ];
    for level in LEVELS {
        steps.extend([Step::Tighten(level, true), Step::Tighten(level, false), Step::TightenAndTear(level)]);
    }
    steps
}

impl World {
    fn open() -> Self {
        let state = State::danger_open();
        let mut world = Self {
            state,
            copies: [None, None],
            generation: 0,
            challenge: None,
            now_ms: 100,
            lease: Lease::new(TERMS, 100),
            floor: Level::OPEN,
            durable: Level::OPEN,
            releases: 0,
        };
        world.write();
        world.write();
        world
    }

    fn in_force(&self) -> Level {
        self.state.level(&Scope::Fleet)
    }

    fn write(&mut self) {
        self.generation += 1;
        self.copies[usize::from(self.generation.is_multiple_of(2))] = Some(self.state.encode(self.generation));
    }

    fn tear(&mut self) {
        let copy = &mut self.copies[usize::from(self.generation.is_multiple_of(2))];
        *copy = copy.as_ref().map(|bytes| bytes[..bytes.len() / 2].to_vec());
    }

    /// As the process starts: the newest sound copy, with a BLOCK on top where a copy is torn or missing.
    fn restart(&mut self) {
        let sound: Vec<(u64, State)> =
            self.copies.iter().flatten().filter_map(|bytes| State::decode(bytes).ok()).collect();
        let doubted = sound.len() < 2 || sound[0].0.abs_diff(sound[1].0) != 1;
        let newest = sound.into_iter().max_by_key(|(generation, _)| *generation);
        let (generation, mut state) = newest.unwrap_or((0, State::danger_open()));
        if doubted {
            let doubt = State::unverified("torn", self.now_ms);
            state = state.merge(&doubt);
            state.tighten(Scope::Fleet, Level::switch(Switch::Block), cause(Source::Unverified));
        }
        (self.state, self.generation, self.challenge) = (state, generation, None);
        self.lease = Lease::new(TERMS, self.now_ms);
    }

    fn tighten(&mut self, level: Level, source: Source) {
        let before = self.in_force();
        let change = self.state.tighten(Scope::Fleet, level, cause(source));
        assert!(change.after.covers(before) && change.after.covers(level));
        self.floor = self.floor.join(level);
    }

    fn propose(&mut self) {
        let target = one_looser(self.in_force());
        let (by, reason) = ("ann".to_owned(), String::new());
        let proposal = Proposal { scope: Scope::Fleet, target, by, reason, evidence: [7; 32] };
        let issued = Issued { nonce: [9; 32], now_ms: self.now_ms, ttl_ms: 25 };
        self.challenge = self.state.propose(proposal, &issued).ok();
    }

    fn confirm(&mut self, by: &str, right: bool) -> bool {
        let Some(challenge) = self.challenge.take() else { return false };
        let code = if right { challenge.code() } else { "00000-00000".to_owned() };
        let answer = Answer { by: by.to_owned(), code, evidence: [7; 32], now_ms: self.now_ms };
        match challenge.confirm(&answer, &self.state) {
            Ok(confirmed) => {
                assert!(by == "bob" && right, "only a second person with the code confirms");
                let change = confirmed.change();
                assert!(crate::one_stage(change.before, change.after).is_ok());
                self.state.release(confirmed).unwrap();
                self.floor = self.floor.meet(change.after);
                self.releases += 1;
                true
            }
            Err(unconfirmed) => {
                self.challenge = unconfirmed.again.map(|challenge| *challenge);
                false
            }
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Tighten(level, durable) => {
                self.tighten(level, Source::Operator);
                if durable {
                    self.write();
                    self.durable = self.in_force();
                }
            }
            Step::TightenAndTear(level) => {
                self.state.tighten(Scope::Fleet, level, cause(Source::Operator));
                self.write();
                self.tear();
                self.restart();
            }
            Step::Propose => self.propose(),
            Step::Confirm(by, right) => {
                // Stored before it is in force.
                if self.confirm(by, right) {
                    self.write();
                    self.durable = self.in_force();
                }
            }
            Step::ConfirmAndCrash => {
                if self.confirm("bob", true) {
                    self.write();
                    self.durable = self.in_force();
                    self.restart();
                }
            }
            Step::Restart => self.restart(),
            Step::Damage => {
                self.tear();
                self.restart();
                let posture = self.state.effective(&[]).posture;
                assert!(posture >= self.floor.posture().min(Posture::Block) && posture >= Posture::Block);
                (self.floor, self.durable) = (self.in_force(), self.in_force());
            }
            // A reload reads policy and nothing else; what waits for a second person goes on waiting.
            Step::Reload => {}
            Step::Wait => {
                self.now_ms += 10;
                self.expire();
            }
            // The wall clock is in causes alone; the machine's own cannot be set. Saying an earlier time changes nothing.
            Step::ClockBack => {
                let level = self.lease.level(self.now_ms.saturating_sub(50));
                assert!(self.lease.level(self.now_ms).covers(level), "time only tightens a lease");
            }
            Step::Renew => self.lease.renew(self.now_ms),
            Step::MergeOwnPast => {
                let old = self.copies.iter().flatten().filter_map(|bytes| State::decode(bytes).ok());
                let past = old.min_by_key(|(generation, _)| *generation).map(|(_, state)| state);
                let before = self.in_force();
                self.state = past.map_or_else(|| self.state.clone(), |past| self.state.merge(&past));
                assert!(self.in_force().covers(before), "an earlier state loosens nothing");
            }
        }
    }

    fn expire(&mut self) {
        let level = self.lease.level(self.now_ms);
        if level != Level::OPEN {
            self.tighten(level, Source::Peer("lease".parse().unwrap()));
            self.write();
            self.durable = self.in_force();
        }
    }

    /// Worlds of one key go on alike. Times count from now on.
    fn key(&self) -> String {
        let waits = self.challenge.as_ref().map(|challenge| {
            let view = challenge.view();
            (view.from, view.target, view.epoch, view.expires_ms.saturating_sub(self.now_ms))
        });
        let copies = [&self.copies[0], &self.copies[1]]
            .map(|copy| copy.as_ref().and_then(|bytes| State::decode(bytes).ok()).map(|(_, state)| shape(&state)));
        format!(
            "{:?} {copies:?} {waits:?} {:?} {:?} {:?}",
            shape(&self.state),
            self.lease.level(self.now_ms),
            self.floor,
            self.durable
        )
    }
}

fn shape(state: &State) -> Vec<(String, Level)> {
    let sources = state.scopes().flat_map(|view| view.sources.iter());
    sources.map(|entry| (entry.source.to_string(), entry.level)).collect()
}

fn cause(source: Source) -> Cause {
    Cause { source, actor: "x".to_owned(), reason: String::new(), at_ms: 1 }
}

#[test]
fn no_interleaving_is_looser_than_the_last_rightful_loosening() {
    let (mut seen, mut queue) = (HashSet::new(), VecDeque::new());
    let start = World::open();
    seen.insert(start.key());
    queue.push_back((start, 0));
    let (mut taken, mut released, mut deepest) = (0_u64, 0_u32, 0);
    while let Some((world, depth)) = queue.pop_front() {
        for step in steps() {
            let mut next = world.clone();
            next.take(step);
            taken += 1;
            assert!(next.in_force().covers(next.durable), "{step:?} at depth {depth}: what was acknowledged is gone");
            if matches!(step, Step::Restart | Step::TightenAndTear(_) | Step::ConfirmAndCrash) {
                // What was never said to be on the disk may be lost in a crash.
                next.floor = next.floor.meet(next.in_force());
            }
            assert!(next.in_force().covers(next.floor), "{step:?} at depth {depth}: looser than what was rightful");
            released = released.max(next.releases);
            if depth < DEPTH && seen.insert(next.key()) {
                deepest = deepest.max(depth + 1);
                queue.push_back((next, depth + 1));
            }
        }
    }
    assert!(released >= 2, "releases happen, or nothing was shown");
    assert!(seen.len() > 500 && taken > 5_000, "{} worlds, {taken} steps, depth {deepest}", seen.len());
}

const DEPTH: u32 = 7;
