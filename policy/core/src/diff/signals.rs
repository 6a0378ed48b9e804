use std::cmp::Reverse;
use std::time::Duration;

use sekisho_safety::{Level, Scope, Sev};

use super::{Diff, Difference, Means, within};
use crate::sections::{Gate, Signal, Signals};

impl Diff {
    pub(super) fn signals(&mut self, before: &Signals, now: &Signals) {
        let Signals { auth_failures, secret_leak, execution, replays, access, resources, integrity, policy_drift } =
            before;
        self.maybe_signal("auth_failures", auth_failures.as_ref(), now.auth_failures.as_ref());
        self.maybe_signal("secret_leak", secret_leak.as_ref(), now.secret_leak.as_ref());
        self.maybe_signal("execution", execution.as_ref(), now.execution.as_ref());
        self.maybe_signal("replays", replays.as_ref(), now.replays.as_ref());
        self.maybe_signal("access", access.as_ref(), now.access.as_ref());
        self.signal("resources", resources, &now.resources);
        self.signal("integrity", integrity, &now.integrity);
        self.signal("policy_drift", policy_drift, &now.policy_drift);
    }

    fn maybe_signal(&mut self, name: &str, before: Option<&Signal>, now: Option<&Signal>) {
        match (before, now) {
            (None, None) => {}
            (Some(before), Some(now)) => self.signal(name, before, now),
            (None, Some(_)) => self.say(Means::Tighter, format!("signals.{name}"), "it is on"),
            (Some(_), None) => self.say(Means::Looser, format!("signals.{name}"), "it is off"),
        }
    }

    fn signal(&mut self, name: &str, before: &Signal, now: &Signal) {
        let Signal { count, window, factor, per_source, level, scope, incident, contain } = before;
        let means = if before == now {
            return;
        } else if now.count <= *count
            && now.window >= *window
            && now.factor <= *factor
            && now.per_source >= *per_source
            && covers(now.level, *level)
            && wider(&now.scope, scope)
            && graver(now.incident, *incident)
            && within(contain, &now.contain)
        {
            Means::Tighter
        } else {
            Means::Looser
        };
        self.say(means, format!("signals.{name}"), "it is raised, or answered, otherwise");
    }

    pub(super) fn gates(&mut self, before: &[Gate], after: &[Gate]) {
        for gate in before.iter().filter(|gate| !after.iter().any(|now| now.name == gate.name)) {
            self.gate(Means::Looser, gate, "it is gone");
        }
        for now in after {
            match before.iter().find(|gate| gate.name == now.name) {
                None => self.gate(Means::Tighter, now, "it is new"),
                Some(gate) if gate == now => {}
                Some(gate) => {
                    let Gate { name: _, ttl, confirm, fail, scope, block_after, probe, prometheus } = gate;
                    let strict = now.ttl <= *ttl && now.confirm <= *confirm && covers(Some(now.fail), Some(*fail));
                    let asked = (&now.probe, now.prometheus) == (probe, *prometheus);
                    let never = Duration::MAX;
                    let sooner = now.block_after.unwrap_or(never) <= block_after.unwrap_or(never);
                    let strict = strict && wider(&now.scope, scope) && asked && sooner;
                    self.gate(
                        if strict { Means::Tighter } else { Means::Looser },
                        now,
                        "it is asked, or answered, otherwise",
                    );
                }
            }
        }
    }

    fn gate(&mut self, means: Means, gate: &Gate, what: &str) {
        let path = format!("gates.{}", gate.name);
        self.found.push(Difference { path, means, restart: true, what: what.to_owned() });
    }
}

/// By what it comes to for orders: BLOCK is stricter than SAFE, though it says nothing of the mode.
fn covers(now: Option<Level>, before: Option<Level>) -> bool {
    now.unwrap_or(Level::OPEN).posture() >= before.unwrap_or(Level::OPEN).posture()
}

/// The fleet holds every scope; of two others none holds the other.
fn wider(now: &Scope, before: &Scope) -> bool {
    now == before || *now == Scope::Fleet
}

fn graver(now: Option<Sev>, before: Option<Sev>) -> bool {
    // Earlier is worse, and none at all is less than any.
    let gravity = |sev: Option<Sev>| sev.map(Reverse);
    gravity(now) >= gravity(before)
}
