//! The texts of a link, each checked once, when it is read, and then only carried.
//!
//! What a link does with them does not belong here.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use url::Url;

use super::FieldError;
use super::canonical::{is_canonical_host, is_canonical_url};
use crate::click::bounds;

/// The longest destination: what every browser and proxy passes on.
pub const MAX_DESTINATION: usize = 4096;
/// The longest label: a channel, a campaign, an advocate, a tag.
pub const MAX_LABEL: usize = 128;
/// The longest text for people: notes, a description, a page's text.
pub const MAX_PROSE: usize = 4096;

/// What texts of a kind have to be.
pub(super) trait Check {
    /// The text in its final form: the very same where it has that already.
    fn check(s: &str) -> Result<Cow<'_, str>, FieldError>;
}

/// A text that is checked once, when it is read, and then only carried.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
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
                Self::check(s).map(|text| Self(text.into()))
            }
        }

        impl Check for $name {
            fn check(s: &str) -> Result<Cow<'_, str>, FieldError> {
                $check(s)
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

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Checked(PhantomData))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// Reads a text and checks it, without a copy in between: a cache reads a million links at its start.
struct Checked<T>(PhantomData<T>);

impl<T: FromStr<Err = FieldError>> Visitor<'_> for Checked<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
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
    /// An absolute URL in the form in which it goes into `Location`. Which schemes a workspace allows
    /// is asked by [`check_scheme`](Destination::check_scheme).
    Destination, check_destination
);
checked_text!(
    /// A short name to group by.
    Label, check_label
);
checked_text!(
    /// A label that may stand beside others in one text, separated by commas.
    Tag, check_tag
);
checked_text!(
    /// A longer text for people, lines allowed.
    Prose, check_prose
);
checked_text!(
    /// The name of a query parameter, as it stands in a URL.
    ParameterName, check_parameter_name
);
checked_text!(
    /// A country by its ISO 3166-1 code, in capitals.
    CountryCode, check_country
);
checked_text!(
    /// A part of a country by its ISO 3166-2 code, in capitals.
    RegionCode, check_region
);
checked_text!(
    /// A language tag, lower case: `de` means every German, `pt-br` only Brazil's Portuguese.
    LanguageTag, check_language
);
checked_text!(
    /// A URL scheme that a workspace allows beside http and https.
    SchemeName, check_scheme_name
);
checked_text!(
    /// The argon2id hash of a link's password, in PHC form. The password itself is stored nowhere.
    PasswordHash, check_password_hash
);

impl Destination {
    /// Its scheme, without the colon.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.split(':').next().unwrap_or_default()
    }

    /// Whether it is a page that every browser opens: http or https.
    #[must_use]
    pub fn is_page(&self) -> bool {
        matches!(self.scheme(), "http" | "https")
    }

    /// Checks that a workspace may send its visitors there: to a page, or to a scheme among `allowed`.
    pub fn check_scheme(&self, allowed: &[SchemeName]) -> Result<(), FieldError> {
        let scheme = self.scheme();
        if self.is_page() || allowed.iter().any(|name| name.as_str() == scheme) {
            Ok(())
        } else {
            Err(FieldError::SchemeNotAllowed(scheme.to_owned()))
        }
    }
}

fn check_host(s: &str) -> Result<Cow<'_, str>, FieldError> {
    if s.is_empty() {
        return Err(FieldError::Empty);
    }
    if is_canonical_host(s) {
        return Ok(s.into());
    }
    // The final dot of a full name is the same name, and no request is asked for by it.
    let s = s.strip_suffix('.').unwrap_or(s);
    // A host may be an IP address: a first trial runs on 127.0.0.1.
    match url::Host::parse(s) {
        Ok(url::Host::Domain(name))
            if name.len() <= bounds::HOST && name.split('.').all(|label| !label.is_empty()) =>
        {
            Ok(name.into())
        }
        Ok(url::Host::Ipv4(address)) => Ok(address.to_string().into()),
        Ok(url::Host::Ipv6(address)) => Ok(format!("[{address}]").into()),
        _ => Err(FieldError::Host),
    }
}

fn check_slug(s: &str) -> Result<Cow<'_, str>, FieldError> {
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
    Ok(s.into())
}

fn check_destination(s: &str) -> Result<Cow<'_, str>, FieldError> {
    if s.is_empty() {
        return Err(FieldError::Empty);
    }
    if s.len() > MAX_DESTINATION {
        return Err(FieldError::TooLong(MAX_DESTINATION));
    }
    if is_canonical_url(s) {
        return Ok(s.into());
    }
    no_control(s)?;
    let url = Url::parse(s).map_err(FieldError::Url)?;
    if is_dangerous(url.scheme()) {
        return Err(FieldError::Scheme(url.scheme().to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(FieldError::Credentials);
    }
    // The parser has percent-encoded whatever a header could not carry, but not behind every scheme.
    let text = String::from(url);
    if !text.bytes().all(|byte| (0x21..0x7f).contains(&byte)) {
        return Err(FieldError::Unescaped);
    }
    if text.len() > MAX_DESTINATION {
        return Err(FieldError::TooLong(MAX_DESTINATION));
    }
    Ok(text.into())
}

fn check_label(s: &str) -> Result<Cow<'_, str>, FieldError> {
    if s.is_empty() {
        return Err(FieldError::Empty);
    }
    if s.len() > MAX_LABEL {
        return Err(FieldError::TooLong(MAX_LABEL));
    }
    no_control(s)?;
    Ok(s.into())
}

