//! The heads that nearly all requests have, read in few passes: lines are found and their bytes judged many at a time.
//!
//! It takes only what is beyond doubt, and never says why it did not: whatever it leaves is read by [`head`](super::head)
//! from the beginning, and what it takes would be understood there in the same way. A property holds the two together.

use memchr::memchr;
use whence_core::click::Method;

use super::head::{Connection, PATH, Plain, QUERY, is_in};
use crate::request::{Reading, Said, is};

/// Lines of a head, with the empty one at its end; browsers send some twenty.
const MOST_LINES: usize = 40;

/// Reads a head off the beginning of `bytes`; its headers go to `reading`. None where another way has to be tried, with
/// a reading that starts over.
pub(super) fn read<'b>(bytes: &'b [u8], reading: &mut Reading<'b>) -> Option<Plain<'b>> {
    let mut ends = [0; MOST_LINES];
    let (length, ends) = lines(bytes, &mut ends)?;
    // All that steers are the two bytes at each line's end: nothing is hidden within a line.
    if controls(&bytes[..length]) != 2 * (ends.len() + 1) {
        return None;
    }
    let head = std::str::from_utf8(&bytes[..length]).ok()?;

    let (request, headers) = ends.split_first()?;
    let (method, target) = request_line(&head[..*request])?;
    let mut connection = Connection::default();
    let mut start = request + 2;
    for end in headers {
        let colon = start + name_length(&bytes[start..length])?;
        let (name, value) = (&bytes[start..colon], value(head, colon, *end)?);
        start = end + 2;
        match name.len() {
            6 if is(name, b"expect") => return None,
            10 if is(name, b"connection") => connection.says(value.as_bytes()),
            14 if is(name, b"content-length") => return None,
            17 if is(name, b"transfer-encoding") => return None,
            _ => reading.header(name, Said::Text(value)),
        }
    }
    if reading.hosts() != 1 {
        return None;
    }
    let (path, query) = parts(target)?;
    Some(Plain {
        method,
        path,
        query,
        old: false,
        stays: connection.stays(false),
        length,
    })
}

/// The head's length, and where each of its lines ends; the last, which is empty, is left out.
fn lines<'e>(bytes: &[u8], ends: &'e mut [usize; MOST_LINES]) -> Option<(usize, &'e [usize])> {
    let mut start = 0;
    for count in 0..MOST_LINES {
        let end = start + memchr(b'\r', &bytes[start..])?;
        if bytes.get(end + 1) != Some(&b'\n') {
            return None;
        }
        if end == start {
            return Some((end + 2, &ends[..count]));
        }
        ends[count] = end;
        start = end + 2;
    }
    None
}

/// How many control characters there are, tabs among them.
fn controls(bytes: &[u8]) -> usize {
    // As many as a byte can count, and vectors of any usual width divide.
    const STRIDE: usize = 64;
    let count = |bytes: &[u8]| {
        let one = |byte: &u8| u8::from(*byte < 0x20) | u8::from(*byte == 0x7f);
        bytes
            .iter()
            .fold(0, |count: u8, byte| count.wrapping_add(one(byte)))
    };
    let (strides, rest) = bytes.as_chunks::<STRIDE>();
    let whole: usize = strides
        .iter()
        .map(|stride| usize::from(count(stride)))
        .sum();
    whole + usize::from(count(rest))
}

/// Method and target.
fn request_line(line: &str) -> Option<(Method, &str)> {
    let line = line.strip_suffix(" HTTP/1.1")?;
    if let Some(target) = line.strip_prefix("GET ") {
        return Some((Method::Get, target));
    }
    Some((Method::Head, line.strip_prefix("HEAD ")?))
}

/// Path and query.
fn parts(target: &str) -> Option<(&str, &str)> {
    let (path, query) = match memchr(b'?', target.as_bytes()) {
        None => (target, ""),
        Some(mark) => (&target[..mark], &target[mark + 1..]),
    };
    let is_usual = path.starts_with('/')
        && path.bytes().all(|byte| is_in(byte, PATH))
        && query.bytes().all(|byte| is_in(byte, QUERY));
    is_usual.then_some((path, query))
}

