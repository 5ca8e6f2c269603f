//! Why a short URL leads nowhere.

use std::sync::LazyLock;

use whence_core::domain::DomainSpec;

use super::html::{Escaped, page};
use crate::answer::Page;

/// Written once: scanners ask for what is not there all day.
static NOT_FOUND: LazyLock<Page> = LazyLock::new(|| {
    said(
        404,
        "There is no link here.",
        "Perhaps the address was mistyped.",
    )
});

/// No link; in the domain's own words where it has some.
pub(crate) fn not_found(domain: Option<&DomainSpec>) -> Page {
    match domain.and_then(|domain| domain.not_found_text.as_ref()) {
        Some(text) => {
            let body = format!("<p>{}</p>", Escaped(text.as_str()));
            page(404, "Not found", "", &body)
        }
        None => NOT_FOUND.clone(),
    }
}

/// Not yet.
pub(crate) fn pending() -> Page {
    said(
        404,
        "This link does not lead anywhere yet.",
        "Please come back later.",
    )
}

/// No longer.
pub(crate) fn expired() -> Page {
    said(410, "This link has expired.", "It leads nowhere any more.")
}

/// Its clicks are used up.
pub(crate) fn used_up() -> Page {
    said(
        410,
        "This link has been used up.",
        "It was made for a limited number of visits.",
    )
}

fn said(status: u16, what: &str, more: &str) -> Page {
    page(status, what, "", &format!("<h1>{what}</h1>\n<p>{more}</p>"))
}
