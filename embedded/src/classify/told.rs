//! What is printed of a line: of an agent what an agent says, of a referrer what a referrer says, of a request everything.

use serde::Serialize;
use whence_ingest::enrich::{ClickRow, Reasons, Verdict};

use super::Kind;

/// An answer; what the line says nothing of is left out.
#[derive(Debug, Serialize)]
pub(super) struct Answer<'r> {
    line: u64,
    #[serde(flatten)]
    agent: Option<AgentAnswer<'r>>,
    #[serde(flatten)]
    road: Option<RoadAnswer<'r>>,
    #[serde(flatten)]
    place: Option<PlaceAnswer<'r>>,
    rules: u16,
}

#[derive(Debug, Serialize)]
struct AgentAnswer<'r> {
    verdict: &'static str,
    reasons: Reasons<'r>,
    browser: &'r str,
    browser_version: &'r str,
    os: &'r str,
    os_version: &'r str,
    device: &'r str,
    model: &'r str,
    app: &'r str,
    user_agent: &'r str,
}

#[derive(Debug, Serialize)]
struct RoadAnswer<'r> {
    channel: &'r str,
    source: &'r str,
    #[serde(skip_serializing_if = "str::is_empty")]
    campaign: &'r str,
    referrer_host: &'r str,
    referrer: &'r str,
}

#[derive(Debug, Serialize)]
struct PlaceAnswer<'r> {
    country: &'r str,
    region: &'r str,
    city: &'r str,
    asn: u32,
    network: &'r str,
    language: &'r str,
}

impl<'r> Answer<'r> {
    /// Of a line and the row that it would be.
    pub(super) fn new(kind: Kind, line: u64, verdict: Verdict, row: &'r ClickRow<'r>) -> Self {
        Self {
            line,
            agent: (kind != Kind::Referrers).then(|| AgentAnswer {
                verdict: verdict.as_str(),
                reasons: row.reasons,
                browser: row.browser,
                browser_version: row.browser_version,
                os: row.os,
                os_version: row.os_version,
                device: row.device,
                model: row.model,
                app: row.app,
                user_agent: row.user_agent,
            }),
            road: (kind != Kind::Agents).then_some(RoadAnswer {
                channel: row.channel,
                source: row.source,
                campaign: row.campaign,
                referrer_host: row.referrer_host,
                referrer: row.referrer,
            }),
            place: (kind == Kind::Requests).then_some(PlaceAnswer {
                country: row.country.as_str(),
                region: row.region.as_str(),
                city: row.city,
                asn: row.asn,
                network: row.network,
                language: row.language,
            }),
            rules: row.rules,
        }
    }
}
