//! What a request asks for and says of itself, read once and borrowed from then on.
//!
//! Nothing here decides: a strange request is read as far as it goes.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use hyper::header::{self, AsHeaderName, HeaderMap, HeaderName};
use hyper::http::request::Parts;
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use whence_core::click::{Method, bounded, bounds};
use whence_core::config::Cookies;
use whence_core::id::VisitorId;

// Names that are made once: a name given as text is parsed at every look-up.
static DNT: HeaderName = header::DNT;
static SEC_GPC: HeaderName = HeaderName::from_static("sec-gpc");
static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static PURPOSES: [HeaderName; 3] = [
    HeaderName::from_static("sec-purpose"),
    HeaderName::from_static("purpose"),
    HeaderName::from_static("x-moz"),
];

/// One request to a short link.
#[derive(Debug)]
pub(crate) struct Asked<'r> {
    /// `GET`, `HEAD` or `POST`.
    pub(crate) method: Method,
    /// Lower case, without port; empty where the request names none.
    pub(crate) host: Cow<'r, str>,
    /// The path without its first `/`, percent-decoded.
    pub(crate) slug: Cow<'r, str>,
    /// The query without `?`.
    pub(crate) query: &'r str,
    /// The client, behind proxies that are believed.
    pub(crate) client: IpAddr,
    /// The visitor's cookie.
    pub(crate) visitor: Option<VisitorId>,
    /// Whether the client asks not to be followed (`Sec-GPC: 1` or `DNT: 1`).
    pub(crate) opted_out: bool,
    /// Everything else it said.
    pub(crate) headers: &'r HeaderMap,
}

impl<'r> Asked<'r> {
    /// Reads a request; `None` where its method makes no click.
    pub(crate) fn read(
        request: &'r Parts,
        peer: IpAddr,
        proxies: &[IpNet],
        cookies: &Cookies,
    ) -> Option<Self> {
        let method = match request.method {
            hyper::Method::GET => Method::Get,
            hyper::Method::HEAD => Method::Head,
            hyper::Method::POST => Method::Post,
            _ => return None,
        };
        let headers = &request.headers;
        Some(Self {
            method,
            host: host(request),
            slug: slug(request.uri.path()),
            query: request.uri.query().unwrap_or_default(),
            client: client(headers, peer, proxies),
            visitor: cookie(headers, &cookies.visitor).and_then(|value| value.parse().ok()),
            opted_out: says_one(headers, &SEC_GPC) || says_one(headers, &DNT),
            headers,
        })
    }

    /// A header's text, cut to `limit` bytes.
    pub(crate) fn header(&self, name: impl AsHeaderName, limit: usize) -> Cow<'r, str> {
        self.headers
            .get(name)
            .map_or(Cow::Borrowed(""), |value| bounded(value.as_bytes(), limit))
    }

    /// `Sec-Purpose`, `Purpose` and `X-Moz`, joined: hardly any request has one, none has two.
    pub(crate) fn purpose(&self) -> Cow<'r, str> {
        let mut all = Cow::Borrowed("");
        for name in &PURPOSES {
            let said = self.header(name, bounds::PURPOSE);
            if all.is_empty() {
                all = said;
            } else if !said.is_empty() {
                all = bounded(format!("{all}, {said}").as_bytes(), bounds::PURPOSE)
                    .into_owned()
                    .into();
            }
        }
        all
    }
}

fn host(request: &Parts) -> Cow<'_, str> {
    let named = request
        .headers
        .get(header::HOST)
        .map(|value| value.as_bytes());
    // HTTP/2 and requests to a proxy name the host in the URI; it wins, as RFC 9112 says.
    let named = request
        .uri
        .authority()
        .map(|authority| authority.as_str().as_bytes())
        .or(named);
    let text = bounded(named.unwrap_or_default(), bounds::HOST + ":65535".len());
    let mut text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(without_port(text)),
        Cow::Owned(text) => Cow::Owned(without_port(&text).to_owned()),
    };
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        text = text.to_ascii_lowercase().into();
    }
    text
}

fn without_port(authority: &str) -> &str {
    let name = match authority.rfind(':') {
        // The colons of an IPv6 address stand in brackets.
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    };
    name.strip_suffix('.').unwrap_or(name)
}

/// A path that is no text once decoded keeps its percent signs: no link has it, and the orphan that is
/// recorded shows what was asked.
fn slug(path: &str) -> Cow<'_, str> {
    let path = path.strip_prefix('/').unwrap_or(path);
    match percent_decode_str(path).decode_utf8() {
        Ok(decoded) if !decoded.chars().any(char::is_control) => decoded,
        _ => Cow::Borrowed(path),
    }
}

