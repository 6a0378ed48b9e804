//! Which requests a route takes.

use schemars::JsonSchema;
use serde::Deserialize;

use super::super::upstreams::valid_host;
use crate::check::Checker;
use crate::written::{At, Raw, Text};

/// Which requests a route takes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct MatchWritten {
    /// The `Host`, without a port. Default any.
    pub(crate) host: Option<Raw<Text>>,
    /// Whole segments that the path begins with. Default `/`.
    pub(crate) path_prefix: Option<Raw<Text>>,
    /// Methods. Default any.
    pub(crate) methods: Option<At<Vec<Raw<Text>>>>,
}

/// The host in lower case, the prefix of the path, and methods; no host and no methods are any.
type Match = (Option<String>, String, Option<Vec<String>>);

impl MatchWritten {
    pub(super) fn check(&self, path: &str, checker: &mut Checker) -> Match {
        let host = self.host.as_ref().map(|host| {
            if !valid_host(host.text()) {
                checker.wrong(host.place(), &format!("{path}.host"), "expected a host without a port");
            }
            host.text().to_ascii_lowercase()
        });
        let prefix = self.path_prefix.as_ref().map(|prefix| {
            if !valid_prefix(prefix.text()) {
                let message = "expected whole segments of a plain path, as / or /api/v3";
                checker.wrong(prefix.place(), &format!("{path}.path_prefix"), message);
            }
            prefix.text().to_owned()
        });
        let path = format!("{path}.methods");
        let methods = self.methods.as_ref().map(|methods| {
            if methods.value.is_empty() {
                checker.wrong(methods.place, &path, "expected at least one method");
            }
            for method in &methods.value {
                if method.text().is_empty() || !method.text().bytes().all(|byte| byte.is_ascii_uppercase()) {
                    checker.wrong(method.place(), &path, "expected methods in upper case");
                }
            }
            methods.value.iter().map(|method| method.text().to_owned()).collect()
        });
        (host, prefix.unwrap_or_else(|| "/".to_owned()), methods)
    }
}

fn valid_prefix(prefix: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~$@".contains(&byte);
    let segments = prefix.strip_prefix('/').map(|rest| rest.split('/').all(|part| !matches!(part, "" | "." | "..")));
    prefix == "/" || (segments == Some(true) && prefix.bytes().all(plain))
}
