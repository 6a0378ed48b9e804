//! The 2048 English words of BIP-39: for phrases made of them, and as a sample of what words look like.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// Whether `word` is on the list.
pub(crate) fn is_listed(word: &[u8]) -> bool {
    number(word).is_some()
}

/// Whether the last word carries the checksum of the others (BIP-39: 32 bits of entropy give one bit of SHA-256).
pub(crate) fn is_phrase(words: &[&[u8]]) -> bool {
    if !LENGTHS.contains(&words.len()) {
        return false;
    }
    let Some(numbers) = words.iter().map(|word| number(word)).collect::<Option<Vec<usize>>>() else {
        return false;
    };
    let bits: Vec<bool> =
        numbers.iter().flat_map(|number| (0..11).rev().map(move |bit| number >> bit & 1 == 1)).collect();
    let (entropy, sum) = bits.split_at(bits.len() / 33 * 32);
    let bytes: Vec<u8> =
        entropy.chunks(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | u8::from(*bit))).collect();
    let digest = Sha256::digest(&bytes);
    let expected = digest.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
    sum.iter().copied().eq(expected.take(sum.len()))
}

/// The first of `words` from which on a phrase stands, and behind its last; the longest that does.
pub(crate) fn phrase_within(words: &[&[u8]]) -> Option<std::ops::Range<usize>> {
    let ranges = (0..words.len()).flat_map(|start| LENGTHS.iter().rev().map(move |length| start..start + length));
    let mut ranges = ranges.filter(|range| range.end <= words.len());
    ranges.find(|range| words.get(range.clone()).is_some_and(is_phrase))
}

/// How many pairs of neighbouring letters in `letters` stand in no word of the list. In English words there is one at most, in
/// random letters one in two or three.
pub(crate) fn odd_pairs(letters: &[u8]) -> usize {
    letters.array_windows::<2>().filter(|pair| !PAIRS.get(slot(**pair)).copied().unwrap_or(true)).count()
}

fn number(word: &[u8]) -> Option<usize> {
    WORDS.binary_search_by(|listed| listed.as_bytes().cmp(word)).ok()
}

fn slot([first, second]: [u8; 2]) -> usize {
    usize::from(first & 31) << 5 | usize::from(second & 31)
}

static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("english.txt").split_whitespace().collect());

static PAIRS: LazyLock<Vec<bool>> = LazyLock::new(|| {
    let mut pairs = vec![false; 1 << 10];
    for pair in WORDS.iter().flat_map(|word| word.as_bytes().array_windows::<2>()) {
        if let Some(pair) = pairs.get_mut(slot(*pair)) {
            *pair = true;
        }
    }
    pairs
});

/// How many words a phrase may have.
pub(crate) const LENGTHS: [usize; 5] = [12, 15, 18, 21, 24];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_hold() {
        for (phrase, expected) in [
            ("abandon ".repeat(11) + "about", true),
            ("zoo ".repeat(11) + "wrong", true),
            ("legal winner thank year wave sausage worth useful legal winner thank yellow".to_owned(), true),
            ("abandon ".repeat(23) + "art", true),
            ("abandon ".repeat(11) + "abandon", false),
            ("abandon ".repeat(10) + "about", false),
            ("abandon ".repeat(11) + "password", false),
        ] {
            let words: Vec<&[u8]> = phrase.split(' ').map(str::as_bytes).collect();
            assert_eq!(is_phrase(&words), expected, "{phrase}");
        }
        assert_eq!(WORDS.len(), 2048);
    }

    #[test]
    fn words_are_told_from_random_letters() {
        for (letters, odd) in
            [("invalid", 0), ("downstream", 0), ("Everywhere", 1), ("ogdlxapmzan", 3), ("qzxkvjwq", 7)]
        {
            assert_eq!(odd_pairs(letters.as_bytes()), odd, "{letters}");
        }
    }
}
