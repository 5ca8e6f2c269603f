//! Whether a link leads anywhere now, and what is answered where it does not.

use jiff::Timestamp;
use whence_core::click::Outcome;
use whence_core::link::{Destination, LinkSpec, RedirectStatus};

use super::facts::Room;
use crate::answer::{Answer, Redirect};
use crate::pages;
use crate::request::Asked;
use crate::resolve::Site;

/// Why a link leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closed {
    /// Switched off.
    Disabled,
    /// Not yet.
    Pending,
    /// No longer.
    Expired,
    /// Its clicks are used up.
    UsedUp,
}

/// Whether the link is closed at `now`. The first moment of a span is in it, the last is not.
pub(super) fn closed(spec: &LinkSpec, now: Timestamp, room: Room) -> Option<Closed> {
    if spec.disabled {
        Some(Closed::Disabled)
    } else if spec.starts_at.is_some_and(|start| now < start) {
        Some(Closed::Pending)
    } else if spec.expires_at.is_some_and(|end| now >= end) {
        Some(Closed::Expired)
    } else if spec.max_clicks.is_some() && room == Room::UsedUp {
        Some(Closed::UsedUp)
    } else {
        None
    }
}

impl Closed {
    /// What is recorded.
    pub(super) fn outcome(self) -> Outcome {
        match self {
            Self::Disabled => Outcome::Disabled,
            Self::Pending => Outcome::Pending,
            Self::Expired => Outcome::Expired,
            Self::UsedUp => Outcome::UsedUp,
        }
    }

    /// What is answered: where the owner sends such visitors, or a page that says why.
    pub(super) fn answer(self, spec: &LinkSpec, asked: &Asked<'_>, site: &Site) -> Answer {
        let instead = match self {
            Self::Disabled => None,
            Self::Pending => spec.pending_url.as_ref(),
            Self::Expired | Self::UsedUp => spec.expired_url.as_ref(),
        };
        instead.map_or_else(|| self.page(asked, site), elsewhere)
    }

    /// The page that says why; of a link that is switched off nothing is said.
    pub(super) fn page(self, asked: &Asked<'_>, site: &Site) -> Answer {
        Answer::Page(match self {
            Self::Disabled => return no_link(asked, site),
            Self::Pending => pages::pending(),
            Self::Expired => pages::expired(),
            Self::UsedUp => pages::used_up(),
        })
    }
}

/// What is answered where no link is.
pub(super) fn no_link(asked: &Asked<'_>, site: &Site) -> Answer {
    let spec = &site.domain.spec;
    let root = spec.root_url.as_ref().filter(|_| asked.slug.is_empty());
    match root.or(spec.not_found_url.as_ref()) {
        Some(url) => elsewhere(url),
        None => Answer::Page(pages::not_found(Some(spec))),
    }
}

/// Sent where the owner wants visitors whom no link has taken. Always 302: what is so today may lead
/// somewhere tomorrow. Nothing is added to the URL, and no visitor is known by it.
fn elsewhere(url: &Destination) -> Answer {
    Answer::Redirect(Redirect {
        status: RedirectStatus::Found,
        location: url.as_str().to_owned(),
        known: None,
        pass: None,
    })
}
