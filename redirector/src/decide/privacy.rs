//! What may be known of a visitor: which ids exist for this request.

use whence_core::id::VisitorId;
use whence_core::workspace::PrivacyMode;

use crate::request::Asked;
use crate::resolve::Place;

/// A visitor who may be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Visitor {
    /// Their id.
    pub(crate) id: VisitorId,
    /// Whether this answer makes it known to the browser for the first time.
    pub(crate) new: bool,
}

/// The workspace's mode, one step down for who asks not to be followed. Where nobody has claimed the host, nobody may
/// know more than that there was a click.
pub(crate) fn mode(place: &Place, asked: &Asked<'_>) -> PrivacyMode {
    let Some(site) = &place.site else {
        return PrivacyMode::CountOnly;
    };
    match asked.opted_out {
        true => site.workspace.privacy.lowered(),
        false => site.workspace.privacy,
    }
}

/// The visitor by cookie, or a new one; none where no cookie may be set.
pub(super) fn visitor(
    mode: PrivacyMode,
    asked: &Asked<'_>,
    stranger: impl FnOnce() -> VisitorId,
) -> Option<Visitor> {
    (mode == PrivacyMode::Full).then(|| match asked.visitor {
        Some(id) => Visitor { id, new: false },
        None => Visitor {
            id: stranger(),
            new: true,
        },
    })
}

/// Whether the destination may be given the click id.
pub(super) fn carries_click_id(mode: PrivacyMode) -> bool {
    match mode {
        PrivacyMode::Full | PrivacyMode::Cookieless => true,
        PrivacyMode::CountOnly => false,
    }
}