fn check_tag(s: &str) -> Result<Cow<'_, str>, FieldError> {
    if s.contains(',') {
        return Err(FieldError::Comma);
    }
    check_label(s)
}

fn check_prose(s: &str) -> Result<Cow<'_, str>, FieldError> {
    if s.is_empty() {
        return Err(FieldError::Empty);
    }
    if s.len() > MAX_PROSE {
        return Err(FieldError::TooLong(MAX_PROSE));
    }
    match s
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        Some(c) => Err(FieldError::Control(c)),
        None => Ok(s.into()),
    }
}

fn check_parameter_name(s: &str) -> Result<Cow<'_, str>, FieldError> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if (1..=64).contains(&s.len()) && s.bytes().all(allowed) {
        Ok(s.into())
    } else {
        Err(FieldError::ParameterName)
    }
}

fn check_country(s: &str) -> Result<Cow<'_, str>, FieldError> {
    if s.len() == 2 && s.bytes().all(|b| b.is_ascii_alphabetic()) {
        Ok(s.to_ascii_uppercase().into())
    } else {
        Err(FieldError::Country)
    }
}

fn check_region(s: &str) -> Result<Cow<'_, str>, FieldError> {
    match s.split_once('-') {
        Some((country, part))
            if check_country(country).is_ok()
                && (1..=3).contains(&part.len())
                && part.bytes().all(|b| b.is_ascii_alphanumeric()) =>
        {
            Ok(s.to_ascii_uppercase().into())
        }
        _ => Err(FieldError::Region),
    }
}

fn check_language(s: &str) -> Result<Cow<'_, str>, FieldError> {
    let mut parts = s.split('-');
    let first = parts.next().unwrap_or_default();
    let is_language =
        (2..=3).contains(&first.len()) && first.bytes().all(|b| b.is_ascii_alphabetic());
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    if is_language && s.len() <= 35 && parts.all(is_part) {
        Ok(s.to_ascii_lowercase().into())
    } else {
        Err(FieldError::Language)
    }
}

fn check_scheme_name(s: &str) -> Result<Cow<'_, str>, FieldError> {
    let name = s.to_ascii_lowercase();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'.' | b'-');
    let starts_well = name.starts_with(|c: char| c.is_ascii_lowercase());
    if starts_well && name.len() <= 32 && name.bytes().all(allowed) && !is_dangerous(&name) {
        Ok(name.into())
    } else {
        Err(FieldError::SchemeName)
    }
}

fn check_password_hash(s: &str) -> Result<Cow<'_, str>, FieldError> {
    let graphic = s.bytes().all(|byte| (0x21..0x7f).contains(&byte));
    if s.starts_with("$argon2id$") && s.len() <= 256 && graphic {
        Ok(s.into())
    } else {
        Err(FieldError::PasswordHash)
    }
}

/// Schemes that run what they carry in the page that follows them, or reach into the visitor's machine.
fn is_dangerous(scheme: &str) -> bool {
    matches!(
        scheme,
        "javascript"
            | "vbscript"
            | "data"
            | "blob"
            | "file"
            | "filesystem"
            | "about"
            | "view-source"
            | "jar"
    )
}

fn no_control(s: &str) -> Result<(), FieldError> {
    if s.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return Ok(());
    }
    match s.chars().find(|c| c.is_control()) {
        Some(c) => Err(FieldError::Control(c)),
        None => Ok(()),
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
            ("DATA:text/html,x", FieldError::Scheme("data".into())),
            ("mailto:a b@example.com", FieldError::Unescaped),
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
    fn codes() {
        assert_eq!("de".parse::<CountryCode>().unwrap().as_str(), "DE");
        assert_eq!("de-by".parse::<RegionCode>().unwrap().as_str(), "DE-BY");
        assert_eq!("pt-BR".parse::<LanguageTag>().unwrap().as_str(), "pt-br");
        assert_eq!("MAILTO".parse::<SchemeName>().unwrap().as_str(), "mailto");
        assert_eq!("DEU".parse::<CountryCode>(), Err(FieldError::Country));
        assert_eq!("DE".parse::<RegionCode>(), Err(FieldError::Region));
        assert_eq!("*".parse::<LanguageTag>(), Err(FieldError::Language));
        assert_eq!(
            "javascript".parse::<SchemeName>(),
            Err(FieldError::SchemeName)
        );
        assert_eq!("a,b".parse::<Tag>(), Err(FieldError::Comma));
        assert_eq!(
            "a=b".parse::<ParameterName>(),
            Err(FieldError::ParameterName)
        );
        assert_eq!(
            "hunter2".parse::<PasswordHash>(),
            Err(FieldError::PasswordHash)
        );
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
