//! What the masks of neighbouring bytes mean together.

use crate::simd::Masks;

/// Places of one block, one bit each.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    /// A literal may start here.
    pub(super) literals: u64,
    /// A separator with what may be a name before it.
    pub(super) separators: u64,
    /// An equals sign behind two digits.
    pub(super) tags: u64,
    /// A zero or a percent sign.
    pub(super) rare: u64,
    /// A run of twenty letters and digits or more starts here.
    pub(super) runs: u64,
    /// A run of letters and blanks starts here that is long enough for twelve words.
    pub(super) words: u64,
}

/// What the masks of a block mean, beside those of the blocks before and behind it.
#[inline]
pub(super) fn found([last, now, next]: [&Masks; 3]) -> Found {
    let alnum = |places| back(now.alnum, last.alnum, places);
    let letter = |places| back(now.letter, last.letter, places);
    let tail = |places| back(now.tail, last.tail, places);
    let slash = |places| back(now.slash, last.slash, places);
    // behind `\n`, `%3D` and `\u003d` a word begins too
    let escape = slash(2) | slash(6) | back(now.rare, last.rare, 3);
    let quote = back(now.quote, last.quote, 1);
    let letters = letter(1) & letter(2) & letter(3);
    let quoted = quote & letter(2) & letter(3) & letter(4);
    let digits = alnum(1) & !letter(1) & alnum(2) & !letter(2);
    // names whose last letters stand apart, or not next to the separator, are looked at one by one
    let odd = !letters & !quoted & !digits;
    let runs = if has_run(now.alnum, next.alnum) {
        runs(now.alnum & !alnum(1), u128::from(next.alnum) << 64 | u128::from(now.alnum))
    } else {
        0
    };
    let (here, there) = (now.letter | now.blank, next.letter | next.blank);
    let words = if has_words(here, there) {
        words(here & !back(here, last.letter | last.blank, 1), u128::from(there) << 64 | u128::from(here))
    } else {
        0
    };
    Found {
        literals: now.word & (!alnum(1) | escape) | now.inner,
        separators: now.separator & (tail(3) & letters | tail(4) & quoted | odd),
        tags: now.equals & digits & tail(3),
        rare: now.rare,
        runs,
        words,
    }
}

/// The mask of what stands so many places before. Written so that no double shift is made of it, which is slow where it counts.
#[inline]
fn back(now: u64, last: u64, places: u32) -> u64 {
    now << places | last.rotate_left(places) & !(u64::MAX << places)
}

/// Whether 20 bits in a row begin in `now`.
#[inline]
fn has_run(now: u64, next: u64) -> bool {
    let sixteen = [1, 2, 4, 8].into_iter().fold(now, |mask, more| mask & mask >> more);
    sixteen & sixteen >> 4 != 0 || now >> 63 == 1 && now.leading_ones() + next.trailing_ones() >= 20
}

/// Of the `starts` of runs in `alnum`, those of twenty or more.
#[cold]
fn runs(starts: u64, alnum: u128) -> u64 {
    let longer = |mask: u128, more: u32| mask & mask >> more;
    let sixteen = [1, 2, 4, 8].into_iter().fold(alnum, longer);
    starts & u64::try_from(longer(sixteen, 4) & u128::from(u64::MAX)).unwrap_or_default()
}

/// Whether [`WORDS`] bits in a row may begin in `now`: 32 do in it, or it ends in the beginning of as many as that.
#[inline]
fn has_words(now: u64, next: u64) -> bool {
    let long = [1, 2, 4, 8, 16].into_iter().fold(now, |mask, more| mask & mask >> more);
    long != 0 || now >> 63 == 1 && now.leading_ones() + next.trailing_ones() >= WORDS
}

/// Of the `starts` of runs in `text`, those of [`WORDS`] or more.
#[cold]
fn words(starts: u64, text: u128) -> u64 {
    let longer = |mask: u128, more: u32| mask & mask >> more;
    let long = longer([1, 2, 4, 8, 16].into_iter().fold(text, longer), WORDS - 32);
    starts & u64::try_from(long & u128::from(u64::MAX)).unwrap_or_default()
}

/// Twelve words of three letters, and what stands between them.
pub(super) const WORDS: u32 = 12 * 3 + 11;

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of every length at every place of a block is told by its length.
    #[test]
    fn long_runs_are_found_wherever_they_start() {
        for start in 0..64 {
            for length in 1..=64_u32 {
                let alnum = (u128::MAX >> (128 - length)) << start;
                let half = |at: u32| u64::try_from(alnum >> at & u128::from(u64::MAX)).unwrap();
                let [now, next] = [0, 64].map(|at| Masks { alnum: half(at), ..Masks::default() });
                let expected = if length >= 20 { 1 << start } else { 0 };
                assert_eq!(found([&Masks::default(), &now, &next]).runs, expected, "{length} from {start}");
                let [now, next] = [0, 64].map(|at| Masks { blank: half(at), ..Masks::default() });
                let expected = if length >= WORDS { 1 << start } else { 0 };
                assert_eq!(found([&Masks::default(), &now, &next]).words, expected, "{length} from {start}");
            }
        }
    }
}
