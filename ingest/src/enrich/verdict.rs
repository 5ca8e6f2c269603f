//! Who asked: a person, or which kind of machine. Nothing is dropped for it; reports choose.

use std::fmt;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use whence_core::agent::{Agent, Category};
use whence_core::click::Method;

/// What a click seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i8)]
pub enum Verdict {
    /// Nothing speaks against a person.
    Human = 1,
    /// A crawler, a library, a program.
    Bot = 2,
    /// Fetches the page to show a card of it in a chat or a post.
    Preview = 3,
    /// A browser that loads ahead of a click which may never come.
    Prefetch = 4,
    /// Looks for holes or for malware, as mail gateways do.
    Scanner = 5,
    /// Watches whether the page is up.
    Monitor = 6,
    /// The same visitor again. Never given on arrival: it takes other clicks to tell.
    Duplicate = 7,
    /// Odd, but not enough to say what it is.
    Suspect = 8,
}

/// What a click shows of itself that no person's would, in the order in which signs decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Sign {
    PurposePrefetch,
    Listed,
    CrawlerAgent,
    DeclaredBot,
    NoUserAgent,
    MethodHead,
    MethodPost,
}

impl Sign {
    const ALL: [Self; 7] = [
        Self::PurposePrefetch,
        Self::Listed,
        Self::CrawlerAgent,
        Self::DeclaredBot,
        Self::NoUserAgent,
        Self::MethodHead,
        Self::MethodPost,
    ];

    /// Its name in the table of clicks.
    fn reason(self, agent: &Agent) -> &str {
        match self {
            Self::PurposePrefetch => "purpose_prefetch",
            Self::Listed => agent.listed.as_ref().map_or("", |listed| &listed.reason),
            Self::CrawlerAgent => "crawler_agent",
            Self::DeclaredBot => "declared_bot",
            Self::NoUserAgent => "no_user_agent",
            Self::MethodHead => "method_head",
            Self::MethodPost => "method_post",
        }
    }
}

/// A verdict and what led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    /// What the click seems to be.
    pub(super) verdict: Verdict,
    /// A bit for each [`Sign`].
    signs: u32,
}

impl Judgement {
    /// Every sign that was seen, the deciding one first; empty for a person. `agent` is the one that was judged.
    pub(super) fn reasons<'a>(&self, agent: &'a Agent) -> Reasons<'a> {
        Reasons {
            signs: self.signs,
            agent,
        }
    }
}

/// Reasons of a verdict.
#[derive(Clone, Copy)]
pub struct Reasons<'a> {
    signs: u32,
    agent: &'a Agent,
}

impl<'a> Reasons<'a> {
    /// Each reason.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let seen = move |sign: &Sign| self.signs & (1 << *sign as u32) != 0;
        let signs = Sign::ALL.into_iter().filter(seen);
        signs.map(move |sign| sign.reason(self.agent))
    }
}

impl PartialEq for Reasons<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Reasons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl Serialize for Reasons<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.signs.count_ones() as usize))?;
        self.iter()
            .try_for_each(|reason| list.serialize_element(reason))?;
        list.end()
    }
}

/// Judges a click by its method, its purpose and what is known of its agent.
///
/// All signs are collected, so that a later rule set can weigh them anew; the first of them decides.
pub(super) fn judge(method: Method, purpose: &str, agent: &Agent) -> Judgement {
    let mut judgement = Judgement {
        verdict: Verdict::Human,
        signs: 0,
    };
    let mut sign = |holds: bool, sign: Sign, verdict: Verdict| {
        if holds {
            if judgement.signs == 0 {
                judgement.verdict = verdict;
            }
            judgement.signs |= 1 << sign as u32;
        }
    };
    sign(
        is_prefetch(purpose),
        Sign::PurposePrefetch,
        Verdict::Prefetch,
    );
    let listed = agent.listed.as_ref().map(|listed| match listed.category {
        Category::Preview => Verdict::Preview,
        Category::Scanner => Verdict::Scanner,
        Category::Monitor => Verdict::Monitor,
        Category::Other => Verdict::Bot,
    });
    sign(
        listed.is_some(),
        Sign::Listed,
        listed.unwrap_or(Verdict::Bot),
    );
    sign(agent.software.crawler, Sign::CrawlerAgent, Verdict::Bot);
    sign(agent.declares_itself, Sign::DeclaredBot, Verdict::Bot);
    sign(agent.is_empty(), Sign::NoUserAgent, Verdict::Bot);
    // A HEAD with a browser's agent is a network that looks at a link before it shows it.
    let looks = if agent.is_browser() {
        Verdict::Preview
    } else {
        Verdict::Bot
    };
    sign(method == Method::Head, Sign::MethodHead, looks);
    sign(method == Method::Post, Sign::MethodPost, Verdict::Suspect);
    judgement
}

