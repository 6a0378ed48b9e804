//! Positions that somebody vouches for, and how much of them is spoken for already.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sekisho_policy::{Class, Classified, Decimal, Order, Side};

/// Positions as a source last told them. Without news for longer than their time to live they prove nothing.
///
/// What an order closes is held back from the position until the source was asked after that order had ended: of two closes at
/// once, at most as much passes as there is.
#[derive(Debug)]
pub struct Positions {
    ttl: Duration,
    book: Mutex<Book>,
}

/// What a source tells of one instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// As orders name it.
    pub instrument: String,
    /// Which side would close it.
    pub closes: Side,
    /// How much there is.
    pub quantity: Decimal,
    /// How much of it orders that rest at the venue would close.
    pub closing: Decimal,
}

#[derive(Debug, Default)]
struct Book {
    positions: HashMap<String, Position>,
    asked: Option<Instant>,
    held: HashMap<u64, Held>,
    next: u64,
}

#[derive(Debug)]
struct Held {
    instrument: String,
    quantity: Decimal,
    ended: Option<Instant>,
}

/// A part of a position that an order is about to close.
#[derive(Debug)]
pub(super) struct Reservation {
    positions: Arc<Positions>,
    number: u64,
}

impl Positions {
    /// None yet; each telling counts for `ttl`.
    #[must_use]
    pub fn new(ttl: Duration) -> Self {
        Self { ttl, book: Mutex::default() }
    }

    /// Takes what the source told, which was asked at `asked`.
    pub fn replace(&self, told: Vec<Position>, asked: Instant) {
        let mut book = self.book();
        if book.asked.is_some_and(|before| before > asked) {
            return;
        }
        book.asked = Some(asked);
        book.positions = told.into_iter().map(|position| (position.instrument.clone(), position)).collect();
        // An order that ended before the question is part of the answer.
        book.held.retain(|_, held| held.ended.is_none_or(|ended| ended >= asked));
    }

    /// Holds back what a message closes, if it is one plain order that can only close, and there is so much left.
    pub(super) fn reserve(self: &Arc<Self>, classified: &Classified, now: Instant) -> Option<Reservation> {
        let closes = matches!(classified.class, Class::OppositeSide | Class::Opening);
        let ([order], None, true) = (classified.orders.as_slice(), &classified.ambiguous, closes) else { return None };
        let Order { instrument: Some(instrument), side: Some(side), quantity: Some(quantity), waits: false, .. } =
            order
        else {
            return None;
        };
        let mut book = self.book();
        if book.asked.is_none_or(|asked| now.saturating_duration_since(asked) > self.ttl) || book.held.len() >= MOST {
            return None;
        }
        let position = book.positions.get(instrument).filter(|position| position.closes == *side)?;
        let spoken_for = book.held.values().filter(|held| held.instrument == *instrument);
        let spoken_for = spoken_for.fold(position.closing, |sum, held| sum.plus(held.quantity));
        if *quantity == Decimal::ZERO || spoken_for.plus(*quantity) > position.quantity {
            return None;
        }
        let number = book.next;
        book.next = number.wrapping_add(1);
        book.held.insert(number, Held { instrument: instrument.clone(), quantity: *quantity, ended: None });
        Some(Reservation { positions: Arc::clone(self), number })
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// The order was answered: whoever is asked from now on knows of it.
    pub(super) fn settle(&self) {
        self.end(Instant::now());
    }

    fn end(&self, at: Instant) {
        if let Some(held) = self.positions.book().held.get_mut(&self.number) {
            held.ended.get_or_insert(at);
        }
    }
}

impl Drop for Reservation {
    /// Nobody waited for the answer: the order may still be on its way.
    fn drop(&mut self) {
        self.end(Instant::now() + UNANSWERED);
    }
}

/// How long an order that nobody waits for may be on its way.
const UNANSWERED: Duration = Duration::from_secs(30);

/// Most closes that are held at once.
const MOST: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn long(quantity: &str, closing: &str) -> Vec<Position> {
        let (quantity, closing) = (number(quantity), number(closing));
        vec![Position { instrument: "BTC".into(), closes: Side::Sell, quantity, closing }]
    }

    fn order(instrument: &str, side: Option<Side>, quantity: &str, waits: bool) -> Order {
        Order {
            class: Class::Opening,
            instrument: Some(instrument.into()),
            side,
            quantity: quantity.parse().ok(),
            price: None,
            priced: false,
            waits,
            client_id: None,
        }
    }

