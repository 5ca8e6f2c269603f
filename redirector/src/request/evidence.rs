//! What a request's headers are evidence of: which there are, and what a browser says of itself beside its agent.
//!
//! Kept as it came; what it means is ingest's to say.

use whence_core::click::{Signs, bounds};

use super::Said;
use super::names::{begins, is};

/// How many client hints a click has.
const HINTS: usize = 5;

/// The place of a client hint in a click; by the name's length first, since every request of a browser has several.
fn hint(name: &[u8]) -> Option<usize> {
    match name.len() {
        9 if is(name, b"sec-ch-ua") => Some(0),
        16 if is(name, b"sec-ch-ua-mobile") => Some(1),
        18 if is(name, b"sec-ch-ua-platform") => Some(2),
        26 if is(name, b"sec-ch-ua-platform-version") => Some(3),
        15 if is(name, b"sec-ch-ua-model") => Some(4),
        _ => None,
    }
}

/// Evidence that is being gathered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence<'r> {
    signs: Signs,
    hints: [Said<'r>; HINTS],
}

/// Whether a header may be one that [`Evidence::header`] takes.
pub(super) fn concerns(name: &[u8]) -> bool {
    begins(name, b"sec-")
}

impl<'r> Evidence<'r> {
    /// Marks what was seen.
    pub(super) fn mark(&mut self, sign: Signs) {
        self.signs |= sign;
    }

    /// Takes `Accept`.
    pub(super) fn accept(&mut self, value: &[u8]) {
        // A browser names it first.
        let html = value.starts_with(b"text/html,")
            || value
                .split(|byte| matches!(byte, b',' | b';'))
                .any(|part| part.trim_ascii().eq_ignore_ascii_case(b"text/html"));
        self.signs |= Signs::ACCEPT.with_if(Signs::HTML, html);
    }

    /// Takes Fetch Metadata or a client hint. Of a hint that is repeated the first counts.
    pub(super) fn header(&mut self, name: &[u8], value: Said<'r>) {
        if begins(name, b"sec-fetch-") {
            let (of, says) = (&name[10..], value.bytes());
            let navigates = is(of, b"mode") && says.eq_ignore_ascii_case(b"navigate");
            let pressed = is(of, b"user") && says == b"?1";
            self.signs |= Signs::FETCH
                .with_if(Signs::NAVIGATE, navigates)
                .with_if(Signs::USER, pressed);
        } else if let Some(place) = hint(name)
            && self.hints[place].is_empty()
        {
            self.hints[place] = value;
        }
    }

    /// What was marked.
    pub(super) fn signs(&self) -> Signs {
        self.signs | Signs::KNOWN
    }

    /// The hints, a line each; empty ones at the end are left out. A line's end inside one, which no front lets pass,
    /// could only make it two.
    pub(super) fn write_hints(&self, out: &mut String) {
        let last = self.hints.iter().rposition(|hint| !hint.is_empty());
        let sent = last.map_or(&[][..], |last| &self.hints[..=last]);
        for (place, hint) in sent.iter().enumerate() {
            if place > 0 {
                out.push('\n');
            }
            out.push_str(&hint.bounded(bounds::HINT));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(headers: &[(&'static str, &'static str)]) -> Evidence<'static> {
        let mut evidence = Evidence::default();
        for (name, value) in headers {
            if concerns(name.as_bytes()) {
                evidence.header(name.as_bytes(), (*value).into());
            }
        }
        evidence
    }

    #[test]
    fn hints_are_lines_in_a_fixed_order() {
        let brand = "\"Chromium\";v=\"128\"";
        for (headers, hints) in [
            (&[][..], String::new()),
            (&[("sec-ch-ua", brand)], brand.to_owned()),
            (
                &[
                    ("Sec-CH-UA-Platform", "\"Android\""),
                    ("sec-ch-ua", brand),
                    ("sec-ch-ua", "another"),
                    ("sec-ch-ua-mobile", "?1"),
                ],
                format!("{brand}\n?1\n\"Android\""),
            ),
            (
                &[("sec-ch-ua-model", "\"Pixel 8\"")],
                "\n\n\n\n\"Pixel 8\"".to_owned(),
            ),
        ] {
            let mut written = String::new();
            gathered(headers).write_hints(&mut written);
            assert_eq!(written, hints);
        }
    }

    #[test]
    fn signs() {
        let navigation = gathered(&[
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-Fetch-User", "?1"),
            ("Sec-Fetch-Dest", "document"),
        ]);
        assert_eq!(
            navigation.signs(),
            Signs::KNOWN | Signs::FETCH | Signs::NAVIGATE | Signs::USER
        );
        assert_eq!(
            gathered(&[("sec-fetch-mode", "no-cors")]).signs(),
            Signs::KNOWN | Signs::FETCH
        );
        assert_eq!(
            gathered(&[("x-sec-fetch-mode", "navigate")]).signs(),
            Signs::KNOWN
        );
        let mut evidence = Evidence::default();
        evidence.accept(b"application/xhtml+xml,Text/HTML;q=0.9");
        assert_eq!(evidence.signs(), Signs::KNOWN | Signs::ACCEPT | Signs::HTML);
    }
}
