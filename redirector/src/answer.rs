//! What a request is answered. How that looks on the wire is the fronts' business.

use std::borrow::Cow;

use bytes::Bytes;
use whence_core::id::{ClickId, VisitorId};
use whence_core::link::RedirectStatus;

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Sent on: what nearly every request is answered.
    Redirect(Redirect),
    /// Told something, in a text, page or picture of our own.
    Page(Page),
}

/// Sent on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Redirect {
    /// 301, 302, 307 or 308.
    pub(crate) status: RedirectStatus,
    /// Where to. Printable ASCII without spaces: it was checked when it was stored or escaped since.
    pub(crate) location: String,
    /// The ids for the visitor's cookies, where the visitor may be known.
    pub(crate) known: Option<Known>,
    /// Another cookie, whole: that its bearer has given the link's password.
    pub(crate) pass: Option<String>,
}

impl Redirect {
    /// The status code: 303 after the form of a password, whatever the link says, since 307 and 308
    /// would have the browser hand the password on to the destination.
    pub(crate) fn code(&self) -> u16 {
        match self.pass {
            Some(_) => 303,
            None => self.status.into(),
        }
    }
}

/// What the cookies of a visitor say who may be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// Who.
    pub(crate) visitor: VisitorId,
    /// The last click.
    pub(crate) click: ClickId,
}

/// Told something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// The status code.
    pub(crate) status: u16,
    /// `Content-Type`.
    pub(crate) content_type: &'static str,
    /// The content.
    pub(crate) body: Bytes,
    /// Whether caches may keep it, and for how long.
    pub(crate) cache: &'static str,
    /// Other headers, lower-case names.
    pub(crate) headers: Vec<(&'static str, Cow<'static, str>)>,
}

/// `Cache-Control` of what must be asked anew each time: a click that a cache answers is one not counted.
pub(crate) const NO_STORE: &str = "private, no-store";
/// `Referrer-Policy` of a redirect: the destination learns the site that the visitor came from, not the page.
pub(crate) const REFERRER_POLICY: &str = "strict-origin-when-cross-origin";

/// `X-Robots-Tag` of every answer: a short link is no page to be found.
pub(crate) const NO_INDEX: &str = "noindex";

/// The client asks too often.
pub(crate) fn too_many(seconds: u64) -> Answer {
    let mut page = plain(429, "Too many requests; try again later.\n");
    page.headers
        .push(("retry-after", seconds.to_string().into()));
    Answer::Page(page)
}

/// The link may exist, but that cannot be told now: never a 404.
pub(crate) fn unavailable() -> Answer {
    let mut page = plain(503, "This link cannot be served now; try again.\n");
    // As long as a store takes to fail over.
    page.headers.push(("retry-after", "5".into()));
    Answer::Page(page)
}

/// The method makes no click.
pub(crate) fn method_not_allowed() -> Answer {
    let mut page = plain(405, "Links answer GET, HEAD and POST.\n");
    page.headers.push(("allow", "GET, HEAD, POST".into()));
    Answer::Page(page)
}

/// The path and query are longer than any link's.
pub(crate) fn target_too_long() -> Answer {
    Answer::Page(plain(414, "This address is longer than any link.\n"))
}

/// The headers are more than is read.
pub(crate) fn head_too_long() -> Answer {
    Answer::Page(plain(431, "The request's headers are too large.\n"))
}

/// A form did not come in the time that it has.
pub(crate) fn too_slow() -> Answer {
    Answer::Page(plain(408, "The request did not come in time.\n"))
}

/// The request can be understood in more than one way, or in none.
pub(crate) fn malformed() -> Answer {
    Answer::Page(plain(400, "This is no request that can be answered.\n"))
}

/// A text of one line.
pub(crate) fn plain(status: u16, text: &'static str) -> Page {
    Page {
        status,
        content_type: "text/plain; charset=utf-8",
        body: Bytes::from_static(text.as_bytes()),
        cache: NO_STORE,
        headers: Vec::new(),
    }
}
