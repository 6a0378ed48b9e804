use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address as the journal keeps it: the network, not the host (seed 003, 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(peer: IpAddr) -> Self {
        Self(match peer.to_canonical() {
            IpAddr::V4(v4) => {
                let [a, b, ..] = v4.octets();
                Ipv4Addr::new(a, b, 0, 0).into()
            }
            IpAddr::V6(v6) => {
                let [a, b, c, ..] = v6.segments();
                Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).into()
            }
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(v4) => {
                let [a, b, ..] = v4.octets();
                write!(f, "{a}.{b}.xxx.xxx")
            }
            IpAddr::V6(v6) => {
                let [a, b, c, ..] = v6.segments();
                write!(f, "{a:x}:{b:x}:{c:x}:xxxx")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{IpAddr, Network};

    #[test]
    fn hosts_of_one_network_are_one() {
        for (peer, kept) in [
            ("192.0.2.17", "192.0.xxx.xxx"),
            ("::ffff:192.0.2.17", "192.0.xxx.xxx"),
            ("2001:db8:7:1::5", "2001:db8:7:xxxx"),
        ] {
            assert_eq!(Network::from(peer.parse::<IpAddr>().unwrap()).to_string(), kept);
        }
    }
}
