//! A short domain: who has claimed it, and how it answers where no link does.
//!
//! The links on it do not belong here, and neither do certificates.

use std::borrow::Cow;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::link::{Destination, Host, Prose, SchemeName, Slug, SpecError};
use crate::workspace::WorkspaceId;

/// Letters and digits without look-alikes (0 O, 1 I l) and without vowels, so that no random slug spells
/// a word.
pub const SAFE_ALPHABET: &str = "23456789bcdfghjkmnpqrstvwxyzBCDFGHJKLMNPQRSTVWXYZ";
/// As [`SAFE_ALPHABET`], for domains where case says nothing.
pub const SAFE_LOWER_ALPHABET: &str = "23456789bcdfghjkmnpqrstvwxyz";
/// The longest document that a domain serves for apps, in bytes: Apple reads no more.
pub const MAX_DOCUMENT: usize = 128 * 1024;
/// The largest logo, in bytes of its PNG.
pub const MAX_LOGO: usize = 64 * 1024;
/// The most reserved slugs.
const MAX_RESERVED: usize = 1_000;

/// A domain as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// Its name.
    pub host: Host,
    /// Who has claimed it.
    pub workspace: WorkspaceId,
    /// What its owner says of it.
    pub spec: DomainSpec,
    /// Counts the changes, from 1.
    pub revision: u64,
}

/// What the owner says of a domain, in the one JSON form of API and store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct DomainSpec {
    /// Whether `/Sale` and `/sale` are two links or one.
    pub case: SlugCase,
    /// How random slugs are made.
    pub random_slugs: RandomSlugs,
    /// Slugs that no link may have, beside those that the edge answers itself.
    pub reserved: Vec<Slug>,
    /// Where the bare domain leads, if no link stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub root_url: Option<Destination>,
    /// Where slugs lead that no link has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_found_url: Option<Destination>,
    /// What is said where no link is, in place of our words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 4096))]
    pub not_found_text: Option<Prose>,
    /// `/.well-known/apple-app-site-association`, a JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Object>))]
    pub apple_app_site_association: Option<serde_json::Value>,
    /// `/.well-known/assetlinks.json`, a JSON list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<Vec<Object>>))]
    pub asset_links: Option<serde_json::Value>,
    /// `/robots.txt`. Where it is not given, robots may read everything, since a preview fetcher that is
    /// kept out shows no preview; links themselves say `noindex`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 4096))]
    pub robots_txt: Option<Prose>,
    /// `/.well-known/security.txt` (RFC 9116).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 4096))]
    pub security_txt: Option<Prose>,
    /// A PNG for the icon and for the middle of QR codes, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<String>,
}

/// Whether case tells slugs apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SlugCase {
    /// `/Sale` and `/sale` are two links.
    #[default]
    Sensitive,
    /// They are one, stored in lower case.
    Insensitive,
}

/// How the slugs are made that nobody chose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RandomSlugs {
    /// Their length, 4 to 32.
    pub length: u8,
    /// Their characters, 10 to 64 different ones of letters, digits, `-` and `_`.
    pub alphabet: Alphabet,
}

impl Default for RandomSlugs {
    fn default() -> Self {
        Self {
            // 49^7: seven hundred thousand million.
            length: 7,
            alphabet: Alphabet(SAFE_ALPHABET.into()),
        }
    }
}

/// Characters to make slugs of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = String))]
#[serde(try_from = "String", into = "String")]
pub struct Alphabet(Box<str>);

/// The text is no alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 10 to 64 different characters of letters, digits, - and _")]
pub struct AlphabetError;

impl Alphabet {
    /// Its characters, each one byte.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Alphabet {
    type Err = AlphabetError;

    fn from_str(text: &str) -> Result<Self, AlphabetError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        let mut seen: Vec<u8> = text.bytes().collect();
        seen.sort_unstable();
        seen.dedup();
        if (10..=64).contains(&text.len()) && seen.len() == text.len() && text.bytes().all(allowed)
        {
            Ok(Self(text.into()))
        } else {
            Err(AlphabetError)
        }
    }
}

impl TryFrom<String> for Alphabet {
    type Error = AlphabetError;

    fn try_from(text: String) -> Result<Self, AlphabetError> {
        text.parse()
    }
}

impl From<Alphabet> for String {
    fn from(alphabet: Alphabet) -> Self {
        alphabet.0.into()
    }
}

/// The first parts of paths that the edge answers itself, so that a link there would never be seen.
pub const RESERVED: &[&str] = &["robots.txt", "favicon.ico", ".well-known"];
/// What stands behind a slug to ask where its link leads; no new slug may end so.
pub const INSPECTION_ENDING: &str = "+";
/// What stands behind a slug to ask for the QR code of its link; no new slug may end so.
pub const QR_ENDING: &str = ".qr";

impl Domain {
    /// A domain with every default.
    #[must_use]
    pub fn new(host: Host, workspace: WorkspaceId) -> Self {
        Self {
            host,
            workspace,
            spec: DomainSpec::default(),
            revision: 1,
        }
    }
}

impl DomainSpec {
    /// Whether no link may stand at this slug.
    #[must_use]
    pub fn reserves(&self, slug: &str) -> bool {
        let first = slug.split('/').next().unwrap_or_default();
        RESERVED.contains(&first)
            || self
                .reserved
                .iter()
                .any(|reserved| reserved.as_str() == slug)
    }

