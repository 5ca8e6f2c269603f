//! A short link: where it stands, where it leads, and what its clicks count for.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use crate::click::bounds;
use crate::id::LinkId;
use crate::workspace::WorkspaceId;

/// The longest destination: what every browser and proxy passes on.
pub const MAX_DESTINATION: usize = 4096;
/// The longest channel, campaign, program or advocate.
pub const MAX_LABEL: usize = 128;

/// A link as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its id, for good; slug and destination may change.
    pub id: LinkId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// The host it stands on.
    pub domain: Host,
    /// The path it stands at.
    pub slug: Slug,
    /// Where it leads.
    pub destination: Destination,
    /// How the redirect is answered.
    #[serde(default)]
    pub status: RedirectStatus,
    /// The channel it was made for: a link shared for WhatsApp is WhatsApp, whatever the referrer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Label>,
    /// The campaign its clicks count for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub campaign: Option<Label>,
    /// The referral program it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<Label>,
    /// The advocate who shares it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advocate: Option<Label>,
    /// Counts the changes, from 1.
    pub revision: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Why a field of a link is refused. The API names the field; this says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FieldError {
    /// Nothing there.
    #[error("must not be empty")]
    Empty,
    /// Too much of it.
    #[error("must be at most {0} bytes")]
    TooLong(usize),
    /// A character that would break a header, a log line or a URL.
    #[error("must not hold the control character {0:?}")]
    Control(char),
    /// Not a host name.
    #[error("must be a host name such as go.example.com, without scheme, port or path")]
    Host,
    /// Not an absolute URL.
    #[error("must be an absolute URL ({0})")]
    Url(url::ParseError),
    /// A scheme that is no page.
    #[error("must be an http or https URL, not {0}:")]
    Scheme(String),
    /// A password in a URL that everybody is sent to.
    #[error("must not carry a user name or password")]
    Credentials,
    /// A slug that means another path.
    #[error("must not have . or .. as a part, since browsers resolve them before asking")]
    DotSegment,
    /// A slug that a request cannot ask for.
    #[error("must not hold {0:?}, which ends the path of a URL")]
    EndsPath(char),
    /// A redirect with another meaning.
    #[error("must be 301, 302, 307 or 308")]
    Status,
}

