//! What a request asks for and says of itself, read once and borrowed from then on.
//!
//! A front reads the bytes and hands over header by header, so that this is the same whichever way a
//! request came. Nothing here decides: a strange request is read as far as it goes.

mod evidence;
mod forwarding;
mod headers;
mod names;
mod said;

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use bytes::Bytes;
use ipnet::IpNet;
use memchr::{memchr, memrchr};
use percent_encoding::percent_decode_str;
use whence_core::click::{Method, Signs, bounded, bounds};
use whence_core::config::{Cookies, ForwardingHeader};
use whence_core::id::VisitorId;

use evidence::Evidence;
use forwarding::Forwarding;
pub use headers::Headers;
pub(crate) use names::is;
pub(crate) use said::Said;

/// The cookie that proves that its bearer knows the password of a link.
pub(crate) const PASS_COOKIE: &str = Cookies::PASSWORD;

/// One request to a short link.
#[derive(Debug)]
pub(crate) struct Asked<'r> {
    /// `GET`, `HEAD` or `POST`.
    pub(crate) method: Method,
    /// Lower case, without port; empty where the request names none.
    pub(crate) host: Cow<'r, str>,
    /// The path as it was sent, with its first `/`.
    pub(crate) path: &'r str,
    /// The path without its first `/`, percent-decoded.
    pub(crate) slug: Cow<'r, str>,
    /// The query without `?`.
    pub(crate) query: &'r str,
    /// The client, behind proxies that are believed.
    pub(crate) client: IpAddr,
    /// Whether the client came over HTTPS, be it to a proxy that is believed.
    pub(crate) secure: bool,
    /// The content of a POST of `application/x-www-form-urlencoded`, as it was sent: what is longer than 4 KiB
    /// gives no password.
    pub(crate) form: Option<Bytes>,
    /// The visitor's cookie.
    pub(crate) visitor: Option<VisitorId>,
    /// The cookie that proves the knowledge of a password.
    pub(crate) pass: Option<&'r str>,
    /// Whether the client asks not to be followed (`Sec-GPC: 1` or `DNT: 1`).
    pub(crate) opted_out: bool,
    /// `User-Agent`.
    pub(crate) user_agent: Said<'r>,
    /// `Referer`.
    pub(crate) referrer: Said<'r>,
    /// `Accept-Language`.
    pub(crate) language: Said<'r>,
    /// `Sec-Purpose`, `Purpose` and `X-Moz`.
    purposes: [Said<'r>; 3],
    evidence: Evidence<'r>,
}

/// A request that is being read.
pub(crate) struct Reading<'r> {
    cookies: &'r Cookies,
    host: Said<'r>,
    user_agent: Said<'r>,
    referrer: Said<'r>,
    language: Said<'r>,
    purposes: [Said<'r>; 3],
    evidence: Evidence<'r>,
    visitor: Option<VisitorId>,
    pass: Option<&'r str>,
    opted_out: bool,
    forwarding: Forwarding<'r>,
    /// Whether the connection itself is HTTPS.
    tls: bool,
    /// How many `Host` headers there were.
    hosts: usize,
}

impl<'r> Reading<'r> {
    /// Starts to read a request that came from `peer`.
    pub(crate) fn new(peer: IpAddr, proxies: &'r [IpNet], cookies: &'r Cookies) -> Self {
        Self {
            cookies,
            host: Said::default(),
            user_agent: Said::default(),
            referrer: Said::default(),
            language: Said::default(),
            purposes: [Said::default(); 3],
            evidence: Evidence::default(),
            visitor: None,
            pass: None,
            opted_out: false,
            forwarding: Forwarding::new(peer, proxies),
            tls: false,
            hosts: 0,
        }
    }

    /// Reads the client behind proxies from this header; without a word it is `X-Forwarded-For`.
    pub(crate) fn forwarded_by(mut self, header: ForwardingHeader) -> Self {
        self.forwarding.read_from(header);
        self
    }

    /// Says whether the connection itself is HTTPS.
    pub(crate) fn over_tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// How many `Host` headers there were: what has several may have been meant for somebody else.
    pub(crate) fn hosts(&self) -> usize {
        self.hosts
    }

    /// Takes a header; names in any case. Of one that is repeated and must not be, the first counts.
    pub(crate) fn header(&mut self, name: &[u8], value: impl Into<Said<'r>>) {
        self.take(name, value.into());
    }

