//! A click as it stands in the table `clicks`. Names and order are the table's.

use std::net::Ipv6Addr;

use clickhouse::Row;
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use whence_core::click::{Method, Outcome};
use whence_core::place::Code;
use whence_core::workspace::PrivacyMode;

use super::verdict::Reasons;

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
    /// What was allowed to be known of the visitor.
    pub privacy: i8,
    /// The network of the address.
    pub address_prefix: Ipv6Addr,
    /// The address itself, where it may be kept.
    pub address: Ipv6Addr,
    /// ISO 3166 code of the address's country.
    pub country: Code<2>,
    /// ISO 3166-2 code of its region.
    pub region: Code<6>,
    /// Its city.
    pub city: &'a str,
    /// The autonomous system that announces it, 0 where unknown.
    pub asn: u32,
    /// Whom that belongs to.
    pub network: &'a str,
    /// Browser.
    pub browser: &'a str,
    /// Its version.
    pub browser_version: &'a str,
    /// Operating system.
    pub os: &'a str,
    /// Its version.
    pub os_version: &'a str,
    /// Kind of device.
    pub device: &'static str,
    /// What the device is called.
    pub model: &'a str,
    /// The app whose own browser it was.
    pub app: &'static str,
    /// Coarse class of the user agent.
    pub agent_class: i8,
    /// The user agent itself.
    pub user_agent: &'a str,
    /// Which headers came with it.
    pub signs: u16,
    /// Its client hints, a line each.
    pub hints: &'a str,
    /// What says that nobody has clicked yet.
    pub purpose: &'a str,
    /// First language.
    pub language: &'a str,
    /// The referrer itself.
    pub referrer: &'a str,
    /// Its host.
    pub referrer_host: &'a str,
    /// Which road led here.
    pub channel: &'a str,
    /// The channel that the link was made for.
    pub link_channel: &'a str,
    /// From which place.
    pub source: &'a str,
    /// The link's campaign, else `utm_campaign`.
    pub campaign: &'a str,
    /// `utm_source` as it was.
    pub utm_source: &'a str,
    /// `utm_medium` as it was.
    pub utm_medium: &'a str,
    /// `utm_campaign` as it was.
    pub utm_campaign: &'a str,
    /// `utm_term` as it was.
    pub utm_term: &'a str,
    /// `utm_content` as it was.
    pub utm_content: &'a str,
    /// The referral program.
    pub program: &'a str,
    /// Whose link it was.
    pub advocate: &'a str,
    /// The variant of the link that it was sent to.
    pub variant: &'a str,
    /// The link's tags.
    pub tags: Tags<'a>,
    /// Person or which machine.
    pub verdict: i8,
    /// What led to the verdict.
    pub reasons: Reasons<'a>,
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

/// The table's number for a mode.
pub(super) fn privacy(mode: PrivacyMode) -> i8 {
    match mode {
        PrivacyMode::Full => 0,
        PrivacyMode::Cookieless => 1,
        PrivacyMode::CountOnly => 2,
    }
}

/// A link's tags, as a click carries them: each without a comma, separated by commas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tags<'a>(pub(super) &'a str);

impl<'a> Tags<'a> {
    /// Each tag.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        self.0.split(',').filter(|tag| !tag.is_empty())
    }
}

impl Serialize for Tags<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.iter().count()))?;
        self.iter()
            .try_for_each(|tag| list.serialize_element(tag))?;
        list.end()
    }
}

/// The table's number for a method.
pub(super) fn method(method: Method) -> i8 {
    match method {
        Method::Get => 1,
        Method::Head => 2,
        Method::Post => 3,
    }
}
