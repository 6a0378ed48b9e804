/// Where lines begin in a stream, to turn offsets into lines and columns.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Offsets of the first bytes of the second line and on.
    starts: Vec<u64>,
    seen: u64,
}

impl Lines {
    pub(super) fn push(&mut self, piece: &[u8]) {
        let base = self.seen;
        let ends = piece.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
        self.starts.extend(ends.map(|(at, _)| base.saturating_add(at as u64).saturating_add(1)));
        self.seen = base.saturating_add(piece.len() as u64);
    }

    /// Line and column of an offset, each from 1; the column counts bytes.
    pub(super) fn position(&self, offset: u64) -> (u64, u64) {
        let before = self.starts.partition_point(|start| *start <= offset);
        let start = before.checked_sub(1).and_then(|at| self.starts.get(at)).copied().unwrap_or(0);
        ((before as u64).saturating_add(1), offset.saturating_sub(start).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn offsets_become_lines_and_columns() {
        let mut lines = Lines::default();
        lines.push(b"ab\nc");
        lines.push(b"d\n\ne");
        for (offset, position) in [(0, (1, 1)), (2, (1, 3)), (3, (2, 1)), (4, (2, 2)), (6, (3, 1)), (7, (4, 1))] {
            assert_eq!(lines.position(offset), position, "{offset}");
        }
    }
}
