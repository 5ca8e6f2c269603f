//! Fixed-width base62. The alphabet and arithmetic are the `base62` crate's; the width is ours, and so is a quick way to
//! read, since every click brings a visitor's id.

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
    let quick = (text.len() == width).then(|| number(text.as_bytes()));
    match quick.flatten() {
        Some(number) => Ok(number),
        None => explain(text, width),
    }
}

/// The number that stands there, where one does. Each click's cookie is read, so ten digits at a time: as many as a
/// word holds.
fn number(text: &[u8]) -> Option<u128> {
    const DIGITS: usize = 10;
    const UNIT: u128 = 62_u128.pow(DIGITS as u32);
    let word = |digits: &[u8]| {
        let step = |(number, all): (u64, u8), &byte: &u8| {
            let digit = VALUES[usize::from(byte)];
            (number * 62 + u64::from(digit), all | digit)
        };
        let (number, all) = digits.iter().fold((0, 0), step);
        (all < NO_DIGIT).then_some(u128::from(number))
    };
    let (first, words) = text.as_rchunks::<DIGITS>();
    words.iter().try_fold(word(first)?, |number, digits| {
        number.checked_mul(UNIT)?.checked_add(word(digits)?)
    })
}

/// What no digit's value has in it: 62 digits need six bits.
const NO_DIGIT: u8 = 1 << 7;

/// The value of each byte as a digit.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 62 {
        let byte = match value {
            0..10 => b'0' + value,
            10..36 => b'A' + value - 10,
            _ => b'a' + value - 36,
        };
        values[byte as usize] = value;
        value += 1;
    }
    values
};

/// Reads it with all doubts, and says what is wrong.
#[cold]
fn explain(text: &str, width: usize) -> Result<u128, IdError> {
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
