//! Clicks read back out of ClickHouse: in time's order, in parts that fit into memory, with all that they are judged by
//! and what was found. What follows from it is [`reclassify`](crate::reclassify)'s and [`refill`](crate::refill)'s to say.

use std::net::Ipv6Addr;

use clickhouse::query::RowCursor;
use clickhouse::{Client, Row};
use serde::Deserialize;
use whence_core::agent::AgentClass;
use whence_core::click::{Click, Method, Outcome, Signs};
use whence_core::confirmation::Marks;
use whence_core::id::{ClickId, LinkId, VisitorId};
use whence_core::workspace::PrivacyMode;

const MINUTES: &str = include_str!("../../sql/lookups/clicks_by_minute.sql");
const CLICKS: &str = include_str!("../../sql/lookups/clicks_again.sql");

/// How many clicks are asked for at once. ClickHouse sorts them in memory, at some 500 bytes each; more only where one
/// minute has more.
const AT_A_TIME: u64 = 100_000;
/// The milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;

/// A range of time, and whose clicks.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// From when on, in milliseconds since 1970.
    pub(crate) from: i64,
    /// Until when, without it.
    pub(crate) to: i64,
    /// One workspace's; everybody's where it is empty.
    pub(crate) workspace: String,
}

/// Some clicks of a span that are asked for at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// From when on, in milliseconds since 1970.
    pub(crate) from: i64,
    /// Until when, without it.
    pub(crate) to: i64,
    /// How many there are.
    pub(crate) clicks: u64,
}

#[derive(Row, Deserialize)]
struct Minute {
    minute: i64,
    clicks: u64,
}

/// The parts of a span, in time's order; none where there is nothing.
pub(crate) async fn parts(
    client: &Client,
    span: &Span,
) -> Result<Vec<Part>, clickhouse::error::Error> {
    let query = client
        .query(MINUTES)
        .param("from", span.from)
        .param("to", span.to)
        .param("workspace", &span.workspace);
    let mut minutes = query.fetch::<Minute>()?;
    let mut parts: Vec<Part> = Vec::new();
    while let Some(Minute { minute, clicks }) = minutes.next().await? {
        let to = minute.saturating_add(MINUTE_MS).min(span.to);
        match parts.last_mut() {
            Some(part) if part.clicks + clicks <= AT_A_TIME => {
                part.to = to;
                part.clicks += clicks;
            }
            _ => parts.push(Part {
                from: minute.max(span.from),
                to,
                clicks,
            }),
        }
    }
    Ok(parts)
}

/// The clicks of a part, in time's order.
pub(crate) fn read(
    client: &Client,
    part: &Part,
    workspace: &str,
) -> Result<RowCursor<StoredClick>, clickhouse::error::Error> {
    client
        .query(CLICKS)
        .param("from", part.from)
        .param("to", part.to)
        .param("workspace", workspace)
        .param("against", Marks::AGAINST.bits())
        .fetch()
}

/// A click as it is stored. Names and order are the query's.
#[derive(Debug, Row, Deserialize)]
pub(crate) struct StoredClick {
    pub(crate) workspace: String,
    /// In milliseconds since 1970.
    pub(crate) time: i64,
    click_id: u128,
    outcome: i8,
    method: i8,
    link_id: u64,
    domain: String,
    slug: String,
    query: String,
    visitor_id: u128,
    new_visitor: bool,
    privacy: i8,
    address_prefix: Ipv6Addr,
    user_agent: String,
    hints: String,
    purpose: String,
    language: String,
    referrer: String,
    pub(crate) lane: u64,
    pub(crate) seq: u64,
    signs: u16,
    pub(crate) asn: u32,
    campaign: String,
    link_channel: String,
    agent_class: i8,
    referrer_host: String,
    /// Whether it came with UTM tags.
    tagged: bool,
    browser: String,
    browser_version: String,
    os: String,
    os_version: String,
    device: String,
    model: String,
    app: String,
    pub(crate) channel: String,
    pub(crate) source: String,
    pub(crate) verdict: i8,
    pub(crate) reasons: Vec<String>,
    pub(crate) rules: u16,
    /// Whether a browser has shown the landing page, and nothing speaks against a person before it.
    pub(crate) confirmed: bool,
}

impl StoredClick {
    /// The click as it arrived, as far as it is stored: its address is that of its network.
    ///
    /// None where a verdict could not be found again: it was only counted, its agent is not kept for so long, or a newer
    /// version of us wrote it.
    pub(crate) fn click(&self) -> Option<Click<'_>> {
        let is_forgotten = self.user_agent.is_empty() && self.agent_class != AgentClass::None as i8;
        let privacy = privacy(self.privacy)?;
        if is_forgotten || privacy == PrivacyMode::CountOnly {
            return None;
        }
        Some(Click {
            id: ClickId(self.click_id),
            unix_ms: u64::try_from(self.time).ok()?,
            outcome: outcome(self.outcome)?,
            method: method(self.method)?,
            workspace: self.workspace.as_str().into(),
            link: LinkId(self.link_id),
            domain: self.domain.as_str().into(),
            slug: self.slug.as_str().into(),
            query: self.query.as_str().into(),
            visitor: (self.visitor_id != 0).then_some(VisitorId(self.visitor_id)),
            new_visitor: self.new_visitor,
            address: self.address_prefix.into(),
            user_agent: self.user_agent.as_str().into(),
            referrer: self.referrer.as_str().into(),
            language: self.language.as_str().into(),
            purpose: self.purpose.as_str().into(),
            channel: self.link_channel.as_str().into(),
            campaign: self.campaign.as_str().into(),
            program: "".into(),
            advocate: "".into(),
            variant: "".into(),
            tags: "".into(),
            privacy,
            signs: Signs::from_bits(self.signs),
            hints: self.hints.as_str().into(),
        })
    }

    /// Browser, system, device, model and app, with their versions.
    pub(crate) fn software(&self) -> [&str; 7] {
        [
            &self.browser,
            &self.browser_version,
            &self.os,
            &self.os_version,
            &self.device,
            &self.model,
            &self.app,
        ]
    }

    /// Whether the road by which it came can still be told: its referrer and query are kept.
    pub(crate) fn has_road(&self) -> bool {
        let has_referrer = !self.referrer.is_empty() || self.referrer_host.is_empty();
        has_referrer && (!self.query.is_empty() || !self.tagged)
    }

    /// Whether everything is kept that tells the browser: without a cookie some of its hints are not.
    pub(crate) fn has_software(&self) -> bool {
        privacy(self.privacy) == Some(PrivacyMode::Full)
    }
}

fn outcome(number: i8) -> Option<Outcome> {
    Some(match number {
        1 => Outcome::Redirected,
        2 => Outcome::NotFound,
        3 => Outcome::Disabled,
        4 => Outcome::Pending,
        5 => Outcome::Expired,
        6 => Outcome::UsedUp,
        7 => Outcome::Locked,
        8 => Outcome::Previewed,
        9 => Outcome::Inspected,
        _ => return None,
    })
}

fn method(number: i8) -> Option<Method> {
    Some(match number {
        1 => Method::Get,
        2 => Method::Head,
        3 => Method::Post,
        _ => return None,
    })
}

fn privacy(number: i8) -> Option<PrivacyMode> {
    Some(match number {
        0 => PrivacyMode::Full,
        1 => PrivacyMode::Cookieless,
        2 => PrivacyMode::CountOnly,
        _ => return None,
    })
}
