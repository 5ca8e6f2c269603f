//! Who asked: a person, or which kind of machine. Nothing is dropped for it; reports choose.

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

/// A verdict and what led to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    /// What the click seems to be.
    pub(super) verdict: Verdict,
    /// Every sign that was seen, the deciding one first; empty for a person.
    pub(super) reasons: Vec<String>,
}

/// Judges a click by its method, its purpose and what is known of its agent.
///
/// All signs are collected, so that a later rule set can weigh them anew; the first of them decides.
pub(super) fn judge(method: Method, purpose: &str, agent: &Agent) -> Judgement {
    let mut signs: Vec<(Verdict, String)> = Vec::new();
    if is_prefetch(purpose) {
        signs.push((Verdict::Prefetch, "purpose_prefetch".into()));
    }
    if let Some(listed) = &agent.listed {
        let verdict = match listed.category {
            Category::Preview => Verdict::Preview,
            Category::Scanner => Verdict::Scanner,
            Category::Monitor => Verdict::Monitor,
            Category::Other => Verdict::Bot,
        };
        signs.push((verdict, format!("crawler_list:{}", listed.tag)));
    }
    if agent.software.crawler {
        signs.push((Verdict::Bot, "crawler_agent".into()));
    }
    if agent.declares_itself {
        signs.push((Verdict::Bot, "declared_bot".into()));
    }
    if agent.is_empty() {
        signs.push((Verdict::Bot, "no_user_agent".into()));
    }
    match method {
        // A HEAD with a browser's agent is a network that looks at a link before it shows it.
        Method::Head if agent.is_browser() => signs.push((Verdict::Preview, "method_head".into())),
        Method::Head => signs.push((Verdict::Bot, "method_head".into())),
        Method::Post => signs.push((Verdict::Suspect, "method_post".into())),
        Method::Get => {}
    }
    let verdict = signs
        .first()
        .map_or(Verdict::Human, |(verdict, _)| *verdict);
    let reasons = signs.into_iter().map(|(_, reason)| reason).collect();
    Judgement { verdict, reasons }
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
            let found = judge(method, purpose, &agents.of(agent));
            let expected = Judgement {
                verdict,
                reasons: reasons.iter().map(|r| (*r).to_owned()).collect(),
            };
            assert_eq!(found, expected, "{method:?} {purpose:?} {agent:?}");
            // The edge has no verdict, and must take the same agents for people.
            if (method, purpose) == (Method::Get, "") {
                let known = agents.of(agent);
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
