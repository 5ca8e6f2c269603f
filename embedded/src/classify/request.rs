//! A line as a click: what it says, and what is assumed where it says nothing.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{SystemTime, UNIX_EPOCH};

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use url::Url;
use whence_core::click::{Click, Method, Outcome, Signs, bounded, bounds};
use whence_core::config::Cookies;
use whence_core::id::{ClickId, LinkId};
use whence_core::workspace::PrivacyMode;
use whence_redirector::Headers;

use super::lines::Told;

/// What is known of a request.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    method: Method,
    host: String,
    slug: String,
    query: String,
    headers: Headers,
    address: IpAddr,
    channel: String,
    campaign: String,
    unix_ms: u64,
    /// A browser has shown the landing page.
    pub(super) confirmed: bool,
}

/// A request as JSON has it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Form {
    method: Option<Method>,
    url: Option<String>,
    host: Option<String>,
    slug: Option<String>,
    query: Option<String>,
    headers: BTreeMap<String, Values>,
    address: Option<IpAddr>,
    channel: String,
    campaign: String,
    time: Option<jiff::Timestamp>,
    secure: Option<bool>,
    confirmed: bool,
}

/// A header's value, or each of them.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "must be a text or a list of texts")]
enum Values {
    One(String),
    Many(Vec<String>),
}

impl Values {
    fn iter(&self) -> impl Iterator<Item = &str> {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
        .iter()
        .map(String::as_str)
    }
}

/// What was asked for.
#[derive(Default)]
struct Place {
    host: String,
    slug: String,
    query: String,
    secure: bool,
}

impl Request {
    /// An agent of which nothing else is known.
    pub(super) fn of_agent(user_agent: &str) -> Self {
        Self::with(Headers {
            user_agent: bounded(user_agent.as_bytes(), bounds::USER_AGENT).into_owned(),
            ..Headers::default()
        })
    }

    /// A referrer of which nothing else is known.
    pub(super) fn of_referrer(referrer: &str) -> Self {
        Self::with(Headers {
            referrer: bounded(referrer.as_bytes(), bounds::REFERRER).into_owned(),
            ..Headers::default()
        })
    }

    fn with(headers: Headers) -> Self {
        Self {
            method: Method::Get,
            host: String::new(),
            slug: String::new(),
            query: String::new(),
            headers,
            address: Ipv4Addr::UNSPECIFIED.into(),
            channel: String::new(),
            campaign: String::new(),
            unix_ms: now(),
            confirmed: false,
        }
    }

    /// Reads a request.
    pub(super) fn read(text: &str, cookies: &Cookies) -> Result<Self, Told> {
        let form: Form = {
            let mut json = serde_json::Deserializer::from_str(text);
            let form = serde_path_to_error::deserialize(&mut json).map_err(|error| {
                let place = error.path().to_string();
                told(&place, &without_place(error.inner()))
            })?;
            json.end()
                .map_err(|error| told(".", &without_place(&error)))?;
            form
        };
        let place = form.place()?;
        let secure = form.secure.unwrap_or(place.secure);
        let headers = form.headers.iter();
        let headers = headers
            .flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value)));
        let mut headers = Headers::read(headers, cookies, secure);
        if form.headers.is_empty() {
            // Of a request that says nothing of its headers nobody knows which it had.
            headers.signs = Signs::default();
        }
        Ok(Self {
            method: form.method.unwrap_or(Method::Get),
            headers,
            address: form.address.unwrap_or(Ipv4Addr::UNSPECIFIED.into()),
            unix_ms: form.unix_ms()?,
            host: cut(&place.host.to_ascii_lowercase(), bounds::HOST),
            slug: cut(&place.slug, bounds::SLUG),
            query: cut(&place.query, bounds::QUERY),
            channel: form.channel,
            campaign: form.campaign,
            confirmed: form.confirmed,
        })
    }

    /// As a click, with a number of its own.
    pub(super) fn click(&self, number: u64) -> Click<'_> {
        let headers = &self.headers;
        Click {
            id: ClickId(number.into()),
            unix_ms: self.unix_ms,
            outcome: Outcome::Redirected,
            method: self.method,
            workspace: "".into(),
            link: LinkId(0),
            domain: self.host.as_str().into(),
            slug: self.slug.as_str().into(),
            query: self.query.as_str().into(),
            visitor: headers.visitor,
            new_visitor: false,
            address: self.address,
            user_agent: headers.user_agent.as_str().into(),
            referrer: headers.referrer.as_str().into(),
            language: headers.language.as_str().into(),
            purpose: headers.purpose.as_str().into(),
            channel: self.channel.as_str().into(),
            campaign: self.campaign.as_str().into(),
            program: "".into(),
            advocate: "".into(),
            variant: "".into(),
            tags: "".into(),
            privacy: PrivacyMode::Full,
            signs: headers.signs,
            hints: headers.hints.as_str().into(),
        }
    }
}

