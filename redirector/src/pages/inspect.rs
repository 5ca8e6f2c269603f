//! The `+` page: where a link leads, without going there.

use super::html::{Escaped, page};
use crate::answer::Page;

const TITLE: &str = "Where this link leads";

/// Says where `link`, a short URL, leads to. `elsewhere` says that some visitors are sent to
/// other places.
pub(crate) fn inspect(destination: &str, link: &str, elsewhere: bool) -> Page {
    let note = match elsewhere {
        true => {
            "<p>Some visitors are sent elsewhere: it may depend on place, device and time.</p>\n"
        }
        false => "",
    };
    let body = format!(
        "<h1>{TITLE}</h1>\n<p><code>{}</code></p>\n{note}{}",
        Escaped(destination),
        follow(link)
    );
    page(200, TITLE, "", &body)
}

/// Says that the link asks for a password, and nothing else of it.
pub(crate) fn inspect_locked(link: &str) -> Page {
    let body = format!(
        "<h1>{TITLE}</h1>\n<p>That is told to those who know its password.</p>\n{}",
        follow(link)
    );
    page(200, TITLE, "", &body)
}

/// To the link itself, not to its destination: whoever goes there has clicked.
fn follow(link: &str) -> String {
    let link = Escaped(link);
    format!("<p><a class=\"button\" rel=\"nofollow noreferrer\" href=\"{link}\">Follow it</a></p>")
}
