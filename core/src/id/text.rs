//! Fixed-width base62. The alphabet and arithmetic are the `base62` crate's; the width is ours.

use thiserror::Error;

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdError {
    /// Ids have a fixed width.
    #[error("must be {expected} characters, has {found}")]
    Length {
        /// How many characters an id of this kind has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// A character outside `0-9A-Za-z`.
    #[error("has the character {0:?}, which no id has")]
    Character(char),
    /// More than the id's bits can hold.
    #[error("is out of range")]
    Range,
}

/// Writes `number` into `buffer`, padded with zeros on the left to its whole width.
pub(super) fn encode(number: u128, buffer: &mut [u8]) -> &str {
    let digits = base62::encode_bytes(number, buffer).expect("each kind's width fits its numbers");
    let pad = buffer.len() - digits;
    buffer.rotate_right(pad);
    buffer[..pad].fill(b'0');
    std::str::from_utf8(buffer).expect("base62 is ASCII")
}

/// Reads a number of exactly `width` characters.
pub(super) fn decode(text: &str, width: usize) -> Result<u128, IdError> {
    if let Some(wrong) = text.chars().find(|c| !c.is_ascii_alphanumeric()) {
        return Err(IdError::Character(wrong));
    }
    if text.len() != width {
        return Err(IdError::Length {
            expected: width,
            found: text.len(),
        });
    }
    base62::decode(text).map_err(|_| IdError::Range)
}
