//! Finds out what a click does not say by itself: place, software, road and verdict.
//!
//! First it is seen, then its row is written: what was found out is mostly shared with clicks that are like it, and the row
//! only borrows it. Nothing here asks the network or a clock.

mod address;
mod again;
mod channel;
mod hosting;
mod language;
mod privacy;
mod query;
mod recent;
mod referrer;
mod road;
mod row;
mod sources;
mod verdict;

pub use hosting::{HostingError, Hostings};
pub(crate) use recent::{AHEAD_MS, BEHIND_MS};
pub use recent::{Recent, WINDOWS_BYTES};
pub use row::ClickRow;
pub use verdict::{Reasons, Verdict};

use std::sync::Arc;

use thiserror::Error;
use whence_core::agent::{Agent, Agents, CrawlersError, Device};
use whence_core::channel_rule::ChannelRule;
use whence_core::click::Click;
use whence_core::config;
use whence_core::place::{DatabaseError, Network, Networks, Occasion, Place, Places};
use whence_core::workspace::PrivacyMode;

use language::Language;
use recent::{Trace, Windows};
use road::{Road, Roads, Traces};
use verdict::{Evidence, Judgement};

/// The rules' version, stored with each row: raised whenever a rule here or the table of sources
/// changes, so that history can be judged again where it was judged otherwise.
pub const RULES: u16 = 3;

/// Enriching cannot start.
#[derive(Debug, Error)]
pub enum EnrichError {
    /// The database of places or of networks cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseError),
    /// The list of crawlers cannot be used.
    #[error(transparent)]
    Crawlers(#[from] CrawlersError),
    /// The file of data centres cannot be used.
    #[error(transparent)]
    Hosting(#[from] HostingError),
}

/// Everything that enriching needs, read once.
#[derive(Debug)]
pub struct Enricher {
    agents: Agents,
    places: Places,
    networks: Networks,
    hostings: Hostings,
    roads: Roads,
    windows: Windows,
}

impl Enricher {
    /// Whether a user agent is a machine's by its own word.
    pub(crate) fn is_machine(&self, user_agent: &str) -> bool {
        self.agents.of(user_agent, "").is_bot()
    }

    /// Reads the files that the configuration names, or those that `npm ci` has brought.
    pub fn open(config: &config::Databases) -> Result<Self, EnrichError> {
        Ok(Self {
            agents: Agents::open(config)?,
            places: Places::open(config)?,
            networks: Networks::open(config)?,
            hostings: Hostings::open(config)?,
            roads: Roads::built_in(),
            windows: Windows::new(WINDOWS_BYTES),
        })
    }

    /// Reads the databases again where there is a reason to. Blocks; clicks meanwhile do not wait for it.
    pub fn refresh(&self, occasion: Occasion) {
        self.places.refresh(occasion);
        self.networks.refresh(occasion);
    }

    /// From now on these are the workspace's own rules of channels. Until it is told, a workspace has none.
    pub fn follow(&self, workspace: &str, rules: &[ChannelRule]) {
        self.roads.follow(workspace, rules);
    }

    /// Finds out what there is to know of a click.
    #[must_use]
    pub fn see(&self, click: &Click<'_>) -> Seen {
        let glance = self.glance(click);
        self.windows.note([&glance.trace]);
        let recent = self.windows.judge(&glance.trace);
        self.look(click, glance, recent, false)
    }

    /// The same as if there were no other clicks. `confirmed`: a browser has shown the landing page.
    #[must_use]
    pub fn see_alone(&self, click: &Click<'_>, confirmed: bool) -> Seen {
        let glance = self.glance(click);
        self.look(click, glance, Recent::default(), confirmed)
    }

    /// The same for clicks that come together, in turn, each in the light of those behind it too.
    #[must_use]
    pub fn see_all<'c>(&self, clicks: impl Iterator<Item = &'c Click<'c>> + Clone) -> Vec<Seen> {
        let glances: Vec<Glance> = clicks.clone().map(|click| self.glance(click)).collect();
        let recent = self
            .windows
            .pass(glances.iter().map(|glance| &glance.trace));
        let clicks = clicks.zip(glances).zip(recent);
        clicks
            .map(|((click, glance), recent)| self.look(click, glance, recent, false))
            .collect()
    }

    /// What other clicks are to know of one.
    fn glance(&self, click: &Click<'_>) -> Glance {
        let agent = self.agents.of(&click.user_agent, &click.hints);
        let language = Language::first(&click.language);
        Glance {
            trace: self.windows.trace(click, language.as_str(), &agent),
            agent,
            language,
        }
    }

    /// The whole of it. A landing page confirms later than a click arrives: then the click is judged again.
    fn look(&self, click: &Click<'_>, glance: Glance, recent: Recent, confirmed: bool) -> Seen {
        let Glance {
            agent, language, ..
        } = glance;
        let network = self.networks.of(click.address);
        Seen {
            road: self.roads.of(&Traces::of(click, agent.app)),
            place: self.places.of(click.address),
            judgement: self.judge(click, &agent, network.asn, recent, confirmed),
            network,
            language,
            agent,
        }
    }

    /// Person or which machine, by what is in the click's row too: `asn` is that of its network.
    fn judge(
        &self,
        click: &Click<'_>,
        agent: &Agent,
        asn: u32,
        recent: Recent,
        confirmed: bool,
    ) -> Judgement {
        verdict::judge(&Evidence {
            unix_ms: click.unix_ms,
            method: click.method,
            purpose: &click.purpose,
            agent,
            signs: click.signs,
            hosting: self.hostings.of(asn, address::prefix(click.address)),
            recent,
            confirmed,
        })
    }
}

/// What is seen of a click before it is looked at.
#[derive(Debug)]
pub(crate) struct Glance {
    agent: Arc<Agent>,
    language: Language,
    trace: Trace,
}

/// What was found out about a click. Most of it is shared with the clicks that are like it; the row borrows it.
#[derive(Debug)]
pub struct Seen {
    agent: Arc<Agent>,
    road: Arc<Road>,
    place: Arc<Place>,
    network: Arc<Network>,
    language: Language,
    judgement: Judgement,
}

impl Seen {
    /// What the click seems to be.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.judgement.verdict
    }

