//! The OpenBao server that secrets are read from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::secrets::{SecretSource, reference};
use super::upstreams::authority;
use crate::check::{Bounds, Checker};
use crate::written::{At, Raw, Reference, Text, Time};

/// The OpenBao server that secrets are read from: references of the form `openbao:MOUNT/PATH#FIELD` (KV, version 2).
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct BaoWritten {
    /// `http://HOST:PORT`: the server, or an agent on loopback that speaks TLS to it.
    pub(crate) url: Option<Raw<Text>>,
    /// A token, renewed whenever it is used. One of `token`, `kubernetes` and `approle` is needed.
    pub(crate) token: Option<Raw<Reference>>,
    /// Logging in as a service account of Kubernetes.
    pub(crate) kubernetes: Option<At<KubernetesWritten>>,
    /// Logging in by role and secret id.
    pub(crate) approle: Option<At<AppRoleWritten>>,
    /// How long one call may take.
    ///
    /// Default 5s, from 100ms to 1m.
    pub(crate) timeout: Option<Raw<Time>>,
}

/// Logging in as a service account.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KubernetesWritten {
    /// The role at the server.
    pub(crate) role: Option<Raw<Text>>,
    /// Where the method is mounted. Default `kubernetes`.
    pub(crate) mount: Option<Raw<Text>>,
    /// The service account's token, which is read again at every login.
    pub(crate) jwt: Option<Raw<Reference>>,
}

/// Logging in by role and secret id.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct AppRoleWritten {
    /// The role's id.
    pub(crate) role_id: Option<Raw<Text>>,
    /// Where the method is mounted. Default `approle`.
    pub(crate) mount: Option<Raw<Text>>,
    /// Its secret id.
    pub(crate) secret_id: Option<Raw<Reference>>,
}

/// The server, and how one proves who one is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaoServer {
    /// Host and port.
    pub authority: String,
    /// How one logs in.
    pub login: BaoLogin,
    /// How long one call may take.
    pub timeout: Duration,
}

/// How one logs in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaoLogin {
    /// Not at all: by a token that one has.
    Token(SecretSource),
    /// By a method that gives a token.
    Method {
        /// Where it is mounted.
        mount: String,
        /// What is said in the clear: name and value.
        role: (&'static str, String),
        /// What proves it: name, and where it is to be had.
        secret: (&'static str, SecretSource),
    },
}

/// A secret on that server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaoSecret {
    /// The server.
    pub server: Arc<BaoServer>,
    /// Where the engine is mounted.
    pub mount: String,
    /// The secret's path.
    pub path: String,
    /// The field of it.
    pub field: String,
}

impl fmt::Display for BaoSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "openbao:{}/{}#{}", self.mount, self.path, self.field)
    }
}

impl BaoSecret {
    /// Reads `MOUNT/PATH#FIELD`.
    pub(super) fn parse(text: &str, server: &Arc<BaoServer>) -> Option<Self> {
        let (whole, field) = text.split_once('#')?;
        let (mount, path) = whole.split_once('/')?;
        let is_sound = sound(mount) && path.split('/').all(sound) && sound(field);
        let (mount, path, field) = (mount.to_owned(), path.to_owned(), field.to_owned());
        is_sound.then(|| Self { server: Arc::clone(server), mount, path, field })
    }
}

impl BaoWritten {
    pub(crate) fn check(&self, checker: &mut Checker) -> Option<Arc<BaoServer>> {
        let url = self.url.as_ref()?;
        let bounds = Bounds { default: "5s", min: "100ms", max: "1m" };
        let timeout = checker.bounded(self.timeout.as_ref(), "openbao.timeout", bounds);
        let server = authority(url.text());
        if server.is_none() {
            checker.wrong(url.place(), "openbao.url", "expected http://HOST:PORT and nothing after it");
        }
        let ways = [self.token.is_some(), self.kubernetes.is_some(), self.approle.is_some()];
        if ways.into_iter().filter(|given| *given).count() != 1 {
            checker.wrong(url.place(), "openbao", "expected one of token, kubernetes and approle");
        }
        let login = self.login(checker)?;
        let (host, port) = server?;
        Some(Arc::new(BaoServer { authority: format!("{host}:{port}"), login, timeout }))
    }

