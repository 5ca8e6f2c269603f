//! An answer as the bytes of HTTP/1.1.

use std::borrow::Cow;

use hyper::StatusCode;
use whence_core::click::Method;

use crate::answer::{self, Answer, Known, Page, Redirect};
use crate::front::{CookieLines, header_text};

/// The lines that every redirect has; a test holds them against [`answer`]'s words.
const ALWAYS: &[u8] = b"cache-control: private, no-store\r\n\
    referrer-policy: strict-origin-when-cross-origin\r\n\
    x-robots-tag: noindex\r\n\
    content-length: 0\r\n";

/// What becomes of the connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It stays, as is usual.
    Stays,
    /// It stays, which a client of HTTP/1.0 has to be told.
    StaysAsAsked,
    /// It is closed.
    Closes,
}

/// What one answer needs to know beside itself.
pub(super) struct Terms<'a> {
    /// Whether the body is left out.
    pub(super) method: Method,
    /// What becomes of the connection.
    pub(super) after: After,
    /// The value of `Date`.
    pub(super) date: [u8; 29],
    /// The visitor's cookies.
    pub(super) cookies: &'a CookieLines,
}

/// Appends an answer.
pub(super) fn write(out: &mut Vec<u8>, answer: &Answer, terms: &Terms<'_>) {
    match answer {
        Answer::Redirect(redirect) => write_redirect(out, redirect, terms),
        Answer::Page(page) => write_page(out, page, terms),
    }
}

fn write_redirect(out: &mut Vec<u8>, redirect: &Redirect, terms: &Terms<'_>) {
    status(out, redirect.code());
    header(out, "location", &redirect.location);
    out.extend_from_slice(ALWAYS);
    if let Some(Known { visitor, click }) = redirect.known {
        let cookies = terms.cookies;
        let mut id = [0; 22];
        visitor.write_to(&mut id);
        cookie(out, &cookies.visitor, &id, cookies);
        click.write_to(&mut id);
        cookie(out, &cookies.last_click, &id, cookies);
    }
    if let Some(pass) = &redirect.pass {
        header(out, "set-cookie", pass);
    }
    end(out, terms);
}