/// How long the name is that something begins with, where it is one of letters, digits and hyphens and a word's length of
/// bytes follows.
fn name_length(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    let others = words.iter().map(|word| others(u64::from_le_bytes(*word)));
    let (at, others) = others.enumerate().find(|(_, others)| *others != 0)?;
    let length = 8 * at + others.trailing_zeros() as usize / 8;
    (length > 0).then_some(length)
}

/// Marks by their highest bits those of eight bytes that are neither letters nor digits nor hyphens; above the first of
/// them marks mean nothing.
fn others(word: u64) -> u64 {
    const ONES: u64 = u64::MAX / 0xff;
    const TOPS: u64 = 0x80 * ONES;
    let low = word & !TOPS;
    // The top bit says whether a byte is at least so much: no sum of two halves goes beyond its own byte.
    let least = |bytes: u64, least: u8| bytes + u64::from(0x80 - least) * ONES;
    let between = |bytes, first, last| least(bytes, first) & !least(bytes, last + 1);
    let small = low | (0x20 * ONES);
    let named = between(small, b'a', b'z') | between(low, b'0', b'9') | between(low, b'-', b'-');
    (word | !named) & TOPS
}

/// The value between a name and its line's end as browsers write it: behind a colon and one blank, and neither beginning
/// nor ending with another.
fn value(head: &str, colon: usize, end: usize) -> Option<&str> {
    let bytes = head.as_bytes();
    let begin = colon + 2;
    let is_bare = begin < end
        && bytes[colon..begin] == *b": "
        && bytes[begin] != b' '
        && bytes[end - 1] != b' ';
    is_bare.then(|| &head[begin..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};
    use whence_core::click::bounds;
    use whence_core::config::Cookies;

    use super::super::head::{Head, read_any};
    use super::*;
    use crate::request::Asked;

    const USUAL: &str = "GET /x?a=b HTTP/1.1\r\nHost: go.example\r\nUser-Agent: Mozilla/5.0 (ü)\r\n\
        Accept: text/html\r\nConnection: keep-alive\r\nCookie: a=b; whv=000000000000000000000z\r\n\r\n";

    fn reading(cookies: &Cookies) -> Reading<'_> {
        Reading::new("192.0.2.1".parse().unwrap(), &[], cookies)
    }

    /// What was read of the headers, for comparison.
    fn told(asked: &Asked<'_>) -> impl PartialEq + std::fmt::Debug + use<> {
        let text = |said: Said<'_>| said.bounded(bounds::USER_AGENT).into_owned();
        (
            (
                asked.host.to_string(),
                asked.slug.to_string(),
                asked.visitor,
            ),
            (
                text(asked.user_agent),
                text(asked.referrer),
                text(asked.language),
            ),
            (asked.purpose().into_owned(), asked.signs(), asked.hints()),
            (asked.opted_out, asked.pass.map(str::to_owned)),
        )
    }

    /// Whether a head is taken here; what is taken is understood as elsewhere.
    fn is_taken(bytes: &[u8]) -> bool {
        let cookies = Cookies::default();
        let (mut quickly, mut slowly) = (reading(&cookies), reading(&cookies));
        let Some(plain) = read(bytes, &mut quickly) else {
            return false;
        };
        let expected = read_any(bytes, &mut slowly);
        assert_eq!(
            Head::Plain(plain),
            expected,
            "{:?}",
            bytes.escape_ascii().to_string()
        );
        let asked = |reading: Reading<'_>| told(&reading.finish(Method::Get, "/", "", None));
        assert_eq!(asked(quickly), asked(slowly));
        true
    }

    #[test]
    fn names_end_where_something_else_begins() {
        for byte in 0..=u8::MAX {
            let is_named = byte.is_ascii_alphanumeric() || byte == b'-';
            for at in 0..8 {
                let mut bytes = *b"aZ-09zAx";
                bytes[at] = byte;
                let marks = others(u64::from_le_bytes(bytes));
                let first = (marks.trailing_zeros() / 8) as usize;
                assert_eq!(first, if is_named { 8 } else { at }, "{byte} at {at}");
            }
        }
        assert_eq!(name_length(b"sec-fetch-mode: x"), Some(14));
        assert_eq!(name_length(b": x\r\n\r\n\r\n"), None);
        assert_eq!(name_length(b"host: x"), None, "too short to be sure");
    }

    #[test]
    fn what_browsers_send_is_taken_and_what_is_strange_is_left() {
        assert!(is_taken(USUAL.as_bytes()));
        assert!(
            is_taken([USUAL, USUAL].concat().as_bytes()),
            "only the first is looked at"
        );
        for (from, to) in [
            ("GET", "POST"),
            ("HTTP/1.1", "HTTP/1.0"),
            ("/x", "http://go.example/x"),
            ("/x", "/x y"),
            ("a=b ", "a=<b> "),
            ("\r\nHost", "\nHost"),
            ("\r\nHost", "\r\n\r\nHost"),
            ("\r\nHost", "\r\nHost: a\r\nHost"),
            ("Host: ", "Hose: "),
            ("Host: ", "Host : "),
            ("Host: ", "Host:"),
            ("Host: ", "Host:  "),
            ("Host: ", ": "),
            ("go.example\r", "go.example \r"),
            ("go.example", ""),
            ("go.example", "go\0example"),
            ("go.example", "go\rexample"),
            ("go.example", "go\nexample"),
            ("go.example", "go\texample"),
            ("go.example", "go\u{7f}example"),
            ("Accept: text/html", "Accept: text/html\r\n and more"),
            ("Accept: text/html", "Content-Length: 0"),
            ("Accept: text/html", "Transfer-Encoding: chunked"),
            ("Accept: text/html", "Expect: 100-continue"),
        ] {
            assert!(USUAL.contains(from), "{from:?}");
            let strange = USUAL.replacen(from, to, 1);
            assert!(!is_taken(strange.as_bytes()), "{strange:?}");
        }
        let no_text = USUAL.replace('ü', "\x7f").into_bytes();
        let no_text = no_text
            .into_iter()
            .map(|byte| if byte == 0x7f { 0xff } else { byte });
        assert!(!is_taken(&no_text.collect::<Vec<_>>()));
        let many = |count| {
            USUAL.replacen(
                "Accept",
                &["X: y\r\n".repeat(count).as_str(), "Accept"].concat(),
                1,
            )
        };
        assert!(
            is_taken(many(MOST_LINES - 7).as_bytes()) && !is_taken(many(MOST_LINES - 6).as_bytes())
        );
        for end in 0..USUAL.len() {
            assert!(!is_taken(&USUAL.as_bytes()[..end]), "{end}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// A usual head, in which bytes became others.
        #[test]
        fn what_is_taken_is_understood_as_elsewhere(changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..3)) {
            let mut bytes = USUAL.as_bytes().to_vec();
            for (at, byte) in changes {
                *at.get_mut(&mut bytes) = byte;
            }
            is_taken(&bytes);
        }

        /// A head of pieces in any order.
        #[test]
        fn so_is_what_is_put_together_by_chance(pieces in prop::collection::vec(select(&[
            "GET ", "HEAD ", "POST ", "/", "/x", "?", "a=b", " HTTP/1.1", " HTTP/1.0", "\r\n", "\r\n", "\r\n", "\r", "\n", "\t", " ", ":", ": ",
            "Host: a", "Host: b", "Connection: close", "Connection: x, keep-alive", "Cookie: whp=1", "DNT: 1", "Sec-Fetch-Mode: navigate",
            "Content-Length: 0", "Expect: x", "Transfer-Encoding: chunked", "Sec-CH-UA-Mobile: ?1", "X", "é", "\0",
        ][..]), 0..12)) {
            let begun = format!("GET /x HTTP/1.1\r\nHost: a\r\n{}\r\n\r\n", pieces.concat());
            is_taken(begun.as_bytes());
            is_taken(pieces.concat().as_bytes());
        }
    }
}
