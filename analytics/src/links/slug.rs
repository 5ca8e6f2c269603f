//! Slugs for links that come without one.

use whence_core::link::Slug;

/// Small letters and digits without look-alikes (0 o, 1 l i) and without vowels, so that no word
/// appears and a slug can be read aloud.
const ALPHABET: &[u8; 27] = b"23456789bcdfghjkmnpqrstvwxz";

/// 27^7 is ten thousand million: with ten million links one try in a thousand is taken.
const LENGTH: usize = 7;

/// A slug that nobody can guess from the last one.
pub(super) fn random() -> Slug {
    let mut text = String::with_capacity(LENGTH);
    while text.len() < LENGTH {
        let mut bytes = [0; 2 * LENGTH];
        getrandom::fill(&mut bytes).expect("the operating system has a random generator");
        // Bytes above the last whole multiple would make the first letters likelier.
        let whole = bytes
            .iter()
            .filter(|&&byte| usize::from(byte) < 256 / ALPHABET.len() * ALPHABET.len());
        let letters = whole.map(|&byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        text.extend(letters.take(LENGTH - text.len()));
    }
    text.parse().expect("letters and digits are a slug")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn slugs_are_short_and_differ() {
        let slugs: HashSet<_> = (0..1000).map(|_| random()).collect();
        // Two of a thousand meet once in 20,000 runs; two such pairs never.
        assert!(slugs.len() >= 999);
        let mut letters = HashSet::new();
        for slug in &slugs {
            assert_eq!(slug.as_str().len(), LENGTH);
            letters.extend(slug.as_str().bytes());
        }
        assert_eq!(letters, ALPHABET.iter().copied().collect());
    }
}
