use std::time::Duration;

use super::{Diff, Means, within};
use crate::sections::{ApiKey, CertificateOwner, Detectors, Identity, IssuerPolicy, Number, SecretRef};
use crate::{ActionName, Matrix, Operation, Role};

impl Diff {
    pub(super) fn secrets(&mut self, before: &[SecretRef], after: &[SecretRef]) {
        for secret in before.iter().filter(|secret| !after.contains(secret)) {
            self.say(Means::Looser, format!("secrets.{}", secret.name), "it is gone or read from elsewhere");
        }
        let known = |secret: &&SecretRef| before.iter().any(|before| before.name == secret.name);
        for secret in after.iter().filter(|secret| !known(secret)) {
            self.say(Means::Tighter, format!("secrets.{}", secret.name), "it is looked for as well");
        }
    }

    pub(super) fn detectors(&mut self, before: &Detectors, now: &Detectors) {
        let Detectors { disable, fields, packs, default_action, actions, allow, fingerprint_key } = before;
        self.listed("detectors.disable", disable, &now.disable, (Means::Tighter, Means::Looser));
        self.listed("detectors.fields", fields, &now.fields, (Means::Looser, Means::Tighter));
        self.listed("detectors.packs", packs, &now.packs, (Means::Looser, Means::Tighter));
        self.listed("detectors.allow", allow, &now.allow, (Means::Tighter, Means::Looser));
        if default_action != &now.default_action {
            let means = if rank(now.default_action) > rank(*default_action) { Means::Tighter } else { Means::Looser };
            self.say(means, "detectors.default_action", "findings are answered otherwise");
        }
        for id in actions.keys().filter(|id| !now.actions.contains_key(*id)) {
            self.say(Means::Looser, format!("detectors.actions.{id}"), "it is gone");
        }
        for (id, action) in now.actions.iter().filter(|(id, action)| actions.get(*id) != Some(*action)) {
            // What a detector does where policy says nothing is its pack's: BLOCK alone is surely no weaker.
            let least = actions.get(id).copied().unwrap_or(ActionName::Block);
            let means = if rank(*action) >= rank(least) { Means::Tighter } else { Means::Looser };
            self.say(means, format!("detectors.actions.{id}"), "findings are answered otherwise");
        }
        if fingerprint_key != &now.fingerprint_key {
            self.say(Means::Looser, "detectors.fingerprint_key", "finds before and after cannot be compared");
        }
    }

    pub(super) fn identity(&mut self, before: &Identity, now: &Identity) {
        let Identity {
            pepper,
            keys,
            certificates,
            issuers,
            token_bytes,
            key_age,
            overlap,
            session,
            max_sessions,
            max_keys,
            max_revoked,
        } = before;
        if *pepper != now.pepper {
            self.say(Means::Looser, "identity.pepper", "it is read from elsewhere");
        }
        self.named("identity.keys", keys, &now.keys);
        self.named("identity.certificates", certificates, &now.certificates);
        let from = self.found.len();
        self.named("identity.issuers", issuers, &now.issuers);
        // Somebody fetches the keys of each, and begins to at the start.
        self.found.iter_mut().skip(from).for_each(|found| found.restart = true);
        let numbers = |token: &usize, times: [&Duration; 3], most: [&usize; 3]| {
            let times = ["key_age", "overlap", "session"].into_iter().zip(times.map(|time| Number::from(*time)));
            let most =
                ["max_sessions", "max_keys", "max_revoked"].into_iter().zip(most.map(|most| Number::from(*most)));
            times.chain(most).chain([("token_bytes", Number::from(*token))]).collect::<Vec<_>>()
        };
        let before = numbers(token_bytes, [key_age, overlap, session], [max_sessions, max_keys, max_revoked]);
        let most = [&now.max_sessions, &now.max_keys, &now.max_revoked];
        let after = numbers(&now.token_bytes, [&now.key_age, &now.overlap, &now.session], most);
        self.numbers("identity", &before, &after);
    }