    fn login(&self, checker: &mut Checker) -> Option<BaoLogin> {
        if let Some(token) = &self.token {
            return reference(token, "openbao.token", checker).map(BaoLogin::Token);
        }
        if let Some(At { value: KubernetesWritten { role, mount, jwt }, place }) = &self.kubernetes {
            let role = checker.needed(role.as_ref(), *place, "openbao.kubernetes.role")?;
            let jwt = checker.needed(jwt.as_ref(), *place, "openbao.kubernetes.jwt")?;
            let mount = word(mount.as_ref(), "openbao.kubernetes.mount", "kubernetes", checker);
            let role = word(Some(role), "openbao.kubernetes.role", "", checker);
            let jwt = reference(jwt, "openbao.kubernetes.jwt", checker)?;
            return Some(BaoLogin::Method { mount, role: ("role", role), secret: ("jwt", jwt) });
        }
        let At { value: AppRoleWritten { role_id, mount, secret_id }, place } = self.approle.as_ref()?;
        let role = checker.needed(role_id.as_ref(), *place, "openbao.approle.role_id")?;
        let secret = checker.needed(secret_id.as_ref(), *place, "openbao.approle.secret_id")?;
        let mount = word(mount.as_ref(), "openbao.approle.mount", "approle", checker);
        let role = word(Some(role), "openbao.approle.role_id", "", checker);
        let secret = reference(secret, "openbao.approle.secret_id", checker)?;
        Some(BaoLogin::Method { mount, role: ("role_id", role), secret: ("secret_id", secret) })
    }
}

fn word(raw: Option<&Raw<Text>>, path: &str, default: &str, checker: &mut Checker) -> String {
    let Some(raw) = raw else { return default.to_owned() };
    if !raw.text().split('/').all(sound) {
        checker.wrong(raw.place(), path, "expected parts of 1 to 128 of A-Z a-z 0-9 - _ .");
    }
    raw.text().to_owned()
}

/// One part of a path at the server.
fn sound(part: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=128).contains(&part.len()) && part.bytes().all(plain) && !part.starts_with('.')
}

#[cfg(test)]
mod tests {
    use crate::{Policy, SecretSource};

    fn parsed(openbao: &str, reference: &str) -> Result<SecretSource, String> {
        let text = format!("version: 1\nservice: s\n{openbao}secrets: [{{name: a, ref: \"{reference}\"}}]\n");
        let policy = Policy::parse("p.yaml", &text).map_err(|errors| errors.to_string())?;
        Ok(policy.secrets[0].source.clone())
    }

    const TOKEN: &str = "openbao: {url: \"http://127.0.0.1:8200\", token: env:BAO}\n";

    #[test]
    fn a_reference_is_a_mount_a_path_and_a_field_of_the_server_that_is_named() {
        for reference in ["openbao:kv/trading/venue#key", "openbao:secret/a#b"] {
            assert_eq!(parsed(TOKEN, reference).unwrap().to_string(), reference);
        }
        for reference in
            ["openbao:kv/a", "openbao:kv#a", "openbao:/a#b", "openbao:kv/../a#b", "openbao:kv/a#", "openbao:kv/a?x#b"]
        {
            assert!(parsed(TOKEN, reference).unwrap_err().contains("secrets[0].ref"), "{reference}");
        }
        assert!(parsed("", "openbao:kv/a#b").unwrap_err().contains("openbao"));
    }

    #[test]
    fn one_way_to_log_in_is_needed_and_no_more() {
        let of = |login: &str| parsed(&format!("openbao: {{url: \"http://127.0.0.1:8200\"{login}}}\n"), "env:A").err();
        for login in [
            ", token: env:BAO",
            ", kubernetes: {role: sekisho, jwt: \"file:/var/run/secrets/token\"}",
            ", approle: {role_id: 1-2, secret_id: env:BAO}",
        ] {
            assert_eq!(of(login), None, "{login}");
        }
        for (login, expected) in [
            ("", "expected one of token"),
            (", token: env:BAO, approle: {role_id: 1, secret_id: env:B}", "expected one of token"),
            (", kubernetes: {role: sekisho}", "openbao.kubernetes.jwt"),
            (", approle: {role_id: \"../x\", secret_id: env:B}", "openbao.approle.role_id"),
            (", token: \"openbao:kv/a#b\"", "openbao.token"),
        ] {
            let error = of(login).unwrap();
            assert!(error.contains(expected), "{login}: {error}");
        }
    }
}