impl Form {
    /// What was asked for: a whole URL, or its parts.
    fn place(&self) -> Result<Place, Told> {
        let Some(text) = &self.url else {
            let part = |part: &Option<String>| part.clone().unwrap_or_default();
            return Ok(Place {
                host: part(&self.host),
                slug: part(&self.slug),
                query: part(&self.query),
                secure: false,
            });
        };
        for (name, part) in [
            ("host", &self.host),
            ("slug", &self.slug),
            ("query", &self.query),
        ] {
            if part.is_some() {
                return Err(told(name, "stands in url already"));
            }
        }
        let url = Url::parse(text).map_err(|error| told("url", &error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(told("url", "must be http or https"));
        }
        let path = url.path().strip_prefix('/').unwrap_or(url.path());
        Ok(Place {
            host: url.host_str().unwrap_or_default().to_owned(),
            slug: percent_decode_str(path).decode_utf8_lossy().into_owned(),
            query: url.query().unwrap_or_default().to_owned(),
            secure: url.scheme() == "https",
        })
    }

    fn unix_ms(&self) -> Result<u64, Told> {
        match self.time {
            None => Ok(now()),
            Some(time) => u64::try_from(time.as_millisecond())
                .map_err(|_| told("time", "must not be before 1970")),
        }
    }
}

fn told(field: &str, what: &str) -> Told {
    // The path of a whole line is a dot.
    if field == "." {
        what.to_owned().into()
    } else {
        format!("{field}: {what}").into()
    }
}

/// A line is one line: where in it would only confuse.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    text[..end].to_owned()
}

fn cut(text: &str, limit: usize) -> String {
    bounded(text.as_bytes(), limit).into_owned()
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Request, String> {
        Request::read(text, &Cookies::default()).map_err(|told| told.at(1))
    }

    #[test]
    fn a_url_and_its_parts_are_the_same() {
        let url = r#"{"url":"https://Go.Example.com:8443/summer%20sale?a=b","time":"2026-06-01T12:00:00Z","secure":true}"#;
        let parts = r#"{"host":"go.example.com","slug":"summer sale","query":"a=b","secure":true,"method":"GET","time":"2026-06-01T12:00:00Z"}"#;
        let found = read(url).unwrap();
        assert_eq!(found, read(parts).unwrap());
        assert_eq!(found.unix_ms, 1_780_315_200_000);
        // No header is named: nothing is known of them.
        assert_eq!(found.headers, Headers::default());
    }

    #[test]
    fn headers_are_read() {
        let text = r#"{"url":"https://x.example/","headers":{"user-agent":"x/1","Accept":["*/*","text/html"],"Cookie":"a=b"}}"#;
        let found = read(text).unwrap().headers;
        assert_eq!(found.user_agent, "x/1");
        let signs = Signs::KNOWN | Signs::ACCEPT | Signs::HTML | Signs::COOKIE | Signs::SECURE;
        assert_eq!(found.signs, signs);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, expected) in [
            ("", "EOF while parsing a value"),
            ("[1]", "[0]: "),
            ("{} {}", "trailing characters"),
            (r#"{"metod":"GET"}"#, "metod: unknown field `metod`"),
            (r#"{"method":"PUT"}"#, "method: unknown variant `PUT`"),
            (r#"{"url":"x"}"#, "url: relative URL"),
            (
                r#"{"url":"ftp://x.example/"}"#,
                "url: must be http or https",
            ),
            (
                r#"{"url":"http://x.example/","slug":"a"}"#,
                "slug: stands in url already",
            ),
            (
                r#"{"headers":{"Accept":1}}"#,
                "headers.Accept: must be a text or a list",
            ),
            (r#"{"address":"here"}"#, "address: "),
            (r#"{"time":"noon"}"#, "time: "),
            (
                r#"{"time":"1969-01-01T00:00:00Z"}"#,
                "time: must not be before 1970",
            ),
        ] {
            let told = read(text).unwrap_err();
            assert!(
                told.starts_with("line 1: ") && told.contains(expected),
                "{text}: {told}"
            );
            assert!(!told.contains("column"), "{told}");
        }
    }
}