    /// Those who may come in: one that is gone, one that is new, and one that may do more or less.
    fn named<T: Holder>(&mut self, path: &str, before: &[T], after: &[T]) {
        let name = T::name;
        for gone in before.iter().filter(|one| !after.iter().any(|now| name(now) == name(one))) {
            self.say(Means::Tighter, format!("{path}.{}", name(gone)), "it is gone");
        }
        for now in after {
            let path = || format!("{path}.{}", name(now));
            match before.iter().find(|before| name(before) == name(now)) {
                Some(before) if before == now => {}
                Some(before) if before.holds(now) => self.say(Means::Tighter, path(), "it may do less"),
                Some(_) => self.say(Means::Looser, path(), "it may do more, or is another"),
                None => self.say(Means::Looser, path(), "it is new"),
            }
        }
    }

    /// Who may do what. What contains has to stay possible; everything else is the stricter the fewer may do it.
    pub(super) fn matrix(&mut self, before: &Matrix, now: &Matrix) {
        for operation in Operation::ALL {
            let may =
                |matrix: &Matrix| Role::ALL.into_iter().filter(|role| matrix.may(*role, operation)).collect::<Vec<_>>();
            let (before, now) = (may(before), may(now));
            let (fewer, more) = (within(&now, &before), within(&before, &now));
            let contains = matches!(operation, Operation::Tighten | Operation::Contain);
            let means = if (contains && more) || (!contains && fewer) { Means::Tighter } else { Means::Looser };
            if !(fewer && more) {
                self.say(means, format!("roles.{}", operation.name()), "other roles may do it");
            }
        }
    }

    /// What a list lost means the first, and what it got the second.
    fn listed<T: PartialEq>(&mut self, path: &str, before: &[T], now: &[T], (lost, got): (Means, Means)) {
        let (gone, new) = (!within(before, now), !within(now, before));
        if gone {
            self.say(lost, path, "something of it is gone");
        }
        if new {
            self.say(got, path, "there is more of it");
        }
    }
}

/// Somebody who may come in, or who says of others that they may.
trait Holder: PartialEq {
    fn name(&self) -> &str;

    /// Whether `now` is the same, and lets nobody do more.
    fn holds(&self, now: &Self) -> bool;
}

impl Holder for ApiKey {
    fn name(&self) -> &str {
        &self.id
    }

    fn holds(&self, now: &Self) -> bool {
        let Self { id, role, hash, scopes, allow, person, created_s: _, expires_s } = self;
        (id, hash, role, person) == (&now.id, &now.hash, &now.role, &now.person)
            && narrower(&now.scopes, scopes)
            && narrower(&now.allow, allow)
            && expires_s.is_none_or(|before| now.expires_s.is_some_and(|now| now <= before))
    }
}

impl Holder for CertificateOwner {
    fn name(&self) -> &str {
        &self.id
    }

    fn holds(&self, now: &Self) -> bool {
        let Self { name, id, role, person, scopes, allow } = self;
        (name, id, role, person) == (&now.name, &now.id, &now.role, &now.person)
            && narrower(&now.scopes, scopes)
            && narrower(&now.allow, allow)
    }
}

impl Holder for IssuerPolicy {
    fn name(&self) -> &str {
        &self.name
    }

    fn holds(&self, now: &Self) -> bool {
        let stricter = Self {
            audiences: now.audiences.clone(),
            algorithms: now.algorithms.clone(),
            scopes: now.scopes.clone(),
            allow: now.allow.clone(),
            skew: now.skew,
            max_life: now.max_life,
            ..self.clone()
        };
        stricter == *now
            && within(&now.audiences, &self.audiences)
            && within(&now.algorithms, &self.algorithms)
            && narrower(&now.scopes, &self.scopes)
            && narrower(&now.allow, &self.allow)
            && now.skew <= self.skew
            && now.max_life <= self.max_life
    }
}

/// Whether a list, which is everything when it is empty, has come to be no more.
fn narrower<T: PartialEq>(now: &[T], before: &[T]) -> bool {
    before.is_empty() || !now.is_empty() && within(now, before)
}

const fn rank(action: ActionName) -> u8 {
    match action {
        ActionName::Alert => 0,
        ActionName::Hash => 1,
        ActionName::Mask => 2,
        ActionName::DropField => 3,
        ActionName::Block => 4,
    }
}
