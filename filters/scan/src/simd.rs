//! What 64 bytes look like, one bit a byte: the only part of the scanner that sees every byte.
//!
//! Everything that could matter about a byte is told by its class and by three filters over it and the two bytes behind it, and all of
//! it comes out as bit masks; what they mean together is plain arithmetic on words, in [`crate::hunt`]. There are two ways to fill the
//! masks, one with AVX2 and one without, and a test that holds them equal for any bytes.
//!
//! A filter is a Teddy: the literals are dealt into eight buckets, and for each of three places two tables of sixteen entries say, by
//! the low and by the high half of a byte, which buckets have such a byte there. What is left in all six tables may be a literal.

/// One bit for each of 64 bytes, the first byte in the lowest bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Masks {
    pub(crate) alnum: u64,
    pub(crate) letter: u64,
    /// `"` or `'`
    pub(crate) quote: u64,
    /// `:` or `=`
    pub(crate) separator: u64,
    pub(crate) equals: u64,
    /// A zero or `%`.
    pub(crate) rare: u64,
    /// `\`
    pub(crate) slash: u64,
    pub(crate) blank: u64,
    /// Passed each of [`Filters`].
    pub(crate) word: u64,
    pub(crate) inner: u64,
    pub(crate) tail: u64,
}

/// The filters that are asked at every byte.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filters {
    /// Literals that count only where a word begins.
    pub(crate) word: Filter,
    /// Literals that count anywhere: they are asked at every byte, so they have twice as many groups.
    pub(crate) inner: [Filter; 2],
    /// The last three letters of forbidden names.
    pub(crate) tail: Filter,
}

/// For each of three bytes, by its low and by its high half: which of eight groups of literals have it there.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Filter {
    low: [[u8; 16]; PLACES],
    high: [[u8; 16]; PLACES],
}

impl Filter {
    /// Lets the literals of each group pass; of groups there are at most [`GROUPS`].
    pub(crate) fn new(groups: &[Vec<Vec<u8>>]) -> Self {
        Self::with(groups, |filter, place, group, byte| filter.allow(place, group, byte))
    }

    /// As [`Self::new`], of three letters of either case each.
    pub(crate) fn folded(groups: &[Vec<Vec<u8>>]) -> Self {
        Self::with(groups, |filter, place, group, byte| {
            filter.allow(place, group, byte.map(|byte| byte.to_ascii_lowercase()));
            filter.allow(place, group, byte.map(|byte| byte.to_ascii_uppercase()));
        })
    }

    fn with(groups: &[Vec<Vec<u8>>], allow: impl Fn(&mut Self, usize, u8, Option<u8>)) -> Self {
        let mut filter = Self::default();
        for (group, literals) in groups.iter().take(GROUPS).enumerate() {
            for literal in literals {
                for place in 0..PLACES {
                    allow(&mut filter, place, 1 << group, literal.get(place).copied());
                }
            }
        }
        filter
    }

    /// Lets `byte` pass at `place`, or any byte where the literal is shorter.
    fn allow(&mut self, place: usize, group: u8, byte: Option<u8>) {
        let (Some(low), Some(high)) = (self.low.get_mut(place), self.high.get_mut(place)) else {
            return;
        };
        for half in 0..16 {
            if byte.is_none_or(|byte| byte & 15 == half)
                && let Some(groups) = low.get_mut(usize::from(half))
            {
                *groups |= group;
            }
            if byte.is_none_or(|byte| byte >> 4 == half)
                && let Some(groups) = high.get_mut(usize::from(half))
            {
                *groups |= group;
            }
        }
    }

    fn passes(&self, bytes: [u8; PLACES]) -> bool {
        let mut groups = u8::MAX;
        for ((low, high), byte) in self.low.iter().zip(&self.high).zip(bytes) {
            groups &= low.get(usize::from(byte & 15)).copied().unwrap_or_default();
            groups &= high.get(usize::from(byte >> 4)).copied().unwrap_or_default();
        }
        groups != 0
    }
}

/// Fills `out` from `bytes`, of which there must be 64 for each and [`AHEAD`] more; the rest of `out` stays as it is.
pub(crate) fn fill(filters: &Filters, bytes: &[u8], out: &mut [Masks]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        return avx2::fill(filters, bytes, out);
    }
    fill_plain(filters, bytes, out);
}

/// As [`fill`], on any processor.
fn fill_plain(filters: &Filters, bytes: &[u8], out: &mut [Masks]) {
    for (masks, window) in out.iter_mut().zip(windows(bytes)) {
        *masks = Masks::default();
        for (offset, bytes) in window.windows(PLACES).enumerate() {
            let Some(bytes) = bytes.first_chunk::<PLACES>() else {
                continue;
            };
            plain(filters, *bytes, 1 << offset, masks);
        }
    }
}

