//! Whether page and collector are one site, so that a cookie of ours is the site's own.

use url::{Host, Url};

/// A site that is the page's and ours.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// The registrable domain that a cookie may be for; none where the host is no domain, and stands for itself.
    pub(super) domain: Option<String>,
    /// Whether the page came over HTTPS.
    pub(super) is_secure: bool,
}

impl Site {
    /// The site of a page's origin and our own host, as `Origin` and `Host` have them; none where they are of two.
    pub(super) fn shared(origin: &str, host: &str) -> Option<Self> {
        let page = Url::parse(origin).ok()?;
        let is_secure = match page.scheme() {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        // Without a port, which sites do not have; read as the page's is.
        let ours = Url::parse(&format!("http://{host}/")).ok()?;
        let (page, ours) = (page.host()?, ours.host()?);
        let registrable = |host: &Host<&str>| match host {
            Host::Domain(name) => psl::domain_str(name.trim_end_matches('.')).map(str::to_owned),
            Host::Ipv4(_) | Host::Ipv6(_) => None,
        };
        let domain = registrable(&ours);
        let is_one = match &domain {
            Some(_) => registrable(&page) == domain,
            None => page == ours,
        };
        is_one.then_some(Self { domain, is_secure })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_site_is_one_registrable_domain() {
        let table = [
            (
                "https://www.shop.example",
                "c.shop.example",
                Some(("shop.example", true)),
            ),
            (
                "http://shop.example:8080",
                "c.shop.example:8081",
                Some(("shop.example", false)),
            ),
            (
                "https://shop.co.uk",
                "in.shop.co.uk",
                Some(("shop.co.uk", true)),
            ),
            (
                "https://SHOP.example",
                "C.Shop.Example.",
                Some(("shop.example", true)),
            ),
            (
                "https://bücher.example",
                "c.xn--bcher-kva.example",
                Some(("xn--bcher-kva.example", true)),
            ),
            // A name of its own under a public suffix, a list that psl has.
            (
                "https://a.github.io",
                "a.github.io",
                Some(("a.github.io", true)),
            ),
            ("https://localhost:3000", "localhost:8081", Some(("", true))),
            ("http://127.0.0.1:3000", "127.0.0.1:8081", Some(("", false))),
            ("http://[::1]:3000", "[::1]:8081", Some(("", false))),
            ("https://a.github.io", "b.github.io", None),
            ("https://shop.co.uk", "other.co.uk", None),
            ("https://shop.example", "collect.whence.example", None),
            ("https://shop.example.evil.example", "shop.example", None),
            ("https://localhost", "127.0.0.1", None),
            ("http://127.0.0.1", "127.0.0.2", None),
            ("https://co.uk", "x.co.uk", None),
            ("null", "shop.example", None),
            ("", "shop.example", None),
            ("file:///etc/passwd", "shop.example", None),
            ("chrome-extension://shop.example", "shop.example", None),
            ("https://shop.example", "", None),
            (
                "https://shop.example",
                "shop.example/; Domain=evil.example",
                Some(("shop.example", true)),
            ),
        ];
        for (origin, host, expected) in table {
            let expected = expected.map(|(domain, is_secure)| Site {
                domain: (!domain.is_empty()).then(|| domain.to_owned()),
                is_secure,
            });
            assert_eq!(Site::shared(origin, host), expected, "{origin} {host}");
        }
    }

    proptest! {
        /// Whatever is sent: what is written into a cookie is a plain name.
        #[test]
        fn a_domain_is_a_plain_name(origin in "https?://[a-z;= .-]{1,20}", host in "[a-z;= .%-]{1,20}", any in ".{0,20}") {
            for (origin, host) in [(&origin, &host), (&origin, &any), (&any, &host)] {
                if let Some(Site { domain: Some(domain), .. }) = Site::shared(origin, host) {
                    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
                    prop_assert!(domain.chars().all(is_plain), "{domain}");
                }
            }
        }
    }
}
