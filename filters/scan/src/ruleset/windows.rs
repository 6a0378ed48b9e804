//! Windows of many texts, looked for on a grid.
//!
//! A bit for the hash of each window turns almost every place away; what is left is found by its hash among all windows, in order.

/// The first windows of `N` bytes of all forms, by their hash; looked for at every `STRIDE`th byte, so that one of them stands on the grid.
#[derive(Default)]
pub(super) struct Windows<const N: usize, const STRIDE: usize> {
    places: Vec<(u32, Place)>,
    /// Where the places begin whose hash begins with each number of `bits` bits.
    starts: Vec<u32>,
    bits: u32,
    filter: Vec<u64>,
    filter_bits: u32,
}

/// Where in a needle a window stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) needle: u32,
    /// Index of the first byte of the needle that begins in the window, and where.
    pub(super) index: u16,
    pub(super) skip: u16,
}

impl<const N: usize, const STRIDE: usize> Windows<N, STRIDE> {
    /// What is shorter may have no window on the grid.
    pub(super) const LEAST: usize = N + STRIDE - 1;

    /// Adds the first windows of a form, its bytes and where in them each byte of the needle begins, from the byte `from` on.
    pub(super) fn add(&mut self, needle: usize, form: (&[u8], &[usize]), from: usize) {
        for offset in from..from + STRIDE {
            let Some(window) = form.0.get(offset..).and_then(<[u8]>::first_chunk::<N>) else {
                return;
            };
            let next = form.1.iter().enumerate().find(|(_, place)| **place >= offset);
            let Some((index, place)) = next else {
                return;
            };
            let (Ok(needle), Ok(index), Ok(skip)) = (needle.try_into(), index.try_into(), (place - offset).try_into())
            else {
                return;
            };
            self.places.push((hash(window), Place { needle, index, skip }));
        }
    }

    /// Sorts what was added.
    pub(super) fn seal(&mut self) {
        self.places.sort_unstable();
        self.places.dedup();
        let size = self.places.len().max(1);
        self.bits = size.ilog2().min(24);
        self.filter_bits = (size.ilog2() + 5).clamp(16, 26);
        self.starts = vec![0; (1 << self.bits) + 1];
        self.filter = vec![0; 1 << (self.filter_bits - 6)];
        for (hash, _) in &self.places {
            if let Some(count) = self.starts.get_mut(slot(*hash, self.bits) + 1) {
                *count += 1;
            }
            let slot = slot(*hash, self.filter_bits);
            if let Some(word) = self.filter.get_mut(slot / 64) {
                *word |= 1 << (slot % 64);
            }
        }
        let mut before = 0;
        for start in &mut self.starts {
            before += *start;
            *start = before;
        }
    }

    pub(super) fn hunt(&self, bytes: &[u8], from: usize, base: u64, mut hit: impl FnMut(usize, Place)) {
        if self.places.is_empty() {
            return;
        }
        let phase = usize::try_from((base + from as u64) % STRIDE as u64).unwrap_or_default();
        let mut at = from + (STRIDE - phase) % STRIDE;
        while let Some(window) = bytes.get(at..).and_then(<[u8]>::first_chunk::<N>) {
            let hash = hash(window);
            let slot = slot(hash, self.filter_bits);
            if self.filter.get(slot / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1) {
                self.near(hash).filter(|(found, _)| *found == hash).for_each(|(_, place)| hit(at, *place));
            }
            at += STRIDE;
        }
    }

    /// The most places that one window leads to.
    #[cfg(test)]
    pub(super) fn most(&self) -> usize {
        self.places.chunk_by(|(one, _), (other, _)| one == other).map(<[_]>::len).max().unwrap_or_default()
    }

    fn near(&self, hash: u32) -> impl Iterator<Item = &(u32, Place)> {
        let slot = slot(hash, self.bits);
        let bound = |slot: usize| self.starts.get(slot).map_or(0, |start| *start as usize);
        self.places.get(bound(slot)..bound(slot + 1)).unwrap_or_default().iter()
    }
}

/// Regardless of the case of letters, and of some other bits.
#[inline]
fn hash<const N: usize>(window: &[u8; N]) -> u32 {
    let mut number = [0; 8];
    number.iter_mut().zip(window).for_each(|(to, byte)| *to = *byte);
    let number = u64::from_le_bytes(number) | 0x2020_2020_2020_2020;
    u32::try_from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32).unwrap_or_default()
}

#[inline]
fn slot(hash: u32, bits: u32) -> usize {
    usize::try_from(u64::from(hash) >> (u32::BITS - bits)).unwrap_or_default()
}
