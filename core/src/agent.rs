//! What a user agent's text, and the client hints beside it, say of who asks: which browser on which device, or which
//! machine. Read once and kept for the next request with the same texts, since the edge asks on the way of a click.
//!
//! What a request is worth, which takes more than its agent, is ingest's verdict and not here.

mod app;
mod claims;
mod class;
mod contradiction;
mod crawlers;
mod declared;
mod hints;
mod software;

use std::sync::Arc;

use quick_cache::Equivalent;
use quick_cache::sync::Cache;

pub use app::APPS;
pub use claims::{Claims, Engine};
pub use class::AgentClass;
pub use crawlers::{Category, CrawlersError, Listed};
pub use hints::{Brand, Hints};
pub use software::{Device, Software};

use crate::click::{bounded, bounds};
use crate::{config, link};
use crawlers::Crawlers;

/// How many agents are remembered, each with the hints that came with it. A busy site sees some thousands a day; at up to
/// 4 KiB each this is at most 32 MiB, whatever agents somebody makes up, and some 5 MiB of real ones.
const REMEMBERED: usize = 8192;

/// A user agent with its hints, read once.
#[derive(Debug)]
pub struct Agent {
    /// Browser, system and device.
    pub software: Software,
    /// What the browser says of itself beside the agent.
    pub hints: Hints,
    /// Which browser it claims to be.
    pub claims: Claims,
    /// The coarse class of the text.
    pub class: AgentClass,
    /// Whether it says of itself that it is a program, be it by its page, its address, its name or its trade.
    pub declares_itself: bool,
    /// What the list of crawlers says.
    pub listed: Option<Listed>,
    /// The app whose own browser it is; empty where it is none's, or a machine.
    pub app: &'static str,
}

impl Agent {
    /// Whether none was sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.class == AgentClass::None
    }

    /// Whether it looks like a browser's.
    #[must_use]
    pub fn is_browser(&self) -> bool {
        self.class == AgentClass::Browser
    }

    /// Whether a social network or messenger fetches what it shows of a link.
    #[must_use]
    pub fn is_preview(&self) -> bool {
        let listed = self.listed.as_ref();
        listed.is_some_and(|listed| listed.category == Category::Preview)
    }

    /// Whether it says nothing: neither that it is a machine, nor which browser or device: `Mozilla/5.0`.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        !self.is_bot() && self.software.browser.is_empty() && self.software.device.is_none()
    }

    /// Whether it is a machine by its own word: on the list, preview fetchers too, or declared by its
    /// text, or without any, or a browser without a window. Browsers inside apps are people.
    #[must_use]
    pub fn is_bot(&self) -> bool {
        self.listed.is_some()
            || self.software.crawler
            || self.declares_itself
            || self.is_empty()
            || self.claims.is_headless
    }

    /// The kind of device, as links ask for it; none where it is unknown, or no device of a person.
    #[must_use]
    pub fn device(&self) -> Option<link::Device> {
        match self.software.device? {
            Device::Desktop => Some(link::Device::Desktop),
            Device::Mobile => Some(link::Device::Mobile),
            Device::Tablet => Some(link::Device::Tablet),
            Device::Appliance => Some(link::Device::Other),
            Device::Machine => None,
        }
    }

    fn read(said: Said<'_>, crawlers: &Crawlers) -> Self {
        let text = said.agent;
        let class = AgentClass::of(text);
        let hints = Hints::of(said.hints);
        let software = Software::of(text, &hints);
        let mut agent = Self {
            claims: Claims::of(text, &hints, software.device),
            software,
            hints,
            class,
            declares_itself: declared::declares_itself(text, class),
            listed: crawlers.find(text),
            app: "",
        };
        // An app's preview fetcher names it too, and has no browser.
        if !agent.is_bot() {
            agent.app = app::of(text);
        }
        agent
    }
}

/// What is asked about: an agent and its hints.
#[derive(Clone, Copy, Hash)]
struct Said<'s> {
    agent: &'s str,
    hints: &'s str,
}

/// What was asked about, kept. Hashes as [`Said`] does.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Remembered {
    agent: Box<str>,
    hints: Box<str>,
}

impl Equivalent<Remembered> for Said<'_> {
    fn equivalent(&self, key: &Remembered) -> bool {
        *self.agent == *key.agent && *self.hints == *key.hints
    }
}

/// Reads agents. Shared by threads.
#[derive(Debug)]
pub struct Agents {
    crawlers: Crawlers,
    read: Cache<Remembered, Arc<Agent>>,
}

impl Agents {
    /// With the configured list of crawlers, or the one that `npm ci` has brought.
    pub fn open(config: &config::Databases) -> Result<Self, CrawlersError> {
        Ok(Self {
            crawlers: Crawlers::open(&config.crawlers()?)?,
            read: Cache::new(REMEMBERED),
        })
    }

