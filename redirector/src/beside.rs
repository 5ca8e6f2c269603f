//! What stands beside the links of a domain: documents that machines ask every site for, and for each
//! link its `+` page and its QR code. A link that has the very slug comes first.

use whence_core::click::Method;
use whence_core::domain::{INSPECTION_ENDING, QR_ENDING};

use crate::answer::Page;
use crate::pages::Qr;
use crate::request::Asked;
use crate::resolve::{Documents, Place, Site};
use crate::short::ShortUrls;
use crate::target::Target;

/// What may be asked of a link, other than to follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beside {
    /// `/{slug}+`: where it leads.
    Inspection,
    /// `/{slug}.qr`: a picture of its short URL.
    Qr,
}

/// The ending of each, of slugs and of paths.
const ENDINGS: [(&str, Beside); 2] = [
    (INSPECTION_ENDING, Beside::Inspection),
    (QR_ENDING, Beside::Qr),
];

/// Whether a link stands at the very slug, not above it.
fn is_exact(place: &Place) -> bool {
    place.target.is_some() && place.prefix.is_none()
}

/// Whether something may be asked of the link at the very slug. Of one that is switched off nothing may, not
/// even whether it is there.
pub(crate) fn may_be_asked(place: &Place) -> bool {
    let rich = place.target.as_ref().and_then(Target::rich);
    is_exact(place) && !rich.is_some_and(|rich| rich.spec.disabled)
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

/// The QR code of the short URL of a link on this site.
pub(crate) async fn qr(
    asked: &Asked<'_>,
    site: &Site,
    documents: Documents,
    short: &ShortUrls,
) -> Page {
    let path = asked.path.strip_suffix(QR_ENDING).unwrap_or(asked.path);
    match Qr::read(asked.query, documents.logo) {
        Ok(qr) if asked.method == Method::Head => qr.head(),
        Ok(qr) => qr.draw(short.of(&site.domain.host, path)).await,
        Err(page) => page,
    }
}