fn plain(filters: &Filters, bytes: [u8; PLACES], bit: u64, masks: &mut Masks) {
    let [byte, ..] = bytes;
    let set = |mask: &mut u64, is: bool| *mask |= if is { bit } else { 0 };
    set(&mut masks.alnum, byte.is_ascii_alphanumeric());
    set(&mut masks.letter, byte.is_ascii_alphabetic());
    set(&mut masks.quote, matches!(byte, b'"' | b'\''));
    set(&mut masks.separator, matches!(byte, b':' | b'='));
    set(&mut masks.equals, byte == b'=');
    set(&mut masks.rare, matches!(byte, 0 | b'%'));
    set(&mut masks.slash, byte == b'\\');
    set(&mut masks.blank, byte == b' ');
    set(&mut masks.word, filters.word.passes(bytes));
    set(&mut masks.inner, filters.inner.iter().any(|filter| filter.passes(bytes)));
    set(&mut masks.tail, filters.tail.passes(bytes));
}

/// Each 64 bytes with the two behind them.
fn windows(bytes: &[u8]) -> impl Iterator<Item = &[u8; BLOCK + AHEAD]> {
    (0..).step_by(BLOCK).map_while(|at| bytes.get(at..)?.first_chunk())
}

#[cfg(target_arch = "x86_64")]
#[expect(
    unsafe_code,
    reason = "reads whole vectors and asks for AVX2, after it was found to be there; `fill_plain` is its twin"
)]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm_loadu_si128, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256,
        _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_sub_epi8,
    };

    use super::{AHEAD, BLOCK, Filter, Filters, Masks, PLACES, windows};

    pub(super) fn fill(filters: &Filters, bytes: &[u8], out: &mut [Masks]) {
        // SAFETY: the only caller found AVX2 to be there.
        unsafe { fill_with(filters, bytes, out) }
    }

    #[target_feature(enable = "avx2")]
    fn fill_with(filters: &Filters, bytes: &[u8], out: &mut [Masks]) {
        let [inner, more] = &filters.inner;
        let tables = [&filters.word, inner, more, &filters.tail].map(|filter| Tables::of(filter));
        for (masks, window) in out.iter_mut().zip(windows(bytes)) {
            let [first, second] = halves(window);
            *masks = join(&Half::of(&tables, first), &Half::of(&tables, second));
        }
    }

    /// Tables of a [`Filter`], each twice, as a shuffle wants them.
    struct Tables {
        low: [__m256i; PLACES],
        high: [__m256i; PLACES],
    }

    impl Tables {
        #[target_feature(enable = "avx2")]
        fn of(filter: &Filter) -> Self {
            let ([a, b, c], [d, e, f]) = (&filter.low, &filter.high);
            Self { low: [twice(a), twice(b), twice(c)], high: [twice(d), twice(e), twice(f)] }
        }

        /// One bit where the three bytes are in all tables of a group.
        #[target_feature(enable = "avx2")]
        #[inline]
        fn passes(&self, bytes: &[Nibbles; PLACES]) -> u32 {
            let mut groups = _mm256_set1_epi8(-1);
            for ((low, high), bytes) in self.low.iter().zip(&self.high).zip(bytes) {
                groups = _mm256_and_si256(groups, _mm256_shuffle_epi8(*low, bytes.low));
                groups = _mm256_and_si256(groups, _mm256_shuffle_epi8(*high, bytes.high));
            }
            !bits(_mm256_cmpeq_epi8(groups, _mm256_setzero_si256()))
        }
    }

    struct Nibbles {
        low: __m256i,
        high: __m256i,
    }

    impl Nibbles {
        #[target_feature(enable = "avx2")]
        #[inline]
        fn of(bytes: __m256i) -> Self {
            let half = _mm256_set1_epi8(15);
            Self { low: _mm256_and_si256(bytes, half), high: _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), half) }
        }
    }

    /// The masks of 32 bytes.
    struct Half {
        alnum: u32,
        letter: u32,
        quote: u32,
        separator: u32,
        equals: u32,
        rare: u32,
        slash: u32,
        blank: u32,
        word: u32,
        inner: u32,
        tail: u32,
    }

    impl Half {
        #[target_feature(enable = "avx2")]
        #[inline]
        fn of(tables: &[Tables; 4], bytes: &[u8; BLOCK / 2 + AHEAD]) -> Self {
            let [first, second, third] = loads(bytes);
            let letter = at_most(_mm256_sub_epi8(_mm256_or_si256(first, all(0x20)), all(b'a')), 25);
            let digit = at_most(_mm256_sub_epi8(first, all(b'0')), 9);
            let equals = is(first, b'=');
            let three = [Nibbles::of(first), Nibbles::of(second), Nibbles::of(third)];
            let [word, inner, more, tail] = tables;
            Self {
                alnum: bits(_mm256_or_si256(letter, digit)),
                letter: bits(letter),
                quote: bits(_mm256_or_si256(is(first, b'"'), is(first, b'\''))),
                separator: bits(_mm256_or_si256(equals, is(first, b':'))),
                equals: bits(equals),
                rare: bits(_mm256_or_si256(is(first, b'%'), is(first, 0))),
                slash: bits(is(first, b'\\')),
                blank: bits(is(first, b' ')),
                word: word.passes(&three),
                inner: inner.passes(&three) | more.passes(&three),
                tail: tail.passes(&three),
            }
        }
    }

    fn join(first: &Half, second: &Half) -> Masks {
        let join = |first: u32, second: u32| u64::from(second) << 32 | u64::from(first);
        Masks {
            alnum: join(first.alnum, second.alnum),
            letter: join(first.letter, second.letter),
            quote: join(first.quote, second.quote),
            separator: join(first.separator, second.separator),
            equals: join(first.equals, second.equals),
            rare: join(first.rare, second.rare),
            slash: join(first.slash, second.slash),
            blank: join(first.blank, second.blank),
            word: join(first.word, second.word),
            inner: join(first.inner, second.inner),
            tail: join(first.tail, second.tail),
        }
    }

    /// The 32 bytes, and those one and two places on.
    #[target_feature(enable = "avx2")]
    #[inline]
    fn loads(bytes: &[u8; BLOCK / 2 + AHEAD]) -> [__m256i; PLACES] {
        let at = bytes.as_ptr();
        // SAFETY: 34 bytes are there, and a load that needs no alignment reads 32 from the first, second or third of them.
        unsafe {
            [_mm256_loadu_si256(at.cast()), _mm256_loadu_si256(at.add(1).cast()), _mm256_loadu_si256(at.add(2).cast())]
        }
    }

    #[target_feature(enable = "avx2")]
    fn twice(table: &[u8; 16]) -> __m256i {
        // SAFETY: the sixteen bytes that are read are the whole table.
        _mm256_broadcastsi128_si256(unsafe { _mm_loadu_si128(table.as_ptr().cast()) })
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn all(byte: u8) -> __m256i {
        _mm256_set1_epi8(byte.cast_signed())
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn is(bytes: __m256i, byte: u8) -> __m256i {
        _mm256_cmpeq_epi8(bytes, all(byte))
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn at_most(bytes: __m256i, most: u8) -> __m256i {
        _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, all(most)), bytes)
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn bits(bytes: __m256i) -> u32 {
        _mm256_movemask_epi8(bytes).cast_unsigned()
    }

    fn halves(window: &[u8; BLOCK + AHEAD]) -> [&[u8; BLOCK / 2 + AHEAD]; 2] {
        let first = window.first_chunk();
        let second = window.last_chunk();
        // both lengths are known when this is compiled
        [first, second].map(|half| half.unwrap_or(&[0; BLOCK / 2 + AHEAD]))
    }
}

/// Bytes that make one word of a mask.
pub(crate) const BLOCK: usize = 64;
/// How many bytes behind a block its last byte is told by.
pub(crate) const AHEAD: usize = PLACES - 1;
/// A filter sees three bytes.
const PLACES: usize = 3;
/// Groups of literals that one filter tells apart.
pub(crate) const GROUPS: usize = 8;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filters() -> Filters {
        let filter = |literals: &[&str]| {
            Filter::new(&literals.iter().map(|literal| vec![literal.as_bytes().to_vec()]).collect::<Vec<_>>())
        };
        Filters {
            word: filter(&["ghp_", "AKIA", "0x", "sk-", "xoxb-"]),
            inner: [filter(&["\\u0", "&#"]), filter(&["://", "\u{80}"])],
            tail: filter(&["ord", "ORD", "key", "ken"]),
        }
    }

    #[test]
    fn a_filter_lets_its_literals_pass_and_little_else() {
        let filter = Filter::new(&[vec![b"ghp_".to_vec()], vec![b"0x".to_vec()]]);
        for (bytes, passes) in [(*b"ghp", true), (*b"0x9", true), (*b"0xz", true), (*b"gh_", false), (*b"1x9", false)] {
            assert_eq!(filter.passes(bytes), passes, "{bytes:?}");
        }
        assert!(!Filter::default().passes(*b"ghp"));
    }

    #[test]
    fn every_byte_is_told_alike_at_every_place() {
        for byte in 0..=u8::MAX {
            alike(&[byte; 66]);
            for place in [0, 1, 31, 32, 33, 63, 64, 65] {
                let mut bytes = [b' '; 66];
                bytes[place] = byte;
                alike(&bytes);
            }
        }
    }

    proptest! {
        #[test]
        fn the_twins_agree(bytes in proptest::collection::vec(any::<u8>(), 66..1000), pick in "[ -~]{66,300}") {
            alike(&bytes);
            alike(pick.as_bytes());
        }
    }

    fn alike(bytes: &[u8]) {
        let mut fast = vec![Masks::default(); (bytes.len() - AHEAD) / BLOCK];
        let mut plain = fast.clone();
        fill(&filters(), bytes, &mut fast);
        fill_plain(&filters(), bytes, &mut plain);
        assert_eq!(fast, plain, "{:?}", String::from_utf8_lossy(bytes));
    }
}
