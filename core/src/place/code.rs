//! A short code that is copied and not allocated: a place is asked for on the way of a click.

use std::fmt;

use serde::{Serialize, Serializer};

/// An ASCII text of at most `N` bytes; empty by default.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Code<const N: usize> {
    /// The text, then zeros.
    bytes: [u8; N],
}

impl<const N: usize> Code<N> {
    /// Of the parts in a row; none where they are too long or not all letters, digits and marks.
    pub(super) fn of<const PARTS: usize>(parts: [&str; PARTS]) -> Option<Self> {
        let mut bytes = [0; N];
        let mut end = 0;
        for part in parts {
            let room = bytes.get_mut(end..end + part.len())?;
            room.copy_from_slice(part.as_bytes());
            end += part.len();
        }
        let graphic = bytes[..end].iter().all(u8::is_ascii_graphic);
        graphic.then_some(Self { bytes })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.bytes.iter().position(|b| *b == 0).unwrap_or(N);
        std::str::from_utf8(&self.bytes[..end]).expect("only ASCII was let in")
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.first().is_none_or(|first| *first == 0)
    }
}

impl<const N: usize> Default for Code<N> {
    fn default() -> Self {
        Self { bytes: [0; N] }
    }
}

impl<const N: usize> fmt::Debug for Code<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> fmt::Display for Code<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> PartialEq<&str> for Code<N> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl<const N: usize> Serialize for Code<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_holds_what_fits_and_nothing_else() {
        assert_eq!(Code::<6>::of(["DE", "-", "BY"]).unwrap(), "DE-BY");
        assert_eq!(Code::<6>::of(["GB", "-", "ENG"]).unwrap(), "GB-ENG");
        assert_eq!(Code::<6>::of(["GB", "-", "ENGL"]), None);
        assert_eq!(Code::<2>::of([""]).unwrap(), Code::default());
        for bad in ["D\0", "é", "D ", "DEU"] {
            assert_eq!(Code::<2>::of([bad]), None, "{bad:?}");
        }
    }
}
