//! API keys that are made, rotated and revoked while the sidecar runs.
//!
//! What lets more in is on the disk before it holds; what keeps somebody out holds at once. Whoever has a key made or rotated
//! has seen its secret, whosever it is: such a key takes no part in a release by two people.

mod shown;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use sekisho_filters::access::{
    Door, Held, Key, Keys, Network, NewSession, NoSubject, Principal, Proof, Sayer, Subject,
};
use sekisho_policy::{Identity, IpNet, Role};
use sekisho_safety::Scope;
use zeroize::Zeroizing;

use super::book::{Book, BookError, MadeKey, Revoked, Shelf};
use super::new_key::{new_secret, random_text};
pub use shown::Shown;
use shown::{of_book, of_policy};

/// The keys of policy and those that were made, and who is revoked.
#[derive(Debug)]
pub struct Credentials {
    door: Arc<Door>,
    shelf: Shelf,
    book: Mutex<Book>,
    written: ArcSwap<Identity>,
}

/// A key to be made.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its id.
    pub id: String,
    /// Whose it will be.
    pub person: Option<String>,
    /// What it may do.
    pub role: Role,
    /// Where; empty is everywhere.
    pub scopes: Vec<Scope>,
    /// From which networks; empty is from anywhere.
    pub allow: Vec<IpNet>,
    /// For how long.
    pub life: Option<Duration>,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// No name for a key.
    #[error("expected an id of 1 to 64 letters, digits, `.` and `-`")]
    Id,
    /// No name for a person.
    #[error("expected a person of 1 to 64 of a-z 0-9 _ - .")]
    Person,
    /// There is one of that id, or was one.
    #[error("there is or was a key of this id: ids are not used again")]
    Taken,
    /// There is none of that id.
    #[error("there is no key of this id that was made here; one of the policy is changed there")]
    Unknown,
    /// It was revoked.
    #[error("this key is revoked: make another")]
    Revoked,
    /// Nothing to hash it with.
    #[error("the policy names no identity.pepper, so no key can be hashed")]
    NoPepper,
    /// Too many of them.
    #[error("there are as many as identity.{0} permits")]
    Full(&'static str),
    /// Nothing to end.
    #[error("this credential is no session")]
    NoSession,
    /// Nothing that can be revoked.
    #[error(transparent)]
    Subject(#[from] NoSubject),
    /// The system gives no random bytes.
    #[error("random bytes: {0}")]
    Random(#[from] getrandom::Error),
    /// The book cannot be written, so nothing was changed.
    #[error("access/book: {0}")]
    Book(#[from] BookError),
}

impl Credentials {
    /// Opens the book, and has the door know what is in it.
    ///
    /// # Errors
    ///
    /// When the book does not verify, or cannot be read.
    pub fn open(door: Arc<Door>, shelf: Shelf, written: Identity) -> Result<Self, BookError> {
        let book = shelf.read()?;
        let made = made(&door, &book).ok_or(BookError::Torn)?;
        door.make_known(made);
        let open = Self { door, shelf, book: Mutex::new(book), written: ArcSwap::from_pointee(written) };
        open.revocations_hold(&open.book(), now_s());
        Ok(open)
    }

    /// Another policy is in force.
    pub fn follow(&self, written: Identity) {
        self.written.store(Arc::new(written));
    }

    /// Makes a key: its whole text, which is shown once and kept nowhere.
    ///
    /// # Errors
    ///
    /// [`CredentialError`]; there is no such key then.
    pub fn create(&self, wanted: Wanted, by: &str) -> Result<Zeroizing<String>, CredentialError> {
        let id = wanted.id.to_ascii_lowercase();
        // `s.` begins the ids of sessions.
        if !is_id(&id) || id.starts_with("s.") {
            return Err(CredentialError::Id);
        }
        let person = wanted.person.unwrap_or_else(|| id.clone());
        if !is_person(&person) {
            return Err(CredentialError::Person);
        }
        let policy = self.written.load();
        let mut book = self.book();
        let was_revoked = book.revoked.contains_key(&Subject::Credential(id.clone()).to_string());
        let is_owner = policy.certificates.iter().any(|owner| owner.id == id);
        if self.door.keys().has(&id) || book.keys.contains_key(&id) || was_revoked || is_owner {
            return Err(CredentialError::Taken);
        }
        if book.keys.len() >= policy.max_keys {
            return Err(CredentialError::Full("max_keys"));
        }
        let (secret, hash) = self.secret(&policy)?;
        let now_s = now_s();
        let key = MadeKey {
            person,
            role: wanted.role.name().to_owned(),
            scopes: wanted.scopes.iter().map(ToString::to_string).collect(),
            allow: wanted.allow.iter().map(|net| format!("{}/{}", net.addr, net.prefix)).collect(),
            hash,
            before: None,
            created_s: now_s,
            expires_s: wanted.life.map(|life| now_s.saturating_add(life.as_secs())),
            by: by.to_owned(),
        };
        let mut after = book.clone();
        after.keys.insert(id.clone(), key);
        self.put(&mut book, after)?;
        Ok(whole(&id, &secret))
    }

    /// Gives a key another secret. The old one is good for `overlap` more, or for as long as policy says.
    ///
    /// # Errors
    ///
    /// [`CredentialError`]; the key is what it was then.
    pub fn rotate(&self, id: &str, overlap: Option<Duration>, by: &str) -> Result<Zeroizing<String>, CredentialError> {
        let id = id.to_ascii_lowercase();
        let policy = self.written.load();
        let mut book = self.book();
        if book.revoked.contains_key(&Subject::Credential(id.clone()).to_string()) {
            return Err(CredentialError::Revoked);
        }
        let mut after = book.clone();
        let key = after.keys.get_mut(&id).ok_or(CredentialError::Unknown)?;
        let (secret, hash) = self.secret(&policy)?;
        let now_s = now_s();
        let until = now_s.saturating_add(overlap.unwrap_or(policy.overlap).as_secs());
        key.before = (until > now_s).then(|| (std::mem::replace(&mut key.hash, hash.clone()), until));
        key.hash = hash;
        key.created_s = now_s;
        by.clone_into(&mut key.by);
        self.put(&mut book, after)?;
        Ok(whole(&id, &secret))
    }

    /// Lets somebody in no more, for `time` or for ever. It holds when this returns, on open connections too; whether it also
    /// survives a restart is what comes back.
    ///
    /// # Errors
    ///
    /// When `subject` is none, or there are too many.
    pub fn revoke(
        &self,
        subject: &str,
        time: Option<Duration>,
        by: &str,
        reason: &str,
    ) -> Result<bool, CredentialError> {
        let subject: Subject = subject.parse()?;
        let mut book = self.book();
        let now_s = now_s();
        book.revoked.retain(|_, revoked| revoked.until_s.is_none_or(|until| until > now_s));
        if book.revoked.len() >= self.written.load().max_revoked {
            return Err(CredentialError::Full("max_revoked"));
        }
        let until_s = time.map(|time| now_s.saturating_add(time.as_secs()));
        let revoked = Revoked { at_s: now_s, until_s, by: by.to_owned(), reason: reason.to_owned() };
        book.revoked.insert(subject.to_string(), revoked);
        self.revocations_hold(&book, now_s);
        let stored = self.shelf.write(&book);
        if let Err(error) = &stored {
            tracing::error!("a revocation holds but would not survive a restart: {error}");
        }
        Ok(stored.is_ok())
    }

    /// Begins a session of `principal`: its id, what its holder shows, and how long it lasts.
    ///
    /// # Errors
    ///
    /// When there are too many, or no random bytes.
    pub fn begin_session(
        &self,
        principal: &Principal,
    ) -> Result<(String, Zeroizing<String>, Duration), CredentialError> {
        let policy = self.written.load();
        let (id, secret) = (format!("s.{}", random_text(16)?.to_ascii_lowercase()), new_secret()?);
        let new = NewSession { id: &id, secret: secret.as_bytes(), life: policy.session, most: policy.max_sessions };
        if self.door.begin_session(principal, &new) {
            let shown = whole(&id, &secret);
            Ok((id, shown, policy.session))
        } else {
            Err(CredentialError::Full("max_sessions"))
        }
    }

    /// Ends a session, or the credential that `principal` has shown says nothing of one.
    ///
    /// # Errors
    ///
    /// [`CredentialError`].
    pub fn end_session(&self, principal: &Principal) -> Result<bool, CredentialError> {
        let Proof::Session(id) = &principal.proof else { return Err(CredentialError::NoSession) };
        // Longer than it could have lasted, and not for ever.
        let time = self.written.load().session;
        self.revoke(&format!("session:{id}"), Some(time), &principal.key.person, "ended by its holder")
    }

    /// Who is revoked now, by subject.
    #[must_use]
    pub fn revoked(&self) -> Vec<(String, Revoked)> {
        let now_s = now_s();
        let book = self.book();
        let now = book.revoked.iter().filter(|(_, revoked)| revoked.until_s.is_none_or(|until| until > now_s));
        now.map(|(subject, revoked)| (subject.clone(), revoked.clone())).collect()
    }

    /// Ends what has run out: revocations that were given a time, and nothing else.
    pub fn elapse(&self) {
        self.revocations_hold(&self.book(), now_s());
    }

    /// Every key, without its secret.
    #[must_use]
    pub fn list(&self) -> Vec<Shown> {
        let (policy, book, now_s) = (self.written.load(), self.book(), now_s());
        let shown = |mut shown: Shown| {
            let revoked = |subject: Subject| book.revoked.contains_key(&subject.to_string());
            let id = Subject::Credential(shown.id.to_ascii_lowercase());
            if revoked(id) || revoked(Subject::Person(shown.person.clone())) {
                shown.state = "revoked";
            } else if shown.expires_s.is_some_and(|expires| expires <= now_s) {
                shown.state = "expired";
            }
            let age = shown.created_s.map(|created| now_s.saturating_sub(created));
            shown.age_days = age.map(|age| age / DAY);
            shown.over_age = shown.state == "good" && age.is_some_and(|age| age > policy.key_age.as_secs());
            shown
        };
        let written = policy.keys.iter().map(of_policy);
        let made = book.keys.iter().map(|(id, key)| of_book(id, key, now_s));
        written.chain(made).map(shown).collect()
    }

    fn secret(&self, policy: &Identity) -> Result<(Zeroizing<String>, String), CredentialError> {
        if policy.pepper.is_none() {
            return Err(CredentialError::NoPepper);
        }
        let secret = new_secret()?;
        let hash = hex(&self.door.keys().digest_of(secret.as_bytes()));
        Ok((secret, hash))
    }

    /// The new book, once it is on the disk.
    fn put(&self, book: &mut Book, after: Book) -> Result<(), BookError> {
        let made = made(&self.door, &after).ok_or(BookError::Torn)?;
        self.shelf.write(&after)?;
        self.door.make_known(made);
        *book = after;
        Ok(())
    }

    fn revocations_hold(&self, book: &Book, now_s: u64) {
        let now = book.revoked.iter().filter(|(_, revoked)| revoked.until_s.is_none_or(|until| until > now_s));
        let now: BTreeSet<Subject> = now.filter_map(|(subject, _)| subject.parse().ok()).collect();
        self.door.revocations().replace(Sayer::Book, now);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the door is to know of a book; `None` if something in it cannot be read.
fn made(door: &Door, book: &Book) -> Option<Keys> {
    book.keys.iter().try_fold(door.keys().emptied(), |keys, (id, made)| {
        let networks = made.allow.iter().map(|net| {
            let net: IpNet = net.parse().ok()?;
            Some(Network { address: net.addr, prefix: net.prefix })
        });
        let key = Key {
            id: id.clone(),
            person: made.person.clone(),
            role: Role::ALL.into_iter().find(|role| role.name() == made.role)?,
            scopes: made.scopes.iter().map(|scope| scope.parse().ok()).collect::<Option<_>>()?,
            allow: networks.collect::<Option<_>>()?,
            made: true,
        };
        let before = match &made.before {
            None => None,
            Some((hash, until)) => Some((unhex(hash)?, *until)),
        };
        Some(keys.holding(key, Held { digest: unhex(&made.hash)?, before, expires_s: made.expires_s }))
    })
}

fn whole(id: &str, secret: &str) -> Zeroizing<String> {
    Zeroizing::new(format!("sekisho_{id}_{secret}"))
}

fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

fn is_person(person: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'.');
    (1..=64).contains(&person.len()) && person.bytes().all(plain)
}

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
    }
    text
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let byte = |pair: &[u8; 2]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?.try_into().ok()
}

fn now_s() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

const DAY: u64 = 24 * 60 * 60;

#[cfg(test)]
mod tests;
