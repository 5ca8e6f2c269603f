//! What stands beside the links of a domain: documents that machines ask every site for, and for each
//! link its `+` page and its QR code. A link that has the very slug comes first.

use crate::answer::Page;
use crate::pages::{self, Qr};
use crate::request::Asked;
use crate::resolve::Place;
use crate::short::ShortUrls;

/// What may be asked of a link, other than to follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// `/{slug}+`: where it leads.
    Inspection,
    /// `/{slug}.qr`: a picture of its short URL.
    Qr,
}

/// The ending of each, of slugs and of paths.
const ENDINGS: [(&str, Beside); 2] = [("+", Beside::Inspection), (".qr", Beside::Qr)];

/// The document that is asked for, if one is.
pub(crate) fn document(asked: &Asked<'_>, place: &Place) -> Option<Page> {
    let document = pages::named(asked.path)?;
    document.of(place.site.as_deref())
}

/// Whether a link stands at the very slug, not above it.
pub(crate) fn is_exact(place: &Place) -> bool {
    place.target.is_some() && place.prefix.is_none()
}

/// What is asked of which link, where no link has the very slug.
pub(crate) fn named<'a>(asked: &'a Asked<'_>, place: &Place) -> Option<(Beside, &'a str)> {
    if place.site.is_none() || is_exact(place) {
        return None;
    }
    // By the path as it was sent too, so that the link's own can be told from it: `%2B` is no `+`.
    ENDINGS.iter().find_map(|(ending, kind)| {
        let slug = asked.slug.strip_suffix(ending)?;
        asked.path.ends_with(ending).then_some((*kind, slug))
    })
}

/// The QR code of a link's short URL.
pub(crate) async fn qr(asked: &Asked<'_>, place: &Place, short: &ShortUrls) -> Page {
    let Some(site) = &place.site else {
        return pages::not_found(None);
    };
    let path = asked.path.strip_suffix(".qr").unwrap_or(asked.path);
    let text = short.of(&site.domain.host, path);
    match Qr::read(asked.query, &site.domain.spec) {
        Ok(qr) => qr.draw(text).await,
        Err(page) => page,
    }
}
