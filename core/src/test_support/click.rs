//! A click to begin from: what a test does not care about.

use crate::click::{Click, Method, Outcome, Signs};
use crate::id::{ClickId, LinkId, VisitorId};
use crate::workspace::PrivacyMode;

/// A person's click, with something in nearly every field.
#[must_use]
pub fn click() -> Click<'static> {
    Click {
        id: ClickId(7),
        unix_ms: 1_700_000_000_123,
        outcome: Outcome::Redirected,
        method: Method::Get,
        workspace: "acme".into(),
        link: LinkId(9),
        domain: "go.example.com".into(),
        slug: "summer".into(),
        query: "utm_source=News&utm_medium=email&utm_campaign=may&utm_term=a&utm_content=b".into(),
        visitor: Some(VisitorId(3)),
        new_visitor: true,
        address: std::net::Ipv4Addr::new(193, 99, 144, 80).into(),
        user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0".into(),
        referrer: "https://mail.google.com/mail/u/0/".into(),
        language: "de-de,de;q=0.9".into(),
        purpose: "".into(),
        channel: "".into(),
        campaign: "".into(),
        program: "friends".into(),
        advocate: "ada".into(),
        variant: "blue".into(),
        tags: "summer,50% off".into(),
        privacy: PrivacyMode::Full,
        signs: Signs::KNOWN | Signs::ACCEPT | Signs::HTML | Signs::LANGUAGE | Signs::ENCODING,
        hints: "".into(),
    }
}
