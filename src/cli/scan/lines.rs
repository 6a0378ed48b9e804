use std::collections::VecDeque;

/// Where lines begin in a stream, to turn offsets into lines and columns.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The first bytes of lines, of as much of the end of the stream as a finding may be behind.
    starts: VecDeque<Place>,
    /// Lines that `starts` has forgotten, and where the last of them starts.
    gone: u64,
    last: Place,
    /// Where the surplus changed, for as much of the end of the stream as a finding may be behind.
    wide: VecDeque<Place>,
    /// The last that `wide` has forgotten.
    before: Place,
    now: Place,
}

/// An offset in bytes, and how many more bytes than UTF-16 code units there are before it.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    at: u64,
    surplus: i64,
}

impl Lines {
    pub(super) fn push(&mut self, piece: &[u8]) {
        if piece.is_ascii() {
            let Place { at: base, surplus } = self.now;
            let ends = piece.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            let start = |(at, _)| Place { at: base.saturating_add(at as u64).saturating_add(1), surplus };
            self.starts.extend(ends.map(start));
            self.now.at = base.saturating_add(piece.len() as u64);
        } else {
            piece.iter().for_each(|byte| self.one(*byte));
        }
        let known_from = self.now.at.saturating_sub(BEHIND);
        while let Some(place) = self.wide.pop_front_if(|place| place.at < known_from) {
            self.before = place;
        }
        while let Some(start) = self.starts.pop_front_if(|start| start.at < known_from) {
            self.last = start;
            self.gone = self.gone.saturating_add(1);
        }
    }

    fn one(&mut self, byte: u8) {
        self.now.at = self.now.at.saturating_add(1);
        match byte {
            b'\n' => self.starts.push_back(self.now),
            // A byte that goes on is no unit of its own; a letter of four bytes is two units.
            0x80..0xC0 => self.widen(1),
            0xF0.. => self.widen(-1),
            _ => {}
        }
    }

    fn widen(&mut self, by: i64) {
        self.now.surplus = self.now.surplus.saturating_add(by);
        self.wide.push_back(self.now);
    }

    /// Line and column of an offset, each from 1. The column counts UTF-16 code units, as editors and SARIF do; what began more than
    /// [`BEHIND`] bytes ago, which only a key that does not end does, is placed in the first line that is known, as if it were ASCII.
    pub(super) fn position(&self, offset: u64) -> (u64, u64) {
        let before = self.starts.partition_point(|start| start.at <= offset);
        let start = before.checked_sub(1).and_then(|at| self.starts.get(at)).copied().unwrap_or(self.last);
        let wider = self.wide.partition_point(|place| place.at <= offset);
        let last = wider.checked_sub(1).and_then(|at| self.wide.get(at)).copied().unwrap_or(self.before);
        let surplus =
            if last.at > offset || last.at < start.at { 0 } else { last.surplus.saturating_sub(start.surplus) };
        let column = offset.saturating_sub(start.at).saturating_add_signed(surplus.saturating_neg());
        (self.gone.saturating_add(before as u64).saturating_add(1), column.saturating_add(1))
    }
}

/// More than a scanner holds back and is given at once.
const BEHIND: u64 = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::{BEHIND, Lines};

    #[test]
    fn offsets_become_lines_and_columns() {
        let mut lines = Lines::default();
        lines.push(b"ab\nc");
        lines.push(b"d\n\ne");
        for (offset, position) in [(0, (1, 1)), (2, (1, 3)), (3, (2, 1)), (4, (2, 2)), (6, (3, 1)), (7, (4, 1))] {
            assert_eq!(lines.position(offset), position, "{offset}");
        }
    }

    #[test]
    fn columns_count_utf_16_wherever_the_text_is_cut() {
        let text = "a\u{e9}b\n\u{65e5}\u{1f600}x\n\nplain\u{20ac}.";
        for cut in 0..=text.len() {
            let mut lines = Lines::default();
            let (first, rest) = text.as_bytes().split_at(cut);
            lines.push(first);
            lines.push(rest);
            for (at, _) in text.char_indices() {
                let before = text.get(..at).unwrap();
                let line = before.rsplit('\n').next().unwrap();
                let expected = (before.matches('\n').count() as u64 + 1, line.encode_utf16().count() as u64 + 1);
                assert_eq!(lines.position(at as u64), expected, "{at} cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_known_of_letters_is_bounded() {
        let mut lines = Lines::default();
        let piece = "\u{65e5}".repeat(20_000);
        for _ in 0..20 {
            lines.push(piece.as_bytes());
        }
        assert!(lines.wide.len() as u64 <= BEHIND + 1, "{}", lines.wide.len());
        let end = 20 * piece.len() as u64;
        assert_eq!(lines.position(end), (1, end / 3 + 1));
    }

    #[test]
    fn what_is_known_of_lines_is_bounded_and_their_number_is_not_lost() {
        let mut lines = Lines::default();
        for _ in 0..100_000 {
            lines.push(b"one line and no more\n");
        }
        assert!(lines.starts.len() as u64 <= BEHIND / 21 + 1, "{}", lines.starts.len());
        assert_eq!(lines.position(21 * 99_999 + 4), (100_000, 5));
        assert_eq!(lines.position(21 * 100_000), (100_001, 1));
    }
}
