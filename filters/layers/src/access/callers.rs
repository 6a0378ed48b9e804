use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};

use super::{Network, Rates};

/// What a route asks of its callers besides who they are.
#[derive(Debug, Default)]
pub struct Callers {
    /// Networks that they may come from; empty is anywhere.
    pub allow: Vec<Network>,
    /// Networks that they may not come from, whatever is allowed.
    pub deny: Vec<Network>,
    /// How many requests each may make.
    pub rates: Option<Arc<Rates>>,
    /// Statuses by which the upstream says that a credential is no good. Such an answer counts as a failed attempt here.
    pub upstream_denies: Vec<StatusCode>,
}

impl Callers {
    /// Whether anybody may come from `peer`.
    pub(super) fn may_come_from(&self, peer: IpAddr) -> bool {
        let among = |networks: &[Network]| networks.iter().any(|network| network.holds(peer));
        !among(&self.deny) && (self.allow.is_empty() || among(&self.allow))
    }
}

/// Whose credential the upstream is shown, as failures are counted by it: the user of `Basic`, else all that is said.
pub(super) fn shown(headers: &HeaderMap) -> Option<String> {
    let said = headers.get(AUTHORIZATION).or_else(|| headers.get("x-api-key"))?;
    let text = String::from_utf8_lossy(said.as_bytes());
    let basic = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let user = basic.and_then(|(_, pair)| STANDARD.decode(pair.trim()).ok());
    let user = user.and_then(|pair| Some(String::from_utf8_lossy(&pair).split_once(':')?.0.trim().to_lowercase()));
    Some(user.unwrap_or_else(|| text.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::{Callers, HeaderMap, IpAddr, Network, shown};

    #[test]
    fn who_is_denied_is_so_whatever_is_allowed() {
        let network = |text: &str, prefix| Network { address: text.parse().unwrap(), prefix };
        let callers =
            Callers { allow: vec![network("10.0.0.0", 8)], deny: vec![network("10.6.6.0", 24)], ..Callers::default() };
        for (peer, expected) in [("10.1.2.3", true), ("10.6.6.7", false), ("192.0.2.1", false), ("::1", false)] {
            assert_eq!(callers.may_come_from(peer.parse::<IpAddr>().unwrap()), expected, "{peer}");
        }
        assert!(Callers::default().may_come_from([192, 0, 2, 1].into()));
    }

    #[test]
    fn guesses_at_one_user_are_guesses_at_one_credential() {
        let said = |text: &str| HeaderMap::from_iter([(http::header::AUTHORIZATION, text.parse().unwrap())]);
        // ann:one, Ann:two
        assert_eq!(shown(&said("Basic YW5uOm9uZQ==")), Some("ann".to_owned()));
        assert_eq!(shown(&said("basic QW5uOnR3bw==")), Some("ann".to_owned()));
        assert_eq!(shown(&said("Bearer x")), Some("Bearer x".to_owned()));
        assert_eq!(shown(&HeaderMap::new()), None);
    }
}
