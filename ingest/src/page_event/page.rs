//! Which page it was: the host and the path of its URL, and nothing of its query.

use url::Url;
use whence_core::click::bounded;

use crate::fields::form::Raw;
use crate::fields::values::text;

/// The longest URL that is looked at; browsers and servers take some kilobytes.
const LONGEST_URL: usize = 8 << 10;
/// How much of a path is kept. More of it tells no two pages of a site apart.
const LONGEST_PATH: usize = 512;

/// A page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Its host, in small letters.
    pub(super) host: String,
    /// Its path, as far as it is kept.
    pub(super) path: String,
}

/// The page of a URL.
pub(super) fn page(raw: &Raw) -> Result<Page, String> {
    let text = text(raw)?;
    if text.len() > LONGEST_URL {
        return Err(format!("must be at most {LONGEST_URL} bytes"));
    }
    let must = || "must be a URL such as https://shop.example/basket".to_owned();
    let url = Url::parse(text).map_err(|_| must())?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(must());
    }
    Ok(Page {
        host: url.host_str().unwrap_or_default().to_owned(),
        path: bounded(url.path().as_bytes(), LONGEST_PATH).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(url: &str) -> Result<(String, String), String> {
        page(&Raw::Text(url.to_owned())).map(|page| (page.host, page.path))
    }

    #[test]
    fn a_page_is_its_host_and_its_path() {
        let table = [
            ("https://Shop.example/a/b?q=1#c", "shop.example", "/a/b"),
            ("http://shop.example:8080", "shop.example", "/"),
            ("https://ada:secret@shop.example/x", "shop.example", "/x"),
            (
                "https://bücher.example/ü b",
                "xn--bcher-kva.example",
                "/%C3%BC%20b",
            ),
            ("http://[::1]/", "[::1]", "/"),
        ];
        for (url, host, path) in table {
            assert_eq!(of(url), Ok((host.to_owned(), path.to_owned())), "{url}");
        }
        for url in [
            "",
            "/basket",
            "shop.example",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "https://",
        ] {
            assert!(of(url).unwrap_err().contains("must be a URL"), "{url}");
        }
        assert!(
            of(&"x".repeat(LONGEST_URL + 1))
                .unwrap_err()
                .contains("at most")
        );
        let long = of(&format!("https://shop.example/{}", "x".repeat(4000))).unwrap();
        assert_eq!(long.1.len(), LONGEST_PATH);
    }

    proptest! {
        #[test]
        fn no_query_is_ever_kept(path in "[a-z/]{0,20}", query in "[a-zA-Z0-9=&@.]{1,30}") {
            let (_, kept) = of(&format!("https://shop.example/{path}?{query}#{query}")).unwrap();
            prop_assert_eq!(kept, format!("/{path}"));
        }
    }
}
