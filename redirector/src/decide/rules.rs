//! Whether a rule of a link holds for a request.

use std::net::IpAddr;

use url::{Url, form_urlencoded};
use whence_core::click::bounds;
use whence_core::link::{Condition, Rule, Visit};

use super::facts::Facts;
use super::language;
use super::privacy::Visitor;
use crate::request::{Asked, Said};

/// Who asks, as rules see them.
pub(super) struct Subject<'s> {
    /// The request.
    pub(super) asked: &'s Asked<'s>,
    /// What else is known.
    pub(super) facts: &'s Facts<'s>,
    /// The visitor, where one may be known.
    pub(super) visitor: Option<Visitor>,
}

/// The first rule that holds.
pub(super) fn first<'r>(rules: &'r [Rule], subject: &Subject<'_>) -> Option<&'r Rule> {
    rules.iter().find(|rule| holds(&rule.when, subject))
}

/// Whether a condition holds. How deep it may go is bounded where links are checked.
fn holds(condition: &Condition, subject: &Subject<'_>) -> bool {
    let insight = &subject.facts.insight;
    match condition {
        Condition::All(parts) => parts.iter().all(|part| holds(part, subject)),
        Condition::Any(parts) => parts.iter().any(|part| holds(part, subject)),
        Condition::Not(part) => !holds(part, subject),
        Condition::Country(codes) => {
            let country = insight.place().country;
            codes.iter().any(|code| country == code.as_str())
        }
        Condition::Region(codes) => {
            let region = insight.place().region;
            codes.iter().any(|code| region == code.as_str())
        }
        Condition::Continent(continents) => insight
            .place()
            .continent
            .is_some_and(|continent| continents.contains(&continent)),
        Condition::Device(devices) => insight
            .agent()
            .device()
            .is_some_and(|device| devices.contains(&device)),
        Condition::Os(names) => {
            let os = &insight.agent().software.os;
            names.iter().any(|name| is_same(os, name.as_str()))
        }
        Condition::Browser(names) => {
            let browser = &insight.agent().software.browser;
            names.iter().any(|name| is_same(browser, name.as_str()))
        }
        Condition::Language(tags) => {
            let header = subject.asked.language.bounded(bounds::LANGUAGE);
            language::preferred(&header).is_some_and(|language| {
                tags.iter()
                    .any(|tag| language::is_named(language, tag.as_str()))
            })
        }
        Condition::ReferrerHost(hosts) => {
            referrer_host(subject.asked.referrer).is_some_and(|referrer| {
                hosts
                    .iter()
                    .any(|host| is_at_or_below(&referrer, host.as_str()))
            })
        }
        Condition::Parameter(test) => form_urlencoded::parse(subject.asked.query.as_bytes())
            .filter(|(name, _)| name == test.name.as_str())
            .any(|(_, value)| {
                test.is.is_empty() || test.is.iter().any(|expected| expected.as_str() == value)
            }),
        Condition::Address(networks) => networks
            .iter()
            .any(|network| network.0.contains(&subject.asked.client)),
        Condition::Date(range) => {
            let now = subject.facts.now;
            range.from.is_none_or(|from| from <= now) && range.until.is_none_or(|end| now < end)
        }
        Condition::Visitor(visit) => {
            let returns = subject.visitor.is_some_and(|visitor| !visitor.new);
            match visit {
                Visit::New => !returns,
                Visit::Returning => returns,
            }
        }
        Condition::Preview(expected) => insight.agent().is_preview() == *expected,
    }
}

/// Names of software: case does not matter, and what is not known is no name.
fn is_same(found: &str, named: &str) -> bool {
    !found.is_empty() && found.eq_ignore_ascii_case(named)
}

/// The host of a `Referer`, without its final dot.
fn referrer_host(referrer: Said<'_>) -> Option<String> {
    let text = referrer.bounded(bounds::REFERRER);
    let url = Url::parse(&text).ok()?;
    let host = url.host_str()?.trim_end_matches('.').to_ascii_lowercase();
    (!host.is_empty()).then_some(host)
}

/// Whether a host is `domain` or stands below it. By whole labels, so that `netflix.com` is not below
/// `x.com`; and an address has nothing above it.
fn is_at_or_below(host: &str, domain: &str) -> bool {
    match host.strip_suffix(domain) {
        Some("") => true,
        Some(above) => above.ends_with('.') && domain.parse::<IpAddr>().is_err(),
        None => false,
    }
}
