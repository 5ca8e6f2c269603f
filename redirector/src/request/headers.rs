//! What a click keeps of a request's headers, for whoever has requests that never came here, such as a log's.

use std::net::{IpAddr, Ipv4Addr};

use whence_core::click::{Method, Signs, bounds};
use whence_core::config::Cookies;
use whence_core::id::VisitorId;

use super::{Reading, Said};

/// Headers, read as those of a click are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// `User-Agent`.
    pub user_agent: String,
    /// `Referer`.
    pub referrer: String,
    /// `Accept-Language`.
    pub language: String,
    /// `Sec-Purpose`, `Purpose` and `X-Moz`.
    pub purpose: String,
    /// Which headers there were.
    pub signs: Signs,
    /// The client hints, a line each.
    pub hints: String,
    /// The visitor's cookie.
    pub visitor: Option<VisitorId>,
}

impl Headers {
    /// Reads headers, whose names may be in any case, of a request that came over HTTPS or did not. Nobody's word on where
    /// it was forwarded from is believed.
    #[must_use]
    pub fn read<'h>(
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
        cookies: &'h Cookies,
        https: bool,
    ) -> Self {
        let peer = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        let mut reading = Reading::new(peer, &[], cookies).over_tls(https);
        for (name, value) in headers {
            reading.header(name.as_bytes(), value);
        }
        let asked = reading.finish(Method::Get, "/", "", None);
        let text = |said: Said<'_>, limit| said.bounded(limit).into_owned();
        Self {
            user_agent: text(asked.user_agent, bounds::USER_AGENT),
            referrer: text(asked.referrer, bounds::REFERRER),
            language: text(asked.language, bounds::LANGUAGE),
            purpose: asked.purpose().into_owned(),
            signs: asked.signs(),
            hints: asked.hints(),
            visitor: asked.visitor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_those_of_a_click() {
        let cookies = Cookies::default();
        let headers = [
            ("USER-AGENT", "x/1"),
            ("accept", "text/html"),
            ("Accept-Language", "de"),
            ("Referer", "https://a.example/"),
            ("Purpose", "prefetch"),
            ("Sec-Fetch-Mode", "navigate"),
            ("Sec-CH-UA-Mobile", "?1"),
            ("X-Forwarded-Proto", "http"),
            ("X-Strange", "1"),
        ];
        let read = Headers::read(headers, &cookies, true);
        let expected = Headers {
            user_agent: "x/1".into(),
            referrer: "https://a.example/".into(),
            language: "de".into(),
            purpose: "prefetch".into(),
            signs: Signs::KNOWN
                | Signs::ACCEPT
                | Signs::HTML
                | Signs::LANGUAGE
                | Signs::FETCH
                | Signs::NAVIGATE
                | Signs::SECURE,
            hints: "\n?1".into(),
            visitor: None,
        };
        assert_eq!(read, expected);
        let none = Headers::read([], &cookies, false);
        assert_eq!(none.signs, Signs::KNOWN);
    }
}
