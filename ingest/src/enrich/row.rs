//! A click as it stands in the table `clicks`. Names and order are the table's.

use std::net::Ipv6Addr;

use clickhouse::Row;
use serde::Serialize;
use whence_core::click::{Method, Outcome};
use whence_core::place::Code;

/// One row; enumerations by their numbers in the table.
#[derive(Clone, Debug, PartialEq, Row, Serialize)]
pub struct ClickRow<'a> {
    /// Whose domain it came to.
    pub workspace: &'a str,
    /// When, in milliseconds since 1970.
    pub time: i64,
    /// The click's id.
    pub click_id: u128,
    /// The journal lane that recorded it.
    pub lane: u64,
    /// Its number there: with the lane, the row's identity.
    pub seq: u64,
    /// What was answered.
    pub outcome: i8,
    /// The request's method.
    pub method: i8,
    /// The link that answered.
    pub link_id: u64,
    /// The host asked for.
    pub domain: &'a str,
    /// The slug asked for.
    pub slug: &'a str,
    /// The request's query.
    pub query: &'a str,
    /// The visitor, 0 where unknown.
    pub visitor_id: u128,
    /// Whether this click was the visitor's first.
    pub new_visitor: bool,
    /// The network of the address.
    pub address_prefix: Ipv6Addr,
    /// ISO 3166 code of the address's country.
    pub country: Code<2>,
    /// Browser.
    pub browser: String,
    /// Its version.
    pub browser_version: String,
    /// Operating system.
    pub os: String,
    /// Its version.
    pub os_version: String,
    /// Kind of device.
    pub device: &'static str,
    /// Coarse class of the user agent.
    pub agent_class: i8,
    /// The user agent itself.
    pub user_agent: &'a str,
    /// First language.
    pub language: String,
    /// The referrer itself.
    pub referrer: &'a str,
    /// Its host.
    pub referrer_host: String,
    /// Which road led here.
    pub channel: String,
    /// From which place.
    pub source: String,
    /// The link's campaign, else `utm_campaign`.
    pub campaign: String,
    /// `utm_source` as it was.
    pub utm_source: String,
    /// `utm_medium` as it was.
    pub utm_medium: String,
    /// `utm_campaign` as it was.
    pub utm_campaign: String,
    /// `utm_term` as it was.
    pub utm_term: String,
    /// `utm_content` as it was.
    pub utm_content: String,
    /// The referral program.
    pub program: &'a str,
    /// Whose link it was.
    pub advocate: &'a str,
    /// The variant of the link that it was sent to.
    pub variant: &'a str,
    /// The link's tags.
    pub tags: Vec<&'a str>,
    /// Person or which machine.
    pub verdict: i8,
    /// What led to the verdict.
    pub reasons: Vec<String>,
    /// The rules' version.
    pub rules: u16,
}

/// The table's number for an outcome.
pub(super) fn outcome(outcome: Outcome) -> i8 {
    match outcome {
        Outcome::Redirected => 1,
        Outcome::NotFound => 2,
        Outcome::Disabled => 3,
        Outcome::Pending => 4,
        Outcome::Expired => 5,
        Outcome::UsedUp => 6,
        Outcome::Locked => 7,
        Outcome::Previewed => 8,
        Outcome::Inspected => 9,
    }
}

/// A link's tags, as a click carries them: each without a comma, separated by commas.
pub(super) fn tags(joined: &str) -> Vec<&str> {
    joined.split(',').filter(|tag| !tag.is_empty()).collect()
}

/// The table's number for a method.
pub(super) fn method(method: Method) -> i8 {
    match method {
        Method::Get => 1,
        Method::Head => 2,
        Method::Post => 3,
    }
}
