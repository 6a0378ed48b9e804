use std::net::IpAddr;
use std::path::Path;

use http::HeaderMap;
use sekisho_policy::Policy;

use super::*;
use crate::identity::kept::KeptFiles;

const PEER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn policy(dir: &Path, more: &str) -> Policy {
    std::fs::write(dir.join("pepper"), "a pepper for tests").unwrap();
    let hash = "ab".repeat(32);
    let text = format!(
        "version: 1\nservice: test\nidentity:\n  pepper: file:{}/pepper\n  keys: [{{id: old, role: admin, hash: {hash}, created: 2020-01-31}}]\n{more}",
        dir.display()
    );
    Policy::parse("test", &text).unwrap()
}

fn open(dir: &Path, more: &str) -> Credentials {
    let policy = policy(dir, more);
    let (door, _) = crate::identity::door(&policy, KeptFiles::open(dir).unwrap()).unwrap();
    Credentials::open(door, Shelf::new(dir, None), policy.identity).unwrap()
}

fn wanted(id: &str) -> Wanted {
    Wanted { id: id.to_owned(), person: None, role: Role::Service, scopes: vec![], allow: vec![], life: None }
}

fn knock(credentials: &Credentials, key: &str) -> Result<String, &'static str> {
    let headers = HeaderMap::from_iter([(http::HeaderName::from_static("x-api-key"), key.parse().unwrap())]);
    let asked = credentials.door.ask(&headers, PEER);
    asked.map(|principal| principal.key.id.clone()).map_err(|attempt| attempt.why.as_str())
}

#[test]
fn a_key_is_good_at_once_and_after_a_restart_and_with_both_secrets_while_they_overlap() {
    let dir = tempfile::tempdir().unwrap();
    let credentials = open(dir.path(), "");
    let first = credentials.create(wanted("Desk.1"), "ann").unwrap();
    assert_eq!(knock(&credentials, &first), Ok("desk.1".to_owned()));
    let second = credentials.rotate("DESK.1", Some(Duration::from_secs(60)), "ann").unwrap();
    assert_eq!((knock(&credentials, &first).is_ok(), knock(&credentials, &second).is_ok()), (true, true));
    let third = credentials.rotate("desk.1", Some(Duration::ZERO), "ann").unwrap();
    let again = open(dir.path(), "");
    for (key, expected) in
        [(&first, Err("wrong_secret")), (&second, Err("wrong_secret")), (&third, Ok("desk.1".to_owned()))]
    {
        assert_eq!(knock(&credentials, key), expected);
        assert_eq!(knock(&again, key), expected);
    }
    let written = std::fs::read_to_string(dir.path().join("access/book")).unwrap();
    let secret = third.strip_prefix("sekisho_desk.1_").unwrap();
    assert!(!written.contains(secret), "its hash is kept, and nothing of the secret");
}

#[test]
fn who_is_revoked_stays_out_and_the_id_is_not_used_again() {
    let dir = tempfile::tempdir().unwrap();
    let credentials = open(dir.path(), "");
    let key = credentials.create(wanted("desk"), "ann").unwrap();
    assert!(credentials.revoke("credential:DESK", None, "ann", "lost").unwrap());
    assert_eq!(knock(&credentials, &key), Err("revoked"));
    let again = open(dir.path(), "");
    assert_eq!(knock(&again, &key), Err("revoked"));
    assert_eq!(again.list().iter().find(|shown| shown.id == "desk").unwrap().state, "revoked");
    assert!(matches!(again.create(wanted("desk"), "ann"), Err(CredentialError::Taken)));
    assert!(matches!(again.rotate("desk", None, "ann"), Err(CredentialError::Revoked)));
    assert!(matches!(again.revoke("desk", None, "ann", "lost"), Err(CredentialError::Subject(_))));
}

#[test]
fn what_is_asked_for_is_checked() {
    let dir = tempfile::tempdir().unwrap();
    let credentials = open(dir.path(), "  max_keys: 1\n  max_revoked: 16");
    for id in ["", "a_b", "a b", &"x".repeat(65)] {
        assert!(matches!(credentials.create(wanted(id), "ann"), Err(CredentialError::Id)), "{id:?}");
    }
    let stranger = Wanted { person: Some("Ann\n".to_owned()), ..wanted("a") };
    assert!(matches!(credentials.create(stranger, "ann"), Err(CredentialError::Person)));
    assert!(matches!(credentials.create(wanted("OLD"), "ann"), Err(CredentialError::Taken)), "policy has one");
    assert!(
        matches!(credentials.rotate("old", None, "ann"), Err(CredentialError::Unknown)),
        "that is changed in policy"
    );
    credentials.create(wanted("one"), "ann").unwrap();
    assert!(matches!(credentials.create(wanted("two"), "ann"), Err(CredentialError::Full("max_keys"))));
    (0..16).for_each(|n| assert!(credentials.revoke(&format!("token:{n}"), None, "ann", "test").unwrap()));
    assert!(matches!(credentials.revoke("token:x", None, "ann", "test"), Err(CredentialError::Full("max_revoked"))));
}

#[test]
fn old_keys_are_told_and_expired_ones_are_not_let_in() {
    let dir = tempfile::tempdir().unwrap();
    let credentials = open(dir.path(), "");
    let key = credentials.create(Wanted { life: Some(Duration::ZERO), ..wanted("short") }, "ann").unwrap();
    assert_eq!(knock(&credentials, &key), Err("expired"));
    let list = credentials.list();
    let of = |id: &str| list.iter().find(|shown| shown.id == id).unwrap();
    assert_eq!((of("short").state, of("short").over_age), ("expired", false));
    assert!(of("old").over_age && of("old").age_days > Some(2000), "{:?}", of("old"));
}

#[test]
fn a_book_that_does_not_verify_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), "").revoke("person:bob", None, "ann", "gone").unwrap();
    let book = dir.path().join("access/book");
    let text = std::fs::read_to_string(&book).unwrap();
    std::fs::write(&book, text.replace("person:bob", "person:rob")).unwrap();
    let policy = policy(dir.path(), "");
    let (door, _) = crate::identity::door(&policy, KeptFiles::open(dir.path()).unwrap()).unwrap();
    assert!(matches!(Credentials::open(door, Shelf::new(dir.path(), None), policy.identity), Err(BookError::Torn)));
}
