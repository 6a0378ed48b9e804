//! A bundle's archive, packed with zstd. The same archive makes the same bytes.

/// The most that is unpacked, in bytes: the largest bundle that policy allows.
const MOST: u64 = 1 << 30;

const LEVEL: i32 = 3;

/// Why something cannot be packed or unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// It cannot be packed.
    #[error("it cannot be packed")]
    Pack,
    /// It is not packed as bundles are.
    #[error("it is not packed as bundles are, or was cut")]
    Form,
    /// It says that it is larger than any bundle.
    #[error("it is larger than any bundle")]
    TooLarge,
}

/// Packs an archive.
///
/// # Errors
///
/// When there is no memory for it.
pub fn pack(archive: &[u8]) -> Result<Vec<u8>, PackError> {
    let mut packed = Vec::with_capacity(zstd_safe::compress_bound(archive.len()));
    zstd_safe::compress(&mut packed, archive, LEVEL).map_err(|_| PackError::Pack)?;
    Ok(packed)
}

/// Unpacks an archive, of at most 1 GiB.
///
/// # Errors
///
/// When it is not packed as bundles are.
pub fn unpack(packed: &[u8]) -> Result<Vec<u8>, PackError> {
    let size = zstd_safe::get_frame_content_size(packed).ok().flatten().ok_or(PackError::Form)?;
    if size > MOST {
        return Err(PackError::TooLarge);
    }
    let mut archive = Vec::with_capacity(usize::try_from(size).map_err(|_| PackError::TooLarge)?);
    zstd_safe::decompress(&mut archive, packed).map_err(|_| PackError::Form)?;
    if archive.len() as u64 == size { Ok(archive) } else { Err(PackError::Form) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_archive_packs_to_the_same_bytes_and_comes_out_as_it_was() {
        let archive: Vec<u8> = (0..300_000_u32).flat_map(|n| (n / 7).to_be_bytes()).collect();
        let packed = pack(&archive).unwrap();
        assert_eq!(packed, pack(&archive).unwrap());
        assert_eq!(unpack(&packed).unwrap(), archive);
        for cut in [0, 4, packed.len() / 2, packed.len() - 1] {
            assert!(unpack(&packed[..cut]).is_err(), "{cut}");
        }
    }
}