    /// The slug as a link here has it: in lower case where case says nothing.
    #[must_use]
    pub fn canonical<'s>(&self, slug: &'s str) -> Cow<'s, str> {
        match self.case {
            SlugCase::Sensitive => slug.into(),
            SlugCase::Insensitive if slug.chars().all(is_small) => slug.into(),
            SlugCase::Insensitive => slug.to_lowercase().into(),
        }
    }

    /// Says everything that cannot be. `allowed` are the workspace's schemes beside http and https.
    #[must_use]
    pub fn check(&self, allowed: &[SchemeName]) -> Vec<SpecError> {
        self.check_but(allowed, |_| false)
    }

    /// As [`check`](Self::check), of a domain that says `old` now: a URL that it has already stays possible
    /// when its scheme is no longer allowed.
    #[must_use]
    pub fn check_change(&self, old: &Self, allowed: &[SchemeName]) -> Vec<SpecError> {
        let had = [&old.root_url, &old.not_found_url];
        self.check_but(allowed, |url| {
            had.into_iter().flatten().any(|had| had == url)
        })
    }

    fn check_but(
        &self,
        allowed: &[SchemeName],
        is_kept: impl Fn(&Destination) -> bool,
    ) -> Vec<SpecError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: String| {
            errors.push(SpecError {
                field: field.into(),
                message,
            });
        };
        if !(4..=32).contains(&self.random_slugs.length) {
            wrong("random_slugs.length", "must be 4 to 32".into());
        }
        let alphabet = self.random_slugs.alphabet.as_str();
        if self.case == SlugCase::Insensitive && alphabet.bytes().any(|b| b.is_ascii_uppercase()) {
            wrong(
                "random_slugs.alphabet",
                format!(
                    "must have no capitals where case is insensitive, such as {SAFE_LOWER_ALPHABET}"
                ),
            );
        }
        if self.reserved.len() > MAX_RESERVED {
            wrong("reserved", format!("must be at most {MAX_RESERVED}"));
        }
        for (field, url) in [
            ("root_url", &self.root_url),
            ("not_found_url", &self.not_found_url),
        ] {
            if let Some(url) = url
                && let Err(error) = url.check_scheme(allowed)
                && !is_kept(url)
            {
                wrong(field, error.to_string());
            }
        }
        let too_long = |document: &Option<serde_json::Value>| {
            document
                .as_ref()
                .is_some_and(|document| document.to_string().len() > MAX_DOCUMENT)
        };
        if self
            .apple_app_site_association
            .as_ref()
            .is_some_and(|document| !document.is_object())
        {
            wrong("apple_app_site_association", "must be a JSON object".into());
        }
        if self
            .asset_links
            .as_ref()
            .is_some_and(|document| !document.is_array())
        {
            wrong("asset_links", "must be a JSON list".into());
        }
        if too_long(&self.apple_app_site_association) {
            wrong(
                "apple_app_site_association",
                format!("must be at most {MAX_DOCUMENT} bytes"),
            );
        }
        if too_long(&self.asset_links) {
            wrong(
                "asset_links",
                format!("must be at most {MAX_DOCUMENT} bytes"),
            );
        }
        errors
    }
}

/// Whether lower case changes nothing about the character.
fn is_small(c: char) -> bool {
    c.to_lowercase().eq([c])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alphabets() {
        for good in [SAFE_ALPHABET, SAFE_LOWER_ALPHABET, "0123456789"] {
            assert_eq!(good.parse::<Alphabet>().unwrap().as_str(), good);
            let lookalikes = good != "0123456789" && good.contains(['0', 'O', '1', 'I', 'l']);
            assert!(
                !lookalikes && (good == "0123456789" || !good.contains(['a', 'e', 'i', 'o', 'u']))
            );
        }
        for bad in ["", "abc", "aabcdefghij", "abcdefghij/", "äbcdefghij"] {
            assert_eq!(bad.parse::<Alphabet>(), Err(AlphabetError), "{bad}");
        }
    }

    #[test]
    fn what_cannot_be_is_named() {
        let mut spec = DomainSpec {
            case: SlugCase::Insensitive,
            root_url: Some("mailto:a@example.com".parse().unwrap()),
            asset_links: Some(serde_json::json!({})),
            ..DomainSpec::default()
        };
        spec.random_slugs.length = 3;
        let fields: Vec<_> = spec
            .check(&[])
            .into_iter()
            .map(|error| error.field)
            .collect();
        assert_eq!(
            fields,
            [
                "random_slugs.length",
                "random_slugs.alphabet",
                "root_url",
                "asset_links"
            ]
        );
    }

    #[test]
    fn slugs_where_case_says_nothing() {
        let mut spec = DomainSpec::default();
        assert_eq!(spec.canonical("Größe/A"), "Größe/A");
        spec.case = SlugCase::Insensitive;
        for (asked, stands_at) in [
            ("Größe/A", "größe/a"),
            ("ÄÖ", "äö"),
            ("a-b", "a-b"),
            ("", ""),
        ] {
            assert_eq!(spec.canonical(asked), stands_at);
            assert_eq!(spec.canonical(stands_at), stands_at);
        }
    }

    #[test]
    fn reserved_slugs() {
        let spec = DomainSpec {
            reserved: vec!["admin".parse().unwrap()],
            ..DomainSpec::default()
        };
        for slug in ["admin", "robots.txt", ".well-known/x", "favicon.ico"] {
            assert!(spec.reserves(slug), "{slug}");
        }
        assert!(!spec.reserves("admin/x") && !spec.reserves("robots"));
    }
}
