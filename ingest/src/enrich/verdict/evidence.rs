//! What a click is judged by: only what stands in its row too, so that it can be judged again.

use whence_core::agent::Agent;
use whence_core::click::{Method, Signs};

use crate::enrich::hosting::Hosting;
use crate::enrich::recent::Recent;

/// Everything that a verdict may depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'e> {
    /// When it was, in milliseconds since 1970: an old browser was new once.
    pub(crate) unix_ms: u64,
    /// The request's method.
    pub(crate) method: Method,
    /// `Sec-Purpose`, `Purpose` and `X-Moz`.
    pub(crate) purpose: &'e str,
    /// The user agent and its client hints, read.
    pub(crate) agent: &'e Agent,
    /// Which headers came with it.
    pub(crate) signs: Signs,
    /// What the network is for that it came from, where nobody sits there.
    pub(crate) hosting: Option<Hosting>,
    /// What other clicks of the last minutes say.
    pub(crate) recent: Recent,
    /// A browser has shown the landing page.
    pub(crate) confirmed: bool,
}

/// How long after its successor came nobody uses a browser any more, in years.
const FORGOTTEN_AFTER: u16 = 10;

impl Evidence<'_> {
    /// Whether its headers can be told from those of a browser: they were looked at, and the agent claims to be a browser
    /// whose headers are known.
    pub(super) fn is_comparable(&self) -> bool {
        self.signs.has(Signs::KNOWN) && self.agent.claims.engine.is_some()
    }

    /// Whether the browser would have named `text/html`.
    pub(super) fn lacks_html(&self) -> bool {
        self.is_comparable() && self.agent.claims.asks_for_html() && !self.signs.has(Signs::HTML)
    }

    /// Whether a header is missing that every browser sends.
    pub(super) fn lacks(&self, header: Signs) -> bool {
        self.is_comparable() && !self.signs.has(header)
    }

    /// Whether the browser would have sent Fetch Metadata.
    pub(super) fn lacks_fetch_metadata(&self) -> bool {
        self.is_comparable()
            && self.signs.has(Signs::SECURE)
            && self.agent.claims.sends_fetch_metadata()
            && !self.signs.has(Signs::FETCH)
    }

    /// Whether it came from where programs run and people's relays end.
    pub(super) fn is_hosted(&self) -> bool {
        self.hosting == Some(Hosting::Servers)
    }

    /// Whether all headers are there that the browser sends when a person opens a page.
    pub(super) fn is_dressed(&self) -> bool {
        let all = Signs::ACCEPT | Signs::LANGUAGE | Signs::ENCODING;
        self.is_comparable()
            && self.signs.has(all)
            && !self.lacks_html()
            && !self.lacks_fetch_metadata()
    }

    /// Whether it was loaded into a page, or by a program in one, where a person who clicks opens a page.
    pub(super) fn is_no_navigation(&self) -> bool {
        self.signs.has(Signs::FETCH) && !self.signs.has(Signs::NAVIGATE)
    }

    /// Whether nobody had the browser any more when the click was.
    pub(super) fn is_ancient(&self) -> bool {
        let superseded = self.agent.claims.superseded;
        superseded.is_some_and(|year| self.year() > year + FORGOTTEN_AFTER)
    }

    /// `Sec-Purpose: prefetch;prerender`, `Purpose: prefetch`, `X-Moz: prefetch`, and Safari's `preview`.
    pub(super) fn is_prefetch(&self) -> bool {
        self.purpose
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| {
                ["prefetch", "prerender", "preview"]
                    .iter()
                    .any(|p| word.eq_ignore_ascii_case(p))
            })
    }

    /// The year of the click, to a day.
    fn year(&self) -> u16 {
        /// 365.2425 days.
        const MILLISECONDS: u64 = 31_556_952_000;
        u16::try_from(1970 + self.unix_ms / MILLISECONDS).unwrap_or(u16::MAX)
    }
}
