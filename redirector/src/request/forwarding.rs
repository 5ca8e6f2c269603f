//! Who the client is behind proxies that are believed, and whether it came over HTTPS.
//!
//! Only one header is read, the configured one: a proxy that sets the one passes the other on as the
//! client has sent it.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use whence_core::config::ForwardingHeader;

/// What a peer says of those it speaks for.
pub(super) struct Forwarding<'r> {
    pub(super) peer: IpAddr,
    pub(super) proxies: &'r [IpNet],
    believed: bool,
    pub(super) header: ForwardingHeader,
    /// The header's lines in their order; kept only where the peer is believed.
    lines: Vec<&'r [u8]>,
    /// The last line of `X-Forwarded-Proto`.
    scheme: &'r [u8],
}

impl<'r> Forwarding<'r> {
    /// Nothing is said yet.
    pub(super) fn new(peer: IpAddr, proxies: &'r [IpNet]) -> Self {
        let peer = peer.to_canonical();
        Self {
            peer,
            proxies,
            believed: is_in(proxies, peer),
            header: ForwardingHeader::XForwardedFor,
            lines: Vec::new(),
            scheme: b"",
        }
    }

    /// Reads this header.
    pub(super) fn read_from(&mut self, header: ForwardingHeader) {
        self.header = header;
    }

    /// Whether a header could matter at all.
    pub(super) fn is_believed(&self) -> bool {
        self.believed
    }

    /// Takes a header that may be about forwarding.
    pub(super) fn header(&mut self, name: &[u8], value: &'r [u8]) {
        match self.header {
            ForwardingHeader::XForwardedFor if name.eq_ignore_ascii_case(b"x-forwarded-for") => {
                self.lines.push(value);
            }
            ForwardingHeader::XForwardedFor if name.eq_ignore_ascii_case(b"x-forwarded-proto") => {
                self.scheme = value;
            }
            ForwardingHeader::Forwarded if name.eq_ignore_ascii_case(b"forwarded") => {
                self.lines.push(value);
            }
            ForwardingHeader::XForwardedFor | ForwardingHeader::Forwarded => {}
        }
    }

    /// The client, and whether it is said to have come over HTTPS. Walks from the nearest hop on for as
    /// long as the hops are believed.
    pub(super) fn client(&self) -> (IpAddr, bool) {
        let (mut client, mut https) = (self.peer, is_https(last_of(self.scheme)));
        let hops = self
            .lines
            .iter()
            .rev()
            .flat_map(|line| line.rsplit(|byte| *byte == b','));
        for hop in hops {
            let Ok(hop) = std::str::from_utf8(hop) else {
                break;
            };
            let address = match self.header {
                ForwardingHeader::XForwardedFor => node(hop.trim()),
                ForwardingHeader::Forwarded => {
                    https = parameter(hop, "proto").is_some_and(|said| is_https(said.as_bytes()));
                    parameter(hop, "for").and_then(node)
                }
            };
            let Some(address) = address else {
                break;
            };
            client = address.to_canonical();
            if !is_in(self.proxies, client) {
                break;
            }
        }
        (client, https)
    }
}

fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

fn last_of(list: &[u8]) -> &[u8] {
    let last = list.rsplit(|byte| *byte == b',').next();
    last.unwrap_or_default().trim_ascii()
}

fn is_https(scheme: &[u8]) -> bool {
    scheme.eq_ignore_ascii_case(b"https")
}

/// The value of a parameter in an element of `Forwarded`, without its quotes.
fn parameter<'a>(element: &'a str, wanted: &str) -> Option<&'a str> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        let is_it = name.eq_ignore_ascii_case(wanted);
        is_it.then(|| value.trim_matches('"'))
    })
}