    fn message(class: Class, orders: Vec<Order>) -> Classified {
        Classified { class, legs: vec![], orders, scopes: vec![], ambiguous: None }
    }

    fn sell(quantity: &str) -> Classified {
        message(Class::Opening, vec![order("BTC", Some(Side::Sell), quantity, false)])
    }

    #[test]
    fn only_what_closes_no_more_than_there_is_passes() {
        let now = Instant::now();
        let one =
            |class, instrument, side, quantity, waits| message(class, vec![order(instrument, side, quantity, waits)]);
        let (buy, sell) = (Some(Side::Buy), Some(Side::Sell));
        let cases = [
            ("a close of all of it", one(Class::Opening, "BTC", sell, "2", false), true),
            ("in hedge mode", one(Class::OppositeSide, "BTC", sell, "1", false), true),
            ("more than there is", one(Class::Opening, "BTC", sell, "2.000000000001", false), false),
            ("the same side", one(Class::Opening, "BTC", buy, "1", false), false),
            ("flat", one(Class::Opening, "ETH", sell, "1", false), false),
            ("a stop without a flag to close", one(Class::Opening, "BTC", sell, "1", true), false),
            ("no side", one(Class::Opening, "BTC", None, "1", false), false),
            ("no plain quantity", one(Class::Opening, "BTC", sell, "1e1", false), false),
            ("nothing", one(Class::Opening, "BTC", sell, "0", false), false),
            ("a cancel and a new order", one(Class::Amend, "BTC", sell, "1", false), false),
            ("two at once", message(Class::Batch, vec![order("BTC", sell, "1", false); 2]), false),
            ("unknown", message(Class::Unknown, vec![]), false),
        ];
        for (what, message, passes) in cases {
            let positions = Arc::new(Positions::new(Duration::from_secs(2)));
            positions.replace(long("2", "0"), now);
            assert_eq!(positions.reserve(&message, now).is_some(), passes, "{what}");
            let doubted = Classified { ambiguous: Some("twice".into()), ..message };
            assert!(positions.reserve(&doubted, now).is_none(), "{what}, in two ways");
        }
    }

    #[test]
    fn a_telling_grows_old_and_the_newest_counts() {
        let now = Instant::now();
        let positions = Arc::new(Positions::new(Duration::from_secs(2)));
        assert!(positions.reserve(&sell("1"), now).is_none(), "nobody told anything");
        positions.replace(long("1", "0"), now);
        assert!(positions.reserve(&sell("1"), now + Duration::from_secs(3)).is_none(), "that was long ago");
        positions.replace(long("1", "0.5"), now + Duration::from_secs(3));
        assert!(positions.reserve(&sell("1"), now + Duration::from_secs(3)).is_none(), "half of it is closing already");
        positions.replace(long("5", "0"), now + Duration::from_secs(1));
        assert!(positions.reserve(&sell("5"), now + Duration::from_secs(3)).is_none(), "an older answer came late");
        assert!(positions.reserve(&sell("0.5"), now + Duration::from_secs(3)).is_some());
    }

    #[test]
    fn of_two_closes_at_once_one_passes_until_the_source_was_asked_after_it() {
        let positions = Arc::new(Positions::new(Duration::from_secs(60)));
        positions.replace(long("1", "0"), Instant::now());
        let first = positions.reserve(&sell("0.6"), Instant::now()).unwrap();
        assert!(positions.reserve(&sell("0.6"), Instant::now()).is_none(), "both would turn the position round");
        let second = positions.reserve(&sell("0.4"), Instant::now()).unwrap();
        let while_under_way = Instant::now();
        [&first, &second].iter().for_each(|held| held.settle());
        drop((first, second));
        positions.replace(long("1", "0"), while_under_way);
        assert!(positions.reserve(&sell("0.6"), Instant::now()).is_none(), "the source may not have seen them");
        positions.replace(long("1", "0"), Instant::now() + Duration::from_millis(1));
        drop(positions.reserve(&sell("1"), Instant::now()).unwrap());
        positions.replace(long("1", "0"), Instant::now() + Duration::from_secs(29));
        assert!(positions.reserve(&sell("1"), Instant::now()).is_none(), "nobody waited for the answer");
        positions.replace(long("1", "0"), Instant::now() + Duration::from_secs(31));
        assert!(positions.reserve(&sell("1"), Instant::now()).is_some());
    }
}
