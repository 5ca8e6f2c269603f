//! What a header says, as a front hands it over: bytes, which may be no text, or text that was checked with its whole
//! head at once, so that none of its headers is checked again.

use std::borrow::Cow;

use whence_core::click;

/// A header's value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said<'r> {
    /// It may be no text.
    Bytes(&'r [u8]),
    /// It is.
    Text(&'r str),
}

impl Default for Said<'_> {
    fn default() -> Self {
        Self::Text("")
    }
}

impl<'r> From<&'r [u8]> for Said<'r> {
    fn from(bytes: &'r [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'r> From<&'r str> for Said<'r> {
    fn from(text: &'r str) -> Self {
        Self::Text(text)
    }
}

impl<'r> Said<'r> {
    /// As it came.
    pub(crate) fn bytes(self) -> &'r [u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }

    /// Whether it says nothing.
    pub(crate) fn is_empty(self) -> bool {
        self.bytes().is_empty()
    }

    /// Cut to `limit` bytes at a character's edge; bytes that are no text become U+FFFD.
    pub(crate) fn bounded(self, limit: usize) -> Cow<'r, str> {
        match self {
            Self::Text(text) if text.len() <= limit => Cow::Borrowed(text),
            said => click::bounded(said.bytes(), limit),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_and_its_bytes_say_the_same(text in "\\PC{0,30}", limit in 0_usize..60) {
            let (said, bytes) = (Said::from(&*text), Said::from(text.as_bytes()));
            prop_assert_eq!(said.bounded(limit), bytes.bounded(limit));
            prop_assert_eq!((said.bytes(), said.is_empty()), (bytes.bytes(), text.is_empty()));
        }
    }
}
