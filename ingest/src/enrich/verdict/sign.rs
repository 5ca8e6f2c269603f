//! The signs, in the order in which they decide.

use whence_core::agent::{Agent, Category};
use whence_core::click::{Method, Signs};

use super::{Evidence, Verdict};
use crate::enrich::hosting::Hosting;

/// What a click shows of itself. What stands before [`Sign::Confirmed`] is the machine's own word, and decides whatever else
/// there is; what stands behind it is circumstantial, and a browser that has shown the page outranks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Sign {
    PurposePrefetch,
    Listed,
    CrawlerAgent,
    DeclaredBot,
    NoUserAgent,
    HeadlessBrowser,
    MethodHead,
    NoNavigation,
    Confirmed,
    LookedAt,
    SocialNetwork,
    MailNetwork,
    FanOut,
    NoBrowser,
    Burst,
    MethodPost,
    ContradictedHints,
    UnknownAgent,
    ImpossibleAgent,
    AncientBrowser,
    NoAccept,
    NoHtml,
    NoLanguage,
    NoFetchMetadata,
    HostingNetwork,
    Repeat,
    HostedBrowser,
    NoEncoding,
}

impl Sign {
    /// All of them, in their order.
    pub(super) const ALL: [Self; 28] = [
        Self::PurposePrefetch,
        Self::Listed,
        Self::CrawlerAgent,
        Self::DeclaredBot,
        Self::NoUserAgent,
        Self::HeadlessBrowser,
        Self::MethodHead,
        Self::NoNavigation,
        Self::Confirmed,
        Self::LookedAt,
        Self::SocialNetwork,
        Self::MailNetwork,
        Self::FanOut,
        Self::NoBrowser,
        Self::Burst,
        Self::MethodPost,
        Self::ContradictedHints,
        Self::UnknownAgent,
        Self::ImpossibleAgent,
        Self::AncientBrowser,
        Self::NoAccept,
        Self::NoHtml,
        Self::NoLanguage,
        Self::NoFetchMetadata,
        Self::HostingNetwork,
        Self::Repeat,
        Self::HostedBrowser,
        Self::NoEncoding,
    ];

    /// Its bit in a set.
    pub(super) fn bit(self) -> u32 {
        1 << self as u32
    }

    /// Whether a click shows it.
    pub(super) fn is_seen(self, click: &Evidence<'_>) -> bool {
        let agent = click.agent;
        match self {
            Self::PurposePrefetch => click.is_prefetch(),
            Self::Listed => agent.listed.is_some(),
            Self::CrawlerAgent => agent.software.crawler,
            Self::DeclaredBot => agent.declares_itself,
            Self::NoUserAgent => agent.is_empty(),
            Self::HeadlessBrowser => agent.claims.is_headless,
            Self::MethodHead => click.method == Method::Head,
            Self::NoNavigation => click.is_no_navigation(),
            Self::Confirmed => click.confirmed,
            Self::LookedAt => click.recent.looked_at,
            Self::SocialNetwork => click.hosting == Some(Hosting::Social),
            Self::MailNetwork => click.hosting == Some(Hosting::Mail),
            Self::FanOut => click.recent.fan_out,
            Self::NoBrowser => click.lacks_html() && click.lacks(Signs::LANGUAGE),
            Self::Burst => click.recent.burst,
            Self::MethodPost => click.method == Method::Post,
            Self::ContradictedHints => agent.claims.is_contradicted,
            Self::UnknownAgent => agent.is_unknown(),
            Self::ImpossibleAgent => agent.claims.is_impossible,
            Self::AncientBrowser => click.is_ancient(),
            Self::NoAccept => click.lacks(Signs::ACCEPT),
            Self::NoHtml => click.lacks_html() && click.signs.has(Signs::ACCEPT),
            Self::NoLanguage => click.lacks(Signs::LANGUAGE),
            Self::NoFetchMetadata => click.lacks_fetch_metadata(),
            Self::HostingNetwork => click.is_hosted() && !click.is_dressed(),
            Self::Repeat => click.recent.repeat,
            Self::HostedBrowser => click.is_hosted() && click.is_dressed(),
            Self::NoEncoding => click.lacks(Signs::ENCODING),
        }
    }

    /// What it says that the click is.
    pub(super) fn verdict(self, click: &Evidence<'_>) -> Verdict {
        match self {
            Self::PurposePrefetch => Verdict::Prefetch,
            Self::Listed => match click.agent.listed.as_ref().map(|listed| listed.category) {
                Some(Category::Preview) => Verdict::Preview,
                Some(Category::Scanner) => Verdict::Scanner,
                Some(Category::Monitor) => Verdict::Monitor,
                Some(Category::Other) | None => Verdict::Bot,
            },
            // A HEAD with a browser's agent is a network that looks at a link before it shows it.
            Self::MethodHead if click.agent.is_browser() => Verdict::Preview,
            Self::CrawlerAgent
            | Self::DeclaredBot
            | Self::NoUserAgent
            | Self::HeadlessBrowser
            | Self::MethodHead
            | Self::NoNavigation
            | Self::NoBrowser => Verdict::Bot,
            Self::LookedAt | Self::SocialNetwork => Verdict::Preview,
            Self::MailNetwork | Self::FanOut => Verdict::Scanner,
            // Whoever comes again has been confirmed as a person, and counted.
            Self::Confirmed if click.recent.repeat => Verdict::Duplicate,
            Self::Repeat => Verdict::Duplicate,
            Self::Burst
            | Self::MethodPost
            | Self::ContradictedHints
            | Self::UnknownAgent
            | Self::ImpossibleAgent
            | Self::AncientBrowser
            | Self::NoAccept
            | Self::NoHtml
            | Self::NoLanguage
            | Self::NoFetchMetadata
            | Self::HostingNetwork => Verdict::Suspect,
            // People's VPNs and relays stand in data centres too, and proxies take encodings away.
            Self::Confirmed | Self::HostedBrowser | Self::NoEncoding => Verdict::Human,
        }
    }

    /// Its name in the table of clicks.
    pub(super) fn reason(self, agent: &Agent) -> &str {
        match self {
            Self::PurposePrefetch => "purpose_prefetch",
            Self::Listed => agent.listed.as_ref().map_or("", |listed| &listed.reason),
            Self::CrawlerAgent => "crawler_agent",
            Self::DeclaredBot => "declared_bot",
            Self::NoUserAgent => "no_user_agent",
            Self::HeadlessBrowser => "headless_browser",
            Self::MethodHead => "method_head",
            Self::NoNavigation => "no_navigation",
            Self::Confirmed => "confirmed",
            Self::LookedAt => "looked_at",
            Self::SocialNetwork => "social_network",
            Self::MailNetwork => "mail_network",
            Self::FanOut => "fan_out",
            Self::NoBrowser => "no_browser",
            Self::Burst => "burst",
            Self::MethodPost => "method_post",
            Self::ContradictedHints => "contradicted_hints",
            Self::UnknownAgent => "unknown_agent",
            Self::ImpossibleAgent => "impossible_agent",
            Self::AncientBrowser => "ancient_browser",
            Self::NoAccept => "no_accept",
            Self::NoHtml => "no_html",
            Self::NoLanguage => "no_language",
            Self::NoFetchMetadata => "no_fetch_metadata",
            Self::HostingNetwork | Self::HostedBrowser => "hosting_network",
            Self::Repeat => "repeat",
            Self::NoEncoding => "no_encoding",
        }
    }
}
