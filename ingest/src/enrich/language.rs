//! The visitor's first language.

use std::fmt;

/// The longest tag that is kept; RFC 5646 recommends to support 35 characters.
const LONGEST: usize = 35;

/// A language tag, in place: a row needs one, and most clicks have the same few.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Language {
    /// ASCII, in the usual letter case.
    bytes: [u8; LONGEST],
    length: u8,
}

impl Language {
    const NONE: Self = Self {
        bytes: [0; LONGEST],
        length: 0,
    };

    /// The first tag of an `Accept-Language`, in the usual letter case (`en`, `pt-BR`, `zh-Hant-TW`); empty
    /// where the header names no language.
    ///
    /// Browsers put their first choice first, whatever the weights say.
    pub(super) fn first(header: &str) -> Self {
        let tag = header.split([',', ';']).next().unwrap_or_default().trim();
        if tag.len() > LONGEST || !tag.split('-').enumerate().all(is_well_formed) {
            return Self::NONE;
        }
        let mut language = Self::NONE;
        language.length = tag.len() as u8;
        let bytes = &mut language.bytes[..tag.len()];
        bytes.copy_from_slice(tag.as_bytes());
        for (place, part) in bytes.split_mut(|byte| *byte == b'-').enumerate() {
            in_usual_case(place, part);
        }
        language
    }

    /// The tag.
    pub(super) fn as_str(&self) -> &str {
        let bytes = &self.bytes[..usize::from(self.length)];
        std::str::from_utf8(bytes).expect("only ASCII was let in")
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

fn is_well_formed((place, part): (usize, &str)) -> bool {
    let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
    let letters_or_digits = part.bytes().all(|b| b.is_ascii_alphanumeric());
    (1..=8).contains(&part.len())
        && if place == 0 {
            letters
        } else {
            letters_or_digits
        }
}

/// RFC 5646, 2.1.1: regions in capitals, scripts with one, the rest in small letters.
fn in_usual_case(place: usize, part: &mut [u8]) {
    part.make_ascii_lowercase();
    match (place, part.len()) {
        (1.., 2) => part.make_ascii_uppercase(),
        (1.., 4) => part[..1].make_ascii_uppercase(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for (header, tag) in [
            ("en-US,en;q=0.9", "en-US"),
            ("de", "de"),
            ("DE-at;q=0.8, en", "de-AT"),
            ("zh-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("", ""),
            ("*", ""),
            (";q=1", ""),
            ("en_US", ""),
            ("12-34", ""),
            ("é", ""),
            ("averyverylonglanguage", ""),
        ] {
            assert_eq!(Language::first(header).as_str(), tag, "{header:?}");
        }
    }
}