/// `Sec-Purpose: prefetch;prerender`, `Purpose: prefetch`, `X-Moz: prefetch`, and Safari's `preview`.
fn is_prefetch(purpose: &str) -> bool {
    purpose
        .split(|c: char| !c.is_ascii_alphanumeric())
        .any(|word| {
            ["prefetch", "prerender", "preview"]
                .iter()
                .any(|p| word.eq_ignore_ascii_case(p))
        })
}

#[cfg(test)]
mod tests {
    use whence_core::agent::Agents;
    use whence_core::config::Databases;

    use super::*;

    const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
    const GOOGLEBOT: &str =
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";

    const OPERA: &str = "Opera/9.80 (Windows NT 6.1; U; en) Presto/2.8.131 Version/11.11";
    const CUBOT: &str = "Mozilla/5.0 (Linux; Android 9; CUBOT P20) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0 Mobile Safari/537.36";
    const META_IN_APP: &str = "Mozilla/5.0 (Linux; Android 14; Pixel 8; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/120.0.6099.43 Mobile Safari/537.36 MetaIAB Facebook";
    const TOOLBAR: &str =
        "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1; http://www.tropicdesigns.net)";

    #[test]
    fn golden_table() {
        let agents = Agents::open(&Databases::default()).unwrap();
        let list_and_form: &[&str] = &[
            "crawler_list:social-preview",
            "crawler_agent",
            "declared_bot",
        ];
        let table: &[(Method, &str, &str, Verdict, &[&str])] = &[
            (Method::Get, "", CHROME, Verdict::Human, &[]),
            (Method::Get, "", OPERA, Verdict::Human, &[]),
            // Phones and browsers inside apps, with words that robots use.
            (Method::Get, "", CUBOT, Verdict::Human, &[]),
            (Method::Get, "", META_IN_APP, Verdict::Human, &[]),
            (Method::Get, "", TOOLBAR, Verdict::Human, &[]),
            (Method::Get, "", "", Verdict::Bot, &["no_user_agent"]),
            (Method::Get, "", "-", Verdict::Bot, &["no_user_agent"]),
            (
                Method::Get,
                "",
                GOOGLEBOT,
                Verdict::Bot,
                &["crawler_list:search-engine", "crawler_agent"],
            ),
            (
                Method::Get,
                "",
                "facebookexternalhit/1.1",
                Verdict::Preview,
                &["crawler_list:social-preview", "crawler_agent"],
            ),
            (
                Method::Get,
                "",
                "curl/8.5.0",
                Verdict::Bot,
                &["crawler_list:http-library"],
            ),
            (
                Method::Get,
                "",
                "Chef Client/10.18.2 (+http://opscode.com)",
                Verdict::Bot,
                &["declared_bot"],
            ),
            (
                Method::Get,
                "prefetch;prerender",
                CHROME,
                Verdict::Prefetch,
                &["purpose_prefetch"],
            ),
            (
                Method::Get,
                "Prefetch",
                CHROME,
                Verdict::Prefetch,
                &["purpose_prefetch"],
            ),
            (Method::Get, "prefetching", CHROME, Verdict::Human, &[]),
            (
                Method::Get,
                "",
                "Twitterbot/1.0",
                Verdict::Preview,
                list_and_form,
            ),
            (
                Method::Get,
                "prefetch",
                "WhatsApp/2.23",
                Verdict::Prefetch,
                &["purpose_prefetch", "crawler_list:social-preview"],
            ),
            (Method::Head, "", CHROME, Verdict::Preview, &["method_head"]),
            (
                Method::Head,
                "",
                "",
                Verdict::Bot,
                &["no_user_agent", "method_head"],
            ),
            (
                Method::Head,
                "",
                "an unknown thing",
                Verdict::Bot,
                &["method_head"],
            ),
            (Method::Post, "", CHROME, Verdict::Suspect, &["method_post"]),
        ];
        for &(method, purpose, agent, verdict, reasons) in table {
            let found = judge(method, purpose, &agents.of(agent, ""));
            let known = agents.of(agent, "");
            let told: Vec<&str> = found.reasons(&known).iter().collect();
            assert_eq!(
                (found.verdict, &told[..]),
                (verdict, reasons),
                "{method:?} {purpose:?} {agent:?}"
            );
            // The edge has no verdict, and must take the same agents for people.
            if (method, purpose) == (Method::Get, "") {
                let told = (known.is_bot(), known.is_preview());
                let judged = (
                    found.verdict != Verdict::Human,
                    found.verdict == Verdict::Preview,
                );
                assert_eq!(told, judged, "{agent:?}");
            }
        }
    }
}
