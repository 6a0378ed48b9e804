//! Where a request comes from when proxies of ours stand in front: said by them, and by nobody else.
//!
//! Two ways: `X-Forwarded-For`, read from the right until an address is no hop of ours; and the PROXY protocol, version 2,
//! ahead of the first byte of a connection. Whatever cannot be read ends the search: the last hop that is known to be ours is
//! then the one that asks.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use http::HeaderMap;
use sekisho_filters::access::Network;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Proxies in front whose word is taken.
#[derive(Clone, Debug, Default)]
pub struct Hops {
    /// Their networks.
    pub trusted: Vec<Network>,
    /// How long one of them has to say, ahead of a connection, for whom it is. None: that is not done.
    pub proxy_protocol: Option<Duration>,
}

impl Hops {
    fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.holds(address))
    }

    /// Who sent a request that came from `peer`: the right-most address that is no hop of ours.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.trust(peer) {
            return peer;
        }
        let mut lines: Vec<&str> = Vec::new();
        for line in headers.get_all("x-forwarded-for") {
            let Ok(text) = line.to_str() else { return peer };
            lines.extend(text.split(','));
        }
        let mut client = peer;
        for said in lines.iter().rev().take(MOST_HOPS) {
            let Some(address) = address(said) else { break };
            client = address;
            if !self.trust(address) {
                break;
            }
        }
        client
    }

    /// Who opened a connection that came from `peer`, said ahead of its first byte if `peer` is a hop of ours that says so.
    ///
    /// # Errors
    ///
    /// When it should say so and does not, not in time, or not in a way that can be read.
    pub async fn opened_by<S: AsyncRead + Unpin>(&self, stream: &mut S, peer: IpAddr) -> io::Result<IpAddr> {
        match self.proxy_protocol {
            Some(time) if self.trust(peer) => {
                let said = tokio::time::timeout(time, read(stream)).await;
                Ok(said.map_err(|_elapsed| io::ErrorKind::TimedOut)??.unwrap_or(peer))
            }
            Some(_) | None => Ok(peer),
        }
    }
}

/// `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]`, `[::1]:5`.
fn address(said: &str) -> Option<IpAddr> {
    let said = said.trim();
    if let Some(rest) = said.strip_prefix('[') {
        let (inner, port) = rest.split_once(']')?;
        let sound = port.is_empty() || port.strip_prefix(':')?.parse::<u16>().is_ok();
        return inner.parse::<Ipv6Addr>().ok().filter(|_| sound).map(|v6| IpAddr::from(v6).to_canonical());
    }
    let plain = said.parse::<IpAddr>().ok().map(|address| address.to_canonical());
    plain.or_else(|| said.parse::<std::net::SocketAddrV4>().ok().map(|socket| (*socket.ip()).into()))
}

/// The address in a header of the PROXY protocol; none if the hop speaks for itself, as when it looks whether we live.
async fn read<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Option<IpAddr>> {
    let unreadable = || io::Error::new(io::ErrorKind::InvalidData, "no header of the PROXY protocol, version 2");
    let mut head = [0; 16];
    stream.read_exact(&mut head).await?;
    let [signature @ .., command, family, high, low] = head;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if signature != SIGNATURE || length > MOST_BYTES {
        return Err(unreadable());
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    match (command, family) {
        (LOCAL, _) => Ok(None),
        // Over TCP, IPv4 and IPv6: source, destination, ports, and whatever else the hop has to say.
        (PROXY, 0x11) if length >= 12 => Ok(rest.first_chunk().map(|octets: &[u8; 4]| Ipv4Addr::from(*octets).into())),
        (PROXY, 0x21) if length >= 36 => {
            Ok(rest.first_chunk().map(|octets: &[u8; 16]| IpAddr::from(Ipv6Addr::from(*octets)).to_canonical()))
        }
        _ => Err(unreadable()),
    }
}

/// Most hops that are walked back.
const MOST_HOPS: usize = 32;
/// Longest part behind the head, in bytes; it holds addresses and what hops add about the connection.
const MOST_BYTES: usize = 2048;
const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn hops() -> Hops {
        let network = |text: &str, prefix| Network { address: ip(text), prefix };
        let trusted = vec![network("10.0.0.0", 8), network("fd00::", 8)];
        Hops { trusted, proxy_protocol: Some(Duration::from_secs(1)) }
    }

    #[test]
    fn the_right_most_address_that_is_no_hop_of_ours_asks() {
        for (peer, said, client) in [
            ("192.0.2.1", &["198.51.100.7"][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", &["1.1.1.1, 198.51.100.7", "10.0.0.3"], "198.51.100.7"),
            ("10.0.0.1", &["10.0.0.9, 10.0.0.2"], "10.0.0.9"),
            ("10.0.0.1", &["198.51.100.7, unknown, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["198.51.100.7,"], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7"),
            ("10.0.0.1", &["[2001:db8::7]:4711"], "2001:db8::7"),
            ("10.0.0.1", &["[2001:db8::7]x"], "10.0.0.1"),
            ("10.0.0.1", &["::ffff:198.51.100.7"], "198.51.100.7"),
            ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
        ] {
            let mut map = HeaderMap::new();
            for line in said {
                map.append("x-forwarded-for", line.parse().unwrap());
            }
            assert_eq!(hops().client(ip(peer), &map), ip(client), "{peer} {said:?}");
        }
    }

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest, b"GET /"].concat()
    }

    fn opened(peer: &str, mut bytes: &[u8]) -> (Option<IpAddr>, usize) {
        let opened = hops().opened_by(&mut bytes, ip(peer)).now_or_never().unwrap().ok();
        (opened, bytes.len())
    }

    #[tokio::test]
    async fn a_hop_of_ours_says_for_whom_it_opens_a_connection() {
        let v4 = [198, 51, 100, 7, 10, 0, 0, 1, 1, 2, 3, 4];
        let v6: Vec<u8> = [ip("2001:db8::7"), ip("fd00::1")].iter().flat_map(octets).chain([1, 2, 3, 4]).collect();
        let with_more = [&v4[..], &[3, 0, 4, 1, 2, 3, 4]].concat();
        for (bytes, client) in [
            (header(PROXY, 0x11, &v4), Some("198.51.100.7")),
            (header(PROXY, 0x11, &with_more), Some("198.51.100.7")),
            (header(PROXY, 0x21, &v6), Some("2001:db8::7")),
            (header(LOCAL, 0, &[]), Some("10.0.0.1")),
            (header(PROXY, 0x11, &v4[..11]), None),
            (header(PROXY, 0x12, &v4), None),
            (header(PROXY, 0x31, &[0; 216]), None),
            (header(0x11, 0x11, &v4), None),
            (header(PROXY, 0x11, &[0; 2049]), None),
            (b"GET / HTTP/1.1\r\n\r\n".to_vec(), None),
            (SIGNATURE.to_vec(), None),
        ] {
            let (opened, left) = opened("10.0.0.1", &bytes);
            assert_eq!(opened, client.map(ip), "{bytes:?}");
            assert!(opened.is_none() || left == 5, "what follows is left for the next reader");
        }
        // Who is no hop of ours says nothing of the kind, and nothing is read.
        assert_eq!(opened("192.0.2.1", b"GET /"), (Some(ip("192.0.2.1")), 5));
    }

    fn octets(address: &IpAddr) -> Vec<u8> {
        match address {
            IpAddr::V4(v4) => v4.octets().to_vec(),
            IpAddr::V6(v6) => v6.octets().to_vec(),
        }
    }
}
