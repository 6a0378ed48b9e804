use sekisho_policy::ApiKey;
use serde::Serialize;

use crate::identity::book::MadeKey;

/// A key as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub person: String,
    /// The name of its role.
    pub role: String,
    /// Where it may be used.
    pub scopes: Vec<String>,
    /// From which networks.
    pub allow: Vec<String>,
    /// `policy` or `made`.
    pub from: &'static str,
    /// `good`, `expired` or `revoked`.
    pub state: &'static str,
    /// When its secret was made, in seconds since 1970, if that is known.
    pub created_s: Option<u64>,
    /// When its time is over.
    pub expires_s: Option<u64>,
    /// Until when its former secret is good as well.
    pub overlap_until_s: Option<u64>,
    /// Days since its secret was made.
    pub age_days: Option<u64>,
    /// Whether that is more than policy wants.
    pub over_age: bool,
}

pub(super) fn of_policy(key: &ApiKey) -> Shown {
    Shown {
        id: key.id.clone(),
        person: key.person.clone(),
        role: key.role.name().to_owned(),
        scopes: key.scopes.iter().map(ToString::to_string).collect(),
        allow: key.allow.iter().map(|net| format!("{}/{}", net.addr, net.prefix)).collect(),
        from: "policy",
        state: "good",
        created_s: key.created_s,
        expires_s: key.expires_s,
        overlap_until_s: None,
        age_days: None,
        over_age: false,
    }
}

pub(super) fn of_book(id: &str, key: &MadeKey, now_s: u64) -> Shown {
    Shown {
        id: id.to_owned(),
        person: key.person.clone(),
        role: key.role.clone(),
        scopes: key.scopes.clone(),
        allow: key.allow.clone(),
        from: "made",
        state: "good",
        created_s: Some(key.created_s),
        expires_s: key.expires_s,
        overlap_until_s: key.before.as_ref().map(|(_, until)| *until).filter(|until| *until > now_s),
        age_days: None,
        over_age: false,
    }
}