fn cookie(out: &mut Vec<u8>, name: &str, id: &[u8; 22], cookies: &CookieLines) {
    out.extend_from_slice(b"set-cookie: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(id);
    out.extend_from_slice(cookies.attributes.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn write_page(out: &mut Vec<u8>, page: &Page, terms: &Terms<'_>) {
    status(out, page.status);
    header(out, "content-type", page.content_type);
    header(out, "cache-control", page.cache);
    header(out, "x-robots-tag", answer::NO_INDEX);
    for (name, value) in &page.headers {
        header(out, name, value);
    }
    // A status without a body has no length either (RFC 9110, 8.6).
    let bodiless = matches!(page.status, 204 | 304);
    // What was not even made for `HEAD` has one that is not known.
    let unmade = terms.method == Method::Head && page.body.is_empty();
    if !bodiless && !unmade {
        header(out, "content-length", &page.body.len().to_string());
    }
    end(out, terms);
    if terms.method != Method::Head && !bodiless {
        out.extend_from_slice(&page.body);
    }
}

fn status(out: &mut Vec<u8>, code: u16) {
    if code == 302 {
        // Nearly always.
        out.extend_from_slice(b"HTTP/1.1 302 Found\r\n");
        return;
    }
    let code = StatusCode::from_u16(code).expect("a status of our own");
    let reason = code.canonical_reason().unwrap_or_default();
    for part in ["HTTP/1.1 ", code.as_str(), " ", reason, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

fn header(out: &mut Vec<u8>, name: &str, value: &str) {
    let value: Cow<'_, str> = header_text(value);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

fn end(out: &mut Vec<u8>, terms: &Terms<'_>) {
    out.extend_from_slice(b"date: ");
    out.extend_from_slice(&terms.date);
    out.extend_from_slice(match terms.after {
        After::Stays => b"\r\n\r\n",
        After::StaysAsAsked => b"\r\nconnection: keep-alive\r\n\r\n",
        After::Closes => b"\r\nconnection: close\r\n\r\n",
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use whence_core::config::Cookies;
    use whence_core::id::{ClickId, VisitorId};
    use whence_core::link::RedirectStatus;

    use super::*;

    fn written(answer: &Answer, method: Method, after: After) -> String {
        let mut out = Vec::new();
        let terms = Terms {
            method,
            after,
            date: *b"Sat, 21 Nov 2026 22:37:00 GMT",
            cookies: &CookieLines::new(&Cookies::default()),
        };
        write(&mut out, answer, &terms);
        String::from_utf8(out).unwrap()
    }

    fn redirect(location: &str, pass: Option<&str>) -> Answer {
        Answer::Redirect(Redirect {
            status: RedirectStatus::default(),
            location: location.into(),
            known: Some(Known {
                visitor: VisitorId(61),
                click: ClickId(62),
            }),
            pass: pass.map(str::to_owned),
        })
    }

    #[test]
    fn every_redirect_says_what_answers_are_to_say() {
        let expected = format!(
            "cache-control: {}\r\nreferrer-policy: {}\r\nx-robots-tag: {}\r\ncontent-length: 0\r\n",
            answer::NO_STORE,
            answer::REFERRER_POLICY,
            answer::NO_INDEX
        );
        assert_eq!(ALWAYS, expected.as_bytes());
    }

    #[test]
    fn a_redirect() {
        let expected = "HTTP/1.1 302 Found\r\n\
            location: https://a.example/\r\n\
            cache-control: private, no-store\r\n\
            referrer-policy: strict-origin-when-cross-origin\r\n\
            x-robots-tag: noindex\r\n\
            content-length: 0\r\n\
            set-cookie: whv=000000000000000000000z; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax; Secure\r\n\
            set-cookie: whc=0000000000000000000010; Max-Age=31536000; Path=/; HttpOnly; SameSite=Lax; Secure\r\n\
            date: Sat, 21 Nov 2026 22:37:00 GMT\r\n\r\n";
        let answer = redirect("https://a.example/", None);
        assert_eq!(written(&answer, Method::Get, After::Stays), expected);
        // After a password the form is not sent on.
        let answer = redirect("https://a.example/", Some("whp=1"));
        let expected = expected
            .replace("302 Found", "303 See Other")
            .replace("date", "set-cookie: whp=1\r\ndate");
        assert_eq!(written(&answer, Method::Get, After::Stays), expected);
    }

    #[test]
    fn a_page_and_its_head() {
        let answer = answer::too_many(7);
        let page = written(&answer, Method::Get, After::Closes);
        assert!(page.starts_with("HTTP/1.1 429 Too Many Requests\r\n"));
        assert!(page.contains("\r\nretry-after: 7\r\n"));
        assert!(page.contains("\r\nconnection: close\r\n\r\nToo many requests"));
        let head = written(&answer, Method::Head, After::Closes);
        assert_eq!(head, page[..page.find("\r\n\r\n").unwrap() + 4]);
        let kept = written(&answer, Method::Get, After::StaysAsAsked);
        assert!(kept.contains("\r\nconnection: keep-alive\r\n"));
    }

    proptest! {
        #[test]
        fn no_text_becomes_a_line_of_its_own(location in "\\PC{0,20}[\r\n\0]\\PC{0,20}", pass in "[ -~\r\n]{0,20}") {
            let text = written(&redirect(&location, Some(&pass)), Method::Get, After::Stays);
            prop_assert_eq!(text.matches("\r\n").count(), 11);
            prop_assert_eq!(text.matches(['\r', '\n']).count(), 22);
            prop_assert!(!text.contains('\0'));
        }
    }
}
