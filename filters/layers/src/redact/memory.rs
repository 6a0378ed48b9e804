use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory that all decoders and encoders have together.
///
/// A window can be megabytes, and the sender says how many. Without a common bound a hundred connections would be a hundred windows.
#[derive(Debug)]
pub(super) struct Memory {
    left: AtomicUsize,
}

/// A part of it, given back when dropped.
#[derive(Debug)]
pub(super) struct Lease {
    from: Arc<Memory>,
    bytes: usize,
}

impl Memory {
    pub(super) fn new(bytes: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(bytes) })
    }

    pub(super) fn lease(self: &Arc<Self>) -> Lease {
        Lease { from: Arc::clone(self), bytes: 0 }
    }
}

impl Lease {
    /// Makes it at least `bytes` large; false when there is no room for that. Nobody waits for room: those who wait hold some.
    pub(super) fn cover(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        if more == 0 {
            return true;
        }
        let take = |left: usize| left.checked_sub(more);
        let taken = self.from.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok();
        self.bytes += if taken { more } else { 0 };
        taken
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.from.left.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Memory;

    #[test]
    fn what_is_leased_is_missing_until_it_is_given_back() {
        let memory = Memory::new(100);
        let (mut one, mut two) = (memory.lease(), memory.lease());
        assert!(one.cover(60) && one.cover(10) && one.cover(60));
        assert!(!two.cover(41));
        assert!(two.cover(40));
        assert!(!one.cover(61));
        drop(two);
        assert!(one.cover(100));
        drop(one);
        assert!(memory.lease().cover(100));
    }
}
