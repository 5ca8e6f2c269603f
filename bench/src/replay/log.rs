//! Reads lines of an access log in combined format, as Apache and nginx write it:
//!
//! ```text
//! 192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 512 "https://from.example/" "Agent/1.0"
//! ```
//!
//! Quoted fields are unescaped to the bytes that the client sent: `\"`, `\\`, `\xhh` and C's letters. What is
//! behind the user agent is left alone; some servers add fields of their own. What a line is good for is not
//! judged here.

use std::net::IpAddr;

use thiserror::Error;

/// One request, as far as it can be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Who asked; none where the log holds a name instead of an address.
    pub(crate) client: Option<IpAddr>,
    /// The request's method.
    pub(crate) method: String,
    /// Path and query, as they were asked for.
    pub(crate) target: String,
    /// `Referer`, none where it was absent.
    pub(crate) referrer: Option<Vec<u8>>,
    /// `User-Agent`, none where it was absent.
    pub(crate) agent: Option<Vec<u8>>,
}

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub(crate) enum LineError {
    /// No client at its begin.
    #[error("no client address")]
    Client,
    /// No `[time]`.
    #[error("no time in brackets")]
    Time,
    /// No quoted request.
    #[error("no request in quotes")]
    Request,
    /// The server has never read a request: `"-"`, or bytes that are none.
    #[error("the request is not `METHOD target HTTP/version`")]
    NotHttp,
    /// No status.
    #[error("no status of three digits")]
    Status,
    /// No size.
    #[error("no size in bytes")]
    Size,
    /// No quoted referrer.
    #[error("no referrer in quotes")]
    Referrer,
    /// No quoted user agent.
    #[error("no user agent in quotes")]
    Agent,
}

/// Reads one line, without its end.
pub(crate) fn parse(line: &[u8]) -> Result<Entry, LineError> {
    let mut rest = Rest(line);
    let client = rest.word().ok_or(LineError::Client)?;
    rest.skip_past(b"[").ok_or(LineError::Time)?;
    rest.skip_past(b"] ").ok_or(LineError::Time)?;
    let request = rest.quoted().ok_or(LineError::Request)?;
    let is_status = |word: &&[u8]| word.len() == 3 && word.iter().all(u8::is_ascii_digit);
    rest.word().filter(is_status).ok_or(LineError::Status)?;
    let is_size = |word: &&[u8]| *word == b"-" || word.iter().all(u8::is_ascii_digit);
    rest.word().filter(is_size).ok_or(LineError::Size)?;
    let referrer = rest.quoted().ok_or(LineError::Referrer)?;
    let agent = rest.quoted().ok_or(LineError::Agent)?;
    let (method, target) = request_line(&request).ok_or(LineError::NotHttp)?;
    Ok(Entry {
        client: std::str::from_utf8(client)
            .ok()
            .and_then(|text| text.parse().ok()),
        method,
        target,
        referrer: present(referrer),
        agent: present(agent),
    })
}

/// What is left of a line.
struct Rest<'l>(&'l [u8]);

impl<'l> Rest<'l> {
    /// Takes what stands before the next space, and the space; none where there is nothing.
    fn word(&mut self) -> Option<&'l [u8]> {
        let end = self
            .0
            .iter()
            .position(|&byte| byte == b' ')
            .unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix(b" ").unwrap_or(rest);
        (!word.is_empty()).then_some(word)
    }

    /// Drops everything up to and with `mark`.
    fn skip_past(&mut self, mark: &[u8]) -> Option<()> {
        let at = self
            .0
            .windows(mark.len())
            .position(|window| window == mark)?;
        self.0 = &self.0[at + mark.len()..];
        Some(())
    }

    /// Takes a quoted field, unescaped, and the space behind it.
    fn quoted(&mut self) -> Option<Vec<u8>> {
        let inner = self.0.strip_prefix(b"\"")?;
        let mut bytes = Vec::new();
        let mut at = 0;
        while let Some(&byte) = inner.get(at) {
            match byte {
                b'"' => {
                    let rest = &inner[at + 1..];
                    self.0 = rest.strip_prefix(b" ").unwrap_or(rest);
                    return Some(bytes);
                }
                b'\\' => at += unescape(&inner[at..], &mut bytes),
                _ => {
                    bytes.push(byte);
                    at += 1;
                }
            }
        }
        None
    }
}

/// Reads the escape at the start of `text`; returns how long it is. A backslash that begins none stands for
/// itself.
fn unescape(text: &[u8], bytes: &mut Vec<u8>) -> usize {
    let byte = match text.get(1) {
        Some(b'x') => {
            let hex = text
                .get(2..4)
                .and_then(|digits| std::str::from_utf8(digits).ok());
            match hex.map(|digits| u8::from_str_radix(digits, 16)) {
                Some(Ok(byte)) => {
                    bytes.push(byte);
                    return 4;
                }
                _ => None,
            }
        }
        Some(&byte @ (b'"' | b'\\')) => Some(byte),
        Some(b'n') => Some(b'\n'),
        Some(b'r') => Some(b'\r'),
        Some(b't') => Some(b'\t'),
        Some(b'b') => Some(8),
        Some(b'v') => Some(11),
        Some(b'f') => Some(12),
        _ => None,
    };
    bytes.push(byte.unwrap_or(b'\\'));
    if byte.is_some() { 2 } else { 1 }
}