    /// The row of the click that this was found out about, which has the number `seq` in `lane`.
    #[must_use]
    pub fn row<'a>(&'a self, click: &'a Click<'a>, lane: u64, seq: u64) -> ClickRow<'a> {
        let software = &self.agent.software;
        let (tags, origin) = (&self.road.tags, &self.road.origin);
        let mut row = ClickRow {
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
            privacy: row::privacy(click.privacy),
            address_prefix: address::prefix(click.address),
            address: address::kept(click),
            country: self.place.country,
            region: self.place.region,
            city: &self.place.city,
            asn: self.network.asn,
            network: &self.network.organization,
            browser: &software.browser,
            browser_version: &software.browser_version,
            os: &software.os,
            os_version: &software.os_version,
            device: software.device.map_or("", Device::as_str),
            model: &software.model,
            app: self.agent.app,
            agent_class: self.agent.class as i8,
            user_agent: &click.user_agent,
            signs: click.signs.bits(),
            hints: &click.hints,
            purpose: &click.purpose,
            language: self.language.as_str(),
            referrer: &click.referrer,
            referrer_host: &self.road.referrer_host,
            channel: &origin.channel,
            link_channel: &click.channel,
            source: &origin.source,
            campaign: if click.campaign.is_empty() {
                &tags.campaign
            } else {
                &click.campaign
            },
            utm_source: &tags.source,
            utm_medium: &tags.medium,
            utm_campaign: &tags.campaign,
            utm_term: &tags.term,
            utm_content: &tags.content,
            program: &click.program,
            advocate: &click.advocate,
            variant: &click.variant,
            tags: row::Tags(&click.tags),
            verdict: self.judgement.verdict as i8,
            reasons: self.judgement.reasons(&self.agent),
            rules: RULES,
        };
        let query = || self.road.known_query(&click.query);
        match click.privacy {
            PrivacyMode::Full => {}
            PrivacyMode::Cookieless => privacy::reduce_to_cookieless(&mut row, query()),
            PrivacyMode::CountOnly => privacy::reduce_to_count_only(&mut row, query()),
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use whence_core::agent::AgentClass;
    use whence_core::click::Method;
    use whence_core::id::ClickId;
    use whence_core::place::Code;
    use whence_core::test_support::click;

    use super::*;

    static ENRICHER: LazyLock<Enricher> =
        LazyLock::new(|| Enricher::open(&config::Databases::default()).unwrap());

    #[test]
    fn a_whole_row() {
        let click = click();
        let seen = ENRICHER.see(&click);
        let row = seen.row(&click, 5, 6);
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
            privacy: 0,
            address_prefix: "::ffff:193.99.144.0".parse().unwrap(),
            address: std::net::Ipv6Addr::UNSPECIFIED,
            country: ENRICHER.places.of(click.address).country,
            region: Code::default(),
            city: "",
            asn: 0,
            network: "",
            browser: "Firefox",
            browser_version: "120.0",
            os: "Linux",
            os_version: "",
            device: "desktop",
            model: "",
            app: "",
            agent_class: AgentClass::Browser as i8,
            user_agent: &click.user_agent,
            signs: click.signs.bits(),
            hints: "",
            purpose: "",
            language: "de-DE",
            referrer: &click.referrer,
            referrer_host: "mail.google.com",
            channel: "Email",
            link_channel: "",
            source: "news",
            campaign: "may",
            utm_source: "News",
            utm_medium: "email",
            utm_campaign: "may",
            utm_term: "a",
            utm_content: "b",
            program: "friends",
            advocate: "ada",
            variant: "blue",
            tags: row::Tags("summer,50% off"),
            verdict: Verdict::Human as i8,
            reasons: seen.judgement.reasons(&seen.agent),
            rules: RULES,
        };
        assert_eq!(row, expected);
        assert_eq!(row.country, "DE");
        assert!(row.reasons.iter().next().is_none());
    }

    #[test]
    fn the_links_own_campaign_and_channel_come_first() {
        let click = Click {
            campaign: "launch".into(),
            channel: "telegram".into(),
            ..click()
        };
        let seen = ENRICHER.see(&click);
        let row = seen.row(&click, 1, 1);
        assert_eq!((row.campaign, row.utm_campaign), ("launch", "may"));
        assert_eq!(row.channel, "Telegram");
    }

    #[test]
    fn a_short_domain_does_not_refer_to_itself() {
        let click = Click {
            query: "".into(),
            referrer: "https://go.example.com/other".into(),
            ..click()
        };
        let seen = ENRICHER.see(&click);
        let row = seen.row(&click, 1, 1);
        assert_eq!((row.channel, row.source), ("Direct", "Direct"));
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
            let seen = ENRICHER.see(&click);
            let row = seen.row(&click, 1, seq);
            let again = ENRICHER.see(&click);
            prop_assert_eq!(&row, &again.row(&click, 1, seq));
            prop_assert_eq!(row.address_prefix.octets()[15], 0);
        }
    }
}