/// A text that is checked once, when it is read, and then only carried.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = FieldError;

            fn from_str(s: &str) -> Result<Self, FieldError> {
                $check(s).map(|text| Self(text.into()))
            }
        }

        impl TryFrom<String> for $name {
            type Error = FieldError;

            fn try_from(s: String) -> Result<Self, FieldError> {
                s.parse()
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0.into()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

checked_text!(
    /// A host name, lower case, international names in their ASCII form.
    Host, check_host
);
checked_text!(
    /// The path of a short link without its first `/`, percent-decoded; empty for the bare domain.
    Slug, check_slug
);
checked_text!(
    /// An http or https URL in the form in which it goes into `Location`.
    Destination, check_destination
);
checked_text!(
    /// A short name to group by.
    Label, check_label
);

fn check_host(s: &str) -> Result<String, FieldError> {
    if s.is_empty() {
        return Err(FieldError::Empty);
    }
    // The final dot of a full name is the same name, and no request is asked for by it.
    let s = s.strip_suffix('.').unwrap_or(s);
    // A host may be an IP address: a first trial runs on 127.0.0.1.
    match url::Host::parse(s) {
        Ok(url::Host::Domain(name))
            if name.len() <= bounds::HOST && name.split('.').all(|label| !label.is_empty()) =>
        {
            Ok(name)
        }
        Ok(url::Host::Ipv4(address)) => Ok(address.to_string()),
        Ok(url::Host::Ipv6(address)) => Ok(format!("[{address}]")),
        _ => Err(FieldError::Host),
    }
}

fn check_slug(s: &str) -> Result<String, FieldError> {
    no_control(s)?;
    if s.len() > bounds::SLUG {
        return Err(FieldError::TooLong(bounds::SLUG));
    }
    if let Some(end) = s.chars().find(|c| matches!(c, '?' | '#')) {
        return Err(FieldError::EndsPath(end));
    }
    if s.split('/').any(|part| part == "." || part == "..") {
        return Err(FieldError::DotSegment);
    }
    Ok(s.to_owned())
}

fn check_destination(s: &str) -> Result<String, FieldError> {
    if s.is_empty() {
        return Err(FieldError::Empty);
    }
    if s.len() > MAX_DESTINATION {
        return Err(FieldError::TooLong(MAX_DESTINATION));
    }
    no_control(s)?;
    let url = Url::parse(s).map_err(FieldError::Url)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(FieldError::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(FieldError::Credentials);
    }
    // The parser has percent-encoded whatever a header could not carry.
    let text = String::from(url);
    if text.len() > MAX_DESTINATION {
        return Err(FieldError::TooLong(MAX_DESTINATION));
    }
    Ok(text)
}

fn check_label(s: &str) -> Result<String, FieldError> {
    if s.is_empty() {
        return Err(FieldError::Empty);
    }
    if s.len() > MAX_LABEL {
        return Err(FieldError::TooLong(MAX_LABEL));
    }
    no_control(s)?;
    Ok(s.to_owned())
}

fn no_control(s: &str) -> Result<(), FieldError> {
    match s.chars().find(|c| c.is_control()) {
        Some(c) => Err(FieldError::Control(c)),
        None => Ok(()),
    }
}

/// How a redirect is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub enum RedirectStatus {
    /// 301: for good, and cached by browsers that then never ask again.
    MovedPermanently,
    /// 302: each click is asked anew.
    #[default]
    Found,
    /// 307: as 302, and the method stays.
    TemporaryRedirect,
    /// 308: as 301, and the method stays.
    PermanentRedirect,
}

impl TryFrom<u16> for RedirectStatus {
    type Error = FieldError;

    fn try_from(code: u16) -> Result<Self, FieldError> {
        match code {
            301 => Ok(Self::MovedPermanently),
            302 => Ok(Self::Found),
            307 => Ok(Self::TemporaryRedirect),
            308 => Ok(Self::PermanentRedirect),
            _ => Err(FieldError::Status),
        }
    }
}

impl From<RedirectStatus> for u16 {
    fn from(status: RedirectStatus) -> Self {
        match status {
            RedirectStatus::MovedPermanently => 301,
            RedirectStatus::Found => 302,
            RedirectStatus::TemporaryRedirect => 307,
            RedirectStatus::PermanentRedirect => 308,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn destinations() {
        let refused = [
            ("", FieldError::Empty),
            (
                "/relative",
                FieldError::Url(url::ParseError::RelativeUrlWithoutBase),
            ),
            (
                "javascript:alert(1)",
                FieldError::Scheme("javascript".into()),
            ),
            ("ftp://example.com/", FieldError::Scheme("ftp".into())),
            ("https://u:p@example.com/", FieldError::Credentials),
            (
                "https://example.com/\r\nSet-Cookie: a=b",
                FieldError::Control('\r'),
            ),
        ];
        for (text, error) in refused {
            assert_eq!(text.parse::<Destination>(), Err(error), "{text:?}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_DESTINATION));
        assert_eq!(
            long.parse::<Destination>(),
            Err(FieldError::TooLong(MAX_DESTINATION))
        );
        let kept: Destination = "https://example.com/a b?q=é".parse().unwrap();
        assert_eq!(kept.as_str(), "https://example.com/a%20b?q=%C3%A9");
    }

    #[test]
    fn hosts() {
        for (given, kept) in [
            ("Go.Example.COM", "go.example.com"),
            ("go.example.com.", "go.example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("127.0.0.1", "127.0.0.1"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(given.parse::<Host>().unwrap().as_str(), kept);
        }
        for bad in [
            "",
            "..",
            "a..b",
            "go.example.com:8080",
            "https://go.example.com",
            "a b",
            "go.example.com/x",
        ] {
            assert!(bad.parse::<Host>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn slugs() {
        for good in [
            "",
            "summer",
            "a/b/c.html",
            "Grüße",
            "Baked Spaghetti.doc",
            "/favicon.ico",
        ] {
            assert_eq!(good.parse::<Slug>().unwrap().as_str(), good);
        }
        assert_eq!("a/../b".parse::<Slug>(), Err(FieldError::DotSegment));
        assert_eq!("a?b".parse::<Slug>(), Err(FieldError::EndsPath('?')));
        assert_eq!("a\nb".parse::<Slug>(), Err(FieldError::Control('\n')));
        assert_eq!(
            "a".repeat(1025).parse::<Slug>(),
            Err(FieldError::TooLong(1024))
        );
    }

    #[test]
    fn statuses() {
        assert_eq!(
            serde_json::from_str::<RedirectStatus>("308").unwrap(),
            RedirectStatus::PermanentRedirect
        );
        let refused = serde_json::from_str::<RedirectStatus>("303").unwrap_err();
        assert!(refused.to_string().contains("must be 301, 302, 307 or 308"));
    }

    proptest! {
        #[test]
        fn no_accepted_destination_can_break_a_header(text in "(https?://)?\\PC{0,30}[\\x00-\\x20]?\\PC{0,30}") {
            if let Ok(destination) = text.parse::<Destination>() {
                prop_assert!(destination.as_str().bytes().all(|b| (0x21..0x7f).contains(&b)));
                prop_assert_eq!(destination.as_str().parse::<Destination>(), Ok(destination.clone()));
            }
        }

        #[test]
        fn an_accepted_host_is_canonical(text in "[a-zA-Z0-9.é-]{1,20}") {
            if let Ok(host) = text.parse::<Host>() {
                prop_assert_eq!(host.as_str().parse::<Host>(), Ok(host.clone()));
            }
        }
    }
}