/// Method and target of a request line.
fn request_line(request: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(request).ok()?;
    let mut words = text.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_whole = words.next().is_none() && version.starts_with("HTTP/");
    let is_token = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_graphic());
    (is_whole && is_token && !target.is_empty()).then(|| (method.to_owned(), target.to_owned()))
}

/// Servers log `-` for a header that was not sent.
fn present(field: Vec<u8>) -> Option<Vec<u8>> {
    (!field.is_empty() && field != b"-").then_some(field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = r#"192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /a?b=c HTTP/1.1" 200 512 "https://from.example/" "Agent/1.0""#;

    fn read(line: &str) -> Result<Entry, LineError> {
        parse(line.as_bytes())
    }

    #[test]
    fn a_line() {
        let entry = read(LINE).unwrap();
        assert_eq!(
            entry,
            Entry {
                client: Some("192.0.2.7".parse().unwrap()),
                method: "GET".into(),
                target: "/a?b=c".into(),
                referrer: Some(b"https://from.example/".into()),
                agent: Some(b"Agent/1.0".into()),
            }
        );
    }

    #[test]
    fn variations_of_a_line() {
        let absent = read(
            &LINE
                .replace("https://from.example/", "-")
                .replace("Agent/1.0", "-"),
        )
        .unwrap();
        assert_eq!((absent.referrer, absent.agent), (None, None));
        assert_eq!(read(&LINE.replace("512", "-")).map(|_| ()), Ok(()));
        assert_eq!(
            read(&LINE.replace("- -", "- a b [c]").replace("[c]", "c")).map(|_| ()),
            Ok(())
        );
        assert_eq!(read(&format!("{LINE} 0.004 \"more\"")).map(|_| ()), Ok(()));
        assert_eq!(
            read(&LINE.replace("192.0.2.7", "2001:db8::1"))
                .unwrap()
                .client,
            "2001:db8::1".parse().ok()
        );
        assert_eq!(
            read(&LINE.replace("192.0.2.7", "host.example"))
                .unwrap()
                .client,
            None
        );
    }

    #[test]
    fn escapes() {
        for (logged, sent) in [
            (r#"a \"b\" c"#, &b"a \"b\" c"[..]),
            (r"\xe4\xE5\x22", b"\xe4\xe5\""),
            (r"back\\slash", b"back\\slash"),
            (r"tab\tend", b"tab\tend"),
            (r"\x", b"\\x"),
            (r"\xg0", b"\\xg0"),
            (r"\q", b"\\q"),
        ] {
            let entry = read(&LINE.replace("Agent/1.0", logged)).unwrap();
            assert_eq!(entry.agent.as_deref(), Some(sent), "{logged}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (line, error) in [
            (String::new(), LineError::Client),
            (" leading".into(), LineError::Client),
            (LINE.replace('[', ""), LineError::Time),
            (LINE.replace(']', ""), LineError::Time),
            (LINE.replace("\"GET", "GET"), LineError::Request),
            (LINE.replace("GET /a?b=c HTTP/1.1", "-"), LineError::NotHttp),
            (
                LINE.replace("GET /a?b=c HTTP/1.1", r"\x16\x03\x01"),
                LineError::NotHttp,
            ),
            (LINE.replace("/a?b=c", "/a b"), LineError::NotHttp),
            (LINE.replace("200", "20"), LineError::Status),
            (LINE.replace("512", "many"), LineError::Size),
            (
                LINE.replace(" \"https://from.example/\" \"Agent/1.0\"", ""),
                LineError::Referrer,
            ),
            (LINE.replace(" \"Agent/1.0\"", ""), LineError::Agent),
            (LINE.strip_suffix('"').unwrap().into(), LineError::Agent),
        ] {
            assert_eq!(read(&line), Err(error), "{line}");
        }
    }

    /// As Apache escapes.
    fn escaped(bytes: &[u8]) -> String {
        let escape = |&byte: &u8| match byte {
            b'"' => "\\\"".into(),
            b'\\' => "\\\\".into(),
            b'\n' => "\\n".into(),
            b'\t' => "\\t".into(),
            byte if byte.is_ascii_graphic() || byte == b' ' => char::from(byte).to_string(),
            byte => format!("\\x{byte:02x}"),
        };
        bytes.iter().map(escape).collect()
    }

    proptest! {
        #[test]
        fn what_was_sent_is_read(
            client: IpAddr,
            method in "[A-Z]{1,10}",
            target in "/[!-~]{0,60}",
            referrer in prop::option::of(prop::collection::vec(any::<u8>(), 1..60)),
            agent in prop::option::of(prop::collection::vec(any::<u8>(), 1..60)),
        ) {
            prop_assume!(referrer.as_deref() != Some(b"-") && agent.as_deref() != Some(b"-"));
            let field = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or("-".into(), |bytes| escaped(bytes));
            let line = format!(
                "{client} - - [17/May/2015:10:05:03 +0000] \"{method} {} HTTP/1.1\" 200 1 \"{}\" \"{}\"",
                escaped(target.as_bytes()), field(&referrer), field(&agent),
            );
            prop_assert_eq!(read(&line), Ok(Entry { client: Some(client), method, target, referrer, agent }));
        }

        #[test]
        fn no_line_breaks_the_reader(line: Vec<u8>) {
            let _ = parse(&line);
        }

        #[test]
        fn no_cut_line_breaks_the_reader(length in 0..LINE.len(), more in "[\\\\\"x ]{0,8}") {
            let _ = parse(format!("{}{more}", &LINE[..length]).as_bytes());
        }
    }
}
