use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts what is under way, up to a bound.
#[derive(Clone, Debug)]
pub struct Room {
    under_way: Arc<AtomicUsize>,
    most: usize,
}

/// One place in a [`Room`]; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    under_way: Arc<AtomicUsize>,
}

impl Room {
    /// An empty one with so many places.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { under_way: Arc::default(), most }
    }

    /// The same room with another bound.
    #[must_use]
    pub fn of(&self, most: usize) -> Self {
        Self { under_way: Arc::clone(&self.under_way), most }
    }

    pub(super) fn enter(&self) -> Option<Place> {
        let entered = self.under_way.fetch_add(1, Ordering::Relaxed);
        // Made before the check, so that the place is given back by its drop either way.
        let place = Place { under_way: Arc::clone(&self.under_way) };
        (entered < self.most).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Room;

    #[test]
    fn a_place_is_free_again_when_its_holder_is_gone() {
        let room = Room::new(1);
        let place = room.enter();
        assert!(place.is_some());
        assert!(room.enter().is_none());
        assert!(room.enter().is_none(), "a refused entry takes no place");
        drop(place);
        assert!(room.enter().is_some());
    }

    #[test]
    fn another_bound_counts_whoever_is_there() {
        let room = Room::new(2);
        let places = [room.enter(), room.enter()];
        let narrower = room.of(1);
        assert!(narrower.enter().is_none());
        drop(places);
        let _place = narrower.enter();
        assert!(narrower.enter().is_none() && room.enter().is_some());
    }
}
