//! A link as the API shows it.

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use utoipa::ToSchema;
use whence_core::config::Analytics;
use whence_core::domain::QR_ENDING;
use whence_core::link::{Host, Link, LinkSpec, VariantMode};

/// What a slug may have in a URL as it is: RFC 3986's path characters.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// A short link.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Link)]
pub(crate) struct LinkView {
    /// Its id, for good.
    id: String,
    /// The host it stands on.
    domain: String,
    /// The path it stands at, without the first `/`, percent-decoded; empty for the bare domain.
    slug: String,
    /// What people share.
    short_url: String,
    /// Its QR code, as everybody can see it.
    qr_url: String,
    /// What its owner says of it; what is left out has its default.
    #[serde(flatten)]
    spec: LinkSpec,
    /// Whether it asks for a password.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    password: bool,
    /// The weights of its variants as reports have found them, in their order; none until then.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    learned_weights: Vec<u32>,
    /// How many clicks were counted towards `max_clicks`; told where one link is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    clicks_counted: Option<u64>,
    /// Counts the changes, from 1; also the ETag.
    revision: u64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl LinkView {
    /// The link, with its URL as this installation is reached.
    pub(crate) fn of(link: Link, config: &Analytics) -> Self {
        let mut spec = link.spec;
        let password = spec.password_hash.take().is_some();
        let is_bandit = spec.variant_mode == VariantMode::Bandit;
        Self {
            id: link.id.to_string(),
            short_url: short_url(config, &link.domain, link.slug.as_str()),
            qr_url: short_url(config, &link.domain, &format!("{}{QR_ENDING}", link.slug)),
            domain: link.domain.into(),
            slug: link.slug.into(),
            spec,
            password,
            learned_weights: match is_bandit {
                true => link.learned_weights,
                false => Vec::new(),
            },
            clicks_counted: None,
            revision: link.revision,
            created_at: link.created_at,
            updated_at: link.updated_at,
        }
    }

    /// With the clicks that were counted.
    pub(crate) fn counted(self, clicks: u64) -> Self {
        Self {
            clicks_counted: Some(clicks),
            ..self
        }
    }
}

/// The URL under which a link is clicked.
pub(super) fn short_url(config: &Analytics, domain: &Host, slug: &str) -> String {
    let path = utf8_percent_encode(slug, KEPT);
    format!("{}/{path}", config.short_url_origin(domain))
}

#[cfg(test)]
mod tests {
    use percent_encoding::percent_decode_str;
    use proptest::prelude::*;
    use whence_core::config::Scheme;
    use whence_core::link::Slug;

    use super::*;

    fn url(slug: &str) -> String {
        let host = "go.example".parse().unwrap();
        short_url(&Analytics::default(), &host, slug)
    }

    #[test]
    fn short_urls() {
        assert_eq!(url("summer/sale"), "https://go.example/summer/sale");
        assert_eq!(url(""), "https://go.example/");
        assert_eq!(
            url("Grüße 100%"),
            "https://go.example/Gr%C3%BC%C3%9Fe%20100%25"
        );
        let config = Analytics {
            short_url_scheme: Scheme::Http,
            short_url_port: 8080,
            ..Analytics::default()
        };
        let host = "localhost".parse().unwrap();
        assert_eq!(
            short_url(&config, &host, "hello"),
            "http://localhost:8080/hello"
        );
    }

    proptest! {
        #[test]
        fn a_browser_asks_for_the_slug_that_was_meant(slug in "\\PC{0,30}") {
            prop_assume!(slug.parse::<Slug>().is_ok());
            let parsed = url::Url::parse(&url(&slug)).unwrap();
            let asked = percent_decode_str(&parsed.path()[1..]).decode_utf8().unwrap();
            prop_assert_eq!(asked, slug);
        }
    }
}
