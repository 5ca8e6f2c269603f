//! `GET /w.js`: the script that merchants put on their pages. What it does stands in `ingest/script/w.js`.
//!
//! The same for every workspace, so that browsers and caches in between keep one; what it needs to know stands in its tag.

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

const SOURCE: &str = include_str!("../../script/w.js");

/// An hour, and a day behind it while it is asked for again: a page does not wait for it, and a mended one is everywhere soon.
const CACHED: &str = "public, max-age=3600, stale-while-revalidate=86400";

/// The script as it is sent, without what only its readers need.
static SCRIPT: LazyLock<String> = LazyLock::new(|| sent(SOURCE));

/// Names this very script.
static ETAG: LazyLock<HeaderValue> = LazyLock::new(|| {
    let digest = Sha256::digest(SCRIPT.as_bytes());
    let digits: String = digest[..12]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    HeaderValue::try_from(format!("\"{digits}\"")).expect("digits are a header's value")
});

/// Sends the script, or says that the browser has it.
pub(super) async fn get(headers: HeaderMap) -> Response {
    let fixed = [
        (header::CACHE_CONTROL, CACHED),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Pages that isolate themselves may run it, and those that pin its hash may read it.
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    ];
    let tag = [(header::ETAG, ETAG.clone())];
    if is_known(&headers) {
        return (StatusCode::NOT_MODIFIED, fixed, tag).into_response();
    }
    let media_type = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (fixed, tag, media_type, SCRIPT.as_str()).into_response()
}

/// Whether the browser has it: caches that compress in between make a strong tag a weak one.
fn is_known(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == "*" || *ETAG == *tag)
}

/// Without lines of comment and the space before each line; no text in the script goes over several lines.
fn sent(source: &str) -> String {
    let lines = source.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !line.starts_with("//"));
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + "\n" + line) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a page pays for it.
    const LONGEST: usize = 4 << 10;

    #[test]
    fn it_is_small_and_has_no_text_over_several_lines() {
        assert!(SCRIPT.len() < LONGEST, "{} bytes", SCRIPT.len());
        assert!(
            !SCRIPT.contains("//") && !SCRIPT.contains("/*"),
            "a comment is left"
        );
        for line in SOURCE.lines() {
            assert!(line.matches('`').count() % 2 == 0, "{line}");
        }
    }

    #[tokio::test]
    async fn whoever_has_it_is_not_sent_it_again() {
        let tag = ETAG.to_str().unwrap();
        let table = [
            (tag.to_owned(), 304),
            (format!("W/{tag}"), 304),
            (format!("\"other\", {tag}"), 304),
            ("*".to_owned(), 304),
            ("\"other\"".to_owned(), 200),
            (tag.trim_matches('"').to_owned(), 200),
            (String::new(), 200),
        ];
        for (sent, status) in table {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, sent.parse().unwrap());
            let response = get(headers).await;
            assert_eq!(response.status(), status, "{sent}");
            assert_eq!(response.headers()[header::ETAG], *ETAG);
        }
    }
}
