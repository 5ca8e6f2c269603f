//! How an answer looks on the wire. What it says was decided before.

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY,
    RETRY_AFTER, SET_COOKIE,
};
use hyper::{Response, StatusCode};
use whence_core::config::Cookies;
use whence_core::id::ClickId;

use crate::decide::{Decision, Visitor};

/// An answer.
pub(crate) type Answer = Response<Full<Bytes>>;

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// The visitor's cookies, written once but for their values.
pub(crate) struct CookieLines {
    /// `name=` of the visitor's id.
    visitor: String,
    /// `name=` of the last click.
    last_click: String,
    /// What follows the value, from the first `;`.
    attributes: String,
}

impl CookieLines {
    /// As they are configured.
    pub(crate) fn new(cookies: &Cookies) -> Self {
        let seconds = u64::from(cookies.days) * 24 * 60 * 60;
        let secure = if cookies.secure { "; Secure" } else { "" };
        Self {
            visitor: format!("{}=", cookies.visitor),
            last_click: format!("{}=", cookies.last_click),
            attributes: format!("; Max-Age={seconds}; Path=/; HttpOnly; SameSite=Lax{secure}"),
        }
    }

    fn line(&self, name: &str, value: &str) -> HeaderValue {
        header([name, value, &self.attributes].concat())
    }
}

/// Writes down a decision.
pub(crate) fn decided(decision: Decision, click: ClickId, cookies: &CookieLines) -> Answer {
    let Some((status, location)) = decision.redirect else {
        return plain(StatusCode::NOT_FOUND, "There is no link here.\n");
    };
    let mut answer = Response::new(Full::default());
    *answer.status_mut() =
        StatusCode::from_u16(status.into()).expect("a redirect status is a status");
    let headers = answer.headers_mut();
    headers.insert(LOCATION, header(location));
    // Each click is asked anew, 301 and 308 included: one that a cache answers is one not counted.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    // The destination learns the site that the visitor came from, not the page.
    let policy = HeaderValue::from_static("strict-origin-when-cross-origin");
    headers.insert(REFERRER_POLICY, policy);
    headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
    if let Some(Visitor { id, .. }) = decision.visitor {
        let visitor = cookies.line(&cookies.visitor, &id.to_string());
        let mut buffer = [0; 22];
        let last_click = cookies.line(&cookies.last_click, click.write_to(&mut buffer));
        headers.append(SET_COOKIE, visitor);
        headers.append(SET_COOKIE, last_click);
    }
    answer
}

/// The client asks too often.
pub(crate) fn too_many(seconds: u64) -> Answer {
    let mut answer = plain(
        StatusCode::TOO_MANY_REQUESTS,
        "Too many requests; try again later.\n",
    );
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// The link may exist, but that cannot be told now: never a 404.
pub(crate) fn unavailable() -> Answer {
    let mut answer = plain(
        StatusCode::SERVICE_UNAVAILABLE,
        "This link cannot be served now; try again.\n",
    );
    // As long as a store takes to fail over.
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(5));
    answer
}

/// The method makes no click.
pub(crate) fn method_not_allowed() -> Answer {
    let mut answer = plain(
        StatusCode::METHOD_NOT_ALLOWED,
        "Links answer GET, HEAD and POST.\n",
    );
    answer
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
    answer
}

/// The path and query are longer than any link's.
pub(crate) fn target_too_long() -> Answer {
    plain(
        StatusCode::URI_TOO_LONG,
        "This address is longer than any link.\n",
    )
}

/// The headers are more than is read.
pub(crate) fn head_too_long() -> Answer {
    plain(
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        "The request's headers are too large.\n",
    )
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
    answer
}

fn header(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text))
        .expect("destinations, ids and cookie names are checked when they are read")
}
