use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::{Principal, Proof};

/// Who is no longer let in, whatever they can prove. One set for the process: it is asked at every request, and tells whoever
/// serves an open connection when it changes. Several may add to it, each for itself: it holds what any of them says.
#[derive(Debug, Default)]
pub struct Revocations {
    said: Mutex<Said>,
    revoked: ArcSwap<BTreeSet<Subject>>,
    changed: watch::Sender<()>,
}

/// Who says that somebody is revoked. What one says does not end what another said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sayer {
    /// The book of credentials.
    Book,
    /// Containment, which ends when two people agree.
    Containment,
}

#[derive(Debug, Default)]
struct Said {
    book: BTreeSet<Subject>,
    containment: BTreeSet<Subject>,
}

/// What can be revoked. As text `credential:ID`, `person:NAME`, `session:ID` or `token:JTI`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An API key, by its id in lower case.
    Credential(String),
    /// Whoever acts in this name, by key or by token; a token's `sub` is one.
    Person(String),
    /// A session, by its id.
    Session(String),
    /// One token, by its `jti`.
    Token(String),
}

impl Revocations {
    /// As `sayer` says, these are revoked from now on, and no others. When this returns, no new request of theirs passes, and
    /// whoever holds a [`Standing`] is woken.
    pub fn replace(&self, sayer: Sayer, revoked: BTreeSet<Subject>) {
        // Held until all is done, so that two who say something at once do not undo each other.
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match sayer {
            Sayer::Book => said.book = revoked,
            Sayer::Containment => said.containment = revoked,
        }
        let all: BTreeSet<Subject> = said.book.union(&said.containment).cloned().collect();
        if **self.revoked.load() != all {
            self.revoked.store(Arc::new(all));
            self.changed.send_replace(());
        }
    }

    /// Whether `principal`, or what it was proven by, is revoked.
    #[must_use]
    pub fn hold(&self, principal: &Principal) -> bool {
        let revoked = self.revoked.load();
        !revoked.is_empty() && principal.subjects().any(|subject| revoked.contains(&subject))
    }

    /// What `principal` may go on with until it is revoked.
    #[must_use]
    pub fn standing(self: &Arc<Self>, principal: &Principal) -> Standing {
        Standing { principal: principal.clone(), changed: self.changed.subscribe(), revocations: Arc::clone(self) }
    }
}

/// What somebody who was let in may go on with: until it is revoked. Who serves one request for long holds one.
#[derive(Clone, Debug)]
pub struct Standing {
    principal: Principal,
    revocations: Arc<Revocations>,
    changed: watch::Receiver<()>,
}

impl Standing {
    /// Who was let in.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whether it was revoked.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.revocations.hold(&self.principal)
    }

    /// Waits until it is revoked, which may be for ever.
    pub async fn over(mut self) {
        while !self.is_over() {
            if self.changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

impl Principal {
    /// What would have to be revoked to keep this one out.
    pub(super) fn subjects(&self) -> impl Iterator<Item = Subject> {
        let proof = match &self.proof {
            Proof::Key | Proof::Certificate | Proof::Token(None) => None,
            Proof::Session(id) => Some(Subject::Session(id.to_string())),
            Proof::Token(Some(jti)) => Some(Subject::Token(jti.to_string())),
        };
        let person = Subject::Person(self.key.person.clone());
        [person, Subject::Credential(self.key.id.to_ascii_lowercase())].into_iter().chain(proof)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credential(id) => write!(f, "credential:{id}"),
            Self::Person(name) => write!(f, "person:{name}"),
            Self::Session(id) => write!(f, "session:{id}"),
            Self::Token(jti) => write!(f, "token:{jti}"),
        }
    }
}

impl FromStr for Subject {
    type Err = NoSubject;

    fn from_str(text: &str) -> Result<Self, NoSubject> {
        let (kind, name) = text.split_once(':').ok_or(NoSubject)?;
        if name.is_empty() || name.len() > MOST || name.contains(char::is_control) {
            return Err(NoSubject);
        }
        match kind {
            "credential" => Ok(Self::Credential(name.to_ascii_lowercase())),
            "person" => Ok(Self::Person(name.to_owned())),
            "session" => Ok(Self::Session(name.to_owned())),
            "token" => Ok(Self::Token(name.to_owned())),
            _ => Err(NoSubject),
        }
    }
}

/// Text that names nothing that can be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected credential:ID, person:NAME, session:ID or token:JTI, of at most {MOST} bytes")]
pub struct NoSubject;

/// Longest name of a subject, in bytes.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;
    use sekisho_policy::Role;

    use super::super::Key;
    use super::{Arc, BTreeSet, Principal, Proof, Revocations, Sayer, Subject};

    fn principal(proof: Proof) -> Principal {
        let key = Key {
            id: "Desk".into(),
            person: "ann".into(),
            role: Role::Service,
            scopes: vec![],
            allow: vec![],
            made: false,
        };
        Principal { key: Arc::new(key), proof }
    }

    fn subject(text: &str) -> Subject {
        text.parse().unwrap()
    }

    #[test]
    fn each_way_to_name_somebody_revokes_them_and_nobody_else() {
        let (key, session, token) = (Proof::Key, Proof::Session("s.1".into()), Proof::Token(Some("j1".into())));
        for (text, proof, expected) in [
            ("credential:DESK", &key, true),
            ("credential:desk", &session, true),
            ("credential:other", &key, false),
            ("person:ann", &token, true),
            ("person:ANN", &key, false),
            ("session:s.1", &session, true),
            ("session:s.1", &key, false),
            ("token:j1", &token, true),
            ("token:j1", &key, false),
            ("token:j2", &token, false),
        ] {
            let revocations = Revocations::default();
            revocations.replace(Sayer::Book, BTreeSet::from([subject(text)]));
            assert_eq!(revocations.hold(&principal(proof.clone())), expected, "{text} {proof:?}");
        }
    }

    #[test]
    fn who_is_served_for_long_learns_that_it_is_over() {
        let revocations = Arc::new(Revocations::default());
        let mut over = Box::pin(revocations.standing(&principal(Proof::Key)).over());
        assert!(over.as_mut().now_or_never().is_none());
        revocations.replace(Sayer::Book, BTreeSet::from([subject("person:bob")]));
        assert!(over.as_mut().now_or_never().is_none(), "somebody else");
        revocations.replace(Sayer::Book, BTreeSet::from([subject("person:ann")]));
        assert!(over.now_or_never().is_some());
    }

    #[test]
    fn what_one_says_does_not_end_what_another_said() {
        let (revocations, ann) = (Revocations::default(), principal(Proof::Key));
        let says = |sayer, who: &[&str]| revocations.replace(sayer, who.iter().map(|text| subject(text)).collect());
        says(Sayer::Book, &["person:ann"]);
        says(Sayer::Containment, &["credential:desk"]);
        for (sayer, held) in [(Sayer::Book, true), (Sayer::Containment, false)] {
            says(sayer, &[]);
            assert_eq!(revocations.hold(&ann), held, "{sayer:?}");
        }
    }

    #[test]
    fn subjects_are_read_as_they_are_written() {
        for text in ["credential:desk", "person:ann", "session:s.1", "token:a:b"] {
            assert_eq!(subject(text).to_string(), text);
        }
        for text in ["", "ann", "person:", "actor:ann", "person:a\nb"] {
            assert!(text.parse::<Subject>().is_err(), "{text:?}");
        }
    }
}
