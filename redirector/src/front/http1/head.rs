//! A request's head, read strictly: what more than one reader could understand in more than one way is
//! either refused here, or is not plain and goes to hyper, alone on its connection.

use std::mem::MaybeUninit;

use whence_core::click::Method;

use super::quick;
use crate::request::Reading;

/// Browsers send some twenty.
const USUAL_HEADERS: usize = 64;
/// What has more is not plain: hyper takes no more either, and says so.
const MOST_HEADERS: usize = 100;

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head<'b> {
    /// A whole head of a request without a body.
    Plain(Plain<'b>),
    /// Not yet a whole head.
    Partial,
    /// A head that is not plain, or none at all.
    Other,
    /// A head that must not be answered otherwise than by 400.
    Ambiguous,
}

/// A `GET` or `HEAD` without a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plain<'b> {
    /// `GET` or `HEAD`.
    pub(super) method: Method,
    /// The target's path.
    pub(super) path: &'b str,
    /// The target's query.
    pub(super) query: &'b str,
    /// Whether it is HTTP/1.0, whose clients must be told that a connection stays.
    pub(super) old: bool,
    /// Whether the client wants the connection to stay.
    pub(super) stays: bool,
    /// The head's length.
    pub(super) length: usize,
}

/// Reads a head off the beginning of `bytes`; its headers go to `reading`.
pub(super) fn read<'b>(bytes: &'b [u8], reading: &mut Reading<'b>) -> Head<'b> {
    match quick::read(bytes, reading) {
        Some(plain) => Head::Plain(plain),
        None => {
            reading.start_over();
            read_any(bytes, reading)
        }
    }
}

/// Reads whatever there is.
#[inline(never)]
pub(super) fn read_any<'b>(bytes: &'b [u8], reading: &mut Reading<'b>) -> Head<'b> {
    let mut headers = [const { MaybeUninit::uninit() }; USUAL_HEADERS];
    read_into(&mut headers, bytes, reading)
}

/// The same where there are more headers than usual.
#[cold]
fn read_long<'b>(bytes: &'b [u8], reading: &mut Reading<'b>) -> Head<'b> {
    let mut headers = [const { MaybeUninit::uninit() }; MOST_HEADERS];
    read_into(&mut headers, bytes, reading)
}

fn read_into<'b>(
    headers: &mut [MaybeUninit<httparse::Header<'b>>],
    bytes: &'b [u8],
    reading: &mut Reading<'b>,
) -> Head<'b> {
    let is_usual = headers.len() < MOST_HEADERS;
    let mut request = httparse::Request::new(&mut []);
    let length = match request.parse_with_uninit_headers(bytes, headers) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Head::Partial,
        Err(httparse::Error::TooManyHeaders) if is_usual => return read_long(bytes, reading),
        Err(_) => return Head::Other,
    };
    let (Some(method), Some(target), Some(version)) =
        (request.method, request.path, request.version)
    else {
        return Head::Other;
    };
    // httparse takes lines that end in LF alone, as RFC 9112 allows. Whoever stands in front of us
    // may not, and see one request where we see two.
    let line = [" HTTP/1.1\r\n", " HTTP/1.0\r\n"][usize::from(version == 0)];
    let begins = offset(bytes, method.as_bytes());
    let ends = offset(bytes, target.as_bytes()) + target.len();
    if !bytes[..begins].chunks(2).all(|pair| pair == b"\r\n")
        || !bytes[ends..].starts_with(line.as_bytes())
        || !bytes[..length].ends_with(b"\r\n")
    {
        return Head::Ambiguous;
    }
    let mut connection = Connection::default();
    let mut is_plain = true;
    let (mut has_length, mut has_encoding) = (false, false);
    for header in &*request.headers {
        let (name, value) = (header.name.as_bytes(), header.value);
        if !ends_in_crlf(bytes, value) {
            return Head::Ambiguous;
        }
        match name.len() {
            6 if name.eq_ignore_ascii_case(b"expect") => is_plain = false,
            10 if name.eq_ignore_ascii_case(b"connection") => connection.says(value),
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                has_length = true;
                is_plain &= value == b"0";
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                has_encoding = true;
                is_plain = false;
            }
            _ => {}
        }
        reading.header(name, value);
    }
    // Of a body with two lengths, the one wins that a reader knows of: that is how requests are smuggled.
    if hosts_are_wrong(reading.hosts(), version == 0) || (has_length && has_encoding) {
        return Head::Ambiguous;
    }
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        _ => return Head::Other,
    };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let is_usual = path.starts_with('/')
        && path.bytes().all(|byte| is_in(byte, PATH))
        && query.bytes().all(|byte| is_in(byte, QUERY));
    if !is_plain || !is_usual {
        return Head::Other;
    }
    Head::Plain(Plain {
        method,
        path,
        query,
        old: version == 0,
        stays: connection.stays(version == 0),
        length,
    })
}

