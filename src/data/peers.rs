//! How many connections each peer has open.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

/// Counts connections by address, those of IPv6 by the network of a site: a site has more addresses than we have memory.
/// Clones count together.
#[derive(Clone, Debug)]
pub struct Peers {
    open: Arc<Mutex<HashMap<IpAddr, usize, RandomState>>>,
    most: usize,
}

/// One connection; counted until it is dropped.
#[derive(Debug)]
pub(super) struct Counted {
    peers: Peers,
    of: IpAddr,
}

impl Peers {
    /// At most `most` connections of each.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { open: Arc::default(), most }
    }

    /// Counts one more of `peer`, if there is room for it.
    pub(super) fn enter(&self, peer: IpAddr) -> Option<Counted> {
        let of = site(peer);
        let mut open = self.lock();
        let count = open.entry(of).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Counted { peers: self.clone(), of })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize, RandomState>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut open = self.peers.lock();
        match open.get_mut(&self.of) {
            Some(count) if *count > 1 => *count -= 1,
            // INVARIANT: who has nothing open costs nothing.
            _ => drop(open.remove(&self.of)),
        }
    }
}

fn site(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(_) => peer,
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::Peers;

    #[test]
    fn each_peer_has_room_of_its_own_and_leaves_nothing_behind() {
        let peers = Peers::new(2);
        let enter = |peer: &str| peers.enter(peer.parse().unwrap());
        let (first, second) = (enter("192.0.2.1"), enter("192.0.2.1"));
        assert!(first.is_some() && second.is_some() && enter("192.0.2.1").is_none());
        assert!(enter("192.0.2.2").is_some());
        drop(first);
        assert!(enter("192.0.2.1").is_some());
        drop(second);
        assert!(peers.lock().is_empty());
    }

    #[test]
    fn a_site_is_one_peer() {
        let peers = Peers::new(1);
        let held = peers.enter("2001:db8::1".parse().unwrap());
        assert!(held.is_some() && peers.enter("2001:db8::2".parse().unwrap()).is_none());
        assert!(peers.enter("2001:db8:0:1::1".parse().unwrap()).is_some());
    }
}
