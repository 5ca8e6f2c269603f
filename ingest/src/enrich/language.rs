//! The visitor's first language.

/// The longest tag that is kept; RFC 5646 recommends to support 35 characters.
const LONGEST: usize = 35;

/// The first tag of an `Accept-Language`, in the usual letter case (`en`, `pt-BR`, `zh-Hant-TW`); empty
/// where the header names no language.
///
/// Browsers put their first choice first, whatever the weights say.
pub(super) fn first(header: &str) -> String {
    let tag = header.split([',', ';']).next().unwrap_or_default().trim();
    let well_formed = tag.len() <= LONGEST
        && tag.split('-').enumerate().all(|(place, part)| {
            let letters = part.bytes().all(|b| b.is_ascii_alphabetic());
            let letters_or_digits = part.bytes().all(|b| b.is_ascii_alphanumeric());
            (1..=8).contains(&part.len())
                && if place == 0 {
                    letters
                } else {
                    letters_or_digits
                }
        });
    if !well_formed {
        return String::new();
    }
    let parts: Vec<String> = tag
        .split('-')
        .enumerate()
        .map(|(place, part)| in_usual_case(place, part))
        .collect();
    parts.join("-")
}

/// RFC 5646, 2.1.1: regions in capitals, scripts with one, the rest in small letters.
fn in_usual_case(place: usize, part: &str) -> String {
    match (place, part.len()) {
        (1.., 2) => part.to_ascii_uppercase(),
        (1.., 4) => part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase(),
        _ => part.to_ascii_lowercase(),
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
            assert_eq!(first(header), tag, "{header:?}");
        }
    }
}
