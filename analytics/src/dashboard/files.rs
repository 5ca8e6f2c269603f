//! The built files of the dashboard, as they lie in this program: sent compressed to who can decode that, once to who keeps them,
//! and under a policy that lets the page run and ask nothing but what comes from here.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use whence_core::problem::Problem;

/// A file, and how it is sent to browsers that can decode more.
struct File {
    /// Its path below `/dashboard/`.
    name: &'static str,
    plain: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/dashboard_files.rs"));

/// The page itself.
const PAGE: &str = "index.html";

/// What the page is where it was not built.
const UNBUILT: &str = include_str!("unbuilt.html");

/// Vite writes a hash of what is in them into the names of these: another text is another file.
const HASHED: &str = "assets/";
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// Kept, and asked for again each time: a new program has a new page.
const ASK_AGAIN: &str = "no-cache";

/// Scripts, styles and answers come from here and nowhere else, none stands in the page itself, nobody frames it, and no text
/// becomes markup.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

/// What is worked out once of each file: its tag.
static TAGS: LazyLock<HashMap<&'static str, String>> = LazyLock::new(|| {
    let tag = |file: &File| {
        let digest = Sha256::digest(file.plain);
        let digits = digest[..12].iter().map(|byte| format!("{byte:02x}"));
        (file.name, digits.collect())
    };
    FILES.iter().map(tag).collect()
});

/// Sends the page.
pub(super) async fn page(headers: HeaderMap) -> Response {
    match find(PAGE) {
        Some(file) => send(file, &headers),
        None => {
            let html = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (StatusCode::NOT_FOUND, guards(), html, UNBUILT).into_response()
        }
    }
}

/// Sends one of its files.
pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Response {
    match find(&name) {
        Some(file) => send(file, &headers),
        None => Problem::new(
            StatusCode::NOT_FOUND,
            "the dashboard has no such file; load the page again",
        )
        .into_response(),
    }
}

fn find(name: &str) -> Option<&'static File> {
    FILES.iter().find(|file| file.name == name)
}

fn send(file: &File, headers: &HeaderMap) -> Response {
    let (encoding, bytes) = encoded(file, headers);
    // Strong tags are of bytes as they are sent, so that each encoding has its own.
    let tag = format!("\"{}{encoding}\"", TAGS[file.name]);
    let cached = match file.name.starts_with(HASHED) {
        true => FOR_EVER,
        false => ASK_AGAIN,
    };
    let mut fixed = guards();
    let mut put = |name: HeaderName, value: &str| {
        let value = HeaderValue::try_from(value).expect("digits and letters are a header's value");
        fixed.insert(name, value);
    };
    put(header::CACHE_CONTROL, cached);
    put(header::VARY, "accept-encoding");
    put(header::ETAG, &tag);
    if is_known(headers, &tag) {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    put(header::CONTENT_TYPE, media_type(file.name));
    if !encoding.is_empty() {
        put(header::CONTENT_ENCODING, encoding);
    }
    (fixed, bytes).into_response()
}

/// The smallest form that the browser can decode, and its name; none where it is sent as it is.
fn encoded(file: &File, headers: &HeaderMap) -> (&'static str, &'static [u8]) {
    let accepts = |name: &str| {
        let values = headers.get_all(header::ACCEPT_ENCODING).iter();
        let mut codings = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        codings.any(|coding| {
            let (coding, quality) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = quality.trim().trim_start_matches("q=").parse() == Ok(0.0);
            coding.trim().eq_ignore_ascii_case(name) && !refused
        })
    };
    match (file.brotli, file.gzip) {
        (Some(bytes), _) if accepts("br") => ("br", bytes),
        (_, Some(bytes)) if accepts("gzip") => ("gzip", bytes),
        _ => ("", file.plain),
    }
}

/// Whether the browser has it: caches that compress in between make a strong tag a weak one.
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|tags| tags.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == "*" || known == tag)
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// What a browser must not do with what is sent from here.
pub(super) fn guards() -> HeaderMap {
    let fixed = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // What is filtered stands in the page's address.
        (header::REFERRER_POLICY, "no-referrer"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ];
    let each = fixed.map(|(name, value)| (name, HeaderValue::from_static(value)));
    each.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: File = File {
        name: "assets/a.js",
        plain: b"plain",
        brotli: Some(b"brotli"),
        gzip: Some(b"gzip"),
    };

    fn accepting(codings: &str) -> HeaderMap {
        let value = HeaderValue::try_from(codings).unwrap();
        [(header::ACCEPT_ENCODING, value)].into_iter().collect()
    }

    #[test]
    fn each_browser_gets_what_it_can_decode() {
        for (codings, expected) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip", "gzip"),
            ("br;q=0, GZIP;q=0.5", "gzip"),
            ("br;q=0.0, gzip; q=0", ""),
            ("identity", ""),
            ("", ""),
        ] {
            let (encoding, _) = encoded(&FILE, &accepting(codings));
            assert_eq!(encoding, expected, "{codings:?}");
        }
        assert_eq!(encoded(&FILE, &HeaderMap::new()), ("", &b"plain"[..]));
        let no_brotli = File {
            brotli: None,
            ..FILE
        };
        assert_eq!(encoded(&no_brotli, &accepting("br, gzip")).0, "gzip");
    }

    #[test]
    fn nothing_built_has_a_type_that_is_not_known() {
        for file in FILES {
            assert_ne!(
                media_type(file.name),
                "application/octet-stream",
                "{}",
                file.name
            );
        }
    }
}
