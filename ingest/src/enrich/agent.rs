//! What is known of a user agent by its text alone, kept for the next click with the same one.

use std::sync::Arc;

use quick_cache::sync::Cache;

use super::agent_class::{AgentClass, begins_like_a_browser};
use super::crawlers::{Crawlers, Listed};
use super::software::Software;

/// How many agents are remembered. A busy site sees some thousands a day; at up to 2 KiB each this is a
/// few megabytes, whatever agents somebody makes up.
const REMEMBERED: usize = 4096;

/// A user agent, read once.
#[derive(Debug)]
pub(super) struct Agent {
    /// Browser, system and device.
    pub(super) software: Software,
    /// The coarse class of the text.
    pub(super) class: AgentClass,
    /// Whether it names itself or its page and does not even begin like a browser. One that does may be
    /// a phone called Cubot, or a browser with a toolbar that advertises.
    pub(super) declares_itself: bool,
    /// What the list of crawlers says.
    pub(super) listed: Option<Listed>,
}

impl Agent {
    /// Whether none was sent.
    pub(super) fn is_empty(&self) -> bool {
        self.class == AgentClass::None
    }

    /// Whether it looks like a browser's.
    pub(super) fn is_browser(&self) -> bool {
        self.class == AgentClass::Browser
    }
}

/// Reads agents.
#[derive(Debug)]
pub(super) struct Agents {
    crawlers: Crawlers,
    read: Cache<Box<str>, Arc<Agent>>,
}

impl Agents {
    /// With the list of crawlers.
    pub(super) fn new(crawlers: Crawlers) -> Self {
        Self {
            crawlers,
            read: Cache::new(REMEMBERED),
        }
    }

    /// What is known of an agent.
    pub(super) fn of(&self, text: &str) -> Arc<Agent> {
        if let Some(known) = self.read.get(text) {
            return known;
        }
        let class = AgentClass::of(text);
        let agent = Arc::new(Agent {
            software: Software::of(text),
            class,
            declares_itself: class == AgentClass::DeclaredBot && !begins_like_a_browser(text),
            listed: self.crawlers.find(text),
        });
        self.read.insert(text.into(), Arc::clone(&agent));
        agent
    }
}