    fn take(&mut self, name: &[u8], value: Said<'r>) {
        let first = |kept: &mut Said<'r>| {
            if kept.is_empty() {
                *kept = value;
            }
        };
        // By length first: one comparison for most headers, none for the rest.
        match name.len() {
            3 if is(name, b"dnt") => self.opted_out |= value.bytes() == b"1",
            4 if is(name, b"host") => {
                self.hosts += 1;
                first(&mut self.host);
            }
            5 if is(name, b"x-moz") => first(&mut self.purposes[2]),
            6 if is(name, b"cookie") => {
                self.evidence.mark(Signs::COOKIE);
                self.cookie(value);
            }
            6 if is(name, b"accept") => self.evidence.accept(value.bytes()),
            7 if is(name, b"referer") => first(&mut self.referrer),
            7 if is(name, b"sec-gpc") => self.opted_out |= value.bytes() == b"1",
            7 if is(name, b"purpose") => first(&mut self.purposes[1]),
            10 if is(name, b"user-agent") => first(&mut self.user_agent),
            11 if is(name, b"sec-purpose") => first(&mut self.purposes[0]),
            15 if is(name, b"accept-language") => {
                self.evidence.mark(Signs::LANGUAGE);
                first(&mut self.language);
            }
            15 if is(name, b"accept-encoding") => self.evidence.mark(Signs::ENCODING),
            9.. if evidence::concerns(name) => self.evidence.header(name, value),
            9 | 15 | 17 if self.forwarding.is_believed() => {
                self.forwarding.header(name, value.bytes());
            }
            _ => {}
        }
    }

    fn cookie(&mut self, line: Said<'r>) {
        let mut rest = line.bytes();
        while !rest.is_empty() {
            let end = memchr(b';', rest).unwrap_or(rest.len());
            let (pair, behind) = rest.split_at(end);
            rest = behind.get(1..).unwrap_or_default();
            let pair = pair.trim_ascii_start();
            let value = |name: &str| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=");
            let text = |value: &'r [u8]| std::str::from_utf8(value).ok();
            if self.visitor.is_none()
                && let Some(id) = value(&self.cookies.visitor)
            {
                self.visitor = text(id).and_then(|id| id.parse().ok());
            } else if self.pass.is_none()
                && let Some(pass) = value(PASS_COOKIE)
            {
                self.pass = text(pass);
            }
        }
    }

    /// Forgets every header, where they are to be read again, in another way.
    #[cold]
    pub(crate) fn start_over(&mut self) {
        let Forwarding {
            peer,
            proxies,
            header,
            ..
        } = self.forwarding;
        *self = Self::new(peer, proxies, self.cookies)
            .forwarded_by(header)
            .over_tls(self.tls);
    }

    /// The request. `authority` is what HTTP/2, or a request as to a proxy, names beside the path; it wins
    /// over `Host`, as RFC 9112 says.
    pub(crate) fn finish(
        self,
        method: Method,
        path: &'r str,
        query: &'r str,
        authority: Option<&'r str>,
    ) -> Asked<'r> {
        let (client, https) = self.forwarding.client();
        Asked {
            method,
            host: host(authority.map_or(self.host, Said::from)),
            path,
            slug: slug(path),
            query,
            client,
            secure: self.tls || https,
            form: None,
            visitor: self.visitor,
            pass: self.pass,
            opted_out: self.opted_out,
            user_agent: self.user_agent,
            referrer: self.referrer,
            language: self.language,
            purposes: self.purposes,
            evidence: self.evidence,
        }
    }
}

impl<'r> Asked<'r> {
    /// Which headers came.
    pub(crate) fn signs(&self) -> Signs {
        self.evidence.signs().with_if(Signs::SECURE, self.secure)
    }

    /// The client hints, joined.
    pub(crate) fn hints(&self) -> String {
        let mut hints = String::new();
        self.write_hints(&mut hints);
        hints
    }

    /// Writes the same behind a text whose room is there already.
    pub(crate) fn write_hints(&self, out: &mut String) {
        self.evidence.write_hints(out);
    }

    /// `Sec-Purpose`, `Purpose` and `X-Moz`, joined: hardly any request has one, none has two.
    pub(crate) fn purpose(&self) -> Cow<'r, str> {
        let mut all = Cow::Borrowed("");
        if self.purposes.iter().all(|said| said.is_empty()) {
            return all;
        }
        for said in self.purposes.map(|said| said.bounded(bounds::PURPOSE)) {
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

fn host(named: Said<'_>) -> Cow<'_, str> {
    let text = named.bounded(bounds::HOST + ":65535".len());
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
    let name = match memrchr(b':', authority.as_bytes()) {
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
    let is_itself = |byte: u8| byte != b'%' && (0x20..0x7f).contains(&byte);
    if path.bytes().all(is_itself) {
        return Cow::Borrowed(path);
    }
    match percent_decode_str(path).decode_utf8() {
        Ok(decoded) if !decoded.chars().any(char::is_control) => decoded,
        _ => Cow::Borrowed(path),
    }
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
    use proptest::prelude::*;

    use super::*;

    /// Host, slug, client and visitor as they are read.
    type Read = (String, String, IpAddr, Option<VisitorId>);

    fn read(
        target: &str,
        authority: Option<&str>,
        headers: &[(&str, &str)],
        proxies: &[IpNet],
    ) -> Read {
        let cookies = Cookies::default();
        let mut reading = Reading::new("10.0.0.9".parse().unwrap(), proxies, &cookies);
        for (name, value) in headers {
            reading.header(name.as_bytes(), value.as_bytes());
        }
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let asked = reading.finish(Method::Get, path, query, authority);
        (
            asked.host.into_owned(),
            asked.slug.into_owned(),
            asked.client,
            asked.visitor,
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
            assert_eq!(read("/x", None, &[("Host", given)], &[]).0, kept);
        }
        assert_eq!(
            read("/x", Some("a.example"), &[("host", "b.example")], &[]).0,
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
            assert_eq!(read(path, None, &[], &[]).1, slug);
        }
    }

    #[test]
    fn cookies_are_found_among_others() {
        let visitor = VisitorId(7).to_string();
        for line in [
            format!("whv={visitor}"),
            format!("a=b; whv={visitor}; c=d"),
            format!("xwhv=1;whv={visitor}"),
        ] {
            let visitor = read("/x", None, &[("cookie", &line)], &[]).3;
            assert_eq!(visitor, Some(VisitorId(7)), "{line}");
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
            let headers = [("host", &*host), ("cookie", &cookie), ("x-forwarded-for", &forwarded)];
            read("/x", None, &headers, &["10.0.0.0/8".parse().unwrap()]);
        }
    }
}
