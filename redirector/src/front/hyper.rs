//! Requests and answers as hyper has them.

use std::net::IpAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, REFERRER_POLICY, SET_COOKIE,
};
use hyper::{Request, Response, StatusCode};
use whence_core::click::Method;

use super::CookieLines;
use crate::answer::{self, Answer, Known, Page, Redirect};
use crate::request::Reading;
use crate::way::Way;

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// Reads a request, has it answered, and writes the answer down.
pub(crate) async fn serve(
    way: &Way,
    request: Request<Incoming>,
    peer: IpAddr,
) -> Response<Full<Bytes>> {
    let (request, _body) = request.into_parts();
    let config = &way.shared.config;
    let method = match request.method {
        hyper::Method::GET => Method::Get,
        hyper::Method::HEAD => Method::Head,
        hyper::Method::POST => Method::Post,
        _ => {
            way.counters.malformed.inc();
            return write(answer::method_not_allowed(), &way.shared.cookies);
        }
    };
    let head = request
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len());
    if head.sum::<usize>() > config.max_head_bytes {
        way.counters.malformed.inc();
        return write(answer::head_too_long(), &way.shared.cookies);
    }
    let mut reading = Reading::new(peer, &config.trusted_proxies, &config.cookies);
    for (name, value) in &request.headers {
        reading.header(name.as_str().as_bytes(), value.as_bytes());
    }
    let uri = &request.uri;
    let authority = uri.authority().map(hyper::http::uri::Authority::as_str);
    let asked = reading.finish(
        method,
        uri.path(),
        uri.query().unwrap_or_default(),
        authority,
    );
    write(way.answer(&asked).await, &way.shared.cookies)
}

fn write(answer: Answer, cookies: &CookieLines) -> Response<Full<Bytes>> {
    match answer {
        Answer::Redirect(redirect) => write_redirect(redirect, cookies),
        Answer::Page(page) => write_page(page),
    }
}

fn write_redirect(redirect: Redirect, cookies: &CookieLines) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() =
        StatusCode::from_u16(redirect.status.into()).expect("a redirect status is a status");
    let headers = response.headers_mut();
    headers.insert(LOCATION, value(redirect.location));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(answer::NO_STORE));
    headers.insert(
        REFERRER_POLICY,
        HeaderValue::from_static(answer::REFERRER_POLICY),
    );
    headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
    if let Some(Known { visitor, click }) = redirect.known {
        let line = |name: &str, id: String| value([name, &id, &cookies.attributes].concat());
        headers.append(SET_COOKIE, line(&cookies.visitor, visitor.to_string()));
        headers.append(SET_COOKIE, line(&cookies.last_click, click.to_string()));
    }
    if let Some(pass) = redirect.pass {
        headers.append(SET_COOKIE, value(pass));
    }
    response
}

fn write_page(page: Page) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(page.body));
    *response.status_mut() = StatusCode::from_u16(page.status).expect("a status of our own");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(page.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(page.cache));
    headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
    for (name, text) in page.headers {
        headers.append(HeaderName::from_static(name), value(text.into_owned()));
    }
    response
}

fn value(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text))
        .expect("destinations, ids and cookie names are checked when they are read")
}