/// The address of a node as RFC 7239 writes it, and as proxies that name ports write `X-Forwarded-For`: `192.0.2.1`, `192.0.2.1:4711`, `[2001:db8::1]`,
/// `[2001:db8::1]:4711`.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse().map(|address: SocketAddr| address.ip());
    bare.parse().or_else(|_| with_port()).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(kind: ForwardingHeader, headers: &[(&str, &str)], proxies: &[IpNet]) -> (String, bool) {
        let mut forwarding = Forwarding::new("10.0.0.9".parse().unwrap(), proxies);
        forwarding.read_from(kind);
        for (name, value) in headers {
            if forwarding.is_believed() {
                forwarding.header(name.as_bytes(), value.as_bytes());
            }
        }
        let (client, https) = forwarding.client();
        (client.to_string(), https)
    }

    fn ours() -> Vec<IpNet> {
        vec!["10.0.0.0/8".parse().unwrap()]
    }

    #[test]
    fn forwarded_addresses_count_only_from_believed_peers() {
        let kind = ForwardingHeader::XForwardedFor;
        let forwarded = [("x-forwarded-for", "6.6.6.6, 203.0.113.7, 10.0.0.1")];
        assert_eq!(read(kind, &forwarded, &[]).0, "10.0.0.9");
        // 6.6.6.6 is what the client itself claimed.
        assert_eq!(read(kind, &forwarded, &ours()).0, "203.0.113.7");
        let lines = [
            ("X-Forwarded-For", "6.6.6.6"),
            ("X-Forwarded-For", "203.0.113.8"),
        ];
        assert_eq!(read(kind, &lines, &ours()).0, "203.0.113.8");
        for (said, client) in [
            ("6.6.6.6:80, 203.0.113.7:4711", "203.0.113.7"),
            ("203.0.113.7:4711, 10.0.0.1:80", "203.0.113.7"),
            ("[2001:db8::7]:4711", "2001:db8::7"),
            ("[2001:db8::7]", "2001:db8::7"),
            ("2001:db8::7", "2001:db8::7"),
            ("203.0.113.7:http", "10.0.0.9"),
        ] {
            let headers = [("x-forwarded-for", said)];
            assert_eq!(read(kind, &headers, &ours()).0, client, "{said}");
        }
        let garbage = [("x-forwarded-for", "203.0.113.7, nonsense")];
        assert_eq!(read(kind, &garbage, &ours()).0, "10.0.0.9");
    }

    #[test]
    fn the_scheme_is_believed_as_the_address_is() {
        let kind = ForwardingHeader::XForwardedFor;
        for (said, https) in [
            ("https", true),
            ("http, HTTPS", true),
            ("https, http", false),
        ] {
            let headers = [("x-forwarded-proto", said)];
            assert_eq!(read(kind, &headers, &ours()).1, https, "{said}");
            assert!(!read(kind, &headers, &[]).1);
        }
    }

    #[test]
    fn rfc_7239_is_read_where_it_is_configured_and_nothing_else_then() {
        let kind = ForwardingHeader::Forwarded;
        for (said, client, https) in [
            (
                "for=192.0.2.60;proto=http;by=203.0.113.43",
                "192.0.2.60",
                false,
            ),
            (
                "for=6.6.6.6;proto=http, For=192.0.2.43;Proto=HTTPS",
                "192.0.2.43",
                true,
            ),
            (
                "for=\"[2001:db8:cafe::17]:4711\";proto=https",
                "2001:db8:cafe::17",
                true,
            ),
            ("for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17", false),
            ("for=\"192.0.2.1:80\", for=10.0.0.3", "192.0.2.1", false),
            ("for=192.0.2.1, for=_hidden", "10.0.0.9", false),
            ("for=unknown", "10.0.0.9", false),
            ("proto=https", "10.0.0.9", true),
        ] {
            let headers = [("Forwarded", said), ("x-forwarded-for", "6.6.6.6")];
            let read = read(kind, &headers, &ours());
            assert_eq!(read, (client.to_owned(), https), "{said}");
        }
        let headers = [("forwarded", "for=6.6.6.6")];
        let unread = read(ForwardingHeader::XForwardedFor, &headers, &ours());
        assert_eq!(unread.0, "10.0.0.9");
    }

    proptest! {
        #[test]
        fn no_text_can_break_it(text in "[ -~]{0,60}") {
            for kind in [ForwardingHeader::Forwarded, ForwardingHeader::XForwardedFor] {
                read(kind, &[("forwarded", &text), ("x-forwarded-for", &text)], &ours());
            }
        }
    }
}
