//! The documents that machines ask every site for, by domain. None of them is a click.

use bytes::Bytes;

use crate::answer::{Page, plain};
use crate::resolve::Documents;

/// Our own icon: an arrow, 32 pixels wide.
const ICON: &[u8] = include_bytes!("icon.png");
/// Robots may read everything where the domain says nothing: a preview fetcher that is kept out shows
/// no preview, and links themselves say `noindex`.
const ROBOTS: &str = "User-agent: *\nDisallow:\n";
/// An hour: what is changed is seen the same day, and nobody asks for each page.
const CACHE: &str = "public, max-age=3600";

/// A document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Document {
    /// `/robots.txt`.
    Robots,
    /// `/favicon.ico`.
    Icon,
    /// `/.well-known/security.txt`.
    Security,
    /// `apple-app-site-association`, in its place.
    AppleApps,
    /// The same where Apple looked first, once; a link may stand there too.
    AppleAppsOfOld,
    /// `/.well-known/assetlinks.json`.
    AndroidApps,
}

/// The document at a path.
pub(crate) fn named(path: &str) -> Option<Document> {
    Some(match path {
        "/robots.txt" => Document::Robots,
        "/favicon.ico" => Document::Icon,
        "/.well-known/security.txt" => Document::Security,
        "/.well-known/apple-app-site-association" => Document::AppleApps,
        "/apple-app-site-association" => Document::AppleAppsOfOld,
        "/.well-known/assetlinks.json" => Document::AndroidApps,
        _ => return None,
    })
}

impl Document {
    /// The document of a host, none where nobody has claimed it. None where it has none and a link may stand
    /// there.
    pub(crate) fn of(self, documents: Option<&Documents>) -> Option<Page> {
        let json = |body: &Option<Bytes>| Some(kept("application/json", body.clone()?));
        let text = |body: Bytes| kept("text/plain; charset=utf-8", body);
        let found = documents.and_then(|shown| match self {
            Self::Robots => {
                let own = shown.robots.clone();
                Some(text(own.unwrap_or(Bytes::from_static(ROBOTS.as_bytes()))))
            }
            Self::Icon => {
                let own = shown.logo.clone();
                Some(kept("image/png", own.unwrap_or(Bytes::from_static(ICON))))
            }
            Self::Security => shown.security.clone().map(text),
            Self::AppleApps | Self::AppleAppsOfOld => json(&shown.apple_apps),
            Self::AndroidApps => json(&shown.android_apps),
        });
        found.or_else(|| (self != Self::AppleAppsOfOld).then(missing))
    }
}

fn kept(content_type: &'static str, body: Bytes) -> Page {
    Page {
        status: 200,
        content_type,
        body,
        cache: CACHE,
        headers: vec![("x-content-type-options", "nosniff".into())],
    }
}

fn missing() -> Page {
    plain(404, "There is no such document here.\n")
}