/// Walks `X-Forwarded-For` from the nearest hop on for as long as the hops are believed.
fn client(headers: &HeaderMap, peer: IpAddr, proxies: &[IpNet]) -> IpAddr {
    let trusted = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
    let mut client = peer.to_canonical();
    if proxies.is_empty() || !trusted(&client) {
        return client;
    }
    let lines = headers.get_all(&X_FORWARDED_FOR);
    let hops = lines
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    for hop in hops.collect::<Vec<_>>().into_iter().rev() {
        let Ok(address) = hop.trim().parse::<IpAddr>() else {
            break;
        };
        client = address.to_canonical();
        if !trusted(&client) {
            break;
        }
    }
    client
}

/// The value of a cookie, from however many `Cookie` headers.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim_start().split_once('='))
        .find_map(|(found, value)| (found == name).then_some(value))
}

fn says_one(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers
        .get(name)
        .is_some_and(|value| value.as_bytes() == b"1")
}

/// What stands for one client where clients are told apart: an IPv4 address, or an IPv6 /64, since a
/// household has a whole one.
pub(crate) fn client_prefix(client: IpAddr) -> IpAddr {
    match client {
        IpAddr::V4(_) => client,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use proptest::prelude::*;

    use super::*;

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn read(parts: &Parts, proxies: &[IpNet]) -> (String, String, IpAddr) {
        let peer = "10.0.0.9".parse().unwrap();
        let asked = Asked::read(parts, peer, proxies, &Cookies::default()).unwrap();
        (
            asked.host.into_owned(),
            asked.slug.into_owned(),
            asked.client,
        )
    }

    #[test]
    fn hosts_lose_case_port_and_final_dot() {
        for (given, kept) in [
            ("Go.Example.com:8080", "go.example.com"),
            ("go.example.com.", "go.example.com"),
            ("[::1]:8080", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(read(&parts("/x", &[("host", given)]), &[]).0, kept);
        }
        assert_eq!(
            read(&parts("http://a.example/x", &[("host", "b.example")]), &[]).0,
            "a.example"
        );
    }

    #[test]
    fn slugs_are_decoded_where_they_are_text() {
        for (path, slug) in [
            ("/", ""),
            ("/summer", "summer"),
            ("/Baked%20Spaghetti.doc", "Baked Spaghetti.doc"),
            ("/Gr%C3%BC%C3%9Fe", "Grüße"),
            ("//favicon.ico", "/favicon.ico"),
            ("/%ff", "%ff"),
            ("/a%0d%0ab", "a%0d%0ab"),
            ("/a%2fb?c=d", "a/b"),
        ] {
            assert_eq!(read(&parts(path, &[]), &[]).1, slug);
        }
    }

    #[test]
    fn forwarded_addresses_count_only_from_believed_peers() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let forwarded = [("x-forwarded-for", "6.6.6.6, 203.0.113.7, 10.0.0.1")];
        let client = |proxies: &[IpNet]| read(&parts("/x", &forwarded), proxies).2.to_string();
        assert_eq!(client(&[]), "10.0.0.9");
        // 6.6.6.6 is what the client itself claimed.
        assert_eq!(client(&proxies), "203.0.113.7");
        let garbage = parts("/x", &[("x-forwarded-for", "203.0.113.7, nonsense")]);
        assert_eq!(read(&garbage, &proxies).2.to_string(), "10.0.0.9");
    }

    #[test]
    fn cookies_are_found_among_others() {
        let visitor = VisitorId(7).to_string();
        for line in [
            format!("whv={visitor}"),
            format!("a=b; whv={visitor}; c=d"),
            format!("xwhv=1;whv={visitor}"),
        ] {
            let parts = parts("/x", &[("cookie", &line)]);
            let peer = "10.0.0.9".parse().unwrap();
            let asked = Asked::read(&parts, peer, &[], &Cookies::default()).unwrap();
            assert_eq!(asked.visitor, Some(VisitorId(7)), "{line}");
        }
    }

    #[test]
    fn prefixes() {
        let prefix = |text: &str| client_prefix(text.parse().unwrap()).to_string();
        assert_eq!(prefix("192.0.2.7"), "192.0.2.7");
        assert_eq!(prefix("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
    }

    proptest! {
        #[test]
        fn no_header_can_break_the_reading(host in "[ -~]{0,30}", cookie in "[ -~]{0,40}", forwarded in "[ -~]{0,40}") {
            let parts = parts("/x", &[("host", &host), ("cookie", &cookie), ("x-forwarded-for", &forwarded)]);
            read(&parts, &["10.0.0.0/8".parse().unwrap()]);
        }
    }
}
