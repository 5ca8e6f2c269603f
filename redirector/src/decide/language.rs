//! The language that a browser prefers, from `Accept-Language`.

/// The tag with the highest quality; among equals the first. None where nothing is preferred.
pub(super) fn preferred(header: &str) -> Option<&str> {
    let mut best: Option<(&str, u16)> = None;
    for part in header.split(',') {
        let mut parts = part.split(';');
        let tag = parts.next().unwrap_or_default().trim();
        let quality = parts.find_map(quality).unwrap_or(1000);
        let is_better = best.is_none_or(|(_, known)| quality > known);
        if !tag.is_empty() && tag != "*" && quality > 0 && is_better {
            best = Some((tag, quality));
        }
    }
    best.map(|(tag, _)| tag)
}

/// Whether a language `is` what a rule names: `de` names `de-AT` too, and `de-AT` not `de`.
pub(super) fn is_named(is: &str, named: &str) -> bool {
    let (is, named) = (is.as_bytes(), named.as_bytes());
    match is.split_at_checked(named.len()) {
        Some((start, rest)) => {
            start.eq_ignore_ascii_case(named) && (rest.is_empty() || rest[0] == b'-')
        }
        None => false,
    }
}

/// `q=0.8` in thousandths, as RFC 9110 counts; what is no quality is as good as absent.
fn quality(parameter: &str) -> Option<u16> {
    let (name, value) = parameter.split_once('=')?;
    let value: f32 = value.trim().parse().ok()?;
    let is_quality = name.trim().eq_ignore_ascii_case("q") && (0.0..=1.0).contains(&value);
    is_quality.then_some((value * 1000.0).round() as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_language() {
        for (header, expected) in [
            ("", None),
            ("*", None),
            ("de", Some("de")),
            ("de-AT,de;q=0.9,en;q=0.8", Some("de-AT")),
            ("en;q=0.8, fr ; q=0.9 ,*;q=1", Some("fr")),
            ("en;q=0,de;q=0.001", Some("de")),
            ("en;q=0.5,de;q=0.5", Some("en")),
            ("en;q=0.569,de;q=0.57", Some("de")),
            ("en;q=high,de;q=0.9", Some("en")),
            ("en;q=2,de", Some("en")),
            (";;,,;q=1", None),
        ] {
            assert_eq!(preferred(header), expected, "{header}");
        }
    }

    #[test]
    fn ranges() {
        for (is, named, expected) in [
            ("de-AT", "de", true),
            ("DE-at", "de-at", true),
            ("de", "de-at", false),
            ("den", "de", false),
            ("zh-Hant-TW", "zh-hant", true),
        ] {
            assert_eq!(is_named(is, named), expected, "{is} {named}");
        }
    }
}
