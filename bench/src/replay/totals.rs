//! What the reports must say: totals computed from the log alone.
//!
//! The definitions are those that `sql/migrations` and `docs` give, written again in the plainest way; ingest's
//! own code is on purpose not used, since it is what is checked.

use std::collections::BTreeMap;

use hyper::header::HeaderValue;

use super::plan::Visit;

/// Clicks by key.
pub(super) type Counts = BTreeMap<String, u64>;

/// A report's dimension and its totals.
#[derive(Debug)]
pub(super) struct Totals {
    /// As the report calls it.
    pub(super) by: &'static str,
    /// Clicks by key.
    pub(super) counts: Counts,
}

/// The totals by every dimension that a log can tell.
pub(super) fn of(visits: &[Visit]) -> Vec<Totals> {
    let count = |by, key: fn(&Visit) -> String| {
        let mut counts = Counts::new();
        for visit in visits {
            *counts.entry(key(visit)).or_default() += 1;
        }
        Totals { by, counts }
    };
    vec![
        count("slug", |visit| visit.slug.to_string()),
        count("agent_class", |visit| {
            agent_class(&text(&visit.agent)).to_owned()
        }),
        count("referrer_host", referrer_host),
        count("method", |visit| visit.method.to_string()),
    ]
}

/// The key of a visit in the report by referrer host.
pub(super) fn referrer_host(visit: &Visit) -> String {
    host(&text(&visit.referrer))
}

fn text(header: &Option<HeaderValue>) -> String {
    let bytes = header.as_ref().map_or(&b""[..], HeaderValue::as_bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

fn agent_class(agent: &str) -> &'static str {
    let small = agent.to_ascii_lowercase();
    if agent.is_empty() {
        "none"
    } else if ["bot", "crawl", "spider", "http"]
        .iter()
        .any(|word| small.contains(word))
    {
        "declared_bot"
    } else if agent.starts_with("Mozilla/") || agent.starts_with("Opera/") {
        "browser"
    } else {
        "other"
    }
}

/// What stands between `://` and the next `/`, `?` or `#`, without user name and port, in small letters.
fn host(referrer: &str) -> String {
    let Some((scheme, rest)) = referrer.split_once("://") else {
        return String::new();
    };
    if !scheme
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    {
        return String::new();
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let named = rest[..end].rsplit('@').next().unwrap_or_default();
    let without_port = named.trim_end_matches(|c: char| c.is_ascii_digit());
    without_port
        .strip_suffix(':')
        .unwrap_or(named)
        .to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agents() {
        for (agent, class) in [
            ("", "none"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "browser"),
            ("Opera/9.80", "browser"),
            ("Mozilla/5.0 (compatible; Googlebot/2.1)", "declared_bot"),
            ("Thing (+HTTP://thing.example)", "declared_bot"),
            ("curl/8.5.0", "other"),
        ] {
            assert_eq!(agent_class(agent), class, "{agent}");
        }
    }

    #[test]
    fn hosts() {
        for (referrer, expected) in [
            ("", ""),
            ("about:blank", ""),
            ("http://www.Example.com/a", "www.example.com"),
            ("https://example.com:8443?x", "example.com"),
            ("https://example1234", "example1234"),
            ("https://user@example.com#x", "example.com"),
            ("https://[2001:db8::1]:80/", "[2001:db8::1]"),
            ("https://[2001:db8::1]/", "[2001:db8::1]"),
        ] {
            assert_eq!(host(referrer), expected, "{referrer}");
        }
    }
}
