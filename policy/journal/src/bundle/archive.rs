//! The tar archive (POSIX ustar), in the one form that a bundle has: plain files, owner 0, time 0, mode 0644.

/// One file in an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its path: relative, of at most 100 bytes.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Packs files in the order given.
#[must_use]
pub fn pack(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        out.extend(header(&entry.path, entry.bytes.len()));
        out.extend_from_slice(&entry.bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    out
}

/// Reads an archive; `None` unless [`pack`] would have made exactly these bytes.
pub(super) fn unpack(archive: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut rest = archive;
    loop {
        let (block, after) = rest.split_at_checked(BLOCK)?;
        if block.iter().all(|byte| *byte == 0) {
            break;
        }
        let path = str::from_utf8(block.get(..PATH)?).ok()?.trim_end_matches('\0').to_owned();
        let size = str::from_utf8(block.get(124..135)?).ok()?;
        let size = usize::try_from(u64::from_str_radix(size, 8).ok()?).ok()?;
        let bytes = after.get(..size)?.to_vec();
        rest = after.get(size.checked_next_multiple_of(BLOCK)?..)?;
        entries.push(Entry { path, bytes });
    }
    (pack(&entries) == archive).then_some(entries)
}

fn header(path: &str, size: usize) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    let sum_of = |block: &[u8]| block.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    let mut put = |at: usize, text: &[u8]| {
        for (place, byte) in block.iter_mut().skip(at).zip(text) {
            *place = *byte;
        }
    };
    put(0, path.as_bytes().get(..PATH).unwrap_or(path.as_bytes()));
    put(100, b"0000644\x000000000\x000000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0        0");
    put(257, b"ustar\x0000");
    let sum = sum_of(&block);
    for (place, byte) in block.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").as_bytes()) {
        *place = *byte;
    }
    block
}

const BLOCK: usize = 512;

/// Bytes for a path.
const PATH: usize = 100;
