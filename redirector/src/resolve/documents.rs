//! What a domain shows beside its links: documents and its logo, each as the bytes that are sent.
//!
//! They outweigh a domain a hundred times and are asked for by machines, so they are remembered by themselves:
//! however many there are, no link has to wait for the store because of them. Each is held once, and every
//! answer shares it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use whence_core::domain::DomainSpec;
use whence_core::link::Prose;

use crate::cache::Weight;

/// The documents of a domain, as far as it has its own. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Documents {
    /// `/robots.txt`.
    pub(crate) robots: Option<Bytes>,
    /// `/.well-known/security.txt`.
    pub(crate) security: Option<Bytes>,
    /// `apple-app-site-association`.
    pub(crate) apple_apps: Option<Bytes>,
    /// `/.well-known/assetlinks.json`.
    pub(crate) android_apps: Option<Bytes>,
    /// A PNG: the icon, and the middle of QR codes.
    pub(crate) logo: Option<Bytes>,
}

impl Documents {
    /// Those of a domain.
    pub(super) fn of(spec: &DomainSpec) -> Self {
        let text = |text: &Option<Prose>| Some(Bytes::from(text.as_ref()?.as_str().to_owned()));
        let json = |json: &Option<serde_json::Value>| Some(json.as_ref()?.to_string().into());
        let logo = spec.logo.as_ref();
        Self {
            robots: text(&spec.robots_txt),
            security: text(&spec.security_txt),
            apple_apps: json(&spec.apple_app_site_association),
            android_apps: json(&spec.asset_links),
            // It was checked when it was stored.
            logo: logo.and_then(|logo| Some(STANDARD.decode(logo).ok()?.into())),
        }
    }
}

impl Weight for Documents {
    fn bytes(&self) -> usize {
        let Self {
            robots,
            security,
            apple_apps,
            android_apps,
            logo,
        } = self;
        let all = [robots, security, apple_apps, android_apps, logo];
        all.into_iter().flatten().map(Bytes::len).sum()
    }
}
