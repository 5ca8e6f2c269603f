//! The frame of every page: its head, its looks, and the policy that lets it load nothing.

use std::fmt;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::answer::{NO_STORE, Page, REFERRER_POLICY};

/// How pages look: readable on a telephone, by day and by night.
const STYLE: &str = "\
:root{color-scheme:light dark;font:1.125rem/1.5 system-ui,sans-serif}\
body{margin:20vh auto 2rem;max-width:32rem;padding:0 1.25rem}\
h1{font-size:1.5rem;line-height:1.2}\
p{overflow-wrap:anywhere;white-space:pre-line}\
input,button,.button{font:inherit;padding:.5rem .75rem;border:1px solid;border-radius:.375rem;margin:.25rem 0}\
.button{display:inline-block;text-decoration:none;margin:0 .5rem .5rem 0}\
code{font-size:.9em}";

/// What a page without a script may do: nothing but look like itself. `form-action` is left out since
/// Chrome holds it against the redirect that answers the form.
static POLICY: LazyLock<String> = LazyLock::new(|| policy(""));

/// A text that is not ours, for any place in a page.
pub(super) struct Escaped<'t>(pub(super) &'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        while let Some(place) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..place])?;
            f.write_str(match rest.as_bytes()[place] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[place + 1..];
        }
        f.write_str(rest)
    }
}

/// The policy of pages, with a further directive.
pub(super) fn policy(more: &str) -> String {
    let style = hash(STYLE);
    format!(
        "default-src 'none'; style-src '{style}'; img-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'{more}"
    )
}

/// How a policy names a style or script that stands in the page.
pub(super) fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

/// A page. `head` and `body` are HTML; `title` is a text.
pub(super) fn page(status: u16, title: &str, head: &str, body: &str) -> Page {
    page_under(&POLICY, status, title, head, body)
}

/// A page under a policy of its own.
pub(super) fn page_under(
    policy: &'static str,
    status: u16,
    title: &str,
    head: &str,
    body: &str,
) -> Page {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{}</title>\n{head}<style>{STYLE}</style>\n{body}\n</html>\n",
        Escaped(title)
    );
    Page {
        status,
        content_type: "text/html; charset=utf-8",
        body: Bytes::from(html),
        cache: NO_STORE,
        headers: vec![
            ("content-security-policy", policy.into()),
            ("referrer-policy", REFERRER_POLICY.into()),
            ("x-content-type-options", "nosniff".into()),
        ],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_escaped_text_is_only_text(text in "[\\PC<>&\"']{0,40}") {
            let escaped = Escaped(&text).to_string();
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let back = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
                .replace("&#39;", "'").replace("&amp;", "&");
            prop_assert_eq!(back, text);
        }
    }

    #[test]
    fn a_page_names_the_hash_of_its_own_style() {
        let page = page(200, "a < b", "", "<h1>x</h1>");
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(html.contains("<title>a &lt; b</title>"));
        let style = html.split("<style>").nth(1).unwrap();
        let style = style.split("</style>").next().unwrap();
        let (_, policy) = &page.headers[0];
        assert!(policy.contains(&hash(style)), "{policy}");
        assert!(policy.starts_with("default-src 'none'"));
    }
}
