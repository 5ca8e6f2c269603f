//! Which hosts and URLs are in their final form already, told without the work of parsing them.
//!
//! What the store holds was parsed when it was written, and a cache reads a million of them at its
//! start. These say yes only where the parser would give the text back unchanged; for the rest, and
//! for every error, the parser is asked.

use crate::click::bounds;

/// Whether this is a host name as the parser would write it. No is no verdict.
pub(super) fn is_canonical_host(host: &str) -> bool {
    let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    let mut last = "";
    let are_plain = host.split('.').all(|label| {
        last = label;
        // International names have rules of their own.
        !label.is_empty() && !label.starts_with("xn--") && label.bytes().all(is_plain)
    });
    // A last label that begins with a digit may be the end of an address.
    are_plain && host.len() <= bounds::HOST && last.starts_with(|c: char| c.is_ascii_lowercase())
}

/// Whether this is an http or https URL as the parser would write it: without a port, a user or
/// anything that it would resolve or encode. No is no verdict.
pub(super) fn is_canonical_url(url: &str) -> bool {
    let Some(rest) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
    else {
        return false;
    };
    let Some(path_at) = rest.find('/') else {
        return false;
    };
    let (host, rest) = rest.split_at(path_at);
    let query_at = rest.find(['?', '#']).unwrap_or(rest.len());
    let (path, query) = rest.split_at(query_at);
    is_canonical_host(host)
        // The parser resolves parts such as `.`, also where they are encoded.
        && !path.contains("/.")
        && !path.contains("%2")
        && path.bytes().all(is_plain)
        && query.bytes().all(|byte| is_plain(byte) || byte == b'?')
}

/// Bytes that no part of a URL has encoded, and that end none.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~!$&()*+,;=:@%".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use url::Url;

    use super::*;

    /// Texts made of what hosts and URLs are made of, so that many of them are nearly canonical.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => "[a-z0-9]{1,6}",
            2 => prop::sample::select(vec![
                ".", "..", "/", "//", "/./", "/../", "-", "_", "%2e", "%2E", "%20", "%", "?", "#", "&", "=", "'",
                "\"", ":", ":80", ":443", ":8080", "@", "\\", "^", "|", "`", "{", "}", "<", "~", "xn--", "xn--bcher-kva",
                "A", "é", "0x1f", "127", "*", "+", " ", "\t", "[", "]", ";", "$", "!", "(", ","
            ]).prop_map(str::to_owned),
        ];
        prop::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn a_canonical_host_is_what_the_parser_gives(text in pieces()) {
            if is_canonical_host(&text) {
                prop_assert_eq!(url::Host::parse(&text), Ok(url::Host::Domain(text.clone())));
            }
        }

        #[test]
        fn a_canonical_url_is_what_the_parser_gives(scheme in "https?://", host in pieces(), rest in pieces()) {
            for text in [format!("{scheme}{host}/{rest}"), format!("{scheme}shop.example/{rest}")] {
                if is_canonical_url(&text) {
                    let parsed = Url::parse(&text).unwrap();
                    prop_assert_eq!(parsed.as_str(), &text);
                    prop_assert!(parsed.username().is_empty() && parsed.password().is_none());
                }
            }
        }
    }

    #[test]
    fn the_usual_ones_are_canonical() {
        for host in [
            "go.example.com",
            "a-b.example",
            "localhost",
            "1.2.3.example",
        ] {
            assert!(is_canonical_host(host), "{host}");
        }
        for host in [
            "",
            ".",
            "a.",
            "a..b",
            "Go.example",
            "127.0.0.1",
            "1.2.3.0x4",
            "xn--a.example",
            "[::1]",
        ] {
            assert!(!is_canonical_host(host), "{host}");
        }
        for url in [
            "https://shop.example/",
            "http://shop.example/a/b.html?x=1&y=a+b%20c&u=https://a.example/?q",
        ] {
            assert!(is_canonical_url(url), "{url}");
        }
        for url in [
            "https://shop.example",
            "https://shop.example:443/",
            "https://u@shop.example/",
            "https://shop.example/a/../b",
        ] {
            assert!(!is_canonical_url(url), "{url}");
        }
    }
}
