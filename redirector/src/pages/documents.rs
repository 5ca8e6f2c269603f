//! The documents that machines ask every site for, by domain. None of them is a click.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::answer::{Page, plain};
use crate::resolve::Site;

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
    /// The document of a host. None where it has none and a link may stand there.
    pub(crate) fn of(self, site: Option<&Site>) -> Option<Page> {
        let Some(site) = site else {
            return (self != Self::AppleAppsOfOld).then(missing);
        };
        let spec = &site.domain.spec;
        let json = |document: &Option<serde_json::Value>| {
            let document = document.as_ref()?;
            Some(kept("application/json", document.to_string().into()))
        };
        let text = |text: Option<&str>| {
            let text = text.map(|text| Bytes::from(text.to_owned()))?;
            Some(kept("text/plain; charset=utf-8", text))
        };
        let found = match self {
            Self::Robots => {
                let own = spec.robots_txt.as_ref();
                text(Some(own.map_or(ROBOTS, |own| own.as_str())))
            }
            Self::Icon => {
                let logo = spec
                    .logo
                    .as_ref()
                    .and_then(|logo| STANDARD.decode(logo).ok());
                let icon = logo.map_or(Bytes::from_static(ICON), Bytes::from);
                Some(kept("image/png", icon))
            }
            Self::Security => text(spec.security_txt.as_ref().map(|text| text.as_str())),
            Self::AppleApps => json(&spec.apple_app_site_association),
            Self::AppleAppsOfOld => return json(&spec.apple_app_site_association),
            Self::AndroidApps => json(&spec.asset_links),
        };
        found.or_else(|| Some(missing()))
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
