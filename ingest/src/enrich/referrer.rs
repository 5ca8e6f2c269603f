//! The host that a visitor came from.

use whence_core::click::bounds;

/// The host of a `Referer`: what stands between `://` and the next `/`, `?` or `#`, without user name
/// and port, in small letters; empty where there is none.
///
/// The exact host is kept, `www.` too: which hosts are one site is the table of sources' business. Apps
/// that send `android-app://com.example` have their name there.
pub(super) fn host(referrer: &str) -> String {
    let Some((scheme, rest)) = referrer.split_once("://") else {
        return String::new();
    };
    let is_scheme = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    if scheme.is_empty() || !scheme.bytes().all(is_scheme) {
        return String::new();
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let named = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    let host = match named.rsplit_once(':') {
        // The colons of a bare IPv6 address stand inside brackets; after them only a port can follow.
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => named,
    };
    if host.len() > bounds::HOST {
        return String::new();
    }
    host.to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts() {
        for (referrer, expected) in [
            ("", ""),
            ("-", ""),
            ("about:blank", ""),
            (
                "http://www.semicomplete.com/projects/xdotool/",
                "www.semicomplete.com",
            ),
            ("https://WWW.Google.COM", "www.google.com"),
            ("https://example.com:8443/a", "example.com"),
            ("https://example.com?x=http://other.example/", "example.com"),
            ("https://example.com#x", "example.com"),
            ("https://user:word@example.com/", "example.com"),
            ("https://[2001:db8::1]:80/", "[2001:db8::1]"),
            ("https://[2001:db8::1]/", "[2001:db8::1]"),
            (
                "android-app://com.google.android.gm/",
                "com.google.android.gm",
            ),
            ("/relative?u=http://x/", ""),
            ("://x/", ""),
            ("http://", ""),
        ] {
            assert_eq!(host(referrer), expected, "{referrer:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in ".{0,60}") {
            prop_assert!(!host(&text).contains(['/', '?', '#']));
        }
    }
}