    /// What is known of an agent that came with `hints`, in the form in which a click has them. One that is known already
    /// costs no allocation and a tenth of a microsecond; a new one some six.
    ///
    /// What a click would not keep of an agent is not read either, so that edge and collector judge the
    /// same.
    #[must_use]
    pub fn of(&self, user_agent: &str, hints: &str) -> Arc<Agent> {
        let agent = &*bounded(user_agent.as_bytes(), bounds::USER_AGENT);
        let said = Said { agent, hints };
        if let Some(known) = self.read.get(&said) {
            return known;
        }
        let read = Arc::new(Agent::read(said, &self.crawlers));
        let key = Remembered {
            agent: agent.into(),
            hints: hints.into(),
        };
        self.read.insert(key, Arc::clone(&read));
        read
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    static AGENTS: LazyLock<Agents> =
        LazyLock::new(|| Agents::open(&config::Databases::default()).unwrap());

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
    const WHATSAPP_BROWSER: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 WhatsApp/2.23";

    #[test]
    fn people_previews_and_other_machines() {
        let table = [
            (CHROME, false, false),
            (WHATSAPP_BROWSER, false, false),
            ("WhatsApp/2.23.20.0 A", true, true),
            ("facebookexternalhit/1.1", true, true),
            (
                "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
                false,
                true,
            ),
            ("curl/8.5.0", false, true),
            ("Chef Client/10.18.2 (+http://opscode.com)", false, true),
            ("", false, true),
            ("-", false, true),
            ("an unknown thing", false, false),
        ];
        for (text, preview, bot) in table {
            let agent = AGENTS.of(text, "");
            assert_eq!(
                (agent.is_preview(), agent.is_bot()),
                (preview, bot),
                "{text}"
            );
        }
    }

    #[test]
    fn an_app_has_a_browser_and_its_preview_fetcher_has_none() {
        for (text, app) in [
            (WHATSAPP_BROWSER, "WhatsApp"),
            ("WhatsApp/2.23.20.0 A", ""),
            ("facebookexternalhit/1.1", ""),
            (CHROME, ""),
        ] {
            assert_eq!(AGENTS.of(text, "").app, app, "{text}");
        }
    }

    #[test]
    fn devices_as_links_ask_for_them() {
        let table = [
            (CHROME, Some(link::Device::Desktop)),
            (WHATSAPP_BROWSER, Some(link::Device::Mobile)),
            (
                "Mozilla/5.0 (iPad; CPU OS 12_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1",
                Some(link::Device::Tablet),
            ),
            (
                "Mozilla/5.0 (PlayStation 4 3.11) AppleWebKit/537.73 (KHTML, like Gecko)",
                Some(link::Device::Other),
            ),
            ("Googlebot/2.1", None),
            ("", None),
        ];
        for (text, device) in table {
            assert_eq!(AGENTS.of(text, "").device(), device, "{text}");
        }
    }

    #[test]
    fn a_known_agent_is_not_read_again_and_memory_is_bounded() {
        let agents = Agents::open(&config::Databases::default()).unwrap();
        let first = agents.of(CHROME, "");
        assert!(Arc::ptr_eq(&first, &agents.of(CHROME, "")));
        for number in 0..2 * REMEMBERED {
            let _ = agents.of(&format!("thing/{number}"), "");
        }
        assert!(agents.read.len() <= REMEMBERED);
    }

    #[test]
    fn an_agent_is_read_with_the_hints_beside_it() {
        let hints = "\"Brave\";v=\"131\", \"Chromium\";v=\"131\"";
        let [without, with] = ["", hints].map(|hints| AGENTS.of(CHROME, hints));
        assert_eq!(
            (&*without.software.browser, &*with.software.browser),
            ("Chrome", "Brave")
        );
        assert!(without.hints.is_empty() && with.hints.version_of("Brave") == Some("131"));
        assert!(Arc::ptr_eq(&with, &AGENTS.of(CHROME, hints)));
        // Where one ends and the other begins counts.
        assert!(!Arc::ptr_eq(&AGENTS.of("a", "bc"), &AGENTS.of("ab", "c")));
    }

    #[test]
    fn what_a_click_does_not_keep_is_not_read() {
        let long = format!("{}{}", "a".repeat(bounds::USER_AGENT), "Googlebot/2.1");
        let cut = &long[..bounds::USER_AGENT];
        assert!(Arc::ptr_eq(&AGENTS.of(&long, ""), &AGENTS.of(cut, "")));
        assert!(!AGENTS.of(&long, "").is_bot());
    }

    #[test]
    fn a_missing_list_is_named_by_its_key() {
        let config = config::Databases {
            crawlers: Some("/no/such.json".into()),
            ..config::Databases::default()
        };
        let error = Agents::open(&config).unwrap_err().to_string();
        assert!(
            error.contains("databases.crawlers") && error.contains("/no/such.json"),
            "{error}"
        );
    }

    proptest! {
        #[test]
        fn every_text_is_read_and_a_preview_is_a_bot(text in "\\PC{0,200}") {
            let agent = AGENTS.of(&text, "");
            prop_assert!(!agent.is_preview() || agent.is_bot());
        }
    }
}
