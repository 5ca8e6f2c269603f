//! Finds out what a click does not say by itself: place, software, road and verdict.
//!
//! The same click gives the same row, whenever it is enriched with the same rules and databases: a block
//! that is sent again must be the same insert. Nothing here asks the network or a clock.

mod address;
mod channel;
mod language;
mod query;
mod referrer;
mod road;
mod row;
mod sources;
mod verdict;

pub use channel::CHANNELS;
pub use row::ClickRow;
pub use verdict::Verdict;

use thiserror::Error;
use whence_core::agent::{Agents, CrawlersError, Device};
use whence_core::click::Click;
use whence_core::config;
use whence_core::place::{Places, PlacesError};

use road::Roads;

/// The rules' version, stored with each row: raised whenever a rule here or the table of sources
/// changes, so that history can be judged again where it was judged otherwise.
pub const RULES: u16 = 2;

/// Enriching cannot start.
#[derive(Debug, Error)]
pub enum EnrichError {
    /// The database of places cannot be used.
    #[error(transparent)]
    Places(#[from] PlacesError),
    /// The list of crawlers cannot be used.
    #[error(transparent)]
    Crawlers(#[from] CrawlersError),
}

/// Everything that enriching needs, read once.
#[derive(Debug)]
pub struct Enricher {
    agents: Agents,
    places: Places,
    roads: Roads,
}

impl Enricher {
    /// Reads the files that the configuration names, or those that `npm ci` has brought.
    pub fn open(config: &config::Databases) -> Result<Self, EnrichError> {
        Ok(Self {
            agents: Agents::open(config)?,
            places: Places::open(config)?,
            roads: Roads::built_in(),
        })
    }

    /// The row of a click, which has the number `seq` in `lane`.
    #[must_use]
    pub fn enrich<'a>(&'a self, click: &'a Click<'a>, lane: u64, seq: u64) -> ClickRow<'a> {
        let agent = self.agents.of(&click.user_agent);
        let road = self.roads.of(click);
        let (tags, origin) = (&road.tags, &road.origin);
        let judgement = verdict::judge(click.method, &click.purpose, &agent);
        let campaign = if click.campaign.is_empty() {
            &tags.campaign
        } else {
            &*click.campaign
        };
        ClickRow {
            workspace: &click.workspace,
            time: i64::try_from(click.unix_ms).unwrap_or(i64::MAX),
            click_id: click.id.0,
            lane,
            seq,
            outcome: row::outcome(click.outcome),
            method: row::method(click.method),
            link_id: click.link.0,
            domain: &click.domain,
            slug: &click.slug,
            query: &click.query,
            visitor_id: click.visitor.map_or(0, |visitor| visitor.0),
            new_visitor: click.new_visitor,
            address_prefix: address::prefix(click.address),
            country: self.places.of(click.address).country,
            browser: agent.software.browser.clone(),
            browser_version: agent.software.browser_version.clone(),
            os: agent.software.os.clone(),
            os_version: agent.software.os_version.clone(),
            device: agent.software.device.map_or("", Device::as_str),
            agent_class: agent.class as i8,
            user_agent: &click.user_agent,
            language: language::first(&click.language),
            referrer: &click.referrer,
            referrer_host: road.referrer_host.clone(),
            channel: origin.channel.clone(),
            source: origin.source.clone(),
            campaign: campaign.to_owned(),
            utm_source: tags.source.clone(),
            utm_medium: tags.medium.clone(),
            utm_campaign: tags.campaign.clone(),
            utm_term: tags.term.clone(),
            utm_content: tags.content.clone(),
            program: &click.program,
            advocate: &click.advocate,
            variant: &click.variant,
            tags: row::tags(&click.tags),
            verdict: judgement.verdict as i8,
            reasons: judgement.reasons,
            rules: RULES,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use whence_core::agent::AgentClass;
    use whence_core::click::{Method, Outcome};
    use whence_core::id::{ClickId, LinkId, VisitorId};

    use super::*;

    static ENRICHER: LazyLock<Enricher> =
        LazyLock::new(|| Enricher::open(&config::Databases::default()).unwrap());

    fn click() -> Click<'static> {
        Click {
            id: ClickId(7),
            unix_ms: 1_700_000_000_123,
            outcome: Outcome::Redirected,
            method: Method::Get,
            workspace: "acme".into(),
            link: LinkId(9),
            domain: "go.example.com".into(),
            slug: "summer".into(),
            query: "utm_source=News&utm_medium=email&utm_campaign=may&utm_term=a&utm_content=b"
                .into(),
            visitor: Some(VisitorId(3)),
            new_visitor: true,
            address: "193.99.144.80".parse().unwrap(),
            user_agent: "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
                .into(),
            referrer: "https://mail.google.com/mail/u/0/".into(),
            language: "de-de,de;q=0.9".into(),
            purpose: "".into(),
            channel: "".into(),
            campaign: "".into(),
            program: "friends".into(),
            advocate: "ada".into(),
            variant: "blue".into(),
            tags: "summer,50% off".into(),
        }
    }

    #[test]
    fn a_whole_row() {
        let click = click();
        let row = ENRICHER.enrich(&click, 5, 6);
        let expected = ClickRow {
            workspace: "acme",
            time: 1_700_000_000_123,
            click_id: 7,
            lane: 5,
            seq: 6,
            outcome: 1,
            method: 1,
            link_id: 9,
            domain: "go.example.com",
            slug: "summer",
            query: &click.query,
            visitor_id: 3,
            new_visitor: true,
            address_prefix: "::ffff:193.99.144.0".parse().unwrap(),
            country: ENRICHER.places.of(click.address).country,
            browser: "Firefox".into(),
            browser_version: "120.0".into(),
            os: "Linux".into(),
            os_version: "".into(),
            device: "desktop",
            agent_class: AgentClass::Browser as i8,
            user_agent: &click.user_agent,
            language: "de-DE".into(),
            referrer: &click.referrer,
            referrer_host: "mail.google.com".into(),
            channel: "Email".into(),
            source: "news".into(),
            campaign: "may".into(),
            utm_source: "News".into(),
            utm_medium: "email".into(),
            utm_campaign: "may".into(),
            utm_term: "a".into(),
            utm_content: "b".into(),
            program: "friends",
            advocate: "ada",
            variant: "blue",
            tags: vec!["summer", "50% off"],
            verdict: Verdict::Human as i8,
            reasons: vec![],
            rules: RULES,
        };
        assert_eq!(row, expected);
        assert_eq!(row.country, "DE");
    }

    #[test]
    fn the_links_own_campaign_and_channel_come_first() {
        let click = Click {
            campaign: "launch".into(),
            channel: "telegram".into(),
            ..click()
        };
        let row = ENRICHER.enrich(&click, 1, 1);
        assert_eq!(
            (row.campaign.as_str(), row.utm_campaign.as_str()),
            ("launch", "may")
        );
        assert_eq!(row.channel, "Telegram");
    }

    #[test]
    fn a_short_domain_does_not_refer_to_itself() {
        let click = Click {
            query: "".into(),
            referrer: "https://go.example.com/other".into(),
            ..click()
        };
        let row = ENRICHER.enrich(&click, 1, 1);
        assert_eq!(
            (row.channel.as_str(), row.source.as_str()),
            ("Direct", "Direct")
        );
        assert_eq!(row.referrer_host, "go.example.com");
    }

    proptest! {
        /// Whatever a client sends, there is a row, and again the same one.
        #[test]
        fn enriching_is_total_and_the_same_again(
            id: u128, unix_ms: u64, seq: u64, address: std::net::IpAddr,
            texts in prop::array::uniform8("\\PC{0,60}"),
            method in prop::sample::select(vec![Method::Get, Method::Head, Method::Post]),
        ) {
            let [user_agent, referrer, query, language, purpose, channel, slug, domain] =
                texts.each_ref().map(|text| text.as_str().into());
            let click = Click {
                id: ClickId(id), unix_ms, method, address, user_agent, referrer, query, language,
                purpose, channel, slug, domain, visitor: None, ..click()
            };
            let row = ENRICHER.enrich(&click, 1, seq);
            prop_assert_eq!(&row, &ENRICHER.enrich(&click, 1, seq));
            prop_assert_eq!(row.address_prefix.octets()[15], 0);
        }
    }
}
