//! What is to be replayed: which requests can be sent again, and which links they need.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, Read};
use std::net::IpAddr;

use hyper::header::HeaderValue;
use hyper::{Method, Uri};
use percent_encoding::percent_decode_str;
use whence_core::domain::DomainSpec;
use whence_core::link::Slug;

use super::log::{self, Entry};

/// The longest line that is read: no server takes a request of this size.
const LONGEST_LINE: u64 = 64 << 10;

/// A request to be sent.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    /// Who asks.
    pub(super) client: Option<IpAddr>,
    /// `GET`, `HEAD` or `POST`.
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: Uri,
    /// The slug that the redirector looks up.
    pub(super) slug: Slug,
    /// `Referer`.
    pub(super) referrer: Option<HeaderValue>,
    /// `User-Agent`.
    pub(super) agent: Option<HeaderValue>,
}

/// A log, sorted out.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// Lines read.
    pub(super) lines: u64,
    /// What will be sent, in the log's order.
    pub(super) visits: Vec<Visit>,
    /// What will not: how many lines for each reason.
    pub(super) skipped: BTreeMap<String, Skipped>,
}

/// Lines that are not sent for one reason.
#[derive(Debug)]
pub(super) struct Skipped {
    /// How many.
    pub(super) lines: u64,
    /// The number of the first one, counted from 1.
    pub(super) first: u64,
}

impl Plan {
    /// Reads a log to its end, or its first `most` lines.
    pub(super) fn read(mut log: impl BufRead, most: u64) -> io::Result<Self> {
        let mut plan = Self::default();
        let mut line = Vec::new();
        while plan.lines < most {
            line.clear();
            if (&mut log).take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            plan.lines += 1;
            let visit = if line.len() as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
                log.skip_until(b'\n')?;
                Err(format!("the line is longer than {LONGEST_LINE} bytes"))
            } else {
                let text = line.strip_suffix(b"\n").unwrap_or(&line);
                log::parse(text.strip_suffix(b"\r").unwrap_or(text))
                    .map_err(|e| e.to_string())
                    .and_then(visit)
            };
            match visit {
                Ok(visit) => plan.visits.push(visit),
                Err(reason) => {
                    let first = plan.lines;
                    plan.skipped
                        .entry(reason)
                        .or_insert(Skipped { lines: 0, first })
                        .lines += 1;
                }
            }
        }
        Ok(plan)
    }

    /// The links that the visits need.
    pub(super) fn slugs(&self) -> BTreeSet<&Slug> {
        self.visits.iter().map(|visit| &visit.slug).collect()
    }

    /// How many lines are not sent.
    pub(super) fn skipped_lines(&self) -> u64 {
        self.skipped.values().map(|skipped| skipped.lines).sum()
    }
}

fn visit(entry: Entry) -> Result<Visit, String> {
    let method = match entry.method.as_str() {
        "GET" => Method::GET,
        "HEAD" => Method::HEAD,
        "POST" => Method::POST,
        other => return Err(format!("{other} makes no click")),
    };
    let target: Uri = entry
        .target
        .parse()
        .map_err(|_| "the target is no URI".to_owned())?;
    // Proxies are asked for whole URLs; the site that was meant is ours now.
    let target = match (target.path_and_query(), target.path()) {
        (Some(target), path) if path.starts_with('/') => Uri::from(target.clone()),
        _ => return Err("the target is no path".into()),
    };
    let slug = slug(target.path())
        .map_err(|error| format!("no link can stand there: the slug {error}"))?;
    if is_answered_beside_links(slug.as_str()) {
        return Err("the edge answers it itself, and it is no click".into());
    }
    let header = |bytes: Option<Vec<u8>>| {
        bytes
            .map(|bytes| HeaderValue::from_bytes(&bytes))
            .transpose()
    };
    let unsendable = |_| "a header that HTTP cannot carry".to_owned();
    Ok(Visit {
        client: entry.client,
        method,
        target,
        slug,
        referrer: header(entry.referrer).map_err(unsendable)?,
        agent: header(entry.agent).map_err(unsendable)?,
    })
}

/// Whether a path asks for a document of the domain, or for the preview page or QR code of a link.
fn is_answered_beside_links(slug: &str) -> bool {
    DomainSpec::default().reserves(slug) || slug.ends_with('+') || slug.ends_with(".qr")
}

/// The slug that a path asks for: percent-decoded where that gives a text, or else as it is.
fn slug(path: &str) -> Result<Slug, whence_core::link::FieldError> {
    let path = path.strip_prefix('/').unwrap_or(path);
    match percent_decode_str(path).decode_utf8() {
        Ok(text) if !text.chars().any(char::is_control) => text.parse(),
        _ => path.parse(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(request: &str) -> String {
        format!(
            "192.0.2.7 - - [17/May/2015:10:05:03 +0000] \"{request}\" 200 1 \"-\" \"Agent/1.0\"\n"
        )
    }

    fn plan(requests: &[&str]) -> Plan {
        let text: String = requests.iter().map(|request| line(request)).collect();
        Plan::read(text.as_bytes(), u64::MAX).unwrap()
    }

    #[test]
    fn paths_that_decode_to_one_slug_share_a_link() {
        let plan = plan(&[
            "GET /a%20b HTTP/1.1",
            "GET /a%20b?c=d HTTP/1.1",
            "GET /%61%20b HTTP/1.1",
            "HEAD / HTTP/1.0",
            "GET //a HTTP/1.1",
            "GET /%ff HTTP/1.1",
            "GET http://old.example/a%20b HTTP/1.1",
        ]);
        let slugs: Vec<_> = plan.slugs().into_iter().map(Slug::as_str).collect();
        assert_eq!(slugs, ["", "%ff", "/a", "a b"]);
        assert_eq!(plan.visits[1].target, "/a%20b?c=d");
        assert_eq!(plan.visits[6].target, "/a%20b");
        assert_eq!((plan.lines, plan.skipped_lines()), (7, 0));
    }

    #[test]
    fn what_cannot_be_a_click_is_counted_by_reason() {
        let plan = plan(&[
            "GET /a HTTP/1.1",
            "OPTIONS / HTTP/1.1",
            "OPTIONS /x HTTP/1.1",
            "GET * HTTP/1.1",
            "GET /../etc/passwd HTTP/1.1",
            "GET /a%3Fb HTTP/1.1",
            "-",
        ]);
        let skipped: Vec<_> = plan
            .skipped
            .iter()
            .map(|(why, s)| (why.as_str(), s.lines, s.first))
            .collect();
        assert_eq!(plan.visits.len(), 1);
        assert_eq!(plan.skipped_lines(), 6);
        assert!(
            skipped.contains(&("OPTIONS makes no click", 2, 2)),
            "{skipped:?}"
        );
        assert!(
            skipped.iter().any(|(why, ..)| why.contains(". or ..")),
            "{skipped:?}"
        );
    }

    #[test]
    fn the_last_line_needs_no_end_and_a_giant_one_harms_no_other() {
        let giant = format!("{}\n", "x".repeat(3 * LONGEST_LINE as usize));
        let text = format!(
            "{}{giant}{}",
            line("GET /a HTTP/1.1"),
            line("GET /b HTTP/1.1").trim_end()
        );
        let plan = Plan::read(text.as_bytes(), u64::MAX).unwrap();
        assert_eq!(
            (plan.lines, plan.visits.len(), plan.skipped_lines()),
            (3, 2, 1)
        );
        assert_eq!(Plan::read(text.as_bytes(), 1).unwrap().lines, 1);
    }
}