/// Whether a request has another number of `Host` headers than the one that it must have.
pub(in crate::front) fn hosts_are_wrong(hosts: usize, old: bool) -> bool {
    // HTTP/1.0 did not know it.
    hosts > 1 || (hosts == 0 && !old)
}

/// What `Connection` says.
#[derive(Default)]
pub(super) struct Connection {
    close: bool,
    keep_alive: bool,
}

impl Connection {
    /// Takes a value.
    pub(super) fn says(&mut self, value: &[u8]) {
        if value == b"keep-alive" {
            // Nearly always.
            self.keep_alive = true;
            return;
        }
        for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// Whether the connection stays, by what was said; one of HTTP/1.0 only where that was asked for.
    pub(super) fn stays(&self, old: bool) -> bool {
        !self.close && (!old || self.keep_alive)
    }
}

/// Where in `bytes` a part of them begins.
fn offset(bytes: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr() - bytes.as_ptr().addr()
}

/// Whether CRLF follows on a header's value; blanks before it belong to neither.
fn ends_in_crlf(bytes: &[u8], value: &[u8]) -> bool {
    let rest = &bytes[offset(bytes, value) + value.len()..];
    let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    rest[blanks.count()..].starts_with(b"\r\n")
}

/// In a path.
pub(super) const PATH: u8 = 1;
/// In a query.
pub(super) const QUERY: u8 = 2;

/// Which bytes stand in paths and queries without a question: those that hyper takes as they are.
const USUAL: [u8; 256] = {
    let mut usual = [0; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        let c = byte as u8;
        let in_query = !matches!(c, b'"' | b'#' | b'<' | b'>');
        let in_path = in_query && !matches!(c, b'?' | b'`' | b'{' | b'}');
        usual[byte] = (if in_path { PATH } else { 0 }) | (if in_query { QUERY } else { 0 });
        byte += 1;
    }
    usual
};

/// Whether a byte stands in this part without a question.
pub(super) fn is_in(byte: u8, part: u8) -> bool {
    USUAL[usize::from(byte)] & part != 0
}

#[cfg(test)]
mod tests {
    use whence_core::config::Cookies;

    use super::*;

    fn kind(bytes: &[u8]) -> String {
        let cookies = Cookies::default();
        let mut reading = Reading::new("192.0.2.1".parse().unwrap(), &[], &cookies);
        match read(bytes, &mut reading) {
            Head::Plain(plain) => format!(
                "{:?} {} {} {}",
                plain.method,
                plain.path,
                plain.query,
                if plain.stays { "stays" } else { "closes" }
            ),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn what_is_plain() {
        for (request, expected) in [
            ("GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "Get /x  stays"),
            (
                "HEAD /x?a=b HTTP/1.1\r\nhost:a\r\n\r\nGET",
                "Head /x a=b stays",
            ),
            (
                "GET /?a=b?c HTTP/1.1\r\nHost: a\r\n\r\n",
                "Get / a=b?c stays",
            ),
            (
                "\r\nGET / HTTP/1.1\r\nHost: a \t\r\nX:\r\n\r\n",
                "Get /  stays",
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n",
                "Get /  closes",
            ),
            ("GET / HTTP/1.0\r\n\r\n", "Get /  closes"),
            (
                "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
                "Get /  stays",
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
                "Get /  stays",
            ),
            (
                "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n",
                "Get /  stays",
            ),
        ] {
            assert_eq!(kind(request.as_bytes()), expected, "{request:?}");
        }
    }

    #[test]
    fn what_is_for_hyper() {
        for request in [
            "POST / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\"x\" HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /ü HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: y\0z\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "GET / HTTP/3.0\r\nHost: a\r\n\r\n",
            "\u{16}\u{3}\u{1}",
        ] {
            assert_eq!(kind(request.as_bytes()), "Other", "{request:?}");
        }
        let many = |count, end: &str| {
            let lines = format!("X: y{end}").repeat(count);
            kind(format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n").as_bytes())
        };
        assert_eq!(many(99, "\r\n"), "Get /  stays");
        assert_eq!(many(99, "\n"), "Ambiguous");
        assert_eq!(many(100, "\r\n"), "Other");
    }

    #[test]
    fn what_is_refused() {
        for request in [
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nX:\n\r\n",
            "GET / HTTP/1.1\r\nHost: a \n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\nContent-Length: 5\r\n\r\n",
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n",
        ] {
            assert_eq!(kind(request.as_bytes()), "Ambiguous", "{request:?}");
        }
    }

    #[test]
    fn a_head_is_partial_until_its_last_byte() {
        let request = b"GET /x HTTP/1.1\r\nHost: a\r\nX: y \r\n\r\n";
        for end in 0..request.len() {
            assert_eq!(kind(&request[..end]), "Partial", "{end}");
        }
        assert_eq!(kind(request), "Get /x  stays");
    }
}
